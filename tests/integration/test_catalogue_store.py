"""One suite for the catalogue's store, fake and MongoDB; then what only MongoDB has."""

from dataclasses import replace

import orjson
import pytest
from google.protobuf import json_format

from services.catalogue import domain, messages, usecases
from services.catalogue import store as mongo_store
from services.catalogue.domain import ItemNotFound, State, item_of, quality
from services.catalogue.domain.listing import Asked
from services.catalogue.store import ItemDocument, MongoStore
from services.common import fields
from services.common.errors import Stale
from services.common.rows import Report, Row
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fakes import FakeCatalogue

BODY, OTHER_BODY = "11530000015100012L", "12530000431200012W"


@pytest.fixture(params=["fake", "mongo"])
def keeping(request):
    """Runs work with a store: one transaction on MongoDB, one object in memory."""
    if request.param == "fake":
        fake = FakeCatalogue(NOW)
        return lambda work: work(fake)
    database, committed = request.getfixturevalue("database"), request.getfixturevalue("committed")
    mongo_store.ensure(database)
    request.getfixturevalue("planned")
    return lambda work: committed(lambda unit: work(MongoStore(unit)))


def test_what_was_published_is_got(keeping):
    published = keeping(lambda store: usecases.publish(item(), seen=0, caller=SYSTEM, store=store))
    assert keeping(lambda store: store.get("T-1")) == published
    assert published.version == 1
    assert published.update_time == NOW


def test_an_unknown_item_is_not_found(keeping):
    with pytest.raises(ItemNotFound):
        keeping(lambda store: store.get("nowhere"))


def test_a_change_raises_the_version_and_a_repetition_does_not(keeping):
    for task_name, version in (("甲", 1), ("乙", 2), ("乙", 2)):
        listed = keeping(
            lambda store, name=task_name: usecases.publish(
                item(task_name=name), seen=0, caller=SYSTEM, store=store
            )
        )
        assert (listed.item.task_name, listed.version) == (task_name, version)


def test_a_withdrawn_item_leaves_the_list_and_can_come_back(keeping):
    keeping(lambda store: usecases.publish(item(), seen=0, caller=SYSTEM, store=store))
    keeping(lambda store: usecases.withdraw("T-1", "停办", seen=0, caller=SYSTEM, store=store))
    assert keeping(names) == []
    assert keeping(lambda store: store.get("T-1")).state is State.WITHDRAWN
    keeping(lambda store: usecases.publish(item(), seen=2, caller=SYSTEM, store=store))
    assert keeping(names) == ["T-1"]


@pytest.mark.rule("I-7")
def test_a_suspended_item_leaves_the_list_says_why_and_comes_back_as_it_was(keeping):
    keeping(lambda store: usecases.publish(item(), seen=0, caller=SYSTEM, store=store))
    keeping(lambda store: usecases.suspend("T-1", "系统升级", seen=1, caller=SYSTEM, store=store))
    assert keeping(names) == []
    suspended = keeping(lambda store: usecases.get("T-1", now=NOW, store=store))
    assert (suspended.state, suspended.reason) == (State.SUSPENDED, "系统升级")
    keeping(lambda store: usecases.resume("T-1", seen=2, caller=SYSTEM, store=store))
    assert keeping(names) == ["T-1"]
    back = keeping(lambda store: store.get("T-1"))
    assert (back.item, back.version, back.reason) == (item(), 3, "")


@pytest.mark.rule("I-8")
def test_every_version_stays_readable_with_what_it_changed(keeping):
    for name in ("甲", "乙"):
        keeping(
            lambda store, name=name: usecases.publish(
                item(task_name=name), seen=0, caller=SYSTEM, store=store
            )
        )
    keeping(lambda store: usecases.withdraw("T-1", "停办", seen=0, caller=SYSTEM, store=store))
    for version, (name, state) in enumerate(
        [("甲", State.PUBLISHED), ("乙", State.PUBLISHED), ("乙", State.WITHDRAWN)], 1
    ):
        found = keeping(
            lambda store, one=version: usecases.get("T-1", version=one, now=NOW, store=store)
        )
        assert (found.version, found.item.task_name, found.state) == (version, name, state)
    with pytest.raises(domain.ItemVersionNotFound):
        keeping(lambda store: usecases.get("T-1", version=9, now=NOW, store=store))
    pairs = keeping(versions)
    assert [(now.version, before and before.version) for now, before in pairs] == [
        (3, 2),
        (2, 1),
        (1, None),
    ]
    assert [now.version for now, _ in keeping(lambda store: versions(store, before=3, size=1))] == [
        2
    ]


