"""Compares the index with what the departments themselves say, at one position of each log."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import grpc
from zhengtong.eventlog.v1 import eventlog_service_pb2 as pb

from gateway.clients import Clients, refusal_of
from gateway.indexer.feed import READ_EVENTS, READ_SNAPSHOT
from gateway.indexer.rebuild import PRINCIPAL
from gateway.indexer.writer import read_positions, read_subjects
from gateway.onestop import directory
from gateway.onestop.cards import changes, digest
from services.common.callers import Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.onestop.cards import Change
    from gateway.onestop.schema import Position
    from services.common.settings import Settings

    Progress = Callable[[int, int | None, str], None]

LOOKS = 4  # a difference counts when it is still there after so many looks
BETWEEN_LOOKS = 1.0  # seconds
CATCH_UP = 30.0  # seconds for the index to reach where the snapshot was read
SILENCE = 10.0  # seconds


class VerifyFailed(RuntimeError):
    """The comparison could not be made."""


class DifferenceKind(StrEnum):
    """How the index differs from a department."""

    MISSING = "missing"
    EXTRA = "extra"
    ALTERED = "altered"


@dataclass(frozen=True, slots=True)
class Difference:
    """One subject that the index has otherwise than its department."""

    kind: DifferenceKind
    department: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What was found.

    Args:
        compared: subjects looked at.
        positions: the log position that each department was compared at.
    """

    differences: list[Difference]
    compared: int
    positions: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Says:
    """Version and content of one subject; None: removed."""

    version: int
    digest: bytes | None


@dataclass
class _Department:
    """What a department says, brought from a snapshot to any later position of its log."""

    name: str
    epoch: str = ""
    sequence: int = 0
    says: dict[str, _Says] = field(default_factory=dict)

    def take(self, told: Iterable[Change]) -> None:
        """Newest version wins."""
        for change in told:
            known = self.says.get(change.subject)
            if known is None or change.version > known.version:
                self.says[change.subject] = _said(change)


async def verify(settings: Settings, progress: Progress) -> VerifyResult:
    """Compare the index in use with every department.

    The index is compared at the log position that its own commit carries; what a department changes
    meanwhile is read from its log up to that position. Snapshots see what is saved but not yet in
    the log, so what differs is looked at again after the index has gone on.

    Args:
        progress: told how many departments are done, of how many, and which is next.

    Raises:
        VerifyFailed: there is no index, or a department or the indexer does not answer.
    """
    settings.need("grpc_addresses", "index_dir")
    signer = Signer.load(settings.keys_dir, PRINCIPAL)
    comparison = _Comparison(settings, Clients(settings, signer), signer)
    result = VerifyResult([], 0, {})
    names = list(settings.public_departments())
    compared = 0
    try:
        for done, name in enumerate(names):
            progress(done, len(names), f"核对 {name}")
            differences, department = await comparison.of(name)
            result.differences.extend(differences)
            result.positions[name] = department.sequence
            compared += len(department.says)
    except (grpc.aio.AioRpcError, TimeoutError) as error:
        raise VerifyFailed(f"部门 {name} 没有应答。") from error
    finally:
        await comparison.close()
    progress(len(names), len(names), "核对完毕")
    return VerifyResult(result.differences, compared, result.positions)


