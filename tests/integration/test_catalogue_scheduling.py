"""Revisions that begin on a later day: one suite for the fake store and the real one."""

import pytest

from services.catalogue import messages, usecases
from services.catalogue import store as mongo_store
from services.catalogue.domain import ItemNotScheduled, Scheduled, State, item_of, unschedule
from services.catalogue.domain.listing import Asked
from services.catalogue.store import MongoStore
from services.catalogue.worker import Worker
from services.common.access import OutOfReach
from services.common.delivery import by_the_clock, clock, readers
from services.common.delivery.subscriptions import clocked
from services.common.errors import Stale
from services.common.rows import Report, Row
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fakes import FakeCatalogue
from tests.publications import QUJING, officer

pytestmark = pytest.mark.rule("I-23")

DAY, MORNING = "2026-11-25", NOW.replace(day=25)
RECORD = {
    "task_name": "取水许可",
    "task_type": "01",
    "dept_name": "昆明市水务局",
    "region_code": "530100000000",
    "local_task_code": "T-1",
}
AS_IT_IS = item_of(RECORD)
LATER = item_of(RECORD | {"task_name": "取水许可（新）", "plan_effective_date": DAY})


@pytest.fixture(params=["fake", "mongo"])
def at(request):
    """Runs work with a store at a moment: one transaction on MongoDB, one object in memory."""
    if request.param == "fake":
        fake = FakeCatalogue(NOW)

        def in_memory(now, work):
            fake.now = now
            return work(fake)

        return in_memory
    database, committed = request.getfixturevalue("database"), request.getfixturevalue("committed")
    mongo_store.ensure(database)

    def on_mongo(now, work):
        def moved(unit):
            unit.now = now
            return work(MongoStore(unit))

        return committed(moved)

    return on_mongo


def publish(*items):
    def work(store):
        return [usecases.publish(one, seen=0, caller=SYSTEM, store=store) for one in items][-1]

    return work


def got(store):
    return usecases.get("T-1", now=store.now, store=store)


def listed(store):
    found, _ = store.page(Asked(), after="", size=9)
    return [one.item.task_name for one in found]


def test_an_item_in_use_stays_as_it_is_until_the_day_of_its_revision(at):
    at(NOW, publish(AS_IT_IS))
    answered = at(NOW, publish(LATER))
    assert (answered.item, answered.version, answered.plan.item) == (AS_IT_IS, 1, LATER)
    assert at(NOW, got).item == AS_IT_IS
    assert at(NOW, listed) == ["取水许可"]
    assert at(NOW, lambda store: usecases.bring_into_force(store=store)) is False
    assert at(NOW, got).version == 1


def test_on_its_day_a_revision_is_the_item_by_the_clock_and_then_for_all(at):
    at(NOW, publish(AS_IT_IS))
    at(NOW, publish(LATER))
    by_the_clock = at(MORNING, got)
    assert (by_the_clock.item, by_the_clock.version, by_the_clock.plan.item) == (LATER, 2, None)
    at(MORNING, lambda store: usecases.bring_into_force(store=store))
    for_all = at(MORNING, got)
    assert (for_all.item, for_all.version, for_all.update_time) == (LATER, 2, MORNING)
    assert at(MORNING, listed) == ["取水许可（新）"]
    assert at(MORNING, lambda store: store.due(size=9)) == []
    assert at(MORNING, lambda store: store.version("T-1", 1)).item == AS_IT_IS


def test_what_was_never_in_force_waits_as_a_whole_and_is_replaced_at_once(at):
    at(NOW, publish(LATER))
    answered = at(NOW, publish(item_of(RECORD | {"plan_effective_date": "2026-11-26"})))
    assert (answered.version, answered.plan.item) == (2, None)


def test_of_two_that_wait_the_last_counts_and_a_repetition_changes_nothing(at):
    other = item_of(RECORD | {"task_name": "取水审批", "plan_effective_date": "2026-11-26"})
    at(NOW, publish(AS_IT_IS))
    for one, version in ((other, 1), (LATER, 2), (LATER, 2)):
        answered = at(NOW, publish(one))
        assert (answered.plan.item, answered.plan.version, answered.version) == (one, version, 1)


def test_a_correction_of_today_leaves_what_waits(at):
    corrected = item_of(RECORD | {"accept_condition": "有取水口。"})
    at(NOW, publish(AS_IT_IS))
    at(NOW, publish(LATER))
    assert at(NOW, publish(corrected)).plan.item == LATER
    at(MORNING, lambda store: usecases.bring_into_force(store=store))
    assert (at(MORNING, got).item, at(MORNING, got).version) == (LATER, 3)


def test_what_waits_can_be_dropped_by_its_body_only_and_by_who_saw_it(at):
    def drop(caller=SYSTEM, seen=0):
        return lambda store: usecases.unschedule("T-1", seen=seen, caller=caller, store=store)

    at(NOW, publish(AS_IT_IS))
    with pytest.raises(ItemNotScheduled):
        at(NOW, drop())
    at(NOW, publish(LATER))
    with pytest.raises(OutOfReach):
        at(NOW, drop(officer("somebody", "item_editor", region=QUJING)))
    with pytest.raises(Stale):
        at(NOW, drop(seen=7))
    assert at(NOW, drop(seen=1)).plan.item is None
    at(MORNING, lambda store: usecases.bring_into_force(store=store))
    assert at(MORNING, got).item == AS_IT_IS


