"""Life events on a real database and over gRPC."""

from dataclasses import replace

import pytest

from services.catalogue import domain, usecases
from services.catalogue import store as catalogue_store
from services.catalogue.domain.life_events import LifeEventNotFound, event_of
from services.catalogue.store import MongoEvents, MongoStore
from services.common.access import OutOfReach
from services.common.errors import Stale
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.publications import DEPARTMENT, KUNMING, LIFE_EVENT, QUJING, WUHUA, officer

pytestmark = pytest.mark.rule("I-10")
CODE = "530131002001"


@pytest.fixture
def keeping(database, committed, planned):
    catalogue_store.ensure(database)
    return committed


def publish(unit, caller=SYSTEM, seen=0, **changes):
    made = event_of(LIFE_EVENT | changes)
    return usecases.publish_event(made, seen=seen, caller=caller, events=MongoEvents(unit))


def put(unit, code, region=KUNMING, **changes):
    record = {
        "task_name": f"事项 {code}",
        "task_type": "01",
        "dept_name": "某局",
        "region_code": region,
        "local_task_code": code,
    }
    item = domain.item_of(record | changes)
    return usecases.publish(item, seen=0, caller=SYSTEM, store=MongoStore(unit))


def met(unit, region="", event_id="open-restaurant"):
    return usecases.get_event(
        event_id,
        region_code=region,
        now=NOW,
        events=MongoEvents(unit),
        items=MongoStore(unit),
    )


def test_what_is_published_is_met_with_its_items(keeping):
    keeping(lambda unit: put(unit, "T-1", materials=[{"name": "身份证"}]))
    kept = keeping(publish)
    assert (kept.version, kept.update_time) == (1, NOW)
    found = keeping(met)
    assert [one.listed and one.listed.item.item_id for one in found.steps] == ["T-1", None]
    assert [one.material.name for one in found.joint.materials] == ["身份证"]


def test_the_item_of_the_region_or_of_the_nearest_above_it_is_the_one(keeping):
    for code, region in (("P", "530000000000"), ("C", KUNMING), ("Q", QUJING)):
        keeping(lambda unit, code=code, region=region: put(unit, code, region, catalog_code=CODE))
    steps = [{"catalog_code": CODE}, {"item_id": "T-2"}]
    keeping(lambda unit: publish(unit, steps=steps, region_code="530000000000"))

    def chosen(region):
        return keeping(lambda unit: met(unit, region)).steps[0].listed.item.item_id

    assert [chosen(one) for one in ("", WUHUA, KUNMING, QUJING, "532900000000")] == [
        "P",
        "C",
        "C",
        "Q",
        "P",
    ]


def test_an_item_that_is_suspended_or_not_yet_in_force_is_not_offered(keeping):
    keeping(lambda unit: put(unit, "T-1"))
    keeping(lambda unit: put(unit, "T-2", plan_effective_date="2027-01-01"))
    keeping(publish)
    keeping(
        lambda unit: usecases.suspend("T-1", "升级", seen=0, caller=SYSTEM, store=MongoStore(unit))
    )
    assert [one.listed for one in keeping(met).steps] == [None, None]


def test_two_changes_from_one_version_are_not_both_made(keeping):
    keeping(publish)
    keeping(lambda unit: publish(unit, seen=1, title="甲"))
    with pytest.raises(Stale):
        keeping(lambda unit: publish(unit, seen=1, title="乙"))


def test_who_publishes_answers_for_the_body_and_the_region(keeping):
    editor = officer("editor", "item_editor")
    keeping(lambda unit: publish(unit, editor))
    for caller in (
        replace(editor, region=QUJING),
        replace(editor, department="12530000431200012W"),
    ):
        with pytest.raises(OutOfReach):
            keeping(lambda unit, caller=caller: publish(unit, caller, title="丙"))
    keeping(lambda unit: publish(unit, event_id="second", dept_code=DEPARTMENT))


def test_what_was_taken_back_is_met_and_listed_no_more(keeping):
    keeping(publish)
    assert listed(keeping) == ["open-restaurant"]
    keeping(
        lambda unit: usecases.withdraw_event(
            "open-restaurant", "合并", seen=1, caller=SYSTEM, events=MongoEvents(unit)
        )
    )
    assert listed(keeping) == []
    with pytest.raises(LifeEventNotFound):
        keeping(met)
    with pytest.raises(LifeEventNotFound):
        keeping(lambda unit: met(unit, event_id="nowhere"))


def test_lists_are_of_the_region_and_those_above_it_in_order(keeping):
    for event_id, region in (("b", "530000000000"), ("a", KUNMING), ("c", QUJING)):
        keeping(
            lambda unit, event_id=event_id, region=region: publish(
                unit, event_id=f"{event_id}-event", region_code=region
            )
        )
    assert listed(keeping) == ["a-event", "b-event", "c-event"]
    assert listed(keeping, WUHUA) == ["a-event", "b-event"]
    assert listed(keeping, WUHUA, after="a-event") == ["b-event"]
    assert listed(keeping, size=1) == ["a-event"]


def test_a_snapshot_tells_those_that_are_offered(keeping, database):
    keeping(publish)
    keeping(lambda unit: put(unit, "T-1"))
    subjects = [told.subject for told in catalogue_store.snapshot(database)]
    assert subjects == ["T-1", "life-event/open-restaurant"]


def listed(keeping, region="", after="", size=10):
    found = keeping(lambda unit: MongoEvents(unit).page(region_code=region, after=after, size=size))
    return [one.event.event_id for one in found]
