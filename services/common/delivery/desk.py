"""What is done with the messages of one queue, so that none is lost, whatever happens.

Whoever holds a message may settle it with the broker only after `deal` returned: it was applied,
deferred or is dead by then. Sleeping is `time.sleep`, which eventlet has made cooperative.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pymongo
from opentelemetry.trace import get_current_span, use_span
from pymongo import ASCENDING, IndexModel, ReturnDocument, UpdateOne
from pymongo.errors import PyMongoError

from services.common.delivery import parked, redactions
from services.common.delivery.failures import (
    CRASHED_WORKER,
    LONGEST_DETAIL,
    UNREADABLE,
    is_outage,
    judge,
)
from services.common.delivery.parked import Message, Why
from services.common.delivery.readers import Department, read, reader_of
from services.common.telemetry import context_from, meter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pymongo.database import Database

    from services.common.delivery.subscriptions import Subscription
    from services.common.envelope import Event

    Document = dict[str, Any]

BATCH = 32  # messages applied by one transaction
CRASHES = 3  # deliveries begun and never finished before a message is held to be the cause
COUNTS = "deliveries"
COUNTS_KEPT = timedelta(days=7)
BLIPS = 3  # outages a message is tried through at once, though the database answers in between
LONGEST_HELLO = 3.0  # seconds
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between looks at a database that is away

logger = logging.getLogger(__name__)
_outcomes = meter.create_counter("zhengtong.delivery.messages", description="by queue and outcome")
# One suspect at a time in the whole process: if it dies, that one is to blame and no other.
_suspect_at_work = threading.Lock()


class Abandoned(Exception):
    """The worker stops, or lost the broker, while the database is away: the messages stay."""


def ensure(database: Database[Document]) -> None:
    """Make the counts of begun deliveries forget themselves."""
    kept = int(COUNTS_KEPT.total_seconds())
    database[COUNTS].create_indexes(
        [IndexModel([("time", ASCENDING)], name="kept", expireAfterSeconds=kept)]
    )


class Desk:
    """Deals with the messages of one subscription.

    Args:
        wanted: False as soon as waiting for the database is of no use any more.

    Attributes:
        appetite: messages to deal with at once; smaller while some of them fail or take long,
            because what one spoils is done again for all.
    """

    def __init__(
        self, department: Department, subscription: Subscription, wanted: Callable[[], bool]
    ) -> None:
        self._department = department
        self._database = department.database
        self._subscription = subscription
        self._reader = reader_of(department, subscription)
        self._wanted = wanted
        self.appetite = BATCH

    def deal(self, messages: Sequence[Message], suspects: Sequence[Message]) -> None:
        """Apply, defer or bury every message.

        Args:
            messages: delivered for the first time; they are applied together.
            suspects: delivered before and never settled. They are counted in the database before
                they are tried (healthy messages cost no write for it): together at first, because
                a restart redelivers many; whoever comes a third time comes alone.

        Raises:
            Abandoned: some may not have been dealt with; leave all of them to the broker.
        """
        seen = self._begun_before(suspects)
        first_time = [message for message in suspects if message.key not in seen]
        self._lasting(lambda: self._note(first_time))
        self._apply_together([*messages, *first_time])
        self._lasting(lambda: self._forget(first_time))
        for message in suspects:
            if message.key in seen:
                self._apply_suspect(message)

    def _begun_before(self, suspects: Sequence[Message]) -> set[str]:
        """Keys of those that were redelivered before, and begun at that time."""
        keys = [message.key for message in suspects]
        find = self._database[COUNTS].find
        question = {"_id": {"$in": keys}}
        return (
            {row["_id"] for row in self._lasting(lambda: list(find(question)))} if keys else set()
        )

    def _note(self, messages: Sequence[Message]) -> None:
        """Count messages that were redelivered for the first time."""
        now = self._department.now()
        begin = {"$setOnInsert": {"begun": 1, "time": now}}
        begun = [UpdateOne({"_id": message.key}, begin, upsert=True) for message in messages]
        if begun:
            self._database[COUNTS].bulk_write(begun, ordered=False)

    def _forget(self, messages: Sequence[Message]) -> None:
        keys = [message.key for message in messages]
        if keys:
            self._database[COUNTS].delete_many({"_id": {"$in": keys}})

    def _read(self, message: Message) -> Event[Any] | None:
        """The event inside; None: unreadable, and dead now."""
        try:
            return read(message.body, self._subscription)
        except Exception as error:  # noqa: BLE001  (whatever it is, the body is to blame)
            detail = f"无法读取：{error}"[:LONGEST_DETAIL]
            self._park(message, Why(UNREADABLE, detail, message.attempt + 1, None))
            return None

    def _apply_together(self, messages: Sequence[Message]) -> None:
        read = [(message, self._read(message)) for message in messages]
        pairs = [(message, event) for message, event in read if event is not None]
        if len(pairs) > 1:
            try:
                self._reader.apply([event for _, event in pairs])
            except Exception as error:  # noqa: BLE001  (whatever it is, alone it will show again)
                logger.info("%s: one by one: %r", self._subscription.queue, error)
                self.appetite = max(self.appetite // 4, 1)
            else:
                self.appetite = min(self.appetite * 2, BATCH)
                self._count("applied", len(pairs))
                return
        applied = [self._apply_alone(message, event) for message, event in pairs]
        if applied == [True]:
            self.appetite = min(self.appetite + 1, BATCH)

    def _apply_alone(self, message: Message, event: Event[Any]) -> bool:
        """Apply a message or put it aside; whether it was applied."""
        blips = 0
        while True:
            try:
                self._reader.apply([event])
            except Exception as error:  # noqa: BLE001  (whatever it is, it is judged)
                if is_outage(error) and (blips < BLIPS or not self._database_answers()):
                    blips += 1
                    self._wait_for_the_database()
                    continue
                self._set_aside(message, event, error)
                return False
            else:
                self._count("applied")
                return True

    def _set_aside(self, message: Message, event: Event[Any], error: Exception) -> None:
        why = judge(error, message.attempt, self._department.now())
        with use_span(get_current_span(context_from(event.traceparent))):
            # An operator finds the whole story by the trace of the change that was told.
            log = logger.info if why.due else logger.error
            log(
                "%s %s: %s", self._subscription.queue, event.id, why, exc_info=not why.due and error
            )
        self._park(message, why, event)

    def _apply_suspect(self, message: Message) -> None:
        with _suspect_at_work:
            if self._lasting(lambda: self._begun(message)) > CRASHES:
                detail = f"处理这条消息时，进程已崩溃 {CRASHES} 次以上。"
                self._park(message, Why(CRASHED_WORKER, detail, message.attempt + 1, None))
            else:
                event = self._read(message)
                if event is not None:
                    self._apply_alone(message, event)
            self._lasting(lambda: self._forget([message]))

    def _begun(self, message: Message) -> int:
        """How often the suspect was begun, this time included."""
        row = self._database[COUNTS].find_one_and_update(
            {"_id": message.key},
            {"$inc": {"begun": 1}, "$set": {"time": self._department.now()}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        assert row is not None  # it was upserted
        return int(row["begun"])

    def _park(self, message: Message, why: Why, event: Event[Any] | None = None) -> None:
        about = {
            "source": event.source if event else f"/{self._subscription.source}",
            "type": self._subscription.type,
            "id": event.id if event else message.message_id,
            "subject": event.subject if event else "",
            "subjects": redactions.subjects_of(message.body),
        }
        if event is None:
            # Nobody reads what it says: the log names the message, and nothing out of it.
            logger.error("%s %s: %s", self._subscription.queue, message.message_id, why.reason)
        now = self._department.now()
        self._lasting(lambda: parked.park(self._database, message, why, about=about, now=now))
        self._lasting(lambda: redactions.settle(self._database, message.key))
        self._count("deferred" if why.due else "dead")

    def _lasting(self, act: Callable[[], Any]) -> Any:
        """Do what must be done before the message may go, however long the database is away."""
        while True:
            try:
                return act()
            except PyMongoError as error:
                if not is_outage(error):
                    raise
                self._wait_for_the_database()

    def _wait_for_the_database(self) -> None:
        """Stop here until it answers. What the broker holds back meanwhile is bounded by prefetch.

        Raises:
            Abandoned: waiting is of no use any more.
        """
        pause = SHORTEST_PAUSE
        logger.warning("%s: waits for the database", self._subscription.queue)
        while True:
            if not self._wanted():
                raise Abandoned
            time.sleep(pause)
            if self._database_answers():
                return
            pause = min(pause * 2, LONGEST_PAUSE)

    def _database_answers(self) -> bool:
        """Whether there is a primary; a secondary can answer pings, but keep nothing."""
        try:
            with pymongo.timeout(LONGEST_HELLO):
                return bool(self._database.client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False

    def _count(self, outcome: str, messages: int = 1) -> None:
        _outcomes.add(messages, {"queue": self._subscription.queue, "outcome": outcome})
