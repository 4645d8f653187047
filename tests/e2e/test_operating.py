"""What an operator does while people go on asking: departments out and back, index, messages."""

from __future__ import annotations

import contextlib
import re
import signal
import sys
import threading
from pathlib import Path
from statistics import median

import kombu
import pymongo
import pytest
import tantivy

from gateway.indexer.writer import read_positions
from gateway.onestop import directory
from gateway.onestop.cards import Card, Change
from gateway.onestop.directory import INDEXER_LOCK, LockHeld
from gateway.onestop.schema import Stored, subject_document
from services.common.settings import DEPARTMENTS, PRIVATE, user_of
from services.websites.store import COUNTS
from tests.e2e.city import WITHIN, command, seconds_of, titles

WELL, DIFFERS, NO_ANSWER = 0, 1, 3
ASKED = 120  # queries for a median
SLOWER_SECONDS = 0.020  # a department away may cost the others no more, at the median
BACK_SECONDS = 20.0
CATALOGUE = "catalogue"
TRACE = "5eed0000000000000000000000e2e001"
# No item that is published here says any of it: what only says the rarest of the words joins an
# answer when the gateway reads the names anew, up to a minute later, in the midst of another test.
QUESTIONS = ("食品经营许可", "昆明 供水", "有限公司", "门户网站")


def test_the_readiness_endpoint_and_the_status_command_name_each_dependency(city):
    ready = city.get("/readyz")
    assert ready["status"] == "ok"
    assert ready["checks"].keys() == {*DEPARTMENTS, "index"}
    assert city.http.get("/healthz").json() == {"status": "ok"}
    done = city.zhengtong("status")
    assert done.code == WELL
    assert all(name in done.out for name in ready["checks"])
    assert city.zhengtong("status", "--json").json == ready


@pytest.fixture
def credit_out(city):
    """Takes credit out; it is back afterwards, whatever happens."""

    def out():
        assert city.zhengtong("stop", "credit").code == WELL
        city.until(lambda: city.source("credit")["status"] == "unavailable", "credit's end", 10)

    yield out
    assert city.zhengtong("start", "credit").code == WELL
    city.until(lambda: city.source("credit")["status"] == "ok", "credit's return", BACK_SECONDS)


def test_with_credit_stopped_queries_go_on_as_fast_and_say_since_when_it_is_away(city, credit_out):
    usual = latency(city)
    code = city.query("有限公司", kind="credit")["groups"][0]["hits"][0]["id"].partition("/")[2]
    assert city.source("credit").keys() == {"department", "status", "as_of", "lag_ms"}
    credit_out()
    without = latency(city)
    sys.stdout.write(f"median {usual * 1000:.1f} ms, without credit {without * 1000:.1f} ms\n")
    assert without - usual <= SLOWER_SECONDS * WITHIN
    away = city.source("credit")
    assert away["as_of"] <= away["since"]
    others = [one for one in city.query("食品")["sources"] if one["department"] != "credit"]
    assert {one["status"] for one in others} == {"ok"}
    assert titles(city.query("有限公司", kind="credit"))  # what was indexed is still found
    by_code = city.query(code)
    assert by_code["groups"][0]["hits"][0]["url"] == f"/credit/{code}"
    assert "行政许可" not in by_code["groups"][0]["hits"][0]["summary"]
    told_by_those_who_watch(city)


def told_by_those_who_watch(city):
    ready = city.http.get("/readyz")
    assert ready.status_code == 503
    states = {name: check["status"] for name, check in ready.json()["checks"].items()}
    assert states.pop("credit") == "unavailable"
    assert set(states.values()) == {"ok"}
    assert city.zhengtong("status").code == DIFFERS
    dead = city.zhengtong("events", "dead")
    assert (dead.code, "credit：没有应答" in dead.err) == (NO_ANSWER, True)
    verified = city.zhengtong("index", "verify", "--json")
    assert (verified.code, verified.out) == (NO_ANSWER, "")
    assert "部门 credit 没有应答。" in verified.err


