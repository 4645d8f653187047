"""The two ways to read facts, each in one transaction with what it remembers of them.

Both take a list of facts: as many as wait in the queue are applied by one commit, which is what
costs. Whatever is raised, nothing was applied.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import orjson
from opentelemetry.trace import SpanKind
from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.errors import BulkWriteError

from services.common.access import Caller
from services.common.delivery.subscriptions import RECORDS, REPLACED, Reading, Subscription
from services.common.envelope import Event, unpack
from services.common.telemetry import context_from, current_traceparent, tracer
from services.common.transaction import Request, Unit, record, transact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pymongo.client_session import ClientSession
    from pymongo.database import Database

    Document = dict[str, Any]
    Method = Callable[[Event[Any], Any], None]

INBOX = "inbox"
COPIES = "copies"
# Longer than the log (90 days) and all retries: a fact published again from the log is known.
INBOX_KEPT = timedelta(days=120)
DUPLICATE_KEY = 11000
FORGOTTEN_AT_ONCE = 200
NEVER = ("", 0)  # older than every fact
RACES = 8  # times to lose the race for a mark before it is a failure like others


class RaceLost(Exception):
    """Another process wrote the same mark first; look again at what is known."""


class Reader(Protocol):
    """One handler's way to read facts."""

    def apply(self, events: Sequence[Event[Any]]) -> None:
        """Apply these facts in one transaction; what was applied before changes nothing."""


@dataclass(frozen=True, slots=True)
class Department:
    """What every handler of a department works with.

    Args:
        worker: the department's `Worker`.
        now: the clock; use cases get their time from it.
    """

    database: Database[Document]
    worker: Any
    now: Callable[[], datetime]

    def call(
        self,
        subscription: Subscription,
        event: Event[Any],
        session: ClientSession,
        *,
        name: str = "",
    ) -> tuple[Unit, Request]:
        """Call one method with one fact: a store bound to the transaction, in the fact's trace.

        Args:
            name: of the method, where it is another than the subscription's own.

        Returns: what is to be recorded before the transaction ends.
        """
        unit = Unit(self.database, session, self.now())
        name = name or subscription.method
        method: Method = getattr(self.worker, name)
        with tracer.start_as_current_span(
            f"{subscription.department}.{name}",
            context=context_from(event.traceparent),
            kind=SpanKind.CONSUMER,
            attributes={"messaging.message.id": event.id, "messaging.system": "rabbitmq"},
        ):
            method(event, type(self.worker).store(unit))
            if subscription.reading is Reading.REACTS and not (unit.told or unit.noted):
                # A copy is a change of its source, where it is recorded; an effect is one of ours.
                unit.note(event.subject or event.id)
            return unit, self._request(subscription, event, unit.now)

    def _request(self, subscription: Subscription, event: Event[Any], now: datetime) -> Request:
        """What the audit row of a reaction says: the department itself, because of this fact."""
        return Request(
            caller=Caller(subscription.department, "service", purpose=event.type),
            call=subscription.queue,
            request_id=event.id,
            fingerprint=b"",
            now=now,
            traceparent=current_traceparent(),
        )


def ensure(database: Database[Document]) -> None:
    """Make the inbox forget what can no longer come."""
    kept = int(INBOX_KEPT.total_seconds())
    database[INBOX].create_indexes(
        [IndexModel([("time", ASCENDING)], name="kept", expireAfterSeconds=kept)]
    )


def read(body: bytes, subscription: Subscription) -> Event[Any]:
    """The event in a message of this subscription's queue.

    Raises:
        ValueError: it is none, or of a type that does not belong here.
    """
    payload = orjson.loads(body)
    if subscription.forgets and payload["type"] == REPLACED:
        return Event(
            id=payload["id"],
            source=payload["source"],
            type=REPLACED,
            subject="",
            time=datetime.fromisoformat(payload["time"]),
            traceparent="",
            epoch=payload["epoch"],
            sequence=0,
            version=0,
            fact=None,
        )
    return unpack(payload, subscription.fact)


def reader_of(department: Department, subscription: Subscription) -> Reader:
    """The reader that the decorator asked for."""
    if subscription.reading is Reading.REACTS:
        return Reactor(department, subscription)
    return Projector(department, subscription)


@dataclass(frozen=True, slots=True)
class Reactor:
    """Lets each fact act once, remembered by (method, source, id) in the inbox."""

    department: Department
    subscription: Subscription

    def apply(self, events: Sequence[Event[Any]]) -> None:
        """Apply those of the facts that have not acted yet, in the order given."""
        fresh = {self._mark(event): event for event in events}
        for _ in range(RACES):
            if not fresh:
                return
            try:
                transact(self.department.database, partial(self._act, fresh))
            except RaceLost:
                known = self._known(list(fresh))
                fresh = {mark: event for mark, event in fresh.items() if mark not in known}
            else:
                return
        raise RaceLost

    def _mark(self, event: Event[Any]) -> str:
        return f"{self.subscription.method}:{event.source}:{event.id}"

    def _act(self, fresh: Mapping[str, Event[Any]], session: ClientSession) -> None:
        now = self.department.now()
        marks = [{"_id": mark, "time": now} for mark in fresh]
        try:
            # Without a look first: what was applied before is rare, and the mark is unique.
            self.department.database[INBOX].insert_many(marks, session=session)
        except BulkWriteError as error:
            if not _only_duplicates(error):
                raise
            raise RaceLost from error
        call = partial(self.department.call, self.subscription, session=session)
        # All at once: a write for each would halve what a batch is for.
        record([call(event) for event in fresh.values()])

    def _known(self, marks: list[str]) -> set[str]:
        found = self.department.database[INBOX].find({"_id": {"$in": marks}}, {"_id": 1})
        return {row["_id"] for row in found}


