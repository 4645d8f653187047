"""A department for tests of delivery: its facts say in their card's summary what is to go wrong.

Run as a program it is a real worker process: `python -m tests.integration.delivery_department`.
"""

import os
import signal
import sys
import time
from typing import Any

if __name__ == "__main__":
    from services.common.delivery import host  # first: it makes threads and sockets cooperative

from zhengtong.catalogue.v1.catalogue_events_pb2 import ItemPublished, ItemRevised, ItemsImported

from services.common import telemetry
from services.common.delivery import Event, by_the_clock, forgets, projects, reacts
from services.common.errors import Invalid, NotFound, Unavailable
from services.common.settings import Settings


class Store:
    """Effects lie in the transaction; what the test arranges and observes does not."""

    def __init__(self, unit):
        self.unit = unit
        self.database = unit.database

    def raise_counter(self):
        self.change("counters", "facts", {"$inc": {"times": 1}})

    def change(self, collection, key, change):
        self.database[collection].update_one(
            {"_id": key}, change, upsert=True, session=self.unit.session
        )

    def remove(self, collection, key):
        self.database[collection].delete_one({"_id": key}, session=self.unit.session)

    def tried(self, event):
        """How often the fact was tried; not undone with the transaction."""
        counted = {"$inc": {"times": 1}}
        tries = self.database["tries"]
        return tries.find_one_and_update(
            {"_id": event.id}, counted, upsert=True, return_document=True
        )["times"]

    def allowed(self, what):
        return self.database["allowed"].find_one({"_id": what}) is not None


class Worker:
    name = "ledger"
    store = Store

    @by_the_clock(every=0.2)
    def look_at_the_clock(self, store: Store) -> bool:
        """Count the looks, as soon as a test allows it."""
        if store.allowed("clock"):
            store.change("counters", "looks", {"$inc": {"times": 1}})
        return False

    @reacts(ItemPublished)
    def count(self, event: Event[Any], store: Store) -> None:
        """Raise a counter, which is not idempotent, then fail if the fact says so."""
        store.raise_counter()
        what, _, rest = event.fact.card.summary.partition(":")
        if what == "flaky" and store.tried(event) <= int(rest):
            raise RuntimeError(rest)
        if what == "slow":
            store.tried(event)
            while not store.allowed(rest):
                time.sleep(0.02)
        refusals = {"invalid": Invalid, "missing": NotFound, "away": Unavailable}
        if what in refusals and not store.allowed(what):
            raise refusals[what]("不行")
        if what == "crash":
            store.tried(event)
            os.kill(os.getpid(), signal.SIGKILL)

    @projects(ItemRevised)
    @projects(ItemsImported)
    def copy(self, event: Event[Any], store: Store) -> None:
        store.change("copies_kept", event.subject, {"$set": {"version": event.version}})

    @forgets("catalogue")
    def drop(self, event: Event[Any], store: Store) -> None:
        store.remove("copies_kept", event.subject)


if __name__ == "__main__":
    telemetry.configure("worker")
    host.run(Settings.from_env(), [Worker])
    sys.exit(0)