def test_a_department_put_back_answers_live_again(city, credit_out):
    code = city.query("有限公司", kind="credit")["groups"][0]["hits"][0]["id"].partition("/")[2]
    credit_out()
    path = f"/api/v1/credit/subjects/{code}"
    assert city.http.get(path).status_code == 503
    assert city.zhengtong("start", "credit").code == WELL
    city.until(lambda: city.source("credit")["status"] == "ok", "credit's return", BACK_SECONDS)
    assert "since" not in city.source("credit")
    assert "行政许可" in city.query(code)["groups"][0]["hits"][0]["summary"]
    assert city.http.get(path).status_code == 200
    city.until(lambda: city.http.get("/readyz").status_code == 200, "readiness", BACK_SECONDS)


def latency(city):
    """The median of many queries in seconds, after some that warm up."""
    asked = [QUESTIONS[number % len(QUESTIONS)] for number in range(ASKED)]
    took = [seconds_of(lambda text=text: city.query(text)) for text in asked]
    return median(took[len(QUESTIONS) :])


def test_what_is_told_while_a_department_is_out_reaches_it_when_it_is_back(city):
    before = city.counted("catalogue", "item")
    city.zhengtong("stop", "websites")
    city.until(lambda: city.source("websites")["status"] == "unavailable", "websites' end", 10)
    try:
        city.publish("部门停止期间公布的演练事项")
    finally:
        city.zhengtong("start", "websites")
    city.until(lambda: city.source("websites")["status"] == "ok", "websites' return", BACK_SECONDS)
    city.until(lambda: city.counted("catalogue", "item") > before, "the count", BACK_SECONDS)
    assert city.counted("catalogue", "item") == before + 1


def test_verify_tells_a_planted_absence_excess_and_alteration_and_a_rebuild_mends_them(city):
    missing, altered = (city.publish(f"索引核对演练{name}")["item_id"] for name in "甲乙")
    city.until(lambda: len(titles(city.query("索引核对演练", kind="item"))) >= 2, "both items", 10)
    well = city.zhengtong("index", "verify", "--json")
    assert (well.code, well.json["differences"]) == (WELL, [])
    assert well.json["compared"] > 1000
    assert well.json["positions"].keys() == set(DEPARTMENTS) - set(PRIVATE)

    plant(city, missing, altered)

    differs = city.zhengtong("index", "verify", "--json")
    found = {
        (row["kind"], row["department"], row["subject"]) for row in differs.json["differences"]
    }
    assert found == {
        ("missing", "catalogue", missing),
        ("altered", "catalogue", altered),
        ("extra", "catalogue", "never-published"),
    }
    assert differs.code == DIFFERS
    told = city.zhengtong("index", "verify")
    assert told.code == DIFFERS
    assert missing in told.out
    assert "3 处差异" in told.err
    assert city.zhengtong("index", "rebuild").code == WELL
    assert city.zhengtong("index", "verify").code == WELL


def plant(city, missing, altered):
    """Write into the index, in the indexer's place, what no department ever said."""
    with indexer_away(city) as root:
        used = directory.current(root)
        index = tantivy.Index.open(str(used))
        writer = index.writer(heap_size=15_000_000, num_threads=1)
        copy = next(one.copy for one in read_positions(index.searcher()) if one.source == CATALOGUE)
        writer.delete_documents_by_term("id", f"catalogue/{missing}")
        for subject in (altered, "never-published"):
            card = Card(
                kind="item",
                title="谁也没有公布过的事项",
                summary="",
                department="",
                region_code="",
                url="/items/x",
            )
            change = Change(subject, 1, "2026-11-24T00:00:00.000Z", card)
            writer.delete_documents_by_term("id", f"catalogue/{subject}")
            writer.add_document(subject_document(Stored(CATALOGUE, copy, change), 0))
        writer.commit()
        writer.wait_merging_threads()


@contextlib.contextmanager
def indexer_away(city):
    """The indexer killed, and its successor kept waiting at the lock; gives the index's folder."""
    root = Path(city.stack.env["ZHENGTONG_INDEX_DIR"])
    killed = city.stack.kill("indexer")
    with contextlib.ExitStack() as holding:

        def held():
            with contextlib.suppress(LockHeld):
                holding.enter_context(directory.locked(root / INDEXER_LOCK))
                return True
            return False

        city.until(held, "the indexer's lock", 5)
        yield root
    city.stack.wait_back("indexer", killed)


