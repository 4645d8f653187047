"""The log: stamped in order and without gaps, fenced, redacted, and read from any place."""

import asyncio
import random

import orjson
import pytest
from zhengtong.eventlog.v1 import eventlog_service_pb2 as pb

from services.common.eventlog import log, outbox
from services.common.eventlog.outbox import Told
from services.common.eventlog.reading import (
    EventLogServicer,
    LogEpochChanged,
    LogPositionAhead,
    LogTruncated,
)
from services.common.eventlog.redaction import redact, without
from services.common.eventlog.relay import LeaseLost, envelope, stamp
from services.common.grpc_host.department import utc_now
from tests.conftest import NOW


@pytest.fixture
async def aio(database, mongodb_uri):
    client = log.connect(mongodb_uri)
    yield client[database.name]
    await client.close()


@pytest.fixture
async def term(aio):
    lease = await log.acquire(aio, "test", 60)
    return lease["term"], lease["epoch"]


async def test_facts_get_rising_places_in_order_of_version(database, aio, term):
    """Ids are random and clocks differ: only the aggregate's own tick says what was first."""
    told = []
    for subject in "abcde":
        tick = random.randrange(10**6)
        for version in range(1, 60):
            tick = max(tick + 1, random.randrange(10**6))
            told.append((subject, version, tick))
    random.shuffle(told)
    insert(database, [fact(subject, version, tick) for subject, version, tick in told])
    while await stamp(aio, *term):
        pass
    events = list(database["events"].find().sort("sequence", 1))
    assert [event["sequence"] for event in events] == list(range(1, len(told) + 1))
    for subject in "abcde":
        versions = [event["version"] for event in events if event["subject"] == subject]
        assert versions == sorted(versions)
    assert database["log"].find_one()["head"] == len(told)


async def test_a_holder_that_was_replaced_stamps_nothing(database, aio, term):
    insert(database, [fact("a", 1, 1)])
    await log.release(aio, term[0])
    newer = await log.acquire(aio, "another", 60)
    with pytest.raises(LeaseLost):
        await stamp(aio, *term)
    assert not await log.renew(aio, term[0], 60)
    assert await stamp(aio, newer["term"], newer["epoch"]) == 1


async def test_two_holders_at_once_give_no_place_twice(database, aio, term):
    """A race of a fenced and a lawful holder, with facts coming in meanwhile."""
    await log.release(aio, term[0])
    newer = await log.acquire(aio, "another", 60)

    async def work(mine):
        for _ in range(40):
            try:
                await stamp(aio, *mine)
            except LeaseLost:
                await asyncio.sleep(0)

    async def write():
        for version in range(1, 41):
            await asyncio.to_thread(insert, database, [fact("a", version, version)])

    await asyncio.gather(work(term), work((newer["term"], newer["epoch"])), write())
    while await stamp(aio, newer["term"], newer["epoch"]):
        pass
    places = [event["sequence"] for event in database["events"].find().sort("version", 1)]
    assert places == list(range(1, 41))


async def test_the_lease_is_one_holders_until_it_runs_out(aio):
    assert await log.acquire(aio, "first", 0.3)
    assert await log.acquire(aio, "second", 60) is None

    async def wait_for_it():
        while (lease := await log.acquire(aio, "second", 60)) is None:
            await asyncio.sleep(0.05)
        return lease

    assert (await asyncio.wait_for(wait_for_it(), 5))["holder"] == "second"


@pytest.mark.rule("P-12")
async def test_what_was_removed_loses_its_payload_everywhere_before(database, aio, term):
    insert(database, [fact("a", 1, 1), fact("b", 1, 2)])
    records = [
        (s, orjson.dumps({"subject": s, "version": "2", "card": {"title": s}})) for s in "ab"
    ]
    insert(database, outbox.tell_records("t.Imported", records, batch="x", tick=3))
    insert(database, [fact("a", 3, 5, removal=True), fact("a", 4, 6)])
    while await stamp(aio, *term):
        pass
    removals = [event async for event in aio["events"].find({"removal": True})]
    await redact(aio, removals)
    data = [orjson.loads(event["data"]) for event in database["events"].find().sort("sequence", 1)]
    assert data[0] == {}
    assert data[1] == {"secret": "b1"}
    assert data[2]["records"] == [
        {"subject": "a", "version": "2"},
        {"subject": "b", "version": "2", "card": {"title": "b"}},
    ]
    assert data[3:] == [{"secret": "a3"}, {"secret": "a4"}]


def test_records_after_the_removal_stay():
    data = orjson.dumps({"records": [{"subject": "a", "version": "9", "card": {}}]}).decode()
    assert without(data, 10, {"a": 9}) == data


def test_bulk_facts_are_cut_by_count_and_size():
    small = [(str(n), b'{"subject":"x"}') for n in range(1001)]
    told = outbox.tell_records("t.T", small, batch="b", tick=7)
    assert [len(one.subjects) for one in told] == [500, 500, 1]
    assert [(one.version, one.tick) for one in told] == [(1, 7), (2, 8), (3, 9)]
    large = [(str(n), b"x" * 400_000) for n in range(5)]
    assert [len(one.subjects) for one in outbox.tell_records("t.T", large, batch="b", tick=7)] == [
        2,
        2,
        1,
    ]