class _Comparison:
    """Reads both sides."""

    def __init__(self, settings: Settings, clients: Clients, signer: Signer) -> None:
        self._root = settings.index_dir
        self._clients = clients
        self._caller = signer.own()

    async def close(self) -> None:
        await self._clients.close()

    async def of(self, name: str) -> tuple[list[Difference], _Department]:
        department = _Department(name)
        await self._read_snapshot(department)
        head = await self._head(department)
        found: dict[str, Difference] = {}
        for look in range(LOOKS):
            position, index = await self._index_at(department, head)
            await self._read_log(department, position.sequence)
            differs = _compare(department, index)
            found = differs if look == 0 else {s: differs[s] for s in differs if s in found}
            if not found:
                break
            await asyncio.sleep(BETWEEN_LOOKS)
            head = await self._head(department)
        return list(found.values()), department

    async def _read_snapshot(self, department: _Department) -> None:
        stream = self._clients.stream(
            department.name, READ_SNAPSHOT, pb.ReadSnapshotRequest(), caller=self._caller
        )
        try:
            async with asyncio.timeout(None) as limit:
                while True:
                    limit.reschedule(asyncio.get_running_loop().time() + SILENCE)
                    page = await stream.read()
                    if page is grpc.aio.EOF:
                        return
                    if not department.epoch:
                        department.epoch, department.sequence = page.epoch, page.head
                    for record in page.records:
                        department.take(changes(record))
        finally:
            stream.cancel()

    async def _head(self, department: _Department) -> int:
        """The head of the log now."""
        return await self._follow(department, None)

    async def _read_log(self, department: _Department, sequence: int) -> None:
        """Bring what the department says to a position of its log."""
        if department.sequence < sequence:
            await self._follow(department, sequence)

    async def _follow(self, department: _Department, until: int | None) -> int:
        """Read the log up to `until`, or up to the head that the first heartbeat names."""
        request = pb.ReadEventsRequest(epoch=department.epoch, after=department.sequence)
        stream = self._clients.stream(department.name, READ_EVENTS, request, caller=self._caller)
        try:
            while True:
                async with asyncio.timeout(SILENCE):
                    answer = await stream.read()
                if answer is grpc.aio.EOF:
                    raise TimeoutError
                if until is None:
                    return int(answer.head)
                for event in answer.events:
                    if event.sequence <= until:
                        department.take(changes(event))
                        department.sequence = event.sequence
                if department.sequence >= until:
                    return department.sequence
        except grpc.aio.AioRpcError as error:
            raise VerifyFailed(str(refusal_of(department.name, error))) from error
        finally:
            stream.cancel()

    async def _index_at(
        self, department: _Department, head: int
    ) -> tuple[Position, dict[str, _Says]]:
        """The index as of one commit that has come at least to `head`."""
        deadline = time.monotonic() + CATCH_UP
        while True:
            position, index = await asyncio.to_thread(self._read_index, department.name, head)
            if position and position.epoch == department.epoch and index is not None:
                return position, index
            if time.monotonic() > deadline:
                at = position.sequence if position else 0
                raise VerifyFailed(f"索引中 {department.name} 停在 {at}，没有跟上日志的 {head}。")
            await asyncio.sleep(0.1)

    def _read_index(self, name: str, head: int) -> tuple[Position | None, dict[str, _Says] | None]:
        used = directory.current(self._root)
        if used is None:
            raise VerifyFailed("还没有索引。")
        try:
            searcher = directory.open_index(used).searcher()
            position = next((p for p in read_positions(searcher) if p.source == name), None)
            if position is None or position.filling or position.sequence < head:
                return position, None
            return position, {
                stored.change.subject: _said(stored.change)
                for stored in read_subjects(searcher, name)
            }
        except (ValueError, OSError):
            return None, None  # it was just being replaced


def _said(change: Change) -> _Says:
    return _Says(change.version, digest(change.card) if change.card else None)


def _compare(department: _Department, index: dict[str, _Says]) -> dict[str, Difference]:
    differences = {}
    for subject in department.says.keys() | index.keys():
        difference = _difference(department.says.get(subject), index.get(subject))
        if difference:
            kind, detail = difference
            differences[subject] = Difference(kind, department.name, subject, detail)
    return differences


def _difference(says: _Says | None, index: _Says | None) -> tuple[DifferenceKind, str] | None:
    """What is wrong; a removed thing may be remembered as removed or be unknown, on both sides."""
    shown = says if says and says.digest else None
    held = index if index and index.digest else None
    if shown and not held:
        return DifferenceKind.MISSING, f"部门为第 {shown.version} 版，索引中没有"
    if held and not shown:
        return DifferenceKind.EXTRA, f"部门已没有，索引中为第 {held.version} 版"
    if shown and held and shown.version != held.version:
        return DifferenceKind.ALTERED, f"部门为第 {shown.version} 版，索引中为第 {held.version} 版"
    if shown and held and shown.digest != held.digest:
        return DifferenceKind.ALTERED, f"第 {shown.version} 版的内容不一致"
    return None
