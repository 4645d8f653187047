"""One suite for the websites' store, on the fake and on MongoDB alike; then what MongoDB has."""

import threading
from dataclasses import replace

import orjson
import pytest
from google.protobuf import json_format

from services.common.errors import Stale
from services.common.rows import Report, Row
from services.websites import messages, usecases
from services.websites import store as mongo_store
from services.websites.domain import (
    Changed,
    Listed,
    MappingNotFound,
    Publication,
    Question,
    SiteNotFound,
    SiteState,
    mapping_id,
    mapping_of,
    site_of,
)
from services.websites.store import (
    SLOTS,
    MappingDocument,
    MongoStore,
    PublicationDocument,
    SiteDocument,
    counting,
)
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_websites import FakeWebsites

OLD, NEW = "http://swj.qj.gov.cn/zwgk/index.html", "https://www.qj.gov.cn/swj/"


@pytest.fixture(params=["fake", "mongo"])
def keeping(request):
    """Runs work with a store: one transaction on MongoDB, one object in memory."""
    if request.param == "fake":
        fake = FakeWebsites(NOW)
        return lambda work: work(fake)
    database, committed = request.getfixturevalue("database"), request.getfixturevalue("committed")
    mongo_store.ensure(database)
    request.getfixturevalue("planned")
    return lambda work: committed(lambda unit: work(MongoStore(unit)))


@pytest.fixture
def kept(database, committed):
    """Runs work with the real store."""
    mongo_store.ensure(database)
    return lambda work: committed(lambda unit: work(MongoStore(unit)))


def test_what_was_registered_is_got(keeping):
    registered = keeping(registering())
    assert keeping(lambda store: store.get_site("5303000003")) == registered
    assert registered.version == 1
    assert registered.update_time == NOW


def test_what_is_unknown_is_not_found(keeping):
    with pytest.raises(SiteNotFound):
        keeping(lambda store: store.get_site("nowhere"))
    with pytest.raises(MappingNotFound):
        keeping(lambda store: store.get_mapping(mapping_id(OLD)))
    with pytest.raises(MappingNotFound):
        keeping(resolving(OLD))


def test_a_change_raises_the_version_and_a_repetition_does_not(keeping):
    for name, version in (("甲", 1), ("乙", 2), ("乙", 2)):
        listed = keeping(registering(name=name))
        assert (listed.thing.name, listed.version) == (name, version)


def test_every_spelling_of_an_old_address_leads_to_the_new_one(keeping):
    keeping(adding())
    for spelling in (OLD, OLD.replace("http:", "https:"), OLD + "#top", OLD.replace("z", "%7A")):
        assert keeping(resolving(spelling)).thing.new_url == NEW
    with pytest.raises(MappingNotFound):
        keeping(resolving(OLD.upper()))


def test_a_mapping_taken_back_leads_nowhere_and_can_come_back(keeping):
    keeping(adding())
    removed = keeping(
        lambda store: usecases.remove(mapping_id(OLD), "有误", seen=1, caller=SYSTEM, store=store)
    )
    assert (removed.version, removed.active) == (2, False)
    with pytest.raises(MappingNotFound):
        keeping(resolving(OLD))
    assert keeping(adding()).version == 3
    assert keeping(resolving(OLD)).thing.new_url == NEW


def test_two_changes_from_one_version_are_not_both_made(keeping):
    known = keeping(registering())
    stale = Changed(Listed(replace(known.thing, name="丙"), version=1), newly=False)
    with pytest.raises(Stale):
        keeping(lambda store: store.save(stale))
    keeping(registering(name="丁"))
    stale = Changed(Listed(replace(known.thing, name="丙"), version=2), newly=False)
    with pytest.raises(Stale):
        keeping(lambda store: store.save(stale))


def test_sites_are_listed_in_order_by_region_and_state(keeping):
    for site_id, state in (("5303000002", "open"), ("5303000001", "suspended"), ("bm07000001", "")):
        keeping(registering(site_id=site_id, state=state or "open"))
    keeping(adding())
    assert keeping(ids()) == ["5303000001", "5303000002", "bm07000001"]
    assert keeping(ids(region_code="530000000000")) == ["5303000001", "5303000002"]
    assert keeping(ids(region_code="530300000000")) == ["5303000001", "5303000002"]
    assert keeping(ids(region_code="530100000000")) == []
    assert keeping(ids(state=SiteState.SUSPENDED)) == ["5303000001"]
    assert keeping(ids(region_code="530300000000", state=SiteState.OPEN)) == ["5303000002"]
    assert keeping(ids(after="5303000001", size=1)) == ["5303000002"]


