"""`zhengtong index`: the one-stop index, made anew or held against the departments."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from gateway import indexer
from gateway.cli.saying import DIFFERS, NO_ANSWER, AsJson, console, fail, give, say, table
from gateway.cli.surroundings import settings
from services.common.errors import Unavailable

T = TypeVar("T")
SHOWN = 50

app = typer.Typer(no_args_is_help=True)


@app.command("rebuild", help="由各部门的快照与事件重建索引；期间查询照常。")
def rebuild(as_json: AsJson = False) -> None:
    result = _with_progress(lambda tell: indexer.rebuild(settings(), tell))
    if as_json:
        give({"documents": result.documents, "seconds": round(result.seconds, 1)})
    else:
        say(f"已重建：{result.documents} 条，用时 {result.seconds:.1f} 秒。")


@app.command("verify", help="逐条核对索引与各部门；有差异则退出码为 1。")
def verify(as_json: AsJson = False) -> None:
    result = _with_progress(lambda tell: indexer.verify(settings(), tell))
    differences = [
        {"kind": one.kind, "id": one.id, "detail": one.detail} for one in result.differences
    ]
    if as_json:
        give({"compared": result.compared, "differences": differences})
    else:
        if differences:
            rows = [(one["kind"], one["id"], one["detail"]) for one in differences[:SHOWN]]
            table(("差异", "编号", "说明"), rows)
        say(f"核对 {result.compared} 条，{len(differences)} 处差异。")
    raise typer.Exit(DIFFERS if differences else 0)


def _with_progress(work: Any) -> Any:
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
    ) as bar:
        task = bar.add_task("连接各部门", total=None)

        def tell(done: int, total: int | None, text: str) -> None:
            bar.update(task, completed=done, total=total, description=text)

        try:
            return _run(work(tell))
        except Unavailable as error:
            fail(str(error), NO_ANSWER)


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)
