"""A real worker process on the real broker and database: nothing is lost, nothing acts twice."""

import asyncio
import random
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest
from kombu.connection import Connection
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from zhengtong.catalogue.v1.catalogue_events_pb2 import ItemRecord, ItemRevised, ItemsImported

from infra.local.stack import REPOSITORY, SERVERS, Stack
from services.common.delivery import parked, queues
from services.common.delivery.desk import CRASHES
from services.common.delivery.parked import Kind
from services.common.delivery.subscriptions import Reading, Subscription
from services.common.eventlog import log
from services.common.settings import DEPARTMENTS
from tests.integration.delivery_ledger import QUEUE, TOPOLOGY, TRACEPARENT, Ledger, end, fact, until

BURST = 600  # facts: at some 100 a second they outlast the kills between them
BACK = 20  # seconds within which everything runs again after a kill


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("delivery"), only=SERVERS) as stack:
        yield stack


@pytest.fixture
async def ledger(stack):
    ledger = Ledger(stack)
    await ledger.clear()
    yield ledger
    ledger.control.unlink(missing_ok=True)
    ledger.client.close()


async def test_facts_act_and_copies_follow(ledger):
    revised = ItemRevised.DESCRIPTOR.full_name
    imported = ItemsImported.DESCRIPTOR.full_name
    records = ItemsImported(records=[ItemRecord(subject=s, version=2) for s in ("a", "b")])
    with ledger.worker():
        await ledger.publish(*[fact() for _ in range(300)])
        await ledger.publish(fact(message=records), key=imported)
        later = [fact(subject="a", version=v, message=ItemRevised()) for v in (3, 1)]
        await ledger.publish(*later, key=revised)

        await until(lambda: ledger.counted() == 300)
        kept = ledger.database["copies_kept"]
        await until(lambda: {r["_id"]: r["version"] for r in kept.find()} == {"a": 3, "b": 2})
        await until(ledger.queue_is_empty)
    assert ledger.counted() == 300
    assert ledger.parked() == []


async def test_a_worker_looks_at_the_clock_while_it_runs_and_after_it_was_killed(ledger):
    ledger.allow("clock")
    with ledger.worker() as process:
        await until(lambda: ledger.counted("looks") >= 2)
        process.kill()
        process.wait()
    seen = ledger.counted("looks")
    assert seen >= 2
    with ledger.worker():
        await until(lambda: ledger.counted("looks") > seen + 1)
        await stop(ledger)
        await ledger.publish(fact())
        await until(lambda: waits(ledger, 1))
        seen = ledger.counted("looks")
        await ledger.publish(fact())
        await until(lambda: waits(ledger, 2))
        assert ledger.counted("looks") == seen
        ledger.control.unlink()
        await until(lambda: ledger.counted("looks") > seen)


async def stop(ledger):
    """Stop the worker in its process, which goes on."""
    said = b"worker stopped"
    before = ledger.log.read_bytes().count(said)
    ledger.control.touch()
    await until(lambda: ledger.log.read_bytes().count(said) > before)


async def waits(ledger, facts):
    """Whether so many facts wait for a worker."""
    return (await ledger.queue())[0] == facts


async def test_a_fact_that_comes_twice_acts_once(ledger):
    one = fact()
    with ledger.worker():
        await ledger.publish(one, one)
        await ledger.publish(one, fact())
        await until(lambda: ledger.counted() == 2)
        await until(ledger.queue_is_empty)
    assert ledger.counted() == 2


async def test_a_handler_that_fails_is_tried_again_until_it_succeeds(ledger):
    flaky, after = fact("flaky:3"), fact()
    with ledger.worker():
        async with ledger.putting_back():
            await ledger.publish(flaky, after)
            await until(lambda: ledger.counted() == 2)
            await until(lambda: not ledger.parked())
    assert ledger.tried(flaky) >= 4


async def test_what_is_not_there_yet_is_waited_for(ledger):
    with ledger.worker():
        async with ledger.putting_back():
            await ledger.publish(fact("missing"))
            await until(lambda: [p.reason for p in ledger.parked(Kind.DEFERRED)] == ["NOT_FOUND"])
            ledger.allow("missing")
            await until(ledger.counted)
            await until(lambda: not ledger.parked())
    assert ledger.counted() == 1


async def test_what_is_unavailable_never_counts_as_an_attempt(ledger):
    with ledger.worker():
        await ledger.publish(fact("away"))
        await until(ledger.parked)
    (row,) = ledger.parked(Kind.DEFERRED)
    assert (row.reason, row.attempt) == ("UNAVAILABLE", 0)