def test_a_suspended_item_is_revised_and_stays_suspended(at):
    at(NOW, publish(AS_IT_IS))
    at(NOW, publish(LATER))
    at(NOW, lambda store: usecases.suspend("T-1", "设备检修", seen=0, caller=SYSTEM, store=store))
    at(MORNING, lambda store: usecases.bring_into_force(store=store))
    now = at(MORNING, got)
    assert (now.item, now.state, now.reason) == (LATER, State.SUSPENDED, "设备检修")


def test_what_is_taken_back_does_not_come_back_by_itself(at):
    at(NOW, publish(AS_IT_IS))
    at(NOW, publish(LATER))
    at(NOW, lambda store: usecases.withdraw("T-1", "停办", seen=0, caller=SYSTEM, store=store))
    at(MORNING, lambda store: usecases.bring_into_force(store=store))
    assert at(MORNING, got).state is State.WITHDRAWN


def test_an_import_says_which_rows_wait_and_changes_nothing_the_second_time(at):
    rows = [Row(1, RECORD | {"task_name": "取水许可（新）", "plan_effective_date": DAY})]

    def imported(store):
        report = Report("standard")
        usecases.import_items(rows, report, caller=SYSTEM, store=store)
        return report

    at(NOW, publish(AS_IT_IS))
    first, second = at(NOW, imported), at(NOW, imported)
    assert (first.created, first.changed, first.unchanged) == (0, 1, 0)
    assert [note.text for note in first.notes] == ["自 2026-11-25 起按新的内容办理，此前按现行内容"]
    assert (second.changed, second.unchanged) == (0, 1)
    assert at(NOW, got).item == AS_IT_IS


def test_only_those_whose_day_has_come_are_due_the_longest_waiting_first(at):
    def named(code, day):
        return item_of(RECORD | {"local_task_code": code, "plan_effective_date": day})

    def before(code):
        return item_of(RECORD | {"local_task_code": code})

    days = {"A": "2026-11-27", "B": "2026-11-25", "C": "2026-11-26", "D": "2026-11-29"}
    at(NOW, publish(*map(before, days)))
    at(NOW, publish(*(named(code, day) for code, day in days.items())))
    due = at(NOW.replace(day=28), lambda store: store.due(size=2))
    assert [one.item.item_id for one in due] == ["B", "C"]
    late = NOW.replace(day=28)
    assert at(late, lambda store: usecases.bring_into_force(store=store, most=2)) is True
    assert at(late, lambda store: usecases.bring_into_force(store=store, most=2)) is False
    assert at(late, lambda store: store.get("D")).version == 1


def test_the_worker_brings_into_force_and_leaves_an_audit_row_and_a_fact(database, committed):
    mongo_store.ensure(database)
    committed(lambda unit: publish(AS_IT_IS, LATER)(MongoStore(unit)))
    one, _ = clocked(Worker)
    department = readers.Department(database, Worker(), lambda: MORNING)
    for _ in range(2):  # the second finds nothing due
        clock.look(department, one)
    told = list(database["events"].find({}, {"type": 1, "version": 1, "subject": 1}).sort("tick"))
    assert [(row["type"].rsplit(".")[-1], row["subject"], row["version"]) for row in told] == [
        ("ItemPublished", "T-1", 1),
        ("ItemRevisionScheduled", "scheduled/T-1", 1),
        ("ItemRevised", "T-1", 2),
    ]
    (row,) = database["audit"].find({"call": "catalogue.bring_into_force"})
    assert (row["principal"], row["subjects"]) == ("catalogue", ["T-1"])


def test_a_part_that_fails_is_not_done_and_comes_again(database, committed):
    class Failing(Worker):
        @by_the_clock(every=1)
        def bring_into_force(self, store):
            super().bring_into_force(store)
            raise RuntimeError

    mongo_store.ensure(database)
    committed(lambda unit: publish(AS_IT_IS, LATER)(MongoStore(unit)))
    (one,) = clocked(Failing)
    clock.look(readers.Department(database, Failing(), lambda: MORNING), one)
    assert database["items"].find_one({"_id": "T-1"})["version"] == 1
    clock.look(readers.Department(database, Worker(), lambda: MORNING), one)
    assert database["items"].find_one({"_id": "T-1"})["version"] == 2


def test_a_plan_is_a_fact_of_its_own_kind():
    fake = FakeCatalogue(NOW)
    publish(AS_IT_IS, LATER)(fake)
    assert isinstance(fake.told[-1], Scheduled)
    fact = messages.scheduled_fact(fake.told[-1])
    assert fact.title == "取水许可（新）（自 2026-11-25 起）"
    assert (fact.item_id, fact.revision.task_name) == ("T-1", "取水许可（新）")
    dropped = messages.scheduled_fact(unschedule(fake.get("T-1")))
    assert dropped.DESCRIPTOR.name == "ItemRevisionDropped"