@pytest.mark.rule("I-8")
def test_what_an_import_changes_stays_readable_too(keeping):
    for name in ("甲", "乙"):
        rows = [Row(1, record(task_name=name))]
        keeping(
            lambda store, rows=rows: usecases.import_items(
                rows, Report("standard"), caller=SYSTEM, store=store
            )
        )
    first = keeping(lambda store: store.version("T-1", 1))
    assert first.item.task_name == "甲"


def test_a_report_says_of_each_body_how_good_its_items_are_and_why(keeping):
    good = {"accept_condition": "有固定场所。", "link_way": "0871-63100001"}
    for code, body, more in (
        ("T-1", BODY, {}),
        ("T-2", BODY, good),
        ("T-3", "", {}),
        ("T-4", OTHER_BODY, {"region_code": "530300000000"}),
    ):
        made = item(local_task_code=code, dept_code=body, **more)
        keeping(lambda store, made=made: usecases.publish(made, seen=0, caller=SYSTEM, store=store))
    keeping(lambda store: usecases.withdraw("T-4", "停办", seen=0, caller=SYSTEM, store=store))
    reports = keeping(quality_of)
    assert [body for body, _ in reports] == [BODY, "昆明市市场监督管理局"]
    (_, marks), (_, unnamed) = reports
    scores = [quality.check(item(**more)).score for more in ({}, good)]
    assert (marks.items, marks.score) == (2, sum(scores) / 2)
    assert marks.failing["Q-17"] == 2
    assert sorted(marks.examples["Q-17"]) == ["T-1", "T-2"]
    assert (unnamed.items, unnamed.score) == (1, scores[0])
    assert keeping(lambda store: quality_of(store, region_code="530300000000")) == []
    assert [body for body, _ in keeping(lambda store: quality_of(store, size=1))] == [BODY]
    assert len(keeping(lambda store: quality_of(store, after=BODY))) == 1
    assert keeping(lambda store: quality_of(store, dept_code=BODY)) == reports[:1]
    assert keeping(lambda store: quality_of(store, dept_code=OTHER_BODY)) == []
    assert keeping(lambda store: quality_of(store, dept_code=BODY, after=BODY)) == []


@pytest.mark.rule("Q-14")
def test_what_a_blocking_rule_finds_is_neither_published_nor_imported(keeping):
    bad = record(materials=[{"name": "其他材料"}])
    with pytest.raises(domain.ItemInvalid) as refusal:
        keeping(lambda store: usecases.publish(item_of(bad), seen=0, caller=SYSTEM, store=store))
    assert [one.field for one in refusal.value.violations] == ["materials"]
    rows = [Row(1, bad), Row(2, record(local_task_code="T-2"))]
    report = keeping(lambda store: imported(rows, store))
    assert [(one.row, one.field) for one in report.rejections] == [(1, "materials")]
    assert keeping(names) == ["T-2"]


def test_two_changes_from_one_version_are_not_both_made(keeping):
    keeping(lambda store: usecases.publish(item(), seen=0, caller=SYSTEM, store=store))
    stale = domain.Changed(domain.Listed(item(task_name="丙"), version=1), newly=False)
    with pytest.raises(Stale):
        keeping(lambda store: store.save(stale))


