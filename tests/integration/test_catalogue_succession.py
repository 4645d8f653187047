"""Bodies that take over the items of others: one suite for the fake store and the real one."""

from dataclasses import replace

import pytest

from services.catalogue import domain, usecases
from services.catalogue import store as mongo_store
from services.catalogue.domain import ItemMoved, State, body_of, item_of
from services.catalogue.store import MongoStore
from services.common.access import OutOfReach
from services.common.identifiers import uscc_check_char
from services.common.rows import Report, Row
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fakes import FakeCatalogue
from tests.publications import KUNMING, QUJING, officer

pytestmark = pytest.mark.rule("I-9")


def uscc(first17):
    return first17 + uscc_check_char(first17)


OLD, NEW = uscc("11530100MB2XA0017"), uscc("11530100MB2XA0025")
CATALOGUE = "530117001000"
TASK, MOVED = f"{OLD}3{CATALOGUE}", f"{NEW}3{CATALOGUE}"
HEIR = body_of(NEW, "昆明市行政审批局")


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


def item(**changes):
    record = {
        "task_name": "取水许可",
        "task_type": "01",
        "dept_code": OLD,
        "dept_name": "昆明市水务局",
        "region_code": KUNMING,
        "task_code": TASK,
        "handle_items": [{"code": f"{TASK}01", "name": "新办"}],
    }
    return item_of(record | changes)


def publish(store, **changes):
    return usecases.publish(item(**changes), seen=0, caller=SYSTEM, store=store)


def succeed(store, body=HEIR, caller=SYSTEM, **more):
    return usecases.succeed(OLD, body, "机构合并", caller=caller, store=store, **more)


def got(store, item_id, version=0):
    return usecases.get(item_id, version=version, now=NOW, store=store)


def test_items_go_on_under_the_heir_and_old_codes_lead_to_them(keeping):
    keeping(publish)
    found = keeping(succeed)
    assert (found.moved, found.conflicts, found.more) == ([(TASK, MOVED)], [], False)
    for code in (TASK, MOVED):
        now = keeping(lambda store, code=code: got(store, code))
        assert (now.item.item_id, now.item.dept_code, now.item.dept_name) == (
            MOVED,
            NEW,
            "昆明市行政审批局",
        )
        assert now.item.handle_items[0].code == f"{MOVED}01"
    before = keeping(lambda store: got(store, TASK, version=1))
    assert before.item.dept_name == "昆明市水务局"
    left = keeping(lambda store: store.get(TASK))
    assert (left.state, left.reason, left.moved_to) == (State.WITHDRAWN, "机构合并", MOVED)


def test_a_second_heir_is_found_by_the_first_code(keeping):
    third = body_of(uscc("11530100MB2XA0033"), "昆明市政务服务局")
    keeping(publish)
    keeping(succeed)
    keeping(lambda store: usecases.succeed(NEW, third, "再次合并", caller=SYSTEM, store=store))
    found = keeping(lambda store: got(store, TASK))
    assert found.item.item_id == f"{third.code}3{CATALOGUE}"


def test_who_is_only_renamed_keeps_every_code(keeping):
    keeping(publish)
    keeping(lambda store: publish(store, task_code="", local_task_code="T-2", handle_items=[]))
    found = keeping(lambda store: succeed(store, body_of(OLD, "昆明市水利局")))
    assert sorted(found.moved) == sorted([(TASK, TASK), ("T-2", "T-2")])
    renamed = keeping(lambda store: got(store, "T-2"))
    assert (renamed.item.dept_name, renamed.version) == ("昆明市水利局", 2)
    again = keeping(lambda store: succeed(store, body_of(OLD, "昆明市水利局")))
    assert (again.moved, again.conflicts) == ([], [])


def test_nobody_brings_an_item_back_under_a_code_that_it_has_left(keeping):
    keeping(publish)
    keeping(succeed)
    with pytest.raises(ItemMoved, match=MOVED):
        keeping(publish)
    report = Report("standard")
    record = {
        "task_name": "取水许可",
        "task_type": "01",
        "dept_name": "昆明市水务局",
        "region_code": KUNMING,
        "task_code": TASK,
    }
    keeping(
        lambda store: usecases.import_items([Row(1, record)], report, caller=SYSTEM, store=store)
    )
    assert [(one.row, one.field) for one in report.rejections] == [(1, "task_code")]


def test_a_suspended_item_stays_suspended_and_a_withdrawn_one_stays_where_it_is(keeping):
    keeping(publish)
    keeping(lambda store: usecases.suspend(TASK, "升级", seen=0, caller=SYSTEM, store=store))
    keeping(lambda store: publish(store, task_code="", local_task_code="T-9", handle_items=[]))
    keeping(lambda store: usecases.withdraw("T-9", "停办", seen=0, caller=SYSTEM, store=store))
    found = keeping(succeed)
    assert found.moved == [(TASK, MOVED)]
    now = keeping(lambda store: got(store, MOVED))
    assert (now.state, now.reason) == (State.SUSPENDED, "升级")


def test_a_code_that_is_taken_is_a_conflict_and_keeps_no_other_item_back(keeping):
    keeping(publish)
    taken = {"task_code": MOVED, "dept_code": NEW, "handle_items": []}
    keeping(lambda store: publish(store, **taken))
    keeping(lambda store: publish(store, task_code="", local_task_code="T-2", handle_items=[]))
    found = keeping(succeed)
    assert (found.conflicts, found.moved) == ([TASK], [("T-2", "T-2")])


def test_many_items_are_taken_over_part_by_part(keeping):
    for number in range(5):
        keeping(
            lambda store, number=number: publish(
                store, task_code="", local_task_code=f"T-{number}", handle_items=[]
            )
        )
    first = keeping(lambda store: succeed(store, most=3))
    assert (len(first.moved), first.more) == (3, True)
    rest = keeping(lambda store: succeed(store, most=3))
    assert (len(rest.moved), rest.more) == (2, False)


def test_who_asks_answers_for_both_bodies_in_the_region(keeping):
    keeping(publish)
    lead = officer("lead", "list_publisher", department=OLD)
    for caller in (
        replace(lead, region=QUJING),
        replace(lead, roles=("item_editor",)),
        replace(lead, roles=("item_editor",), department=NEW),
    ):
        with pytest.raises(OutOfReach):
            keeping(lambda store, caller=caller: succeed(store, caller=caller))
    assert keeping(lambda store: succeed(store, caller=lead)).moved == [(TASK, MOVED)]


@pytest.mark.parametrize(
    ("code", "name", "fields"),
    [
        ("1153", "某局", ["to_dept_code"]),
        (NEW, " ", ["to_dept_name"]),
        (NEW, "某" * 201, ["to_dept_name"]),
        ("", "", ["to_dept_code"]),
    ],
)
def test_a_body_has_a_right_code_and_a_name(code, name, fields):
    with pytest.raises(domain.BodyInvalid) as refusal:
        body_of(code, name)
    assert [one.field for one in refusal.value.violations] == fields


def test_a_reason_is_said(keeping):
    keeping(publish)
    with pytest.raises(domain.ItemInvalid):
        keeping(lambda store: usecases.succeed(OLD, HEIR, "", caller=SYSTEM, store=store))