async def test_the_log_is_read_from_any_place_and_then_live(database, aio, term):
    insert(database, [fact("a", version, version) for version in range(1, 6)])
    while await stamp(aio, *term):
        pass
    servicer = log_of(database)
    stream = servicer.ReadEvents(pb.ReadEventsRequest(after=2), Active())
    first = await asyncio.to_thread(next, stream)
    assert [event.sequence for event in first.events] == [3, 4, 5]
    assert first.head == 5
    heartbeat = await asyncio.to_thread(next, stream)
    assert not heartbeat.events
    following = asyncio.create_task(asyncio.to_thread(next, stream))
    insert(database, [fact("a", 6, 6)])
    await stamp(aio, *term)
    live = await following
    while not live.events:
        live = await asyncio.to_thread(next, stream)
    assert [event.sequence for event in live.events] == [6]


async def test_positions_that_the_log_cannot_go_on_from_are_refused(database, aio, term):
    insert(database, [fact("a", version, version) for version in range(1, 6)])
    while await stamp(aio, *term):
        pass
    servicer = log_of(database)
    epoch = term[1]
    for request, refusal in (
        (pb.ReadEventsRequest(after=6), LogPositionAhead),
        (pb.ReadEventsRequest(after=-1), LogPositionAhead),
        (pb.ReadEventsRequest(after=2, epoch="another"), LogEpochChanged),
    ):
        with pytest.raises(refusal):
            next(servicer.ReadEvents(request, Active()))
    database["events"].delete_many({"sequence": {"$lt": 4}})
    with pytest.raises(LogTruncated):
        next(servicer.ReadEvents(pb.ReadEventsRequest(after=2, epoch=epoch), Active()))
    kept = next(servicer.ReadEvents(pb.ReadEventsRequest(after=3, epoch=epoch), Active()))
    assert [event.sequence for event in kept.events] == [4, 5]


async def test_a_new_epoch_ends_the_streams_of_the_old_one(database, aio, term):
    insert(database, [fact("a", 1, 1)])
    await stamp(aio, *term)
    stream = log_of(database).ReadEvents(pb.ReadEventsRequest(), Active())
    await asyncio.to_thread(next, stream)
    log.begin_epoch(database)

    def read_on():
        for _ in range(20):
            next(stream)

    with pytest.raises(LogEpochChanged):
        await asyncio.to_thread(read_on)


async def test_a_relay_of_the_old_epoch_stamps_nothing(database, aio, term):
    log.begin_epoch(database)
    insert(database, [fact("a", 1, 1)])
    with pytest.raises(LeaseLost):
        await stamp(aio, *term)


def test_a_snapshot_names_the_head_it_was_read_at(database):
    def snapshot(_):
        return (fact(str(n), 1, n) for n in range(1201))

    pages = list(log_of(database, snapshot).ReadSnapshot(pb.ReadSnapshotRequest(), Active()))
    assert [len(page.records) for page in pages] == [500, 500, 201]
    assert {(page.epoch, page.head) for page in pages} == {(database["log"].find_one()["epoch"], 0)}


def test_a_snapshot_says_when_each_change_was_made(database):
    def snapshot(_):
        yield fact("甲", 1, 1_774_000_000_123_456)

    (page,) = log_of(database, snapshot).ReadSnapshot(pb.ReadSnapshotRequest(), Active())
    assert page.records[0].time.ToMicroseconds() == 1_774_000_000_123_456


async def test_the_envelope_is_cloudevents_with_its_place(database, aio, term):
    insert(database, [fact("甲", 1, 1)])
    await stamp(aio, *term)
    document = await aio["events"].find_one()
    sent = orjson.loads(envelope("catalogue", document))
    assert sent == {
        "specversion": "1.0",
        "id": document["_id"],
        "source": "/catalogue",
        "type": "t.Fact",
        "subject": "甲",
        "time": NOW.isoformat(),
        "datacontenttype": "application/json",
        "epoch": term[1],
        "sequence": 1,
        "version": 1,
        "data": {"secret": "甲1"},
    }


class Active:
    """A call that nobody has ended."""

    def is_active(self):
        return True


LOGS = []


@pytest.fixture(autouse=True)
def ended():
    """Whatever a test reads of a log, nobody watches it after the test."""
    yield
    while LOGS:
        LOGS.pop().head.end()


def log_of(database, snapshot=lambda _: ()):
    LOGS.append(EventLogServicer(database, "catalogue", snapshot, utc_now))
    return LOGS[-1]


def insert(database, told):
    database["events"].insert_many(outbox.documents(told, now=NOW, traceparent=""))


def fact(subject, version, tick, *, removal=False):
    data = orjson.dumps({"secret": f"{subject}{version}"})
    return Told("t.Fact", subject, version, data, tick, (subject,), removal=removal)
