"""Both ways to read facts, on a real database: any order, any repetition, any failure."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.errors import DuplicateKeyError
from zhengtong.catalogue.v1.catalogue_events_pb2 import (
    ItemPublished,
    ItemRecord,
    ItemsImported,
    ItemWithdrawn,
)

from services.common.delivery import forgets, projects, reacts, readers
from services.common.delivery.readers import Department, reader_of
from services.common.delivery.subscriptions import REPLACED, subscriptions
from services.common.envelope import Event, pack
from services.common.eventlog import outbox

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SUBJECTS = ("a", "b", "c")


class Defect(Exception):
    """What a handler under test raises."""


@dataclass
class Plot:
    """What is to go wrong: the calls, counted from the first, that raise."""

    failing: set[int] = field(default_factory=set)
    calls: int = 0

    def go_on(self):
        self.calls += 1
        if self.calls in self.failing:
            raise Defect


PLOT = Plot()


class Store:
    def __init__(self, unit):
        self.unit = unit

    def put(self, collection, key, change):
        """Change a document, then fail if the plot says so: the change must be undone."""
        self.unit.database[collection].update_one(
            {"_id": key}, change, upsert=True, session=self.unit.session
        )
        PLOT.go_on()


class Worker:
    name = "readers"
    store = Store

    @reacts(ItemPublished)
    def count(self, event: Event[Any], store: Store) -> None:
        store.put("counts", event.id, {"$inc": {"times": 1}})

    @projects(ItemPublished)
    @projects(ItemWithdrawn)
    @projects(ItemsImported)
    def copy(self, event: Event[Any], store: Store) -> None:
        gone = isinstance(event.fact, ItemWithdrawn)
        kept = {"epoch": event.epoch, "version": event.version, "gone": gone}
        store.put("kept", event.subject, {"$set": kept})

    @forgets("catalogue")
    def drop(self, event: Event[Any], store: Store) -> None:
        store.put("kept", event.subject, {"$set": {"gone": True, "forgotten": True}})


@pytest.fixture
def database(database):
    readers.ensure(database)
    return database


def reader(database, method, fact=ItemPublished, worker=Worker):
    (one,) = (s for s in subscriptions(worker) if (s.method, s.fact) == (method, fact))
    return reader_of(Department(database, worker(), lambda: NOW), one)


def event(number, subject="a", version=1, fact=None, epoch="1"):
    fact = fact or ItemPublished()
    return Event(
        id=f"e{number}",
        source="/catalogue",
        type=fact.DESCRIPTOR.full_name,
        subject=subject,
        time=NOW,
        traceparent="",
        epoch=epoch,
        sequence=number,
        version=version,
        fact=fact,
    )


def feed(readers_of_facts, batches):
    """Apply batches; one that fails comes again at the end, as it does from the parked rows."""
    waiting = list(batches)
    while waiting:
        batch = waiting.pop(0)
        try:
            readers_of_facts[type(batch[0].fact)].apply(batch)
        except Defect:
            waiting.append(batch)


def clear(database, failing):
    for name in ("inbox", "copies", "counts", "kept"):
        database[name].delete_many({})
    PLOT.failing, PLOT.calls = set(failing), 0


@st.composite
def deliveries(draw, events):
    """A way the broker may deliver facts: each at least once, in any order, in any batches."""
    facts = draw(events)
    again = draw(st.lists(st.sampled_from(facts), max_size=6)) if facts else []
    order = draw(st.permutations([*facts, *again]))
    batches: list[list[Event[Any]]] = []
    for one in order:
        together = batches and type(batches[-1][0].fact) is type(one.fact)
        if together and draw(st.booleans()):
            batches[-1].append(one)
        else:
            batches.append([one])
    return facts, batches


@st.composite
def histories(draw):
    """Facts about a few subjects: single ones, removals and bulk ones, over two epochs."""
    facts: list[Event[Any]] = []
    for epoch in ("1", "2"):
        version = Counter[str]()
        for _ in range(draw(st.integers(1, 5))):
            kind = draw(st.sampled_from([ItemPublished, ItemWithdrawn, ItemsImported]))
            told = draw(st.lists(st.sampled_from(SUBJECTS), min_size=1, unique=True))
            told = told if kind is ItemsImported else told[:1]
            version.update(told)
            fact = kind()
            if kind is ItemsImported:
                fact.records.extend(ItemRecord(subject=s, version=version[s]) for s in told)
            facts.append(event(len(facts), told[0], version[told[0]], fact, epoch))
    return facts


def copy_after(facts):
    """What a copy must hold: of each subject the latest epoch's latest version."""
    copy: dict[str, tuple[str, int, bool]] = {}
    for one in facts:
        records = getattr(one.fact, "records", [one])
        for record in records:
            gone = isinstance(one.fact, ItemWithdrawn)
            seen = (one.epoch, record.version, gone)
            copy[record.subject] = max(copy.get(record.subject, ("", 0, False)), seen)
    return copy


LIVE = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
FAILING = st.sets(st.integers(1, 12), max_size=5)


@LIVE
@given(
    delivered=deliveries(st.integers(1, 8).map(lambda n: [event(i) for i in range(n)])),
    failing=FAILING,
)
def test_each_fact_acts_exactly_once_whatever_comes(database, delivered, failing):
    facts, batches = delivered
    clear(database, failing)

    feed({ItemPublished: reader(database, "count")}, batches)

    counted = {row["_id"]: row["times"] for row in database["counts"].find()}
    assert counted == {one.id: 1 for one in facts}