@dataclass(frozen=True, slots=True)
class Projector:
    """Keeps a copy: the latest (epoch, version) of each subject wins, whatever comes when.

    What it remembers of a subject stays when the subject is removed: the removal's version is the
    tombstone that later arrivals of earlier versions run into.
    """

    department: Department
    subscription: Subscription

    def apply(self, events: Sequence[Event[Any]]) -> None:
        """Apply the latest fact of each subject, unless a later one was applied before.

        What says that the copy is whole comes last, and again if it fails.
        """
        latest: dict[str, Event[Any]] = {}
        for event in events:
            for single in self._singles(event):
                key = self._key(single)
                if key not in latest or _age(latest[key]) < _age(single):
                    latest[key] = single
        self._keep(latest)
        for event in events:
            if event.type == REPLACED:
                self._replace(event)

    def _keep(self, latest: Mapping[str, Event[Any]]) -> None:
        for _ in range(RACES):
            try:
                transact(self.department.database, partial(self._act, latest))
            except RaceLost:
                continue
            else:
                return
        raise RaceLost

    def _replace(self, whole: Event[Any]) -> None:
        """Forget what the copy has of an older epoch: the source no longer has it.

        A part at a time; a record of the snapshot that comes later still finds an older age.
        """
        whole_since = self._key(whole)
        transact(self.department.database, partial(self._begin_epoch, whole))
        after = whole_since
        while after:
            after = transact(self.department.database, partial(self._forget, whole, after))

    def _key(self, event: Event[Any]) -> str:
        """Of the event's subject; without one, of the copy: the epoch it is whole since."""
        return f"{self.subscription.copy}:{event.source}:{event.subject}"

    def _begin_epoch(self, whole: Event[Any], session: ClientSession) -> None:
        """From now on the copy takes nothing of an older epoch."""
        since = {"$set": {"source": whole.source, "version": 0}, "$max": {"epoch": whole.epoch}}
        copies = self.department.database[COPIES]
        copies.update_one({"_id": self._key(whole)}, since, upsert=True, session=session)

    def _forget(self, whole: Event[Any], after: str, session: ClientSession) -> str:
        """Look through the next part of what is remembered; its last key, empty at the end."""
        copies = self.department.database[COPIES]
        prefix = self._key(whole)
        part = {"_id": {"$gt": after, "$lt": prefix[:-1] + ";"}}
        rows = list(copies.find(part, session=session).sort("_id", 1).limit(FORGOTTEN_AT_ONCE))
        older = [row["_id"] for row in rows if row["epoch"] < whole.epoch]
        if older:
            of_now = {"$set": {"epoch": whole.epoch, "version": 0}}
            copies.update_many({"_id": {"$in": older}}, of_now, session=session)
        gone = [replace(whole, subject=key.removeprefix(prefix)) for key in older]
        name = self.subscription.forgets
        call = partial(self.department.call, self.subscription, session=session, name=name)
        record([call(event) for event in gone])
        return str(rows[-1]["_id"]) if rows else ""

    def _singles(self, event: Event[Any]) -> Iterator[Event[Any]]:
        """The fact, or each record of a fact about many aggregates as a fact of its own."""
        if event.type == REPLACED:
            return
        if not self.subscription.bulk:
            yield event
            return
        for one in getattr(event.fact, RECORDS):
            yield replace(event, subject=one.subject, version=one.version, fact=one)

    def _act(self, latest: Mapping[str, Event[Any]], session: ClientSession) -> None:
        copies = self.department.database[COPIES]
        since = {key: self._key(replace(event, subject="")) for key, event in latest.items()}
        asked = [*latest, *set(since.values())]
        known = {
            row["_id"]: (row["epoch"], row["version"])
            for row in copies.find({"_id": {"$in": asked}}, session=session)
        }
        newer = {
            key: event
            for key, event in latest.items()
            if max(known.get(key, NEVER), known.get(since[key], NEVER)) < _age(event)
        }
        if not newer:
            return
        try:
            copies.bulk_write([_remember(k, e) for k, e in newer.items()], session=session)
        except BulkWriteError as error:
            if not _only_duplicates(error):
                raise
            raise RaceLost from error
        call = partial(self.department.call, self.subscription, session=session)
        record([call(event) for event in newer.values()])


def _age(event: Event[Any]) -> tuple[str, int]:
    """What the later of two facts about one subject is told by; epochs sort by time of making."""
    return event.epoch, event.version


def _remember(key: str, event: Event[Any]) -> UpdateOne:
    seen = {"source": event.source, "epoch": event.epoch, "version": event.version}
    return UpdateOne({"_id": key}, {"$set": seen}, upsert=True)


def _only_duplicates(error: BulkWriteError) -> bool:
    return {row["code"] for row in error.details.get("writeErrors", ())} == {DUPLICATE_KEY}
