"""Copies are filled from their source's snapshot, and anew when the source was restored."""

import asyncio
import signal
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime

import pytest
from zhengtong.catalogue.v1.catalogue_events_pb2 import ItemPublished, ItemRevised

from infra.local import keys
from infra.local.ports import PortClaims
from infra.local.stack import SERVERS, Stack
from services.common import relay_host
from services.common.delivery.topology import Queue
from services.common.eventlog import log, outbox
from services.common.eventlog.outbox import Told
from services.common.grpc_host import Plan
from services.common.grpc_host.host import Keeper
from services.common.relay_host import again
from services.common.relay_host.sources import Source, SourceRefused
from services.common.settings import Settings
from tests.integration.delivery_ledger import QUEUE, TOPOLOGY, Ledger, end, until

REVISED = ItemRevised.DESCRIPTOR.full_name
PUBLISHED = ItemPublished.DESCRIPTOR.full_name


def snapshot(database):
    """What the test put into `state`, as facts the test department keeps a copy by."""
    for row in database["state"].find().sort("_id", 1):
        yield Told(REVISED, row["_id"], row["version"], b"{}", 1, (row["_id"],))


PLAN = Plan(
    service="zhengtong.catalogue.v1.CatalogueService",
    ensure=lambda _database: None,
    snapshot=snapshot,
    attach=lambda _server, _department: None,
)


class Catalogue:
    """A source behind the real door; it can be stopped, started and restored."""

    def __init__(self, settings, database):
        self.settings = settings
        self.database = database
        self._keeper = None

    def start(self):
        self._keeper = Keeper("catalogue", PLAN, self.settings, self.database)
        self._keeper.start()
        assert self._keeper.ready.wait(10)

    def stop(self):
        if self._keeper:
            self._keeper.end()
            self._keeper.join()
            self._keeper = None

    def has(self, **versions):
        self.database["state"].delete_many({})
        self.database["state"].insert_many([{"_id": s, "version": v} for s, v in versions.items()])


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("filling"), only=SERVERS) as stack:
        keys.ensure(stack.plan.layout)
        yield stack


@pytest.fixture
async def ledger(stack):
    ledger = Ledger(stack)
    await ledger.clear()
    with closing(ledger.client):
        yield ledger


@pytest.fixture
def claims():
    with PortClaims() as claims:
        yield claims


@pytest.fixture
def catalogue(stack, ledger, claims):
    address = f"catalogue=127.0.0.1:{claims.claim()}"
    places = {"ZHENGTONG_GRPC_LISTEN": address, "ZHENGTONG_GRPC_ADDRESSES": address}
    ledger.client.drop_database("zt_catalogue")
    catalogue = Catalogue(Settings.from_env({**stack.env, **places}), ledger.client["zt_catalogue"])
    catalogue.has(a=1)
    yield catalogue
    catalogue.stop()


@asynccontextmanager
async def relaying(settings):
    """All that the relay process does for the test department, looking often at its sources."""
    client = log.connect(settings.mongodb_uri)
    works = relay_host.relay_department("ledger", client["zt_ledger"], settings, TOPOLOGY)
    task = asyncio.create_task(works)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await client.close()


@pytest.fixture(autouse=True)
def _often(monkeypatch):
    monkeypatch.setattr(relay_host, "LOOK_AT_SOURCES_EVERY", 0.3)


def kept(ledger):
    return {row["_id"]: row["version"] for row in ledger.database["copies_kept"].find()}


async def test_a_new_copy_is_filled_and_a_restored_source_replaces_it(ledger, catalogue):
    first = {f"s{n:04}": n % 5 + 1 for n in range(1203)}
    catalogue.has(**first)
    catalogue.start()
    with ledger.worker():
        async with relaying(catalogue.settings):
            await until(lambda: kept(ledger) == first)

            restored = dict.fromkeys(list(first)[:700], 1) | {"new": 1}
            catalogue.has(**restored)
            epoch = log.begin_epoch(catalogue.database)
            await until(lambda: kept(ledger) == restored)
            await until(ledger.queue_is_empty)
    (row,) = ledger.database["fillings"].find()
    assert (row["_id"], row["epoch"]) == (":/catalogue", epoch)
    assert not ledger.parked()


