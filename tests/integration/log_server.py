"""A department's event log in memory, served over gRPC like the real one."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent import futures

import grpc
import orjson
from grpc_status import rpc_status
from zhengtong.eventlog.v1 import eventlog_pb2
from zhengtong.eventlog.v1 import eventlog_service_pb2 as pb
from zhengtong.eventlog.v1 import eventlog_service_pb2_grpc as pb_grpc

from services.common.errors import DomainError, Invalid, Refused
from services.common.status import status_of

HEARTBEAT = 0.2  # seconds; the real one's is 1


class LogTruncated(Refused):
    reason = "LOG_TRUNCATED"


class LogEpochChanged(Refused):
    reason = "LOG_EPOCH_CHANGED"


class LogPositionAhead(Invalid):
    reason = "LOG_POSITION_AHEAD"


class DepartmentLog(pb_grpc.EventLogServiceServicer):
    """State and log of one department, with a server that can be stopped and started."""

    def __init__(self, name):
        self.name = name
        self.epoch = uuid.uuid4().hex
        self.events = []
        self.state = {}  # subject: (version, card or None)
        self.kept_from = 1
        self.snapshots_read = 0
        self._changed = threading.Condition()
        self._server = None
        self.port = 0
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self._stopped = False
        self._server = grpc.server(futures.ThreadPoolExecutor(24))
        pb_grpc.add_EventLogServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        assert self.port
        self._server.start()

    def stop(self):
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._server.stop(0).wait()

    def publish(self, subject, **card):
        """Tell of one subject; returns its version."""
        card = {"kind": "item", "url": f"/items/{subject}"} | card
        return self._tell(subject, card)

    def remove(self, subject):
        return self._tell(subject, None)

    def tell_uncarded(self, subject):
        """A fact that says nothing to searchers."""
        with self._changed:
            self._append(subject, 1, {"permit": {"permit_id": subject}})

    def publish_many(self, cards):
        """One bulk fact for {subject: card}."""
        with self._changed:
            records = []
            for subject, given in cards.items():
                card = {"kind": "item", "url": f"/items/{subject}"} | given
                version = self.state.get(subject, (0, None))[0] + 1
                self.state[subject] = (version, card)
                records.append({"subject": subject, "version": str(version), "card": card})
            self._append("batch", 1, {"records": records})

    def forget_before(self, sequence):
        """The log no longer goes back that far."""
        with self._changed:
            self.kept_from = sequence

    def restore(self, state):
        """As after a restore from a backup: another epoch, another state, an empty log."""
        with self._changed:
            self.epoch = uuid.uuid4().hex
            self.events = []
            self.kept_from = 1
            self.state = dict(state)
            self._changed.notify_all()

    def shown(self):
        """What a searcher should find: {subject: title}."""
        return {s: card["title"] for s, (_, card) in self.state.items() if card}

    def _tell(self, subject, card):
        with self._changed:
            version = self.state.get(subject, (0, None))[0] + 1
            self.state[subject] = (version, card)
            data = {"card": card} if card else {"removal": {"kind": "item"}}
            self._append(subject, version, data)
            return version

    def _append(self, subject, version, data):
        event = eventlog_pb2.Event(
            id=uuid.uuid4().hex,
            source=f"/{self.name}",
            type=f"zhengtong.{self.name}.v1.Told",
            subject=subject,
            epoch=self.epoch,
            sequence=len(self.events) + 1,
            version=version,
            data=orjson.dumps(data),
        )
        event.time.FromNanoseconds(time.time_ns())
        self.events.append(event)
        self._changed.notify_all()

    def ReadEvents(self, request, context):  # noqa: N802  (named by the proto)
        epoch, after = self.epoch, request.after
        refusal = self._refusal(request)
        if refusal:
            self._refuse(context, refusal)
        while context.is_active() and not self._stopped:
            if self.epoch != epoch:
                self._refuse(context, LogEpochChanged("新的纪元"))
            batch = self.events[after : after + 500]
            after += len(batch)
            answer = pb.ReadEventsResponse(events=batch, epoch=epoch, head=len(self.events))
            answer.time.FromNanoseconds(time.time_ns())
            yield answer
            self._wait_beyond(after, epoch)

    def _wait_beyond(self, after, epoch):
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or len(self.events) > after or self.epoch != epoch,
                HEARTBEAT,
            )

    def ReadSnapshot(self, request, context):  # noqa: N802  (named by the proto)
        self.snapshots_read += 1
        epoch, head = self.epoch, len(self.events)
        rows = [(s, v, c) for s, (v, c) in list(self.state.items()) if c]
        for start in range(0, max(len(rows), 1), 500):
            answer = pb.ReadSnapshotResponse(epoch=epoch, head=head)
            for subject, version, card in rows[start : start + 500]:
                record = answer.records.add(
                    source=f"/{self.name}", subject=subject, version=version, epoch=epoch
                )
                record.data = orjson.dumps({"card": card})
                record.time.FromNanoseconds(time.time_ns())
            answer.time.FromNanoseconds(time.time_ns())
            yield answer

    def _refusal(self, request):
        if request.epoch and request.epoch != self.epoch:
            return LogEpochChanged("新的纪元")
        if request.after > len(self.events):
            return LogPositionAhead("超出末尾")
        if request.after < self.kept_from - 1:
            return LogTruncated("已截断")
        return None

    def _refuse(self, context, refusal: DomainError):
        context.abort_with_status(rpc_status.to_status(status_of(refusal)))
