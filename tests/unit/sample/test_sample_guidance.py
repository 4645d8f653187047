"""The sample's life events, questionnaires and lists are such as the catalogue takes."""

from __future__ import annotations

import pytest

from infra.sample.places import read
from services.catalogue.domain import item_of_row, lists
from services.catalogue.domain.life_events import event_of, joint_of
from services.catalogue.domain.questionnaires import check_fits, questionnaire_of

ITEMS = {one["task_code"]: item_of_row(one, "standard") for one in read("items.json")}
EVENTS = read("life_events.json")
QUESTIONNAIRES = read("questionnaires.json")
ADJUSTMENTS = read("list_adjustments.json")
KINDS = {f"LIST_KIND_{kind.name}": kind.value for kind in lists.ListKind}
ACTIONS = {f"LIST_ACTION_{action.name}": action.value for action in lists.Action}


def proposal(one):
    """As the catalogue reads it from the message."""
    changes = [{**change, "action": ACTIONS[change["action"]]} for change in one["changes"]]
    return lists.proposal_of({**one, "kind": KINDS[one["kind"]], "changes": changes})


@pytest.mark.parametrize("row", EVENTS, ids=lambda row: row["event_id"])
def test_a_life_event_has_all_its_items_in_its_own_region_and_waives_something(row):
    event = event_of(row)
    items = [
        next(
            item
            for item in ITEMS.values()
            if (item.catalog_code, item.region_code) == (step.catalog_code, event.region_code)
        )
        for step in event.steps
    ]
    assert len(items) >= 3
    assert any(one.waived for one in joint_of(event, items).materials)


def test_there_are_the_occasions_that_people_ask_for_first():
    assert [one["title"] for one in EVENTS] == ["开办企业", "新生儿出生", "企业职工退休"]


@pytest.mark.parametrize("row", QUESTIONNAIRES, ids=lambda row: row["item_id"])
def test_a_questionnaire_fits_its_item_and_can_end_either_way(row):
    made = questionnaire_of(row)
    check_fits(made, ITEMS[made.item_id])
    assert {one.eligible for one in made.outcomes} == {True, False}


def test_the_adjustments_can_be_made_one_after_another_and_the_later_ones_change_something():
    kept, made = {}, {}
    for one in ADJUSTMENTS:
        asked = proposal(one)
        of = asked.kind, asked.dept_code
        made[of] = made.get(of, 0) + 1
        done = lists.adjust(asked, kept.get(of, {}), number=made[of])
        kept.setdefault(of, {}).update({e.entry.entry_code: e for e in done.entries})
    assert sorted(made.values()) == [1, 1, 2, 2]
    last = {difference.action for difference in done.adjustment.differences}
    assert last == {lists.Action.TAKE_OVER}


def test_entries_lead_to_items_of_the_body_that_has_them():
    for one in ADJUSTMENTS:
        for change in one["changes"]:
            for item_id in change["entry"].get("item_ids", ()):
                assert ITEMS[item_id].dept_code == one["dept_code"]
