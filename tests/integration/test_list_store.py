"""One suite for the store of the lists, fake and MongoDB; then what only MongoDB has."""

from dataclasses import replace
from itertools import product

import orjson
import pytest

from services.catalogue import store as mongo_store
from services.catalogue import usecases
from services.catalogue.domain import lists
from services.catalogue.store import MongoListStore
from services.catalogue.store.list_documents import AdjustmentDocument, EntryDocument
from services.common.access import Caller, OutOfReach
from services.common.errors import Stale
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_lists import FakeLists
from tests.integration.test_utilities_store import finds_of
from tests.unit.catalogue.test_lists import BODY, OTHER_BODY, added, request_values

KUNMING, WUHUA, DALI = "530100000000", "530102000000", "532900000000"


@pytest.fixture(params=["fake", "mongo"])
def keeping(request):
    """Runs work with a store: one transaction on MongoDB, one object in memory."""
    if request.param == "fake":
        fake = FakeLists(NOW)
        return lambda work: work(fake)
    database, committed = request.getfixturevalue("database"), request.getfixturevalue("committed")
    mongo_store.ensure(database)
    request.getfixturevalue("planned")
    return lambda work: committed(lambda unit: work(MongoListStore(unit)))


def test_what_was_adjusted_is_got_and_listed(keeping):
    made = keeping(lambda store: adjusted(store, added(), added(entry_code="QL-2")))
    assert made.adjust_time == NOW
    assert keeping(lambda store: store.adjustment(made.adjustment_id)) == made
    assert keeping(entries) == ["QL-1", "QL-2"]
    (first, _) = keeping(page)
    assert (first.version, first.update_time, first.entry.by_law[0].article) == (
        1,
        NOW,
        "第三十五条",
    )


@pytest.mark.rule("I-16")
def test_what_cannot_be_done_whole_leaves_everything_as_it_was(keeping):
    keeping(lambda store: adjusted(store, added()))
    with pytest.raises(lists.ListEntryNotInForce):
        keeping(lambda store: adjusted(store, did("remove"), did("remove", entry_code="none")))
    assert keeping(entries) == ["QL-1"]
    assert len(keeping(history)) == 1


@pytest.mark.rule("I-17")
def test_every_adjustment_stays_readable_newest_first(keeping):
    other = {"other_dept_name": "五华区市场监管局"}
    steps = [added(), did("revise", name="新名"), did("delegate") | other, added()]
    made = [keeping(lambda store, step=step: adjusted(store, step)) for step in steps]
    assert keeping(entries) == ["QL-1"]
    assert keeping(page)[0].version == 4
    found = keeping(history)
    assert [one.adjustment_id for one in found] == [one.adjustment_id for one in reversed(made)]
    assert all(not difference.fields for one in found for difference in one.differences)
    whole = keeping(lambda store: store.adjustment(made[1].adjustment_id))
    assert [(one.field, one.after) for one in whole.differences[0].fields] == [("name", '"新名"')]
    older = keeping(lambda store: history(store, before=lists.order_of(found[1]), size=1))
    assert [one.adjustment_id for one in older] == [made[1].adjustment_id]


def test_an_unknown_adjustment_is_not_found(keeping):
    with pytest.raises(lists.ListAdjustmentNotFound):
        keeping(lambda store: store.adjustment("nowhere"))


@pytest.mark.parametrize("version", [1, 2])
def test_two_adjustments_from_one_version_are_not_both_made(keeping, version):
    keeping(lambda store: adjusted(store, added()))
    if version == 2:
        keeping(lambda store: adjusted(store, did("revise", name="甲")))
    entry = keeping(page)[0].entry
    late = lists.ListedEntry(entry, version)
    adjustment = replace(keeping(history)[0], adjustment_id="another", number=9)
    with pytest.raises(Stale):
        keeping(lambda store: store.adjust(lists.Adjusted(adjustment, (late,))))
    assert keeping(page)[0].version == version


def test_one_number_of_a_list_is_given_once(keeping):
    keeping(lambda store: adjusted(store, added()))
    proposal = lists.proposal_of(request_values() | {"changes": [added(entry_code="QL-2")]})
    with pytest.raises(Stale):
        keeping(lambda store: store.adjust(lists.adjust(proposal, {}, number=1)))
    assert keeping(lambda store: adjusted(store, added(entry_code="QL-2"))).number == 2
    assert keeping(entries) == ["QL-1", "QL-2"]