def test_after_a_restore_every_copy_is_made_anew_and_agrees(city, credit_out):
    code = city.query("有限公司", kind="credit")["groups"][0]["hits"][0]["id"].partition("/")[2]
    credit_out()
    module = "services.common.eventlog.restore"
    assert command(module, "weather", env=city.stack.platform_env).code == 2
    restored = command(module, "credit", env=city.stack.platform_env)
    assert (restored.code, "新纪元" in restored.out) == (WELL, True)
    assert city.zhengtong("start", "credit").code == WELL
    city.until(lambda: city.source("credit")["status"] == "ok", "credit's return", BACK_SECONDS)
    assert "the copy of credit is made anew" in city.logs()["indexer.log"]
    verified = city.zhengtong("index", "verify", "--json")
    assert (verified.code, verified.json["differences"]) == (WELL, [])
    assert city.query(code)["groups"][0]["hits"][0]["url"] == f"/credit/{code}"


def test_queries_never_fail_while_the_index_is_rebuilt(city):
    names = [titles(city.query(text)) for text in QUESTIONS]
    stop, answered, wrong = threading.Event(), [], []

    def ask():
        while not stop.is_set():
            for text, wanted in zip(QUESTIONS, names, strict=True):
                answer = city.http.get("/api/v1/query", params={"q": text})
                if answer.status_code != 200 or titles(answer.json()) != wanted:
                    wrong.append((answer.status_code, answer.text))
                answered.append(text)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        rebuilt = [city.zhengtong("index", "rebuild", "--json") for _ in range(2)]
    finally:
        stop.set()
        asking.join()
    assert [done.code for done in rebuilt] == [WELL, WELL]
    assert rebuilt[0].json["subjects"].keys() == set(DEPARTMENTS) - set(PRIVATE)
    assert wrong == []
    assert len(answered) > 20


def test_a_rebuild_beside_another_one_is_refused_with_4(city):
    root = Path(city.stack.env["ZHENGTONG_INDEX_DIR"])
    with directory.locked(root / directory.REBUILD_LOCK):
        done = city.zhengtong("index", "rebuild")
    assert (done.code, "另一次重建正在进行" in done.err) == (4, True)


@contextlib.contextmanager
def counting_refused(city):
    """The publication statistics refuse what catalogue tells, as a wrong index would make them."""
    with pymongo.MongoClient(city.stack.env["MONGODB_URI"]) as client:
        database = client["zt_websites"]
        refusing = {"department": {"$ne": "catalogue"}}
        database.command("collMod", COUNTS, validator=refusing)
        try:
            yield
        finally:
            database.command("collMod", COUNTS, validator={})


def test_a_message_that_fails_is_deferred_seen_replayed_and_acts_once(city):
    before = city.counted("catalogue", "item")
    with counting_refused(city):
        told = f"00-{TRACE}-00000000000000e2-01"
        item_id = city.publish("推迟处理演练事项", traceparent=told)["item_id"]
        city.until(lambda: parked(city, "deferred"), "a deferred message", BACK_SECONDS)
        relay = city.stack.kill("relay", signal.SIGSTOP)  # it would put the message back by itself
        city.until(lambda: parked(city, "deferred"), "it to be back", BACK_SECONDS)
    (row,) = parked(city, "deferred")
    assert (row["department"], row["subject"], row["reason"]) == ("websites", item_id, "UNEXPECTED")
    assert row["type"] == "zhengtong.catalogue.v1.ItemPublished"
    assert row["due_time"]
    assert city.counted("catalogue", "item") == before
    listed = city.zhengtong("events", "deferred")
    assert (listed.code, "共 1 条" in listed.err) == (WELL, True)
    done = city.zhengtong("events", "replay", row["parked_id"], "--department", "websites")
    assert (done.code, "已放回 1 条" in done.err) == (WELL, True)
    city.stack.kill("relay", signal.SIGCONT)
    assert city.stack.pid("relay") == relay
    city.until(lambda: city.counted("catalogue", "item") == before + 1, "the count", BACK_SECONDS)
    assert parked(city, "deferred") == []
    told = [line for line in city.logs()["worker.log"].splitlines() if TRACE in line]
    assert told, "the story of the failure carries the trace of the change"


