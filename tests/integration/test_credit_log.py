"""What credit keeps on MongoDB and tells its log: the same by every way, nothing it must not."""

import orjson
import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandListener

from services.common import fields
from services.common.errors import Stale
from services.common.eventlog import log
from services.common.eventlog.redaction import redact
from services.common.eventlog.relay import stamp
from services.common.transaction import Unit
from services.credit import domain, usecases
from services.credit import store as mongo_store
from services.credit.domain import Penalty, Permit, Subject
from services.credit.store import COLLECTIONS, DOCUMENTS, MongoStore
from tests.conftest import NOW
from tests.integration.credit_work import (
    SHAPES,
    importing,
    listing,
    made,
    publish,
    publishing,
    withdrawing,
)
from tests.plans import faults_of
from tests.unit.credit.rows import CODE, OTHER, row

FACTS = {Subject: "SubjectRegistered", Permit: "PermitDisclosed", Penalty: "PenaltyDisclosed"}
kinds = pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)


@pytest.fixture
def on_mongo(database, committed):
    mongo_store.ensure(database)
    return lambda work, *, now=NOW: committed(lambda unit: work(MongoStore(unit)), now=now)


@kinds
def test_an_import_and_a_single_call_write_and_tell_the_same(database, on_mongo, kind):
    values = row(SHAPES[kind])
    on_mongo(importing(kind, values))
    of_import = stored(database), told(database)
    for name in (*COLLECTIONS.values(), "events"):
        database[name].delete_many({})
    record = domain.record_of_row(values, SHAPES[kind])
    on_mongo(lambda store: publish(record, store))
    assert stored(database) == of_import[0]
    assert told(database) == of_import[1]
    assert {name for name, _ in of_import[1]} == {"SubjectRegistered", FACTS[kind]}


def test_an_import_counts_what_is_newly_public_of_each_kind(database, on_mongo):
    rows = [row("penalties_2018", CF_WSH=f"示例罚决〔2026〕{number}号") for number in range(3)]
    on_mongo(importing(Penalty, rows[0], rows[1] | {"CF_XDR_SHXYM": OTHER}))
    on_mongo(importing(Penalty, rows[0] | {"BZ": "已更正"}, rows[2]))
    on_mongo(importing(Penalty, *rows[:1], rows[2]))
    counts = {"type": "zhengtong.credit.v1.ImportPublished"}
    found = [orjson.loads(one["data"]) for one in database["events"].find(counts)]
    assert found == [
        {"kind": "subject", "count": 2},
        {"kind": "penalty", "count": 2},
        {"kind": "penalty", "count": 1},
    ]


@kinds
def test_what_an_import_writes_is_what_the_documents_allow(database, on_mongo, kind):
    texts = {"CF_SY": 5000, "CF_YJ": 2048, "CF_NR": 4000, "CF_WFXW": 2000, "CF_NR_ZKDX": 400}
    texts |= {"XK_NR": 4000, "XK_XKLB": 256, "XK_XKZS": 200, "XK_XKBH": 128, "XK_FRDB": 50}
    texts |= {"NAME": 200, "ADDRESS": 300, "LEGAL_REPRESENTATIVE": 50, "BZ": 4000, "CF_CFLB": 200}
    values = row(SHAPES[kind])
    longest = {column: "长" * size for column, size in texts.items() if column in values}
    assert on_mongo(importing(kind, values | longest)).created == 1
    document = database[COLLECTIONS[kind]].find_one()
    DOCUMENTS[kind]._from_son(document).validate()
    assert fields.plain(fields.restore(kind, document["record"])) == document["record"]


def test_facts_and_audit_are_in_the_transaction(database, on_mongo):
    def fails(store):
        publish(made(Penalty), store)
        raise Stale("meanwhile")

    names = ("penalties", "subjects", "events", "audit")
    with pytest.raises(Stale):
        on_mongo(fails)
    assert [database[name].count_documents({}) for name in names] == [0, 0, 0, 0]
    listed = on_mongo(publishing(Penalty))
    assert [database[name].count_documents({}) for name in names] == [1, 1, 2, 1]
    assert database["audit"].find_one()["subjects"] == sorted([CODE, listed.record.record_id])


