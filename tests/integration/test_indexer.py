"""The indexer as a process: what departments say is in the index, whatever happens to anybody."""

import asyncio
import random
import time

import pytest

from gateway.indexer import service
from gateway.indexer.rebuild import RebuildFailed, rebuild
from gateway.indexer.service import Indexer
from gateway.indexer.verify import DifferenceKind, verify
from gateway.indexer.writer import IndexWriter
from gateway.onestop import OneStop, directory
from gateway.onestop.asked import Asked
from gateway.onestop.cards import Change
from gateway.onestop.directory import LockHeld
from gateway.onestop.reader import Reader
from gateway.onestop.schema import Stored, subject_document
from tests.integration.indexing import Platform
from tests.unit.onestop.shelf import AS_OF, NoDepartment, card, now


def unheard(*_):
    """Progress that nobody looks at."""


@pytest.fixture
def platform(tmp_path):
    platform = Platform(tmp_path, "catalogue", "credit")
    yield platform
    platform.close()


async def test_what_was_there_before_and_what_comes_after_is_in_the_index(platform):
    catalogue, credit = platform.logs.values()
    catalogue.publish_many({f"s{n}": {"title": f"事项{n}"} for n in range(1200)})
    credit.publish("c", title="某公司", kind="credit")
    platform.start()
    await platform.until(platform.agrees)
    catalogue.publish("s7", title="新的名称")
    catalogue.remove("s8")
    credit.tell_uncarded("permit-1")
    await platform.until(platform.agrees)
    assert platform.shown("catalogue")["s7"] == "新的名称"
    await platform.until(lambda: platform.status()["credit"]["sequence"] == 2)
    assert platform.stop() == 0
    assert "ready indexer" in platform.said()


async def test_a_change_is_found_within_a_second(platform):
    catalogue = platform.logs["catalogue"]
    platform.start()
    await platform.until(lambda: platform.status().get("catalogue", {}).get("as_of"))
    reader = Reader(platform.settings.index_dir)
    waits = []
    for number in range(60):
        catalogue.publish("s", title=f"第{number}版")
        told = time.monotonic()
        while not reader.searcher().doc_freq("name", f"第{number}版"):
            await asyncio.sleep(0.002)
            assert time.monotonic() - told < 3
        waits.append(time.monotonic() - told)
        await asyncio.sleep(random.random() * 0.1)
    assert sorted(waits)[-2] < 1.0 * 3  # a bound of the bench, and three times it here


async def test_an_indexer_killed_at_any_moment_only_repeats_work(platform):
    catalogue, credit = platform.logs.values()
    chance = random.Random(20261122)
    catalogue.publish_many({f"s{n}": {"title": f"事项{n}"} for n in range(3000)})
    stop = False

    async def change():
        while not stop:
            log = chance.choice([catalogue, catalogue, credit])
            subject = f"s{chance.randrange(40)}"
            if chance.random() < 0.2 and subject in log.shown():
                log.remove(subject)
            else:
                log.publish(subject, title=f"{subject}改为{chance.random():.6f}")
            await asyncio.sleep(0.005)

    changing = asyncio.create_task(change())
    for _ in range(6):
        platform.start()
        await asyncio.sleep(0.6 + chance.random())
        platform.kill()
    stop = True
    await changing
    platform.start()
    await platform.until(platform.agrees)
    result = await verify(platform.settings, unheard)
    assert (result.differences, result.compared) != ([], 0)
    assert result.differences == []
    before = {name: platform.shown(name) for name in platform.logs}
    await rebuild(platform.settings, unheard)
    assert {name: platform.shown(name) for name in platform.logs} == before
    await platform.until(platform.agrees)


