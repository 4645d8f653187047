"""The log over gRPC: what is stamped, then live, with heartbeats; and snapshots."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from google.protobuf.timestamp_pb2 import Timestamp
from pymongo.errors import PyMongoError
from zhengtong.eventlog.v1 import eventlog_pb2
from zhengtong.eventlog.v1 import eventlog_service_pb2 as pb
from zhengtong.eventlog.v1 import eventlog_service_pb2_grpc as pb_grpc

from services.common.errors import Invalid, Refused, Unavailable
from services.common.eventlog import log
from services.common.eventlog.outbox import Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    import grpc
    from pymongo.database import Database

    Document = dict[str, Any]

BATCH_EVENTS = 500
BATCH_BYTES = 2_000_000  # a message may have 4 MB, and one bulk fact more may join the last
HEARTBEAT_SECONDS = 1.0
SNAPSHOT_RECORDS = 500


class LogTruncated(Refused):
    """The log does not go back that far; take a snapshot."""

    reason = "LOG_TRUNCATED"


class LogEpochChanged(Refused):
    """The log was made anew; take a snapshot and drop the old copy."""

    reason = "LOG_EPOCH_CHANGED"


class LogPositionAhead(Invalid):
    """The caller has read what the log never said."""

    reason = "LOG_POSITION_AHEAD"


class SnapshotBroken(Unavailable):
    """The department stopped before the snapshot was whole."""

    reason = "SNAPSHOT_BROKEN"


class Head:
    """The head of one log, kept by a change stream and looked at each second all the same."""

    def __init__(self, database: Database[Document]) -> None:
        self._database = database
        self._moved = threading.Condition()
        self._head = 0
        self._epoch = ""
        self._ended = False
        self._watching = False

    def read(self) -> tuple[str, int]:
        """Epoch and head as the database has them now."""
        document = self._database["log"].find_one({"_id": log.LOG_ID})
        if document is None:
            return "", 0
        return str(document["epoch"]), int(document["head"])

    def wait(self, epoch: str, after: int, seconds: float) -> bool:
        """Wait until the head is beyond `after` or the epoch another; False: not in time."""
        self._watch_from_now_on()
        with self._moved:
            return self._moved.wait_for(
                lambda: self._ended or self._head > after or self._epoch not in (epoch, ""),
                seconds,
            )

    @property
    def ended(self) -> bool:
        """Whether the department stops, and streams with it."""
        return self._ended

    def end(self) -> None:
        """Let every waiter go."""
        with self._moved:
            self._ended = True
            self._moved.notify_all()

    def _watch_from_now_on(self) -> None:
        with self._moved:
            if self._watching:
                return
            self._watching = True
        threading.Thread(target=self._watch, name="log-head", daemon=True).start()

    def _watch(self) -> None:
        changed: list[Document] = [
            {"$match": {"operationType": "update", "documentKey._id": log.LOG_ID}},
            {"$project": {"_id": 1, "updateDescription.updatedFields.head": 1}},
        ]
        while not self._ended:
            try:
                with self._database["log"].watch(changed, max_await_time_ms=1000) as stream:
                    self._take(*self.read())
                    while not self._ended:
                        self._follow(stream.try_next())
            except PyMongoError:
                threading.Event().wait(0.2)

    def _follow(self, change: Document | None) -> None:
        if change is None:
            self._take(*self.read())
            return
        head = change.get("updateDescription", {}).get("updatedFields", {}).get("head")
        if head is not None:
            self._take(self._epoch, int(head))

    def _take(self, epoch: str, head: int) -> None:
        with self._moved:
            if epoch != self._epoch or head > self._head:
                self._epoch, self._head = epoch, head
                self._moved.notify_all()


class EventLogServicer(pb_grpc.EventLogServiceServicer):
    """zhengtong.eventlog.v1.EventLogService of one department.

    Args:
        snapshot: every public aggregate as a fact of its complete state, paged by the store.
        clock: now, aware.
    """

    def __init__(
        self,
        database: Database[Document],
        department: str,
        snapshot: Callable[[Database[Document]], Iterable[Told]],
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._source = f"/{department}"
        self._snapshot = snapshot
        self._clock = clock
        self.head = Head(database)

    def ReadEvents(  # noqa: N802  (named by the proto)
        self, request: pb.ReadEventsRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ReadEventsResponse]:
        epoch, head = self.head.read()
        check_position(self._database, request.epoch or epoch, request.after, epoch, head)
        after = request.after
        while context.is_active() and not self.head.ended:
            events = list(self._after(after))
            if events:
                after = events[-1].sequence
                yield self._answer(epoch, max(head, after), events)
                continue
            yield self._answer(epoch, max(head, after), [])
            if self.head.wait(epoch, after, HEARTBEAT_SECONDS):
                now_epoch, head = self.head.read()
                if now_epoch != epoch:
                    raise LogEpochChanged("事件日志已重建，请重新获取快照。")

    def ReadSnapshot(  # noqa: N802  (named by the proto)
        self, request: pb.ReadSnapshotRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ReadSnapshotResponse]:
        del request
        epoch, head = self.head.read()
        records: list[eventlog_pb2.Event] = []
        size = 0
        for told in self._snapshot(self._database):
            if not context.is_active():
                return
            if self.head.ended:
                # An ended stream would pass for a whole snapshot, and readers drop what it lacks.
                raise SnapshotBroken("部门正在停止服务，请稍后重新获取快照。")
            records.append(self._record(told, epoch))
            size += len(told.data)
            if len(records) >= SNAPSHOT_RECORDS or size >= BATCH_BYTES:
                yield self._page(epoch, head, records)
                records, size = [], 0
        yield self._page(epoch, head, records)

    def _after(self, after: int) -> Iterator[eventlog_pb2.Event]:
        size = 0
        found = self._database["events"].find({"sequence": {"$gt": after}}, hint="sequence")
        for document in found.sort("sequence", 1).limit(BATCH_EVENTS):
            yield _event(document, self._source)
            size += len(document["data"])
            if size >= BATCH_BYTES:
                return

    def _answer(
        self, epoch: str, head: int, events: list[eventlog_pb2.Event]
    ) -> pb.ReadEventsResponse:
        return pb.ReadEventsResponse(events=events, epoch=epoch, head=head, time=self._now())

    def _page(
        self, epoch: str, head: int, records: list[eventlog_pb2.Event]
    ) -> pb.ReadSnapshotResponse:
        return pb.ReadSnapshotResponse(epoch=epoch, head=head, records=records, time=self._now())

    def _record(self, told: Told, epoch: str) -> eventlog_pb2.Event:
        changed = Timestamp()
        changed.FromMicroseconds(told.tick)  # so a copy made anew says the same times
        return eventlog_pb2.Event(
            source=self._source,
            type=told.kind,
            subject=told.subject,
            time=changed,
            epoch=epoch,
            version=told.version,
            data=told.data,
        )

    def _now(self) -> Timestamp:
        now = Timestamp()
        now.FromDatetime(self._clock())
        return now


def check_position(
    database: Database[Document], wanted_epoch: str, after: int, epoch: str, head: int
) -> None:
    """Refuse a position that the log cannot go on from.

    Raises:
        LogEpochChanged, LogPositionAhead, LogTruncated.
    """
    if wanted_epoch != epoch:
        raise LogEpochChanged("事件日志已重建，请重新获取快照。")
    if after > head or after < 0:
        raise LogPositionAhead("所给位置超出事件日志的末尾。")
    first = database["events"].find_one(
        {"sequence": {"$gt": 0}}, {"sequence": 1}, sort=[("sequence", 1)], hint="sequence"
    )
    kept_from = int(first["sequence"]) if first else head + 1
    if after < kept_from - 1:
        raise LogTruncated("事件日志已不再保留该位置之后的全部记录，请重新获取快照。")


def _event(document: Document, source: str) -> eventlog_pb2.Event:
    time = Timestamp()
    time.FromDatetime(document["time"])
    return eventlog_pb2.Event(
        id=document["_id"],
        source=source,
        type=document["type"],
        subject=document["subject"],
        time=time,
        traceparent=document["traceparent"],
        epoch=document["epoch"],
        sequence=document["sequence"],
        version=document["version"],
        data=document["data"].encode(),
    )
