"""`zhengtong index`: the one-stop index, made anew or held against the departments."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from gateway.cli.saying import DIFFERS, NO_ANSWER, REFUSED, AsJson, console, fail, give, say, table
from gateway.cli.surroundings import platform
from gateway.indexer.rebuild import RebuildFailed
from gateway.indexer.rebuild import rebuild as rebuild_index
from gateway.indexer.verify import VerifyFailed
from gateway.indexer.verify import verify as verify_index
from gateway.onestop.directory import LockHeld

if TYPE_CHECKING:
    from gateway.indexer.rebuild import Progress as Tell
    from services.common.settings import Settings

T = TypeVar("T")
SHOWN = 50
BEHIND = 15  # niceness of a rebuild: who asks and who changes come first
AUTOGROUP = Path("/proc/self/autogroup")  # of the session; where it is kept, niceness counts within

app = typer.Typer(no_args_is_help=True)


@app.command("rebuild", help="由各部门的快照与事件重建索引；期间查询照常。")
def rebuild(as_json: AsJson = False) -> None:
    with _behind_others():
        result = _with_progress(rebuild_index)
    if as_json:
        give({"subjects": dict(result.subjects), "seconds": round(result.seconds, 1)})
        return
    table(("部门", "条数"), [(name, str(count)) for name, count in result.subjects.items()])
    say(f"已重建，用时 {result.seconds:.1f} 秒。")


@app.command("verify", help="逐条核对索引与各部门；有差异则退出码为 1。")
def verify(as_json: AsJson = False) -> None:
    result = _with_progress(verify_index)
    differences = [asdict(one) for one in result.differences]
    if as_json:
        give(
            {
                "compared": result.compared,
                "positions": result.positions,
                "differences": differences,
            }
        )
    else:
        if differences:
            rows = [[str(value) for value in one.values()] for one in differences[:SHOWN]]
            table(("差异", "部门", "编号", "说明"), rows)
        say(f"核对 {result.compared} 条，{len(differences)} 处差异。")
    raise typer.Exit(DIFFERS if differences else 0)


@contextmanager
def _behind_others() -> Iterator[None]:
    """Let every other process have the cores first; a rebuild takes what they leave.

    Desktop kernels share the cores among sessions before niceness counts, so the session gives way
    as well, and is put right afterwards.
    """
    os.nice(BEHIND)
    before = _session_niceness()
    _set_session_niceness(None if before is None else str(BEHIND))
    try:
        yield
    finally:
        _set_session_niceness(before)


def _session_niceness() -> str | None:
    """As `/autogroup-7 nice 0` says; None outside a session's group, where the file is empty."""
    with suppress(OSError):
        return next(reversed(AUTOGROUP.read_text(encoding="ascii").split()), None)
    return None


def _set_session_niceness(niceness: str | None) -> None:
    if niceness is not None:
        with suppress(OSError):
            AUTOGROUP.write_text(niceness, encoding="ascii")


def _with_progress(work: Callable[[Settings, Tell], Coroutine[Any, Any, T]]) -> T:
    known, _ = platform()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("连接各部门", total=None)

        def tell(done: int, total: int | None, text: str) -> None:
            bar.update(task, completed=done, total=total, description=text)

        try:
            return asyncio.run(work(known, tell))
        except (VerifyFailed, RebuildFailed) as error:
            fail(str(error), NO_ANSWER)
        except LockHeld:
            fail("另一次重建正在进行，请等它结束。", REFUSED)