def test_what_is_withdrawn_leaves_a_parked_message_too_and_still_counts_once(city):
    before = city.counted("catalogue", "item")
    with counting_refused(city):
        name = "推迟后又撤回的演练事项"
        item_id = city.publish(name)["item_id"]
        city.until(lambda: name in bodies(city), "a parked message with the name", BACK_SECONDS)
        city.withdraw(item_id)
        city.until(lambda: name not in bodies(city), "the payload to be gone", BACK_SECONDS)
        city.until(lambda: item_id in bodies(city), "the message to be parked still", BACK_SECONDS)
    for row in parked(city, "deferred"):
        city.zhengtong("events", "replay", row["parked_id"], "--department", "websites")
    city.until(lambda: parked(city, "deferred") == [], "no message left", BACK_SECONDS)
    city.until(lambda: city.counted("catalogue", "item") > before, "the count", BACK_SECONDS)
    assert city.counted("catalogue", "item") == before + 1


def bodies(city):
    """What the parked messages of websites say, all of them together."""
    with pymongo.MongoClient(city.stack.env["MONGODB_URI"]) as client:
        return b"\n".join(
            bytes(row["body"]) for row in client["zt_websites"]["parked"].find()
        ).decode(errors="replace")


def parked(city, kind):
    return city.zhengtong("events", kind, "--json").json


def test_a_message_that_nobody_can_read_is_dead_said_in_the_log_and_dead_again_if_replayed(city):
    with kombu.Connection(city.stack.env["AMQP_URI"]) as link:
        producer = link.Producer(exchange=kombu.Exchange("catalogue.events", "topic"))
        key, about = "zhengtong.catalogue.v1.ItemPublished", {"message_id": "nobody-can-read-this"}
        producer.publish(b"\x00no envelope", key, content_type="application/json", **about)
    city.until(lambda: parked(city, "dead"), "a dead message", BACK_SECONDS)
    (row,) = parked(city, "dead")
    assert (row["department"], row["reason"]) == ("websites", "UNREADABLE")
    assert "due_time" not in row
    assert deaths(city, about["message_id"]) == 1
    assert city.zhengtong("events", "replay", "--json").json["websites"] == 1
    city.until(lambda: deaths(city, about["message_id"]) == 2, "its second death", BACK_SECONDS)
    assert [one["parked_id"] for one in parked(city, "dead")] == [row["parked_id"]]


def deaths(city, message_id):
    return city.logs()["worker.log"].count(f"{message_id}: UNREADABLE")


def test_every_process_is_at_the_servers_under_its_departments_own_name_and_no_other(city):
    with pymongo.MongoClient(city.stack.env["MONGODB_URI"]) as client:
        rows = client.admin.aggregate([{"$currentOp": {"allUsers": True, "idleConnections": True}}])
        names = {
            user["user"]
            for row in rows
            if row.get("appName", "").startswith("zhengtong")
            for user in row.get("effectiveUsers", ())
        }
    assert names == {user_of(name) for name in DEPARTMENTS}
    granted = set(re.findall(r"user '(\w+)' authenticated and granted", city.logs()["rabbit.log"]))
    by_this_test = {"zhengtong"}
    assert granted - by_this_test == {user_of(name) for name in DEPARTMENTS}


def test_no_process_and_no_log_of_the_platform_holds_a_password(city):
    secrets = city.stack.plan.layout.secrets
    words = [
        path.read_text() for path in secrets.rglob("*") if path.suffix != ".json" if path.is_file()
    ]
    assert len(words) == 2 * len(DEPARTMENTS) + 3
    told = list(city.logs().values())
    processes = [Path(f"/proc/{city.stack.pid(name)}") for name in city.stack.names]
    for file in ("cmdline", "environ"):
        told += [(process / file).read_text(errors="replace") for process in processes]
    told.append(city.stack.plan.layout.environment.read_text())
    assert [word for word in words if any(word in each for each in told)] == []


def test_an_operator_looks_for_queues_without_a_handler_under_the_departments_names(city):
    done = command("services.common.delivery.queues", env=city.stack.platform_env)
    assert (done.code, done.out) == (WELL, "")