@pytest.mark.rule("W-6")
def test_an_import_keeps_good_rows_and_reports_bad_ones(keeping):
    rows = numbered(
        redirect("http://a.gov.cn/1", NEW),
        redirect("http://a.gov.cn/2", NEW, status="418"),
        redirect("https://A.gov.cn/1", NEW),
        redirect("http://a.gov.cn/1", NEW + "other"),
        redirect("http://a.gov.cn/1", status="410"),
        None,
        redirect("http://a.gov.cn/3", status="410"),
    )
    report = keeping(importing(rows, "redirects"))
    assert (report.read, report.created, report.unchanged, report.rejected) == (7, 2, 1, 4)
    assert [(one.row, one.field) for one in report.rejections] == [
        (2, "Status"),
        (4, "Old Url"),
        (5, "Old Url"),
        (6, ""),
    ]
    assert all(one.reason for one in report.rejections)
    again = keeping(importing(rows[:1], "redirects"))
    assert (again.created, again.changed, again.unchanged) == (0, 0, 1)
    moved = numbered({"old_url": "https://a.gov.cn/1", "kind": 301, "new_url": NEW + "b"})
    other = keeping(importing(moved, "mappings"))
    assert (other.created, other.changed, other.unchanged) == (0, 1, 0)
    assert keeping(resolving("http://a.gov.cn/1")).thing.new_url == NEW + "b"


@pytest.mark.rule("W-6")
def test_a_site_said_twice_in_one_file_must_be_said_alike(keeping):
    rows = numbered(site(), site(), site(name="别的名称"))
    report = keeping(importing(rows, "sites"))
    assert (report.read, report.created, report.unchanged, report.rejected) == (3, 1, 1, 1)
    assert [(one.row, one.field) for one in report.rejections] == [(3, "site_id")]


def test_an_import_without_a_good_row_changes_nothing(keeping):
    report = keeping(importing(numbered(None, {"Old Url": ""}), "redirects"))
    assert (report.read, report.rejected, keeping(counts())) == (2, 2, [])


@pytest.mark.rule("W-7")
def test_each_thing_newly_public_counts_by_one_and_nothing_else_does(keeping):
    keeping(registering())
    keeping(registering())
    keeping(registering(name="新名称"))
    keeping(adding())
    keeping(
        lambda store: usecases.remove(mapping_id(OLD), "有误", seen=0, caller=SYSTEM, store=store)
    )
    keeping(adding())
    rows = numbered(redirect("http://a.gov.cn/1", NEW), redirect("http://a.gov.cn/2", NEW))
    keeping(importing(rows, "redirects"))
    keeping(importing(rows, "redirects"))
    assert keeping(counts()) == [
        Publication("2026-11-23", "websites", "mapping", 4),
        Publication("2026-11-23", "websites", "site", 1),
    ]


def test_counts_are_asked_by_day_department_and_kind_and_paged(keeping):
    days, kinds = ("2026-11-21", "2026-11-22", "2026-11-23"), (("credit", "permit"), ("a", "item"))
    for day in days:
        for department, kind in kinds:
            one = Publication(day, department, kind, 2)
            keeping(lambda store, one=one: usecases.count(one, store=store))
            keeping(lambda store, one=one: usecases.count(one, store=store))
    everything = [Publication(day, *kind, 4) for day in days for kind in sorted(kinds)]
    assert keeping(counts()) == everything
    assert keeping(counts(size=2)) == everything[:2]
    assert keeping(counts(after=everything[1].place, size=3)) == everything[2:5]
    assert keeping(counts(from_date=days[1])) == everything[2:]
    assert keeping(counts(until_date=days[1])) == everything[:4]
    assert keeping(counts(from_date=days[1], until_date=days[1])) == everything[2:4]
    assert keeping(counts(department="credit")) == everything[1::2]
    assert keeping(counts(kind="item")) == everything[::2]
    assert keeping(counts(department="credit", kind="item")) == []


def test_an_import_and_a_single_call_write_and_tell_the_same(database, kept):
    kept(registering(site_id="a"))
    kept(importing(numbered(site(site_id="b")), "sites"))
    kept(adding(old_url="http://a.gov.cn/1"))
    kept(importing(numbered(redirect("http://a.gov.cn/2", NEW)), "redirects"))
    for collection in ("sites", "mappings"):
        single, bulk = (
            without(one, "_id", "tick", "old_url") for one in every(database, collection)
        )
        assert single == bulk
    told = {
        event["type"].rpartition(".")[2]: orjson.loads(event["data"]) for event in log(database)
    }
    records = [
        orjson.loads(event["data"])["records"][0]
        for event in log(database)
        if event["type"] == messages.IMPORTED
    ]
    assert without(told["SiteRegistered"]["site"], "site_id") == without(
        records[0]["site"], "site_id"
    )
    assert without(told["SiteRegistered"]["card"], "url", "codes") == without(
        records[0]["card"], "url", "codes"
    )
    assert without(told["MappingAdded"]["mapping"], "mapping_id", "old_url") == without(
        records[1]["mapping"], "mapping_id", "old_url"
    )