@pytest.mark.rule("I-14")
def test_bodies_and_lists_have_their_own_codes(keeping):
    plain = added(task_type="")
    keeping(lambda store: adjusted(store, added()))
    keeping(lambda store: adjusted(store, plain, kind="duty"))
    keeping(lambda store: adjusted(store, added(), dept_code=OTHER_BODY, region_code=DALI))
    assert len(keeping(page)) == 3
    asked = [
        ({"kind": "duty"}, 1),
        ({"dept_code": BODY}, 2),
        ({"region_code": KUNMING}, 2),
        ({"region_code": "530000000000"}, 3),
        ({"region_code": WUHUA}, 0),
        ({"kind": "power", "region_code": DALI, "dept_code": OTHER_BODY}, 1),
        ({"kind": "negative"}, 0),
    ]
    for question, count in asked:
        assert len(keeping(lambda store, q=question: page(store, **q))) == count, question
        assert len(keeping(lambda store, q=question: history(store, **q))) == count, question


@pytest.mark.rule("P-23")
def test_who_adjusts_answers_for_the_body_and_the_region(keeping):
    own = Caller("o", "account", roles=("list_publisher",), department=BODY, region=WUHUA)
    with pytest.raises(OutOfReach):
        keeping(lambda store: adjusted(store, added(), caller=own))
    keeping(lambda store: adjusted(store, added()))
    with pytest.raises(OutOfReach):
        keeping(
            lambda store: adjusted(store, did("revise", name="甲"), region_code=WUHUA, caller=own)
        )


@pytest.mark.rule("P-13")
def test_entries_adjustment_and_fact_are_in_one_transaction(database, committed):
    mongo_store.ensure(database)
    collections = ("list_entries", "list_adjustments", "events", "audit")

    def fails(unit):
        adjusted(MongoListStore(unit), added())
        raise Stale("meanwhile")

    with pytest.raises(Stale):
        committed(fails)
    assert [database[name].count_documents({}) for name in collections] == [0, 0, 0, 0]
    made = committed(lambda unit: adjusted(MongoListStore(unit), added()))
    assert [database[name].count_documents({}) for name in collections] == [1, 1, 1, 1]
    event = database["events"].find_one()
    assert event["type"] == "zhengtong.catalogue.v1.ListAdjusted"
    assert event["subject"] == f"adjustment/{made.adjustment_id}"
    told = orjson.loads(event["data"])["adjustment"]["differences"]
    assert told[0]["fields"][0] == {"field": "name", "after": '"食品经营许可"'}
    EntryDocument._from_son(database["list_entries"].find_one()).validate()
    AdjustmentDocument._from_son(database["list_adjustments"].find_one()).validate()


def test_the_snapshot_has_every_adjustment(database, committed):
    mongo_store.ensure(database)
    made = [
        committed(lambda unit, n=n: adjusted(MongoListStore(unit), added(entry_code=f"QL-{n}")))
        for n in range(3)
    ]
    told = {one.subject: one.version for one in mongo_store.snapshot(database)}
    assert told == {f"adjustment/{one.adjustment_id}": 1 for one in made}


def test_every_question_to_the_database_has_its_index(mongodb_uri, database, committed):
    mongo_store.ensure(database)
    rare = {"kind": "duty", "dept_code": OTHER_BODY, "region_code": DALI}
    for number in range(30):
        change = added(entry_code=f"QL-{number}")
        committed(lambda unit, one=change: adjusted(MongoListStore(unit), one))
    for number in range(3):
        change = added(entry_code=f"ZR-{number}", task_type="")
        committed(lambda unit, one=change: adjusted(MongoListStore(unit), one, **rare))
    last = f"duty-{OTHER_BODY}-3"

    def ask(unit):
        store = MongoListStore(unit)
        for values in product(*(("", value) for value in rare.values())):
            question = dict(zip(rare, values, strict=True))
            page(store, **question)
            history(store, **question)
        history(store, before=lists.order_of(store.adjustment(last)))
        store.adjusted(lists.ListKind.DUTY, OTHER_BODY)
        store.entries(lists.ListKind.DUTY, OTHER_BODY, ["ZR-1"])
        list(mongo_store.snapshot(unit.database))

    finds = finds_of(mongodb_uri, database, ask)
    assert len(finds) == 25
    for find in finds:
        explained = database.command("explain", find, verbosity="executionStats")
        stages = str(explained["queryPlanner"]["winningPlan"])
        assert "COLLSCAN" not in stages, find
        assert "'SORT'" not in stages, find
        stats = explained["executionStats"]
        assert stats["totalDocsExamined"] <= stats["nReturned"] + 1, find


def adjusted(store, *changes, caller=SYSTEM, **head):
    proposal = lists.proposal_of(request_values() | head | {"changes": list(changes)})
    return usecases.adjust(
        proposal,
        caller=caller,
        store=store,
    )


def did(action, **entry):
    return added(**entry) | {"action": action}


def page(store, *, size=10, **asked):
    question = {"kind": "", "dept_code": "", "region_code": "", "after": ""} | asked
    return store.entry_page(**question, size=size)


def entries(store):
    return [one.entry.entry_code for one in page(store)]


def history(store, *, size=10, **asked):
    question = {"kind": "", "dept_code": "", "region_code": "", "before": ""} | asked
    return store.adjustment_page(**question, size=size)