async def test_a_dead_message_is_listed_and_replayed(ledger):
    refused = fact("invalid", subject="item-7")
    with ledger.worker():
        async with ledger.putting_back():
            await ledger.publish(refused, fact())
            await until(lambda: ledger.parked(Kind.DEAD))
            (row,) = ledger.parked(Kind.DEAD)
            seen = (row.reason, row.event_id, row.subject, row.attempt, row.due)
            assert seen == ("INVALID", refused["id"], "item-7", 1, None)

            ledger.allow("invalid")
            assert parked.replay(ledger.database, [row.id], row.parked_time) == [row.id]
            await until(lambda: ledger.counted() == 2)
            await until(lambda: not ledger.parked())


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[]", b'{"type": "x"}', b'{"type"'])
async def test_what_cannot_be_read_is_dead_and_kept_as_it_came(ledger, body):
    with ledger.worker():
        await ledger.publish(body, fact())
        await until(lambda: ledger.parked(Kind.DEAD))
        await until(lambda: ledger.counted() == 1)
    (row,) = ledger.parked(Kind.DEAD)
    assert (row.reason, row.message.body, row.message.queue) == ("UNREADABLE", body, QUEUE)


async def test_a_message_that_kills_its_worker_is_dead_in_the_end_and_alone(ledger):
    await ledger.publish(fact(), fact("crash"), *[fact() for _ in range(50)])
    deaths = 0
    worker = ledger.start()
    try:
        while not ledger.parked(Kind.DEAD):
            if worker.poll() is not None:
                deaths += 1
                worker = ledger.start()
            await asyncio.sleep(0.05)
        await until(lambda: ledger.counted() == 51)
        await until(ledger.queue_is_empty)
    finally:
        end(worker)
    (row,) = ledger.parked()
    assert row.reason == "CRASHED_WORKER"
    assert deaths == CRASHES + 1  # the first delivery is not counted, so healthy ones cost nothing


async def test_a_stop_lets_the_handler_end_and_its_ack_arrive(ledger):
    slow = fact("slow:end")
    with ledger.worker() as worker:
        await ledger.publish(slow)
        await until(lambda: ledger.tried(slow) == 1)
        worker.send_signal(signal.SIGTERM)
        await until(ledger.nobody_consumes)
        assert worker.poll() is None
        ledger.allow("end")
        assert worker.wait(10) == 0
    assert ledger.counted() == 1
    assert await ledger.queue() == (0, 0)


async def test_a_department_is_stopped_and_started_alone(ledger):
    with ledger.worker() as worker:
        await until(ledger.consumed)
        ledger.control.parent.mkdir(parents=True, exist_ok=True)
        ledger.control.touch()
        await until(ledger.nobody_consumes, seconds=3)
        await ledger.publish(fact())

        ledger.control.unlink()
        await until(lambda: ledger.counted() == 1, seconds=5)
        assert worker.poll() is None


async def test_a_burst_survives_kills_of_worker_and_broker(ledger, stack):
    facts = [fact(random.choice(["ok"] * 9 + ["flaky:2"])) for _ in range(BURST)]
    publishing = asyncio.create_task(ledger.publish(*facts))
    worker = ledger.start()
    try:
        async with ledger.putting_back():
            for share in (0.1, 0.3, 0.6):
                await until(lambda share=share: ledger.counted() >= share * len(facts))
                worker.kill()
                worker.wait()
                if share == 0.3:
                    broker = await asyncio.to_thread(stack.kill, "rabbit")
                    await asyncio.to_thread(stack.wait_back, "rabbit", broker, BACK)
                worker = ledger.start()
            broker = await asyncio.to_thread(stack.kill, "rabbit")  # while the worker goes on
            await asyncio.to_thread(stack.wait_back, "rabbit", broker, BACK)
            await publishing
            await until(lambda: ledger.counted() >= len(facts), seconds=60)
            await until(ledger.queue_is_empty)
            await until(lambda: not ledger.parked())
        assert worker.poll() is None
    finally:
        end(worker)
    assert ledger.counted() == len(facts)


async def test_an_outage_of_the_database_kills_no_message(ledger, stack):
    facts = [fact() for _ in range(BURST)]
    with ledger.worker() as worker:
        async with ledger.putting_back():
            publishing = asyncio.create_task(ledger.publish(*facts))
            for share in (0.1, 0.3, 0.5):
                await until(lambda share=share: ledger.counted() >= share * len(facts))
                database = await asyncio.to_thread(stack.kill, "mongo")
                await asyncio.to_thread(stack.wait_back, "mongo", database, BACK)
            await publishing
            await until(lambda: ledger.counted() >= len(facts), seconds=60)
            await until(ledger.queue_is_empty)
            await until(lambda: not ledger.parked())
        assert worker.poll() is None
    assert ledger.counted() == len(facts)


async def test_a_worker_waits_for_a_broker_that_is_not_there_and_stops_without_it(ledger):
    nowhere = ledger.stack.env["AMQP_URI"].rsplit(":", 1)[0] + ":1/"
    ledger.log.unlink(missing_ok=True)
    with ledger.worker(AMQP_URI=nowhere) as worker:
        await until(lambda: ledger.log.read_text().count("waits for the broker") >= 2)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0