def test_what_an_import_writes_is_what_the_documents_allow(database, kept):
    kept(importing(numbered(site(), site(site_id="b", state="closed", homepage=NEW)), "sites"))
    kept(importing(numbered(redirect(OLD, NEW), redirect(NEW, status="410")), "redirects"))
    for collection, document in (
        ("sites", SiteDocument),
        ("mappings", MappingDocument),
        ("publications", PublicationDocument),
    ):
        found = every(database, collection)
        assert found
        for one in found:
            document._from_son(one).validate()


def test_facts_counts_and_audit_are_in_the_transaction(database, committed):
    mongo_store.ensure(database)
    names = ("sites", "publications", "events", "audit")

    def fails(unit):
        registering()(MongoStore(unit))
        raise Stale("meanwhile")

    with pytest.raises(Stale):
        committed(fails)
    assert [database[name].count_documents({}) for name in names] == [0, 0, 0, 0]
    committed(lambda unit: registering()(MongoStore(unit)))
    assert [database[name].count_documents({}) for name in names] == [1, 1, 1, 1]
    assert database["audit"].find_one()["subjects"] == ["5303000003"]


def test_each_change_tells_its_fact_in_order_of_version(database, kept):
    kept(adding())
    kept(adding(new_url=NEW + "b"))
    kept(lambda store: usecases.remove(mapping_id(OLD), "有误", seen=0, caller=SYSTEM, store=store))
    facts = [
        (event["type"].rpartition(".")[2], event["version"], event["removal"])
        for event in log(database)
    ]
    assert facts == [
        ("MappingAdded", 1, False),
        ("MappingRevised", 2, False),
        ("MappingRemoved", 3, True),
    ]


def test_an_import_tells_in_bulk_and_how_many_are_new(database, kept):
    kept(adding(old_url="http://a.gov.cn/0"))
    rows = numbered(*(redirect(f"http://a.gov.cn/{n}", NEW + "x") for n in range(501)))
    kept(importing(rows, "redirects"))
    told = log(database)[1:]
    sizes = [len(orjson.loads(event["data"])["records"]) for event in told if event["bulk"]]
    assert sizes == [500, 1]
    assert orjson.loads(told[-1]["data"]) == {"kind": "mapping", "count": 500}
    assert len({(event["subject"], event["version"]) for event in told}) == 3


def test_the_snapshot_has_what_is_public_as_its_first_fact_told_it(database, kept):
    kept(registering(state="closed", homepage=NEW))
    kept(adding())
    kept(adding(old_url="http://a.gov.cn/2", kind="410", new_url=""))
    first = {event["subject"]: (event["type"], event["data"]) for event in log(database)}
    kept(adding(old_url="http://a.gov.cn/3"))
    kept(
        lambda store: usecases.remove(
            mapping_id("http://a.gov.cn/3"), "有误", seen=0, caller=SYSTEM, store=store
        )
    )
    found = {
        told.subject: (told.kind, orjson.loads(told.data))
        for told in mongo_store.snapshot(database)
    }
    assert found == {subject: (kind, orjson.loads(data)) for subject, (kind, data) in first.items()}
    assert len(found) == 3


def test_the_json_of_a_record_is_the_json_of_its_message():
    moment = NOW.replace(microsecond=120_000)
    for thing in (
        site_of(site(region_code="530300000000", homepage=NEW)),
        site_of(site(site_id="bm07000001", state="suspended")),
        site_of(site(state="closed", homepage=NEW)),
        mapping_of({"old_url": OLD, "kind": "301", "new_url": NEW}),
        mapping_of({"old_url": OLD, "kind": "410"}),
    ):
        listed = Listed(thing, version=7, update_time=moment)
        fast = orjson.loads(messages.record_json(listed, messages.rfc3339(moment)))
        slow = messages.fact_message(Changed(listed, newly=True))
        full = json_format.MessageToDict(slow, preserving_proto_field_name=True)
        assert fast == full | {"subject": thing.subject, "version": "7"}


