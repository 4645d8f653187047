"""Builds the index anew beside the one in use, and puts it in its place when it has caught up."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.clients import Clients
from gateway.indexer.session import Session, now_micros
from gateway.indexer.standing import Standing
from gateway.indexer.writer import IndexWriter
from gateway.onestop import directory
from gateway.onestop.directory import REBUILD_LOCK, Signals
from services.common.callers import Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from services.common.settings import Settings

    Progress = Callable[[int, int | None, str], None]

GIVE_UP_AFTER = 10_000_000  # microseconds of silence of one department
PRINCIPAL = "cli"


class RebuildFailed(RuntimeError):
    """A department cannot be read; the index in use stays as it was."""


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """What was built.

    Args:
        subjects: by department, removed ones too.
        seconds: from the start to the switch.
    """

    directory: str
    subjects: Mapping[str, int]
    seconds: float


async def rebuild(settings: Settings, progress: Progress) -> RebuildResult:
    """Build a new index from snapshots and logs and switch to it; queries never stop.

    A running indexer goes on in the new directory; without one, the next does.

    Args:
        progress: told how many subjects are read, of how many (None: nobody knows), and what is
            being done, in Chinese.

    Raises:
        LockHeld: another rebuild runs.
        RebuildFailed: a department has not answered for 10 seconds.
    """
    settings.need("grpc_addresses", "index_dir")
    root = settings.index_dir
    began = time.monotonic()
    with directory.locked(root / REBUILD_LOCK):
        new = directory.create(root)
        try:
            subjects = await _fill(new, settings, progress)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        directory.switch(root, new)
        signals = Signals(root)
        signals.index_moved()
        signals.close()
    return RebuildResult(new.name, subjects, time.monotonic() - began)


async def _fill(new: Path, settings: Settings, progress: Progress) -> dict[str, int]:
    writer = IndexWriter(new)
    standings = {name: Standing(name) for name in settings.public_departments()}
    signer = Signer.load(settings.keys_dir, PRINCIPAL)
    clients = Clients(settings, signer)

    def told() -> None:
        progress(writer.documents, None, "读取各部门的快照与事件日志")

    try:
        session = Session(writer, standings, told)
        await session.run(clients, signer.own(), lambda: _caught_up(standings))
        progress(writer.documents, writer.documents, "合并索引")
        return writer.subjects_by_source()
    finally:
        await clients.close()
        writer.close(merge=True)


def _caught_up(standings: Mapping[str, Standing]) -> bool:
    now = now_micros()
    for one in standings.values():
        if one.lost_since is not None and now - one.lost_since > GIVE_UP_AFTER:
            raise RebuildFailed(f"部门 {one.department} 没有应答，索引未重建。")
    return all(
        one.as_of is not None and one.lost_since is None and one.sequence >= one.head
        for one in standings.values()
    )
