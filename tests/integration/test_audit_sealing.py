"""Sealing on a real MongoDB: one tree whatever happens, and nothing that was recorded is lost."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.local.stack import REPOSITORY
from services.common import audit
from services.common.audit import heads, merkle, reading, sealing
from services.common.audit.merkle import Growing, leaf_hash
from services.common.audit.records import canonical
from services.common.callers import Caller
from services.common.eventlog import log
from services.common.relay_host.sealing import keep_sealed
from tests.conftest import NOW

SEALER = """
import asyncio, sys
from services.common.audit.sealing import seal
from services.common.eventlog import log

async def main(uri, name):
    database = log.connect(uri)[name]
    print("ready", flush=True)
    while True:
        await seal(database, 5)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def aio(database, mongodb_uri):
    client = log.connect(mongodb_uri)
    yield client[database.name]
    await client.close()


def add(database, count, *, first=0, subject="T-{}"):
    rows = [
        audit.row(
            caller=Caller("window-3", "operator", purpose="核对材料"),
            call="zhengtong.catalogue.v1.CatalogueService.PublishItem",
            subjects=[subject.format(first + number)],
            request_id=f"r-{first + number}",
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            now=NOW + timedelta(milliseconds=first + number),
        )
        for number in range(count)
    ]
    for at in range(0, count, 10_000):
        database["audit"].insert_many(rows[at : at + 10_000])


async def seal_all(aio, most=sealing.BATCH):
    while await sealing.seal(aio, most):
        pass


def tree(database):
    kept = database["audit_tree"].find_one({"_id": "tree"})
    return kept["size"], kept["root"]


def root_of_rows(database):
    """How many rows are leaves, and their root, by nothing but the rows."""
    growing = Growing()
    for place, row in enumerate(database["audit"].find({"leaf": {"$gte": 0}}).sort("leaf", 1)):
        assert row["leaf"] == place
        assert "unsealed" not in row
        growing.add(leaf_hash(canonical(row)))
    return growing.size, growing.root()


def inclusion_holds(database, row):
    size, root = tree(database)
    index, leaf, path = reading.inclusion(database, row["_id"], size)
    return merkle.includes(index, size, leaf, path, root)


async def test_rows_become_leaves_oldest_first_and_every_one_is_proved(database, aio):
    add(database, 600)
    await seal_all(aio, 250)
    assert tree(database) == root_of_rows(database)
    rows = list(database["audit"].find().sort("leaf", 1))
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    for row in random.sample(rows, 50):
        assert inclusion_holds(database, row)


async def test_every_older_tree_is_continued(database, aio):
    seen = [tree(database)]
    for _ in range(12):
        add(database, random.randrange(1, 120))
        await seal_all(aio)
        seen.append(tree(database))
    size, root = seen[-1]
    for old, old_root in seen:
        path = reading.consistency(database, old, size)
        assert merkle.continues(old, old_root, size, root, path)


async def test_what_comes_late_with_an_earlier_time_becomes_a_later_leaf(database, aio):
    add(database, 3, first=100)
    await seal_all(aio)
    add(database, 1, first=0)
    await seal_all(aio)
    assert tree(database) == root_of_rows(database)
    assert database["audit"].find_one({"subjects": "T-0"})["leaf"] == 3


async def test_two_sealers_at_once_make_one_tree(database, mongodb_uri, aio):
    other = log.connect(mongodb_uri)
    add(database, 400)

    async def work(name):
        sealed = 0
        while database["audit"].find_one({"unsealed": True}):
            try:
                sealed += await sealing.seal(name, 10)
            except sealing.TreeRaced:
                await asyncio.sleep(0)
        return sealed

    shares = await asyncio.gather(work(aio), work(other[database.name]))
    await other.close()
    assert sum(shares) == 400
    assert tree(database) == root_of_rows(database)
    assert tree(database)[0] == 400


async def test_a_sealer_that_read_an_older_tree_writes_nothing(database, aio):
    add(database, 3)
    await seal_all(aio)
    grown = list(database["audit_tree"].find())
    async with aio.client.start_session() as session:
        with pytest.raises(sealing.TreeRaced):
            await session.with_transaction(lambda s: sealing._grow(aio, 0, [leaf_hash(b"")], s))
    assert list(database["audit_tree"].find()) == grown


