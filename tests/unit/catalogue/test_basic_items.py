"""The basic catalogue: what its items are made of, and what carries them out."""

import pytest

from services.catalogue.domain import basic_items, item_of
from services.catalogue.domain.basic_items import (
    BasicItemAlreadyWithdrawn,
    BasicItemInvalid,
    at_odds,
    basic_item_of,
)
from services.catalogue.domain.codes import profile_of
from tests.publications import BASIC_ITEM, KUNMING


def fields_at_fault(**changes):
    with pytest.raises(BasicItemInvalid) as refusal:
        basic_item_of(BASIC_ITEM | changes)
    return [violation.field for violation in refusal.value.violations]


@pytest.mark.rule("I-24")
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"catalog_code": "000131009000"},
        {"task_type": "20", "catalog_code": "532031009000"},
        {"task_type": "20", "catalog_code": "532131009000"},
        {"catalog_code": "531A31009000"},
        {"use_levels": ["3", "4"], "by_law": [{"law_name": "食品安全法"}]},
    ],
)
def test_a_basic_item_whose_code_agrees_is_taken(changes):
    made = basic_item_of(BASIC_ITEM | changes)
    assert made.catalog_code == (BASIC_ITEM | changes)["catalog_code"]


@pytest.mark.rule("I-24")
@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"task_type": "20"}, ["task_type"]),
        ({"catalog_code": "520131009000"}, ["catalog_code"]),
        ({"catalog_code": "5301"}, ["catalog_code"]),
        ({"catalog_code": ""}, ["catalog_code"]),
        ({"region_code": KUNMING}, ["region_code"]),
        ({"region_code": "440000000000"}, ["catalog_code"]),
        ({"use_levels": ["8"]}, ["use_levels"]),
        ({"by_law": [{"article": "一"}]}, ["by_law[0].law_name"]),
        ({"nonsense": 1}, ["nonsense"]),
    ],
)
def test_a_basic_item_that_does_not_agree_with_its_code_is_refused_by_field(changes, fields):
    assert fields_at_fault(**changes) == fields


@pytest.mark.rule("I-24")
def test_codes_without_parts_agree_with_anything():
    plain = BASIC_ITEM | {"catalog_code": "XK00123"}
    assert basic_item_of(plain, profile_of("gbt39046")).catalog_code == "XK00123"
    assert fields_at_fault(catalog_code="XK00123") == ["catalog_code"]


def carrying_out(**changes):
    record = {
        "task_name": "食品经营许可",
        "task_type": "01",
        "dept_name": "某局",
        "region_code": KUNMING,
        "local_task_code": "T-1",
        "catalog_code": BASIC_ITEM["catalog_code"],
    }
    return item_of(record | changes)


@pytest.mark.rule("I-25")
@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"use_level": "3"}, []),
        ({"task_type": "20"}, ["task_type"]),
        ({"use_level": "2"}, ["use_level"]),
        ({"task_type": "20", "use_level": "2"}, ["task_type", "use_level"]),
    ],
)
def test_an_item_has_the_type_and_level_that_the_basic_catalogue_gives_its_code(changes, fields):
    basic = basic_item_of(BASIC_ITEM | {"use_levels": ["3", "4"]})
    assert [one.field for one in at_odds(carrying_out(**changes), basic)] == fields


@pytest.mark.rule("I-25")
def test_a_code_that_the_basic_catalogue_does_not_have_is_nobodys_fault():
    assert at_odds(carrying_out(task_type="20"), None) == []


def test_taking_back_needs_a_reason_and_happens_once():
    kept = basic_items.publish_basic(None, basic_item_of(BASIC_ITEM)).kept
    for reason in ("", " ", "x" * 501, "a\x00b"):
        with pytest.raises(BasicItemInvalid):
            basic_items.withdraw_basic(kept, reason)
    gone = basic_items.withdraw_basic(kept, "改为备案").kept
    assert (gone.active, gone.version, gone.reason) == (False, 2, "改为备案")
    with pytest.raises(BasicItemAlreadyWithdrawn):
        basic_items.withdraw_basic(gone, "改为备案")
    again = basic_items.publish_basic(gone, kept.basic)
    assert (again.kept.version, again.newly) == (3, True)
