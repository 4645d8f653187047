"""The embedded MongoDB and RabbitMQ: real, on loopback, kept running, and gone after a stop."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import aio_pika
import pymongo
import pytest

from infra.local import pids
from infra.local.ports import PortClaims
from infra.local.stack import SERVERS, Stack

REPOSITORY = Path(__file__).parents[2]
BACK_SECONDS = 60  # a busy machine needs three times as long as an idle one


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("servers"), only=SERVERS) as stack:
        yield stack


def left(run_dir):
    """What still runs of a run, whoever started it."""
    return [Path(f"/proc/{each.pid}/comm").read_text() for each in pids.marked(str(run_dir))]


def listeners(run_dir):
    """The local addresses on which the processes of a run listen, as the kernel prints them."""
    sockets = set()
    for each in pids.marked(str(run_dir)):
        for handle in Path(f"/proc/{each.pid}/fd").iterdir():
            # A server closes files while they are listed; what listens stays open.
            with contextlib.suppress(FileNotFoundError):
                sockets.add(str(handle.readlink()))
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


def documents(stack):
    client = pymongo.MongoClient(stack.env["MONGODB_URI"], w="majority", journal=True)
    return client, client["zt_local"]["things"]


async def channel_of(stack):
    link = await aio_pika.connect(stack.env["AMQP_URI"])
    return link, await link.channel(publisher_confirms=True)


async def test_a_transaction_over_two_collections_works(servers):
    client, things = documents(servers)
    with client, client.start_session() as session, session.start_transaction():
        things.insert_one({"_id": "in"}, session=session)
        things.database["facts"].insert_one({"of": "in"}, session=session)

    with pymongo.MongoClient(servers.env["MONGODB_URI"]) as client:
        assert client["zt_local"]["facts"].count_documents({"of": "in"}) == 1


async def test_a_killed_mongodb_is_back_as_primary_with_all_that_was_acknowledged(servers):
    client, things = documents(servers)
    with client:
        things.insert_many({"_id": number} for number in range(1000))

    servers.wait_back("mongo", servers.kill("mongo"), BACK_SECONDS)

    client, things = documents(servers)
    with client:
        things.insert_one({"_id": "after"})
        assert things.count_documents({"_id": {"$type": "int"}}) == 1000


async def test_a_killed_rabbitmq_is_back_with_all_that_was_confirmed(servers):
    link, channel = await channel_of(servers)
    queue = await channel.declare_queue("kept", durable=True)
    for number in range(100):
        message = aio_pika.Message(str(number).encode(), delivery_mode=2)
        await channel.default_exchange.publish(message, queue.name)

    servers.wait_back("rabbit", servers.kill("rabbit"), BACK_SECONDS)
    await link.close()

    link, channel = await channel_of(servers)
    async with link:
        queue = await channel.declare_queue("kept", passive=True)
        kept = [await queue.get(no_ack=True) for _ in range(100)]
        assert [message.body for message in kept] == [str(n).encode() for n in range(100)]


def test_only_loopback_is_listened_on_and_only_by_the_two_ports(servers):
    numbers = {f"{servers.plan.mongo_port:04X}", f"{servers.plan.amqp_port:04X}"}

    assert listeners(servers.run_dir) == {f"0100007F:{number}" for number in numbers}


def test_what_the_servers_and_the_platform_are_told_is_for_its_owner_only(servers):
    for name in ("rabbit/rabbitmq.conf", "env"):
        assert stat.S_IMODE((servers.run_dir / name).stat().st_mode) == 0o600


def test_a_stop_leaves_no_process_and_a_start_on_other_ports_finds_the_data(tmp_path):
    with Stack(tmp_path, only=["mongo"]) as first:
        client, things = documents(first)
        with client:
            things.insert_one({"_id": "kept"})
        port = first.plan.mongo_port
        with Stack(tmp_path.parent / "beside", only=["mongo"]) as beside:
            assert beside.plan.mongo_port != port
        assert left(beside.run_dir) == []
    assert left(tmp_path) == []

    with PortClaims() as claims:
        assert claims._take(port)  # so that the second run must take another
        second = Stack(tmp_path, only=["mongo"])
    with second:
        assert second.plan.mongo_port != port
        client, things = documents(second)
        with client:
            assert things.find_one({"_id": "kept"})


def test_a_killed_supervisor_takes_both_servers_along(tmp_path):
    stack = Stack(tmp_path, only=SERVERS).start()
    assert left(tmp_path)

    stack.kill("supervisor", signal.SIGKILL)

    deadline = time.monotonic() + BACK_SECONDS
    while left(tmp_path):
        assert time.monotonic() < deadline, left(tmp_path)
        time.sleep(0.05)
    stack.stop()


def command(run_dir, *words, **variables):
    return subprocess.run(
        [sys.executable, "-m", "infra.local", *words],
        cwd=run_dir,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("ZHENGTONG_")},
            "PYTHONPATH": str(REPOSITORY),
            "ZHENGTONG_RUN_DIR": str(run_dir),
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_port_in_use_ends_the_start_with_2_and_one_line_in_chinese(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = command(tmp_path, "run", "--only", "gateway", ZHENGTONG_HTTP_PORT=port)

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert f"端口被占用：网关 HTTP 端口 {port}" in done.stderr
    assert "ZHENGTONG_HTTP_PORT" in done.stderr


def test_a_second_start_is_told_that_one_runs_already(servers):
    done = command(servers.run_dir, "run", "--only", "mongo")

    assert done.returncode == 2
    assert f"已经在运行（进程号 {servers.pid('supervisor')}）" in done.stderr


def test_the_background_is_started_asked_after_and_stopped(tmp_path):
    with Stack(tmp_path, only=["mongo"]) as ports:  # only for its free ports
        settings = {k: v for k, v in ports.env.items() if k.startswith("ZHENGTONG_")}
    assert command(tmp_path, "status", "--json", **settings).returncode == 3

    up = command(tmp_path, "up", "--only", "mongo", **settings)
    try:
        status = command(tmp_path, "status", **settings)
        again = command(tmp_path, "up", "--only", "mongo", **settings)
    finally:
        down = command(tmp_path, "down", **settings)

    assert (up.returncode, status.returncode, down.returncode) == (0, 0, 0), up.stdout + up.stderr
    assert "MongoDB 就绪" in up.stdout
    assert "就绪" in status.stdout
    assert "已经在运行" in again.stdout
    assert left(tmp_path) == []
    assert command(tmp_path, "down", **settings).stdout == "没有在运行。\n"