def test_lists_are_in_order_and_filtered(keeping):
    for code, region, body, task_type in (
        ("B", "530100000000", BODY, "01"),
        ("A", "530102000000", BODY, "20"),
        ("C", "532900000000", OTHER_BODY, "01"),
    ):
        one = item(local_task_code=code, region_code=region, dept_code=body, task_type=task_type)
        keeping(lambda store, one=one: usecases.publish(one, seen=0, caller=SYSTEM, store=store))
    assert keeping(names) == ["A", "B", "C"]
    assert keeping(lambda store: names(store, region_code="530000000000")) == ["A", "B", "C"]
    assert keeping(lambda store: names(store, region_code="530100000000")) == ["A", "B"]
    assert keeping(lambda store: names(store, region_code="530102000000")) == ["A"]
    assert keeping(lambda store: names(store, dept_code=BODY)) == ["A", "B"]
    assert keeping(lambda store: names(store, dept_code=BODY, task_type="01")) == ["B"]
    assert keeping(lambda store: names(store, after="A", size=1)) == ["B"]


@pytest.mark.rule("I-6")
@pytest.mark.parametrize(
    ("dates", "listed"),
    [
        ({"plan_effective_date": "2026-11-23"}, ["T-1"]),
        ({"plan_effective_date": "2026-11-24"}, []),
        ({"plan_cancel_date": "2026-11-23"}, []),
        ({"plan_cancel_date": "2026-11-24"}, ["T-1"]),
    ],
)
def test_what_is_not_valid_now_is_not_listed(keeping, dates, listed):
    keeping(lambda store: usecases.publish(item(**dates), seen=0, caller=SYSTEM, store=store))
    assert keeping(names) == listed


@pytest.mark.rule("I-6")
def test_an_item_whose_first_day_is_to_come_is_not_found(keeping):
    later = item(plan_effective_date="2026-11-24")
    keeping(lambda store: usecases.publish(later, seen=0, caller=SYSTEM, store=store))
    with pytest.raises(ItemNotFound):
        keeping(lambda store: usecases.get("T-1", now=NOW, store=store))
    tomorrow = NOW.replace(day=24)
    assert keeping(lambda store: usecases.get("T-1", now=tomorrow, store=store)).item == later


def test_an_import_keeps_good_rows_and_reports_bad_ones(keeping):
    rows = [
        Row(1, record(local_task_code="A")),
        Row(2, record(local_task_code="B", region_code="x")),
        Row(3, record(local_task_code="A")),
        Row(4, record(local_task_code="A", task_name="另一个")),
        Row(5, None),
    ]
    report = keeping(lambda store: imported(rows, store))
    assert (report.read, report.created, report.unchanged, report.rejected) == (5, 1, 1, 3)
    assert [(r.row, r.field) for r in report.rejections] == [
        (2, "region_code"),
        (4, "local_task_code"),
        (5, ""),
    ]
    again = keeping(lambda store: imported(rows[:1], store))
    assert (again.created, again.changed, again.unchanged) == (0, 0, 1)
    other = keeping(
        lambda store: imported([Row(1, record(local_task_code="A", alias="甲"))], store)
    )
    assert (other.created, other.changed, other.unchanged) == (0, 1, 0)


def test_an_import_and_a_single_call_write_and_tell_the_same(database, committed):
    mongo_store.ensure(database)
    one, two = item(local_task_code="A", alias="甲、乙"), item(local_task_code="B", alias="甲、乙")
    committed(lambda unit: usecases.publish(one, seen=0, caller=SYSTEM, store=MongoStore(unit)))
    rows = [Row(1, record(local_task_code="B", alias="甲、乙"))]
    committed(lambda unit: imported(rows, MongoStore(unit)))
    single, bulk = database["items"].find().sort("_id")
    assert single["item"] | {"local_task_code": "B"} == bulk["item"]
    assert two == fields.restore(type(two), bulk["item"])
    told = {event["type"].rpartition(".")[2]: event for event in database["events"].find()}
    card, record_ = orjson.loads(told["ItemPublished"]["data"]), _record(told)
    assert _without_id(card["card"]) == _without_id(record_["card"])
    assert card["item"] | {"item_id": "B", "local_task_code": "B"} == record_["item"]