async def test_a_copy_that_is_filled_is_left_alone(ledger, catalogue):
    catalogue.start()
    with ledger.worker():
        async with relaying(catalogue.settings):
            await until(lambda: kept(ledger) == {"a": 1})
            # As its handler would never leave it: whoever fills again shows it.
            catalogue.has(a=1, unheard=1)
            await asyncio.sleep(1.5)
    assert kept(ledger) == {"a": 1}


async def test_a_source_that_is_away_is_waited_for(ledger, catalogue):
    with ledger.worker():
        async with relaying(catalogue.settings):
            await asyncio.sleep(0.5)
            assert kept(ledger) == {}
            catalogue.start()
            await until(lambda: kept(ledger) == {"a": 1})


async def test_a_filling_goes_through_though_the_worker_is_killed(ledger, catalogue):
    state = {f"s{n:04}": 1 for n in range(2000)}
    catalogue.has(**state)
    catalogue.start()
    worker = ledger.start()
    async with relaying(catalogue.settings):
        await until(lambda: kept(ledger))
        worker.send_signal(signal.SIGKILL)
        end(worker)
        with ledger.worker():
            await until(lambda: len(kept(ledger)) >= len(state))
            await until(ledger.queue_is_empty)
            assert kept(ledger) == state


def tell(database, kind, count):
    """Stamped facts in the source's log, after those that are there."""
    head = database["log"].find_one()["head"]
    told = [
        Told(kind, f"{kind}{head + n}", 1, b"{}", head + n, ("x",)) for n in range(1, count + 1)
    ]
    rows = outbox.documents(told, now=datetime.now(UTC), traceparent="")
    for place, row in enumerate(rows, start=head + 1):
        row |= {"sequence": place, "epoch": database["log"].find_one()["epoch"]}
        row.pop("fresh", None)
    database["events"].insert_many(rows)
    database["log"].update_one({}, {"$inc": {"head": count}})


async def test_a_range_of_the_log_comes_again_to_one_queue_and_acts_once(ledger, catalogue):
    catalogue.start()
    for kind in (PUBLISHED, REVISED, PUBLISHED):
        tell(catalogue.database, kind, 600)
    (queue,) = (queue for queue in TOPOLOGY.queues if queue.name == QUEUE)
    with ledger.worker():
        for _ in range(2):
            assert await again.publish_again(catalogue.settings, queue, 501, 1300) == 200
        await until(ledger.queue_is_empty)
        await until(lambda: ledger.counted() == 200)
        assert await again.publish_again(catalogue.settings, queue, 1, 10**9) == 1200
        await until(lambda: ledger.counted() == 1200)
    assert kept(ledger) == {}  # the copy's queue got nothing


async def test_a_log_that_does_not_go_back_so_far_says_so(ledger, catalogue):
    catalogue.start()
    tell(catalogue.database, PUBLISHED, 3)
    catalogue.database["events"].delete_one({"sequence": 1})
    async with Source(catalogue.settings, "catalogue") as source:
        with pytest.raises(SourceRefused) as refused:
            await anext(source.events(1, 3))
    assert refused.value.reason == "LOG_TRUNCATED"


@pytest.mark.parametrize(
    ("words", "said"),
    [(["no-such-queue", "1", "2"], "没有这个队列"), ([None, "3", "2"], "序号")],
)
def test_a_wrong_use_is_told(words, said, capsys, monkeypatch):
    queue = Queue("evt-x", "catalogue", PUBLISHED, "websites", "reacts")
    monkeypatch.setattr(again.topology, "load", lambda: again.topology.Topology((), (queue,), ()))
    assert again.main([words[0] or queue.name, *words[1:]]) == again.WRONG_USE
    assert said in capsys.readouterr().err