def test_transactions_that_count_at_the_same_time_lose_nothing(database, kept, committed):
    one = Publication("2026-11-23", "catalogue", "item")

    def count_often():
        for _ in range(20):
            committed(lambda unit: [MongoStore(unit).count(one) for _ in range(3)])

    threads = [threading.Thread(target=count_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept(counts()) == [replace(one, count=240)]


def test_sessions_are_spread_over_the_slots_and_each_keeps_to_one(database):
    sessions = [database.client.start_session() for _ in range(100)]
    slots = [mongo_store._slot(session) for session in sessions]
    assert slots == [mongo_store._slot(session) for session in sessions]
    assert SLOTS / 2 < len(set(slots)) <= SLOTS
    for session in sessions:
        session.end_session()


def test_a_count_spread_over_every_slot_is_whole_on_its_page(database, kept):
    places = [("2026-11-22", "a", "x"), ("2026-11-22", "a", "y"), ("2026-11-23", "a", "x")]
    database["publications"].insert_many(
        {
            "_id": f"{'/'.join(place)}/{slot:02}",
            "count": 1,
            **dict(zip(("publish_date", "department", "kind"), place, strict=True)),
        }
        for place in places
        for slot in range(SLOTS)
    )
    assert kept(counts(size=2)) == [Publication(*place, SLOTS) for place in places[:2]]
    assert kept(counts(size=2, after="2026-11-22/a/y")) == [Publication(*places[2], SLOTS)]


def test_every_question_to_the_database_has_its_index(database, kept):
    kept(importing(numbered(*(site(site_id=f"a{n}") for n in range(20))), "sites"))
    kept(importing(numbered(redirect(OLD, NEW)), "redirects"))
    for extra in ({}, {"regions": "r"}, {"state": "s"}, {"regions": "r", "state": "s"}):
        plan = database["sites"].find({"_id": {"$gt": ""}, **extra}).sort("_id", 1).explain()
        assert searched_through(plan) == []
    for collection in ("sites", "mappings"):
        assert (
            searched_through(database[collection].find({"_id": {"$in": ["a1", "a2"]}}).explain())
            == []
        )
        whole = {"active": True, "_id": {"$gt": ""}}
        assert searched_through(database[collection].find(whole).sort("_id", 1).explain()) == []
    for question in (
        Question(),
        Question("2026-01-01", "2026-12-31"),
        Question(department="catalogue"),
        Question(kind="item"),
        Question("2026-01-01", "2026-12-31", "catalogue", "item"),
    ):
        pipeline = counting(question, "2026-11-22/catalogue/item", 50)[:3]
        plan = database.command(
            "explain",
            {"aggregate": "publications", "pipeline": pipeline, "cursor": {}},
            verbosity="queryPlanner",
        )
        assert searched_through(plan) == []


def searched_through(plan):
    """The steps of a plan that walk no index; where none walks one, the whole plan."""
    stages = str(plan["queryPlanner"]["winningPlan"])
    if "IXSCAN" not in stages and "IDHACK" not in stages:
        return [stages]
    return [step for step in ("COLLSCAN", "'SORT'") if step in stages]


def registering(**changes):
    return lambda store: usecases.register(
        site_of(site(**changes)), seen=0, now=NOW, caller=SYSTEM, store=store
    )


def adding(**changes):
    record = {"old_url": OLD, "kind": "301", "new_url": NEW} | changes
    return lambda store: usecases.add(
        mapping_of(record), seen=0, now=NOW, caller=SYSTEM, store=store
    )


def resolving(address):
    return lambda store: usecases.resolve(address, store=store)


def importing(rows, shape):
    def work(store):
        report = Report(shape)
        usecases.import_records(rows, report, now=NOW, caller=SYSTEM, store=store)
        return report

    return work


def ids(*, region_code="", state=None, after="", size=10):
    def work(store):
        found = store.page_sites(region_code=region_code, state=state, after=after, size=size)
        return [listed.thing.site_id for listed in found]

    return work


def counts(*, after="", size=50, **question):
    return lambda store: store.page_counts(Question(**question), after=after, size=size)


def numbered(*values):
    return [Row(number, value) for number, value in enumerate(values, 1)]


def redirect(old, new="", *, status="301"):
    return {"Old Url": old, "New Url": new, "Status": status}


def every(database, collection):
    return list(database[collection].find().sort("_id"))


def log(database):
    return list(database["events"].find().sort("tick"))


def without(values, *names):
    return {name: value for name, value in values.items() if name not in names}


def site(**changes):
    values = {
        "site_id": "5303000003",
        "name": "曲靖市水务局网站",
        "hosts": ["swj.qj.gov.cn"],
        "unit": "曲靖市水务局",
        "state": "open",
    }
    return values | changes