@LIVE
@given(delivered=deliveries(histories()), failing=FAILING)
def test_a_copy_is_the_same_whatever_comes_in_whatever_order(database, delivered, failing):
    facts, batches = delivered
    clear(database, failing)
    kinds = (ItemPublished, ItemWithdrawn, ItemsImported)

    feed({kind: reader(database, "copy", kind) for kind in kinds}, batches)

    kept = {
        row["_id"]: (row["epoch"], row["version"], row["gone"]) for row in database["kept"].find()
    }
    assert kept == copy_after(facts)


def test_a_failure_undoes_the_whole_batch_and_its_marks(database):
    clear(database, failing={3})
    with pytest.raises(Defect):
        reader(database, "count").apply([event(number) for number in range(5)])

    assert database["counts"].count_documents({}) == 0
    assert database["inbox"].count_documents({}) == 0


def test_workers_side_by_side_apply_each_fact_once(database):
    clear(database, failing=())
    facts = [event(number) for number in range(40)]
    batches = [facts[i : i + 8] for i in range(0, 40, 4)] * 3

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(reader(database, "count").apply, batches))

    assert [row["times"] for row in database["counts"].find()] == [1] * 40


def test_workers_side_by_side_leave_the_latest_version(database):
    clear(database, failing=())
    facts = [event(number, "a", number) for number in range(1, 31)]

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda one: reader(database, "copy").apply([one]), facts))

    assert database["kept"].find_one({"_id": "a"})["version"] == 30


def test_a_handlers_own_duplicate_key_is_not_taken_for_a_fact_known_already(database):
    class Clumsy(Worker):
        name = "readers"

        @reacts(ItemPublished)
        def count(self, event: Event[Any], store: Store) -> None:
            for _ in range(2):
                rows = store.unit.database["counts"]
                rows.insert_one({"_id": "same"}, session=store.unit.session)

    clear(database, failing=())
    with pytest.raises(DuplicateKeyError):
        reader(database, "count", worker=Clumsy).apply([event(1)])
    assert database["inbox"].count_documents({}) == 0


def test_what_a_reaction_tells_is_saved_with_it_and_audited(database):
    class Telling(Worker):
        name = "readers"

        @reacts(ItemPublished)
        def count(self, event: Event[Any], store: Store) -> None:
            told = outbox.tell(ItemWithdrawn(item_id="x"), subject="x", version=2, tick=1)
            store.unit.tell(told)
            store.put("counts", event.id, {"$inc": {"times": 1}})

    clear(database, failing={1})
    telling = reader(database, "count", worker=Telling)
    with pytest.raises(Defect):
        telling.apply([event(1)])
    assert database["events"].count_documents({}) == 0

    telling.apply([event(1)])
    telling.apply([event(1)])

    (fact,) = database["events"].find()
    (row,) = database["audit"].find()
    assert fact["type"] == ItemWithdrawn.DESCRIPTOR.full_name
    assert (row["principal"], row["request_id"], row["subjects"]) == ("readers", "e1", ["x"])


@pytest.mark.rule("P-13")
def test_a_reaction_that_tells_nothing_is_audited_once_and_a_copy_is_at_its_source(database):
    clear(database, failing={2})
    counting, copying = reader(database, "count"), reader(database, "copy")
    with pytest.raises(Defect):
        counting.apply([event(1, "a"), event(2, "b")])
    assert database["audit"].count_documents({}) == 0

    counting.apply([event(1, "a"), event(2, "b"), event(3, "")])
    counting.apply([event(1, "a")])
    copying.apply([event(1, "a")])
    copying.apply([whole_since("2")])

    rows = {row["request_id"]: row for row in database["audit"].find()}
    assert {key: row["subjects"] for key, row in rows.items()} == {
        "e1": ["a"],
        "e2": ["b"],
        "e3": ["e3"],
    }
    assert {(row["principal"], row["purpose"]) for row in rows.values()} == {
        ("readers", ItemPublished.DESCRIPTOR.full_name)
    }
    assert all(row["call"].endswith("--readers.count") for row in rows.values())


def whole_since(epoch):
    return replace(event(0, subject="", version=0, epoch=epoch), type=REPLACED, fact=None)


RESTORED = [
    *[event(n, subject=s, version=4) for n, s in enumerate("abcd", 1)],
    *[event(n, subject=s, version=1, epoch="2") for n, s in enumerate("bce", 5)],
    whole_since("2"),
]


@LIVE
@given(order=st.permutations(RESTORED), cut=st.integers(1, len(RESTORED)))
def test_a_restored_source_replaces_the_copy_whatever_comes_when(database, order, cut):
    clear(database, failing=())
    copying = reader(database, "copy")
    again = [one for one in order if one.type != REPLACED]
    for batch in (order[:cut], order[cut:], again):
        copying.apply(batch)
    shown = {row["_id"]: row["version"] for row in database["kept"].find({"gone": False})}
    assert shown == {"b": 1, "c": 1, "e": 1}


def test_one_source_replaced_leaves_the_others(database):
    clear(database, failing=())
    copying = reader(database, "copy")
    copying.apply([event(1), replace(event(2, subject="b"), source="/cataloguez")])
    copying.apply([whole_since("2")])
    assert [row["_id"] for row in database["kept"].find({"gone": False})] == ["b"]


def test_the_word_that_a_copy_is_whole_is_read_by_a_projector_only():
    body = orjson.dumps(pack(replace(whole_since("2"), fact=ItemPublished())))
    by_method = {(one.method, one.fact): one for one in subscriptions(Worker)}
    read = readers.read(body, by_method["copy", ItemPublished])
    assert (read.type, read.epoch, read.fact) == (REPLACED, "2", None)
    with pytest.raises(ValueError, match="replaced"):
        readers.read(body, by_method["count", ItemPublished])