def test_what_an_import_writes_is_what_the_document_allows(database, committed):
    mongo_store.ensure(database)
    committed(lambda unit: imported([Row(1, record())], MongoStore(unit)))
    document = ItemDocument._from_son(database["items"].find_one())
    document.validate()
    assert document.pk == "T-1"


@pytest.mark.rule("P-13")
def test_facts_and_audit_are_in_the_transaction(database, committed):
    mongo_store.ensure(database)

    def fails(unit):
        usecases.publish(item(), seen=0, caller=SYSTEM, store=MongoStore(unit))
        raise Stale("meanwhile")

    with pytest.raises(Stale):
        committed(fails)
    names = ("items", "events", "audit")
    assert [database[name].count_documents({}) for name in names] == [0, 0, 0]
    committed(lambda unit: usecases.publish(item(), seen=0, caller=SYSTEM, store=MongoStore(unit)))
    assert [database[name].count_documents({}) for name in names] == [1, 1, 1]
    assert database["audit"].find_one()["subjects"] == ["T-1"]


@pytest.mark.rule("I-6")
def test_an_item_is_listed_from_its_first_day_to_its_last(database, committed):
    mongo_store.ensure(database)
    dated = item(plan_effective_date="2026-11-24", plan_cancel_date="2026-11-26")
    committed(lambda unit: usecases.publish(dated, seen=0, caller=SYSTEM, store=MongoStore(unit)))
    listed = {
        day: committed(lambda unit: names(MongoStore(unit)), now=NOW.replace(day=day))
        for day in (23, 24, 25, 26)
    }
    assert listed == {23: [], 24: ["T-1"], 25: ["T-1"], 26: []}


def test_the_snapshot_has_what_is_public(database, committed):
    mongo_store.ensure(database)
    for code in "ABC":
        one = item(local_task_code=code)
        committed(
            lambda unit, one=one: usecases.publish(
                one, seen=0, caller=SYSTEM, store=MongoStore(unit)
            )
        )
    committed(
        lambda unit: usecases.withdraw("B", "停办", seen=0, caller=SYSTEM, store=MongoStore(unit))
    )
    found = {told.subject: told.version for told in mongo_store.snapshot(database)}
    assert found == {"A": 1, "C": 1}


def imported(rows, store):
    report = Report("standard")
    usecases.import_items(rows, report, caller=SYSTEM, store=store)
    return report


def versions(store, *, before=0, size=10):
    return usecases.list_versions("T-1", before=before, size=size, now=NOW, store=store)


def quality_of(store, *, size=10, **asked):
    question = {"region_code": "", "after": ""} | asked
    return usecases.list_quality(**question, size=size, store=store)


def names(store, *, after="", size=10, **asked):
    found, _ = store.page(Asked(**asked), after=after, size=size)
    return [listed.item.item_id for listed in found]


def _record(told):
    return orjson.loads(told["ItemsImported"]["data"])["records"][0]


def _without_id(card):
    return {name: value for name, value in card.items() if name not in ("url", "codes")}


def item(**changes):
    return item_of(record(**changes))


def record(**changes):
    values = {
        "task_name": "食品经营许可",
        "task_type": "01",
        "dept_name": "昆明市市场监督管理局",
        "region_code": "530100000000",
        "local_task_code": "T-1",
    }
    return values | changes


def test_the_json_of_a_record_is_the_json_of_its_message():
    listed = domain.Listed(item(plan_effective_date="2026-11-24"), version=7, update_time=NOW)
    updated = NOW.isoformat().replace("+00:00", "Z")
    fast = orjson.loads(messages.record_json(listed, fields.plain(listed.item), updated))
    changed = domain.Changed(replace(listed), newly=True)
    slow = messages.fact_message(changed)
    full = json_format.MessageToDict(slow, preserving_proto_field_name=True)
    assert fast["item"] == full["item"]
    assert fast["card"] == full["card"]
    plain = fields.plain(listed.item)
    assert orjson.loads(messages.published_json(listed, plain, updated)) == full
