"""Life events: what they are made of, and what their items ask for together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.domain import item_of, life_events
from services.catalogue.domain.life_events import (
    KeptEvent,
    LifeEventAlreadyWithdrawn,
    LifeEventInvalid,
    event_of,
    joint_of,
    material_key,
    publish_event,
    withdraw_event,
)
from tests.publications import LIFE_EVENT

pytestmark = pytest.mark.rule("I-10")


def event(**changes):
    return event_of(LIFE_EVENT | changes)


def item(code, **changes):
    record = {
        "task_name": f"事项 {code}",
        "task_type": "01",
        "dept_name": "某局",
        "region_code": "530100000000",
        "local_task_code": code,
    }
    return item_of(record | changes)


def material(name, **changes):
    return {"name": name} | changes


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"steps": [{"item_id": "T-1"}]}, "steps"),
        ({"steps": []}, "steps"),
        ({"steps": [{"item_id": "T-1"}, {"item_id": "T-1"}]}, "steps"),
        ({"steps": [{"item_id": "T-1"}, {}]}, "steps[1]"),
        ({"steps": [{"item_id": "T-1"}, {"item_id": "T-2", "catalog_code": "5301"}]}, "steps[1]"),
        ({"event_id": "开饭店"}, "event_id"),
        ({"title": ""}, "title"),
        ({"dept_code": "1"}, "dept_code"),
        ({"surprise": "x"}, "surprise"),
    ],
)
def test_a_life_event_names_at_least_two_items_each_by_one_code(changes, field):
    with pytest.raises(LifeEventInvalid) as refusal:
        event(**changes)
    assert [one.field for one in refusal.value.violations] == [field]


def test_each_material_is_listed_once_with_the_most_copies_any_item_wants():
    first = item("T-1", materials=[material("身份证（原件及复印件）", page_num=1, is_need="2")])
    second = item(
        "T-2",
        materials=[
            material("身份证复印件", copy_num=2, is_need="1"),
            material("申请书", is_need="1"),
        ],
    )
    card, form = joint_of(event(), [first, second]).materials
    assert (card.material.page_num, card.material.copy_num, card.material.is_need) == (1, 2, "1")
    assert (card.items, form.items) == (("T-1", "T-2"), ("T-2",))
    assert card.waived == form.waived == ""


def test_what_government_holds_or_another_item_makes_need_not_be_handed_in():
    first = item(
        "T-1",
        result_name="营业执照",
        materials=[material("户口簿", source_type="20"), material("章程", source_type="20")],
    )
    second = item(
        "T-2", materials=[material("营业执照（副本）"), material("章程", source_type="10")]
    )
    found = {one.material.name: one.waived for one in joint_of(event(), [first, second]).materials}
    assert "事项 T-1" in found["营业执照（副本）"]
    assert "数据共享" in found["户口簿"]
    assert found["章程"] == ""  # one of the items wants it from the applicant


@pytest.mark.parametrize(
    ("promises", "told"),
    [
        ([(5, "1"), (3, "1")], (5, "1")),
        ([(5, "1"), (3, "2")], (0, "")),
        ([(5, "1"), (0, "")], (0, "")),
        ([], (0, "")),
    ],
)
def test_the_joint_limit_is_the_longest_promise_where_all_are_counted_alike(promises, told):
    items = [
        item(f"T-{n}", promise_day=day, promise_type=unit) for n, (day, unit) in enumerate(promises)
    ]
    joint = joint_of(event(), items)
    assert (joint.day, joint.unit) == told
    promised = joint_of(event(joint_day=2), items)
    assert (promised.day, promised.unit) == (2, "1")


def test_an_item_that_is_done_at_once_prolongs_nothing():
    items = [
        item("T-1", project_type="1"),
        item("T-2", promise_day=4, promise_type="1", limit_scene_num=2, limit_scene_explain="x"),
    ]
    joint = joint_of(event(), items)
    assert (joint.day, joint.visits, joint.fee) == (4, 2, False)


def test_publishing_tells_new_from_changed_and_taking_back_says_why():
    first = publish_event(None, event())
    assert (first.newly, first.kept.version) == (True, 1)
    assert publish_event(first.kept, event()) is None
    changed = publish_event(first.kept, event(title="开餐厅一件事"))
    assert (changed.newly, changed.kept.version) == (False, 2)
    gone = withdraw_event(changed.kept, " 合并 ").kept
    assert (gone.active, gone.reason, gone.version) == (False, "合并", 3)
    with pytest.raises(LifeEventAlreadyWithdrawn):
        withdraw_event(gone, "再次")
    assert publish_event(gone, event()).newly
    for reason in ("", " ", "x" * 501, "a\x00b"):
        with pytest.raises(LifeEventInvalid):
            withdraw_event(KeptEvent(event(), 1), reason)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("身份证（原件及复印件）", "身份证复印件"),
        ("营业执照 （副本）", "营业执照"),
        ("“申请书”", "申请书"),
        ("ＡＢ证明", "AB证明"),
    ],
)
def test_two_names_of_one_material_have_one_key(name, other):
    assert material_key(name) == material_key(other)


@given(st.text(max_size=40))
def test_every_name_has_a_key_and_a_blank_one_its_own(name):
    assert material_key(name) or not name
    assert material_key("申请书") != material_key("申请表")


@given(st.lists(st.sampled_from(["身份证", "申请书", "照片", "户口簿"]), max_size=12))
def test_merging_loses_no_material_and_lists_none_twice(names):
    items = [item(f"T-{n}", materials=[material(name)]) for n, name in enumerate(names)]
    merged = life_events.joint_of(event(), items).materials
    assert [one.material.name for one in merged] == list(dict.fromkeys(names))
    assert sum(len(one.items) for one in merged) == len(names)