async def test_verify_finds_what_was_planted(platform):
    catalogue = platform.logs["catalogue"]
    for number in range(20):
        catalogue.publish(f"s{number}", title=f"事项{number}")
    platform.start()
    await platform.until(platform.agrees)
    await platform.until(platform.whole)
    platform.stop()
    writer = IndexWriter(directory.current(platform.settings.index_dir))
    copy = writer.committed("catalogue").copy
    writer._writer.delete_documents_by_term("id", "catalogue/s3")
    for change in (
        Change("never-published", 1, AS_OF, card("多出来的")),
        Change("s5", 1, AS_OF, card("被改动的", url="/items/s5")),
    ):
        document = subject_document(Stored("catalogue", copy, change), now())
        writer._writer.delete_documents_by_term("id", f"catalogue/{change.subject}")
        writer._writer.add_document(document)
    writer._writer.commit()
    writer.close()
    result = await verify(platform.settings, unheard)
    assert {(one.kind, one.subject) for one in result.differences} == {
        (DifferenceKind.MISSING, "s3"),
        (DifferenceKind.EXTRA, "never-published"),
        (DifferenceKind.ALTERED, "s5"),
    }
    assert result.positions == {"catalogue": 20, "credit": 0}
    await rebuild(platform.settings, unheard)
    assert (await verify(platform.settings, unheard)).differences == []


async def test_verify_finds_nothing_while_everything_changes(platform):
    catalogue = platform.logs["catalogue"]
    platform.start()
    stop = False

    async def change():
        number = 0
        while not stop:
            number += 1
            catalogue.publish(f"s{number % 50}", title=f"事项{number}")
            await asyncio.sleep(0.003)

    changing = asyncio.create_task(change())
    await platform.until(lambda: len(platform.shown("catalogue")) == 50)
    results = [await verify(platform.settings, unheard) for _ in range(3)]
    stop = True
    await changing
    assert [result.differences for result in results] == [[], [], []]


async def test_queries_never_stop_while_the_index_is_built_anew(platform):
    catalogue = platform.logs["catalogue"]
    catalogue.publish_many({f"s{n}": {"title": f"食品经营许可{n}"} for n in range(2000)})
    platform.start()
    await platform.until(platform.agrees)
    onestop = OneStop.open(platform.settings, NoDepartment())
    first = directory.current(platform.settings.index_dir)
    stop, totals = False, set()

    async def ask():
        while not stop:
            answer = await onestop.answer(Asked("食品经营许可"))
            totals.add(answer.groups[0].total if answer.groups else 0)
            await asyncio.sleep(0)

    asking = asyncio.create_task(ask())
    told = []
    for _ in range(2):
        result = await rebuild(platform.settings, lambda *progress: told.append(progress))
        assert result.subjects == {"catalogue": 2000, "credit": 0}
        assert directory.current(platform.settings.index_dir).name == result.directory
    catalogue.publish("s2000", title="食品经营许可2000")
    await platform.until(lambda: 2001 in totals)
    await platform.until(lambda: not first.exists())
    stop = True
    await asking
    await onestop.close()
    assert totals == {2000, 2001}
    assert told
    assert platform.process.poll() is None


async def test_a_rebuild_that_cannot_read_a_department_leaves_the_index_as_it_is(
    platform, monkeypatch
):
    monkeypatch.setattr("gateway.indexer.rebuild.GIVE_UP_AFTER", 300_000)
    platform.logs["catalogue"].publish("s", title="事项")
    platform.start()
    await platform.until(platform.agrees)
    used = directory.current(platform.settings.index_dir)
    platform.logs["credit"].stop()
    with pytest.raises(RebuildFailed, match="credit"):
        await rebuild(platform.settings, unheard)
    assert directory.current(platform.settings.index_dir) == used
    folders = [path for path in platform.settings.index_dir.iterdir() if path.is_dir()]
    assert folders == [used]


async def test_two_rebuilds_do_not_run_at_once(platform):
    lock = platform.settings.index_dir / directory.REBUILD_LOCK
    with directory.locked(lock), pytest.raises(LockHeld):
        await rebuild(platform.settings, unheard)


async def test_an_index_that_cannot_be_read_is_made_anew_and_that_is_said(platform):
    platform.logs["catalogue"].publish("s", title="事项")
    platform.start()
    await platform.until(platform.agrees)
    platform.stop()
    broken = directory.current(platform.settings.index_dir)
    (broken / "meta.json").write_text("{ this is no index")
    platform.start()
    await platform.until(platform.agrees)
    assert "cannot be read" in platform.said()
    assert "making the index anew" in platform.said()
    await platform.until(lambda: not broken.exists())