def test_a_sealer_killed_at_any_moment_only_has_to_begin_again(database, mongodb_uri):
    program = [sys.executable, "-c", SEALER, mongodb_uri, database.name]
    added = 0
    for _ in range(4):
        add(database, 400, first=added)
        added += 400
        with subprocess.Popen(program, cwd=REPOSITORY, stdout=subprocess.PIPE) as sealer:
            assert sealer.stdout.readline() == b"ready\n"
            wanted = tree(database)[0] + random.randrange(1, 40)
            while tree(database)[0] < wanted:
                pass
            for _ in range(random.randrange(9)):
                tree(database)  # takes a while, to strike anywhere in what comes after
            sealer.send_signal(signal.SIGKILL)
        found, rows, unsealed = of_one_moment(database)
        assert found == rows
        assert unsealed == added - found[0]

    with asyncio.Runner() as runner:
        runner.run(finish(mongodb_uri, database.name))
    assert tree(database) == root_of_rows(database)
    assert tree(database)[0] == added
    assert len(database["audit"].distinct("request_id")) == added


def of_one_moment(database):
    """The tree, the root of its rows and how many are not sealed, with no commit in between.

    The server may still be at the last commit of a sealer that was killed.
    """
    while True:
        found = tree(database)
        rows = root_of_rows(database)
        unsealed = database["audit"].count_documents({"unsealed": True})
        if tree(database) == found:
            return found, rows, unsealed


async def finish(uri, name):
    client = log.connect(uri)
    await seal_all(client[name])
    await client.close()


async def test_rows_from_before_there_was_a_tree_are_sealed_too(database, aio):
    database["audit_tree"].drop()
    add(database, 5)
    database["audit"].update_many({}, {"$unset": {"unsealed": "", "act": ""}})
    assert await sealing.seal(aio) == 0
    audit.ensure(database)
    audit.ensure(database)
    await seal_all(aio)
    assert tree(database)[0] == 5
    assert tree(database) == root_of_rows(database)


async def test_a_backlog_is_seen_with_its_age_and_goes(database, aio):
    assert reading.backlog(database) == sealing.Backlog(0, None)
    add(database, 30)
    expected = sealing.Backlog(30, NOW)
    assert (reading.backlog(database), await sealing.backlog(aio)) == (expected, expected)
    await sealing.seal(aio, 20)
    assert reading.backlog(database) == sealing.Backlog(10, NOW + timedelta(milliseconds=20))
    await seal_all(aio)
    assert await sealing.backlog(aio) == sealing.Backlog(0, None)


async def test_a_head_is_signed_for_each_size_and_again_after_an_hour(database, aio):
    key = Ed25519PrivateKey.generate()
    with pytest.raises(reading.HeadNotFound):
        reading.newest_head(database)
    assert await heads.sign_newest(aio, "catalogue", key, NOW)
    assert reading.newest_head(database).root == merkle.EMPTY
    add(database, 10)
    await seal_all(aio)
    assert await heads.sign_newest(aio, "catalogue", key, NOW)
    assert not await heads.sign_newest(aio, "catalogue", key, NOW + timedelta(minutes=59))
    head = reading.newest_head(database)
    assert (head.department, head.size, head.root) == ("catalogue", *tree(database))
    assert head.is_signed()
    later = NOW + timedelta(hours=1)
    assert await heads.sign_newest(aio, "catalogue", key, later)
    assert heads.head_time(reading.newest_head(database)) == later
    assert await heads.sign_newest(aio, "catalogue", Ed25519PrivateKey.generate(), later)