@pytest.mark.rule("K-2")
@pytest.mark.rule("K-3")
def test_nothing_about_a_person_is_anywhere_in_the_database(database, on_mongo):
    person = {"CF_XDR_MC": "赵密密", "CF_XDR_TYPE": "自然人", "CF_XDR_ZJHM": "11010519491231002X"}
    person |= {"CF_SY": "赵密密违法", "CF_XDR_SHXYM": "", "CF_WSH": "示例罚决〔2026〕密号"}
    of_company = {"CF_FR_ZJHM": "11010519491231002X", "CF_WSH": "示例罚决〔2026〕2号"}
    rows = [row("penalties_2018", **person), row("penalties_2018", **of_company)]
    report = on_mongo(importing(Penalty, *rows))
    assert (report.created, report.rejected) == (1, 1)
    whole = repr([list(database[name].find()) for name in database.list_collection_names()])
    assert "示例罚决〔2026〕2号" in whole
    for secret in ("密", "19491231"):
        assert secret not in whole + repr(report)


@pytest.mark.rule("K-9")
@pytest.mark.parametrize("bulk", [False, True])
async def test_nothing_public_remains_of_a_withdrawn_penalty(mongodb_uri, database, on_mongo, bulk):
    secret = {"CF_SY": "密事", "CF_WSH": "示例罚决〔2026〕密号", "CF_NR_FK": "7.654321"}
    values, kept = row("penalties_2018", **secret), row("penalties_2018", BZ="不撤")
    record = domain.record_of_row(values, "penalties_2018")
    on_mongo(importing(Penalty, values, kept) if bulk else lambda store: publish(record, store))
    on_mongo(importing(Penalty, values | {"BZ": "更正"}, kept))
    on_mongo(withdrawing(Penalty, record.record_id, reason="行政复议撤销"))
    await relayed(mongodb_uri, database)
    facts = list(database["events"].find().sort("sequence", 1))
    log_text = "".join(one["data"] for one in facts)
    assert "密" not in log_text
    assert "7.654321" not in log_text
    assert "不撤" in log_text
    assert orjson.loads(facts[-1]["data"])["reason"] == "行政复议撤销"
    told_again = repr([one.data.decode() for one in mongo_store.snapshot(database)])
    assert "不撤" in told_again
    assert "密" not in told_again
    credit = on_mongo(lambda store: usecases.look_up(CODE, store=store))
    assert [one.record.remark for one in credit.penalties] == ["不撤"]
    assert on_mongo(listing(Penalty)) == [credit.penalties[0].record.record_id]


def test_a_withdrawal_is_told_after_all_that_it_takes_back(database, on_mongo):
    record_id = on_mongo(publishing(Permit)).record.record_id
    on_mongo(withdrawing(Permit, record_id))
    first, second = database["events"].find({"subject": record_id}).sort("version", 1)
    assert (first["removal"], second["removal"]) == (False, True)
    assert first["tick"] < second["tick"]


def test_the_snapshot_has_what_is_public_of_every_kind(database, on_mongo, monkeypatch):
    monkeypatch.setattr(mongo_store, "SNAPSHOT_PAGE", 2)
    ids = [
        on_mongo(publishing(Permit, document_number=f"示例〔2026〕{n}号")).record.record_id
        for n in range(5)
    ]
    penalty_id = on_mongo(publishing(Penalty)).record.record_id
    on_mongo(withdrawing(Permit, ids[1]))
    on_mongo(withdrawing(Permit, ids[2]))
    on_mongo(publishing(Permit, document_number="示例〔2026〕2号"))
    found = [
        (one.subject, one.version, one.kind.rpartition(".")[2])
        for one in mongo_store.snapshot(database)
    ]
    assert found[0] == (CODE, 1, "SubjectRegistered")
    assert found[-1] == (penalty_id, 1, "PenaltyDisclosed")
    versions = {ids[0]: 1, ids[2]: 3, ids[3]: 1, ids[4]: 1}
    assert found[1:-1] == [(one, versions[one], "PermitDisclosed") for one in sorted(versions)]