async def test_a_full_disk_does_not_empty_an_index_that_still_answers(platform, monkeypatch):
    platform.logs["catalogue"].publish("s", title="事项")
    platform.start()
    await platform.until(platform.agrees)
    platform.stop()
    used = directory.current(platform.settings.index_dir)
    indexer = Indexer(platform.settings)
    for free, same in ((1 << 62, True), (0, False)):
        indexer._failures = service.FAILURES_BEFORE_ANEW
        monkeypatch.setattr(service, "LEAST_FREE", free)
        writer = indexer._open()
        writer.close()
        assert (writer.directory == used) is same


async def test_the_status_is_written_again_after_it_could_not_be(platform):
    platform.logs["catalogue"].publish("s", title="事项")
    platform.start()
    await platform.until(platform.agrees)
    status = platform.settings.index_dir / directory.STATUS
    status.unlink()
    status.mkdir()  # no file can take its place
    await platform.until(lambda: "status of the index cannot be written" in platform.said())
    status.rmdir()
    await platform.until(status.is_file)
    assert platform.process.poll() is None


async def test_a_department_restored_from_a_backup_replaces_its_whole_copy(platform):
    catalogue, credit = platform.logs.values()
    for number in range(30):
        catalogue.publish(f"s{number}", title=f"事项{number}")
    credit.publish("c", title="某公司", kind="credit")
    platform.start()
    await platform.until(platform.agrees)
    restored = {"s1": (1, {"kind": "item", "title": "旧的事项1", "url": "/items/s1"})}
    catalogue.restore(restored)
    await platform.until(lambda: platform.shown("catalogue") == {"s1": "旧的事项1"})
    catalogue.publish("s1", title="恢复之后")
    await platform.until(platform.agrees)
    assert platform.shown("credit") == {"c": "某公司"}


async def test_a_log_that_no_longer_goes_back_far_enough_leads_to_a_snapshot(platform):
    catalogue = platform.logs["catalogue"]
    catalogue.publish("s1", title="事项1")
    platform.start()
    await platform.until(platform.agrees)
    await platform.until(platform.whole)  # else its copy is read once more, whatever the log says
    platform.stop()
    snapshots = catalogue.snapshots_read
    catalogue.publish("s2", title="事项2")
    catalogue.remove("s1")
    catalogue.forget_before(3)
    platform.start()
    await platform.until(platform.agrees)
    assert catalogue.snapshots_read == snapshots + 1
    assert "LOG_TRUNCATED" in platform.said() or "已截断" in platform.said()


async def test_a_restart_goes_on_from_where_it_was(platform):
    catalogue = platform.logs["catalogue"]
    catalogue.publish("s1", title="事项1")
    platform.start()
    await platform.until(lambda: platform.status().get("catalogue", {}).get("as_of"))
    platform.kill()
    catalogue.publish("s2", title="事项2")
    platform.start()
    await platform.until(platform.agrees)
    assert catalogue.snapshots_read == 1


async def test_an_outage_is_told_since_when_and_waited_out(platform):
    platform.start()
    await platform.until(lambda: platform.status().get("credit", {}).get("status") == "ok")
    stopped_at = time.time_ns() // 1000
    platform.logs["credit"].stop()
    await platform.until(lambda: platform.status()["credit"]["status"] == "unavailable", 5)
    row = platform.status()["credit"]
    assert row["as_of"] <= row["since"]
    assert abs(row["since"] - stopped_at) < 2_000_000
    assert platform.status()["catalogue"]["status"] == "ok"
    platform.kill()  # an indexer started meanwhile still knows since when
    platform.start()
    await platform.until(lambda: "ready indexer" in platform.said())
    assert platform.status()["credit"]["since"] == row["since"]
    platform.logs["credit"].start()
    platform.logs["credit"].publish("c", title="某公司", kind="credit")
    await platform.until(platform.agrees, 5)
    await platform.until(lambda: platform.status()["credit"]["status"] == "ok", 5)


async def test_a_second_indexer_waits_and_takes_over(platform):
    platform.logs["catalogue"].publish("s", title="事项")
    platform.start()
    await platform.until(platform.agrees)
    first = platform.process
    platform.start()
    await platform.until(lambda: "another indexer writes" in platform.said())
    platform.logs["catalogue"].publish("s", title="事项第二版")
    await platform.until(platform.agrees)
    first.kill()
    first.wait()
    platform.logs["catalogue"].publish("s", title="事项第三版")
    await platform.until(platform.agrees)
    assert platform.process.poll() is None
