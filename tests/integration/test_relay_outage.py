"""The relay process while MongoDB is killed again and again: it goes on each time."""

import threading
import time
import uuid

from pymongo.errors import PyMongoError

from infra.local.stack import Stack
from services.common import transaction
from services.common.eventlog import outbox
from services.common.settings import DEPARTMENTS
from tests.conftest import NOW

KILLS = 4
BACK = 60  # seconds until MongoDB answers again and the relay has caught up
EVERY = 0.02  # seconds between the facts of a department


class Feed(threading.Thread):
    """Tells a department's log a fact every 20 ms, and remembers what was acknowledged."""

    def __init__(self, database):
        super().__init__()
        self._database = database
        self._end = threading.Event()
        self.told = []

    def run(self):
        while not self._end.wait(EVERY):
            fact_id = uuid.uuid4().hex
            tick = outbox.next_tick(0)
            fact = outbox.Told("zhengtong.drill.v1.Fact", fact_id, 1, b"{}", tick, (fact_id,))
            [document] = outbox.documents([fact], now=NOW, traceparent="")
            try:
                self._database["events"].insert_one(document)
            except PyMongoError:
                continue
            self.told.append(document["_id"])

    def stop(self):
        self._end.set()
        self.join()

    def published(self, count):
        """Whether the first `count` facts that were acknowledged are stamped and sent."""
        told = self.told[:count]
        try:
            watermark = self._database["log"].find_one({"_id": "log"})["published"]
            sent = self._database["events"].count_documents(
                {"_id": {"$in": told}, "sequence": {"$gt": 0, "$lte": watermark}}
            )
        except PyMongoError:
            return False
        return sent == len(told)


def test_every_fact_is_published_though_mongodb_is_killed_again_and_again(tmp_path):
    with (
        Stack(tmp_path / "run", only=["mongo", "rabbit", "relay"]) as stack,
        transaction.connect(stack.env["MONGODB_URI"]) as client,
    ):
        feeds = [Feed(client[f"zt_{name}"]) for name in DEPARTMENTS]
        for name, feed in zip(DEPARTMENTS, feeds, strict=True):
            transaction.ensure(client[f"zt_{name}"])
            feed.start()
        try:
            for _ in range(KILLS):
                count = len(feeds[0].told)
                stack.wait_until(lambda c=count: len(feeds[0].told) > c + 100, "新事件", BACK)
                stack.wait_back("mongo", stack.kill("mongo"), BACK)
                all_published(stack, feeds)
        finally:
            for feed in feeds:
                feed.stop()
        all_published(stack, feeds)
        began = time.monotonic()
        stack.stop()
        assert time.monotonic() - began < 15  # nothing hangs at the stop


def all_published(stack, feeds):
    counts = [len(feed.told) for feed in feeds]
    stack.wait_until(
        lambda: all(feed.published(count) for feed, count in zip(feeds, counts, strict=True)),
        "发布",
        BACK,
    )