def test_the_snapshot_says_of_a_record_what_its_fact_said(database, on_mongo):
    for kind in FACTS:
        on_mongo(importing(kind, row(SHAPES[kind])))
    again = {
        (one.kind.rpartition(".")[2], one.subject): orjson.loads(one.data)
        for one in mongo_store.snapshot(database)
    }
    assert again == {(name, record["subject"]): body for (name, record), body in bodies(database)}


def test_every_question_to_the_database_has_its_index(mongodb_uri, database, on_mongo):
    rows = [row("permits_2018", XK_WSH=f"示例〔2026〕{number}号") for number in range(300)]
    on_mongo(importing(Permit, *rows))
    on_mongo(importing(Penalty, *(one_of_2018(number) for number in range(300))))

    def ask(unit):
        store = MongoStore(unit)
        usecases.look_up(CODE, store=store)
        for kind in (Permit, Penalty):
            for code in ("", CODE):
                for after in (None, ("2026-03-02", "m")):
                    store.page(kind, subject_code=code, after=after, size=10)
        store.kept([made(Permit)])
        store.known_subjects([CODE, OTHER])
        list(mongo_store.snapshot(unit.database))

    asked = questions_of(mongodb_uri, database, ask)
    assert [next(iter(one)) for one in asked].count("aggregate") == 3
    assert len(asked) == 16
    for question in asked:
        explained = database.command("explain", question, verbosity="executionStats")
        plan = str(explained)
        assert "IXSCAN" in plan or "IDHACK" in plan, question
        assert "COLLSCAN" not in plan, question
        assert "'SORT'" not in plan, question
        assert list(faults_of(explained)) == [], question


def questions_of(mongodb_uri, database, ask):
    """The reading commands that go to the database while `ask` runs."""

    class Listening(CommandListener):
        def started(self, event):
            if event.command_name in ("find", "aggregate"):
                names = [name for name in event.command if name in told]
                asked.append({name: event.command[name] for name in names})

        def succeeded(self, event): ...

        def failed(self, event): ...

    asked = []
    told = {"find", "filter", "sort", "limit", "projection", "aggregate", "pipeline", "cursor"}
    with MongoClient(mongodb_uri, tz_aware=True, event_listeners=[Listening()]) as client:
        ask(Unit(client[database.name], None, NOW))
    return asked


async def relayed(mongodb_uri, database):
    """The log after the relay has stamped all facts and taken back what left the public."""
    client = log.connect(mongodb_uri)
    aio = client[database.name]
    lease = await log.acquire(aio, "test", 60)
    while await stamp(aio, lease["term"], lease["epoch"]):
        pass
    await redact(aio, [event async for event in aio["events"].find({"removal": True})])
    await client.close()


def stored(database):
    """All documents, without the clocks that differ from change to change."""
    return {
        name: [one | {"tick": 0} for one in database[name].find().sort("_id", 1)]
        for name in COLLECTIONS.values()
    }


def bodies(database):
    """Each record that the log tells of as the fact that it became public, once."""
    for event in database["events"].find({"bulk": True}).sort("tick", 1):
        for record in orjson.loads(event["data"])["records"]:
            version, own = record.pop("version"), record.keys() - {"subject", "card"}
            assert version == "1"
            (place,) = own
            name = {"credit_subject": "SubjectRegistered", "permit": "PermitDisclosed"}
            body = {place.replace("credit_", ""): record[place]}
            if "card" in record:
                body["card"] = record["card"]
            yield (name.get(place, "PenaltyDisclosed"), record), body


def told(database):
    """What the log tells of each record, by the fact that it became public."""
    single = [
        (event["type"].rpartition(".")[2], orjson.loads(event["data"]))
        for event in database["events"].find({"bulk": False})
        if not event["type"].endswith("ImportPublished")
    ]
    bulk = [(name, body) for (name, _), body in bodies(database)]
    return sorted(single + bulk, key=lambda one: one[0])


def one_of_2018(number):
    return row("penalties_2018", CF_WSH=f"示例〔2026〕{number}号")