class Collector(BaseHTTPRequestHandler):
    """Takes spans over OTLP/HTTP."""

    spans: ClassVar[list] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.spans.extend(s for scope in resource.scope_spans for s in scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Says nothing."""


async def test_a_handler_belongs_to_the_trace_of_the_change_it_was_told_of(ledger):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        with ledger.worker(OTEL_EXPORTER_OTLP_ENDPOINT=address, OTEL_BSP_SCHEDULE_DELAY="100"):
            await ledger.publish(fact())
            await until(lambda: Collector.spans)
    finally:
        server.shutdown()
        server.server_close()
    (span,) = Collector.spans
    _, trace, parent, _ = TRACEPARENT.split("-")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (trace, parent)
    assert span.name == "ledger.count"


def run(command, env, output):
    return subprocess.Popen(command, cwd=REPOSITORY, env=env, stderr=output)


async def test_no_worker_of_the_platform_imports_grpc(ledger):
    imports = ledger.stack.run_dir / "imports.log"
    command = [sys.executable, "-X", "importtime", "-m", "services", "worker", *DEPARTMENTS]
    env = {**ledger.stack.env, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with imports.open("wb") as output, run(command, env, output) as worker:
        await until(lambda: "ready worker" in imports.read_text())
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(10) == 0
    imported = {line.rpartition("|")[2].strip() for line in imports.read_text().splitlines()}
    assert "nameko.events" in imported
    assert not {name for name in imported if name.partition(".")[0] in ("grpc", "aio_pika")}


async def test_a_queue_that_no_handler_owns_any_more_is_told_of_and_pruned(ledger):
    gone = Subscription("ledger", "gone", Reading.REACTS, ItemRevised, "")
    queues.remember(ledger.database, [gone])
    async with ledger.channel() as channel:
        queue = await channel.declare_queue(gone.queue, durable=True)
        await queue.bind("catalogue.events", gone.type)
        await queue.bind("ledger.retry", gone.queue)
    with ledger.worker():  # which notes the queues that it does own
        await until(ledger.consumed)
    await ledger.publish(fact(message=ItemRevised()), key=gone.type)

    with Connection(ledger.stack.env["AMQP_URI"]) as broker:
        orphan = queues.Orphan(gone.queue, "catalogue", gone.type, 1)
        assert queues.orphans(ledger.database, broker, TOPOLOGY) == [orphan]
        assert queues.prune(ledger.database, "ledger", broker, TOPOLOGY) == [orphan]  # not empty

        await ledger.publish(fact(message=ItemRevised()), key=gone.type)  # reaches it no more
        assert await ledger.queue(gone.queue) == (1, 0)

        broker.default_channel.queue_purge(gone.queue)
        assert queues.prune(ledger.database, "ledger", broker, TOPOLOGY) == []
        assert queues.orphans(ledger.database, broker, TOPOLOGY) == []
    assert await ledger.queue(gone.queue) == (0, 0)
    assert await ledger.queue(QUEUE) == (0, 0)


async def test_a_platform_without_orphans_says_so_by_its_exit_code(ledger):
    command = [sys.executable, "-m", "services.common.delivery.queues"]
    with run(command, ledger.stack.env, subprocess.PIPE) as done:
        assert done.wait(10) == 0


async def test_a_message_whose_queue_is_gone_keeps_no_other_from_its_own(ledger):
    lost, due = (parked.Message(queue, b"{}", {}, "m", "", "") for queue in ("nowhere", QUEUE))
    now = datetime.now(UTC)
    for message in (lost, due):
        why = parked.Why("UNEXPECTED", "", 1, now)
        parked.park(ledger.database, message, why, about={}, now=now)
    async with ledger.putting_back():
        await until(lambda: [row.reason for row in ledger.parked()] == ["QUEUE_GONE"])
        await until(lambda: ledger.parked(Kind.DEAD))
    assert await ledger.queue() == (1, 0)


async def test_a_message_parked_again_before_its_confirm_came_is_not_forgotten(ledger):
    message = parked.Message(QUEUE, b"{}", {}, "m", "", "")
    now = datetime.now(UTC)
    why = parked.Why("UNEXPECTED", "", 1, now)
    parked.park(ledger.database, message, why, about={}, now=now)
    database = log.connect(ledger.stack.env["MONGODB_URI"])["zt_ledger"]
    (put_back,) = await parked.parked_due(database, now, 10)

    parked.park(ledger.database, message, replace(why, attempt=2), about={}, now=now)
    assert not await parked.remove(database, put_back)

    (row,) = await parked.parked_due(database, now, 10)
    assert row.attempt == row.message.attempt == 2
    assert await parked.remove(database, row)
    assert ledger.parked() == []
    await database.client.close()