async def test_of_each_hour_the_last_head_and_always_the_newest_is_kept_for_long(database, aio):
    key = Ed25519PrivateKey.generate()
    minutes = (0, 1, 59, 60, 61, 200)
    for size, minute in enumerate(minutes, 1):
        add(database, 1, first=size)
        await seal_all(aio)
        assert await heads.sign_newest(aio, "catalogue", key, NOW + timedelta(minutes=minute))
    kept = {one["_id"]: one for one in database["audit_heads"].find()}
    long, short = timedelta(days=90), timedelta(days=1)
    lives = {size: one["expire_time"] - one["time"] for size, one in kept.items()}
    assert lives == {1: short, 2: short, 3: long, 4: short, 5: long, 6: long}
    for size, one in kept.items():
        head = heads.head_in(one)
        assert head.is_signed()
        path = reading.consistency(database, size, 6)
        assert merkle.continues(size, head.root, *tree(database), path)
    index = database["audit_heads"].index_information()["expiry"]
    assert (index["key"], index["expireAfterSeconds"]) == ([("expire_time", 1)], 0)


async def test_a_head_that_is_signed_again_is_kept_anew_and_leaves_the_others(database, aio):
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    add(database, 1)
    await seal_all(aio)
    assert await heads.sign_newest(aio, "catalogue", key, NOW)
    add(database, 1, first=1)
    await seal_all(aio)
    signed = [(key, 5), (other, 6), (other, 70)]
    for by, minute in signed:
        now = NOW + timedelta(minutes=minute)
        assert await heads.sign_newest(aio, "catalogue", by, now)
        lives = {one["_id"]: one["expire_time"] for one in database["audit_heads"].find()}
        assert lives == {1: NOW + timedelta(days=1), 2: now + timedelta(days=90)}


async def test_the_relays_sealer_seals_and_signs_what_comes_and_ends_when_asked(database, aio):
    task = asyncio.create_task(keep_sealed("catalogue", aio, Ed25519PrivateKey.generate()))
    for first in (0, 10):
        add(database, 10, first=first)
        while not database["audit_heads"].find_one({"_id": first + 10}):
            assert not task.done()
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reading.newest_head(database).root == root_of_rows(database)[1]


async def test_without_a_key_the_tree_grows_all_the_same(database, aio):
    add(database, 10)
    task = asyncio.create_task(keep_sealed("catalogue", aio, None))
    while tree(database)[0] < 10:
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert database["audit_heads"].find_one() is None


async def test_any_field_changed_added_or_gone_in_a_sealed_row_is_found(database, aio):
    add(database, 20)
    await seal_all(aio)
    row = database["audit"].find_one({"leaf": 7})
    for name, value in row.items():
        if name in ("_id", "leaf"):
            continue
        for other in ({"$set": {name: "another"}}, {"$unset": {name: ""}}):
            database["audit"].update_one({"_id": row["_id"]}, other)
            assert not inclusion_holds(database, row), (name, other)
            database["audit"].replace_one({"_id": row["_id"]}, row)
        assert isinstance(value, str | list) or name == "time"
    database["audit"].update_one({"_id": row["_id"]}, {"$set": {"remark": 1}})
    assert not inclusion_holds(database, row)


# Above 65,536 = 256 × 256 a tree has a third floor of tiles; more records only repeat that.
@pytest.mark.parametrize(
    ("count", "tiles"), [(66_000, 258), pytest.param(100_000, 391, marks=pytest.mark.long)]
)
async def test_very_many_records_verify_and_a_changed_byte_in_any_is_found(
    database, aio, count, tiles
):
    add(database, count)
    began = time.monotonic()
    await seal_all(aio, 2500)
    sealed_in = time.monotonic() - began
    assert tree(database) == root_of_rows(database)
    size, root = tree(database)
    assert size == count
    assert database["audit_tree"].count_documents({}) == 1 + tiles + 2 + 1

    began = time.monotonic()
    for index in (0, 49_999, 65_535, 65_536, count - 2, count - 1):
        assert inclusion_holds(database, database["audit"].find_one({"leaf": index}))
    assert time.monotonic() - began < 1
    assert sealed_in < 60
    a_changed_byte_is_found(database, size, root)


def a_changed_byte_is_found(database, size, root):
    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, size - 1), st.data())
    def found(index, data):
        row = database["audit"].find_one({"leaf": index})
        raw = bytearray(canonical(row))
        assert json.loads(raw)["record_id"] == row["_id"]
        _, leaf, path = reading.inclusion(database, row["_id"], size)
        assert merkle.includes(index, size, leaf, path, root)
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
        assert not merkle.includes(index, size, leaf_hash(bytes(raw)), path, root)

    found()
