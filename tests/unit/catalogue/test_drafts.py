"""Rules of drafts: what may be kept as one, what it lacks, and over what it is saved."""

from datetime import UTC, datetime, timedelta

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from zhengtong.catalogue.v1 import catalogue_pb2

from services.catalogue import messages
from services.catalogue.domain import NATIONAL, ItemInvalid, drafts, item_of
from services.catalogue.domain.codes import profile_of
from services.catalogue.domain.drafts import KEPT, LARGEST, Content, DraftInvalid
from services.catalogue.usecases import Scope
from services.catalogue.usecases.drafts import scope_of
from services.common.access import NATIONWIDE, Caller
from services.common.errors import Stale
from tests.publications import ANOTHER, DEPARTMENT, KUNMING, QUJING, officer
from tests.unit.catalogue.test_imports import WHOLE

pytestmark = pytest.mark.rule("I-19")

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
LEAST = {"task_name": "取水许可", "dept_code": DEPARTMENT, "region_code": KUNMING}


def test_name_body_and_region_are_all_that_a_draft_needs():
    content = drafts.content_of(LEAST)
    assert (content.task_name, content.dept_code, content.region_code) == (
        "取水许可",
        DEPARTMENT,
        KUNMING,
    )
    assert content.values == LEAST


@pytest.mark.parametrize("field", LEAST)
@pytest.mark.parametrize("value", ["", None, "\x00", "没有" * 500])
def test_without_one_of_them_it_is_nobodys_and_not_kept(field, value):
    assert faults(LEAST | {field: value}) == [f"item.{field}"]


def test_what_is_wrong_in_other_fields_is_kept_as_it_is():
    wrong = LEAST | {
        "task_code": "还没有",
        "task_type": "99",
        "promise_day": -3,
        "materials": [{"page_num": 1}],
        "plan_cancel_date": "明年",
    }
    assert drafts.content_of(wrong).values == wrong


def test_region_and_name_are_kept_in_their_one_way_of_writing():
    content = drafts.content_of(LEAST | {"region_code": "530100", "task_name": " 取水许可 "})
    assert (content.values["region_code"], content.region_code) == (KUNMING, KUNMING)
    assert content.values["task_name"] == "取水许可"


def test_what_only_the_server_writes_is_not_taken_from_the_editor():
    claimed = LEAST | {"item_id": "X", "version": "9", "state": "ITEM_STATE_PUBLISHED"}
    assert drafts.content_of(claimed).values == LEAST


def test_a_draft_has_a_largest_size():
    room = LARGEST - len('{"task_name": "取水许可", "limit_explain": ""}'.encode()) - 200
    assert drafts.content_of(LEAST | {"limit_explain": "a" * room})
    assert faults(LEAST | {"limit_explain": "限" * (LARGEST // 3)}) == ["item"]


@pytest.mark.parametrize(("draft_id", "expected"), [("", 1), ("", -1), ("d", 0), ("d", -1)])
def test_who_saves_says_which_version_they_have_read_and_none_of_a_new_draft(draft_id, expected):
    with pytest.raises(DraftInvalid) as refusal:
        drafts.check_expected(draft_id, expected)
    assert [one.field for one in refusal.value.violations] == ["expected_version"]
    drafts.check_expected("", 0)
    drafts.check_expected("d", 7)


def test_a_save_raises_the_version_and_gives_it_180_days_more():
    first = drafts.begin("d", drafts.content_of(LEAST), now=NOW)
    later = NOW + timedelta(days=100)
    renamed = drafts.content_of(LEAST | {"task_name": "取水"})
    second = drafts.save(first, renamed, expected=1, now=later)
    assert (first.version, first.expire_time) == (1, NOW + KEPT)
    assert (second.version, second.expire_time) == (2, later + timedelta(days=180))
    assert (second.create_time, second.place) == (NOW, first.place)


def test_nobody_saves_over_what_they_have_not_read():
    second = drafts.save(
        drafts.begin("d", drafts.content_of(LEAST), now=NOW),
        drafts.content_of(LEAST),
        expected=1,
        now=NOW,
    )
    for seen in (1, 3):
        with pytest.raises(Stale):
            drafts.save(second, drafts.content_of(LEAST), expected=seen, now=NOW)


def test_a_draft_says_in_chinese_what_it_lacks_field_by_field():
    found = judged(LEAST)
    assert {one.field: one.description for one in found.faults} == {
        "task_type": "不能为空",
        "dept_name": "不能为空",
    }
    assert [one.rule.number for one in found.findings] == ["Q-8", "Q-17"]


def test_a_whole_item_lacks_nothing():
    found = judged(WHOLE | LEAST | {"task_code": "", "local_task_code": "T-1", "use_level": ""})
    assert found.faults == ()
    assert not [one for one in found.findings if one.rule.blocking]


def test_a_blocking_rule_is_among_the_findings():
    found = judged(LEAST | {"materials": [{"name": "其他材料"}]})
    assert "Q-14" in [one.rule.number for one in found.findings if one.rule.blocking]


def test_a_rule_about_what_cannot_be_read_yet_is_not_told():
    whole = LEAST | {"task_type": "20", "dept_name": "水务局", "local_task_code": "T-1"}
    missing = fields_of(judged(whole), "Q-17")
    assert {"materials", "handle_flow"} <= set(missing)
    unread = judged(whole | {"link_way": "长" * 501, "supervise_way": "长" * 501})
    assert {one.field for one in unread.faults} == {"link_way", "supervise_way"}
    assert "Q-8" not in [one.rule.number for one in unread.findings]
    assert "Q-8" in [one.rule.number for one in judged(whole).findings]


def test_the_codes_of_a_draft_are_judged_by_the_profile():
    whole = LEAST | {"task_type": "01", "dept_name": "水务局", "task_code": "5301000001170010"}
    content = drafts.content_of(whole)
    (fault,) = drafts.judge(content, NATIONAL).faults
    assert fault.field == "task_code"
    assert drafts.judge(content, profile_of("gbt39046")).faults == ()


WRITTEN = st.fixed_dictionaries(
    {},
    optional={
        "alias": st.lists(st.text(max_size=9), max_size=3),
        "task_code": st.text(max_size=40),
        "promise_day": st.integers(-(2**31), 2**31 - 1),
        "is_fee": st.booleans(),
        "plan_cancel_date": st.text(max_size=12),
        "materials": st.lists(
            st.fixed_dictionaries({}, optional={"name": st.text(), "page_num": st.integers(-9, 9)})
        ),
        "handle_items": st.lists(
            st.fixed_dictionaries({}, optional={"materials": st.lists(st.text(max_size=5))})
        ),
    },
)


@given(WRITTEN)
def test_whatever_the_message_can_hold_comes_back_as_it_was_written(fields):
    item = catalogue_pb2.Item(**LEAST | fields)
    content = messages.draft_content_of(item)
    draft = drafts.begin("d", content, now=NOW)
    answer = messages.judged(draft, drafts.judge(content, NATIONAL))
    assert answer["draft"].item == item
    assert bson.decode(bson.encode({"item": content.values}))["item"] == content.values


JUNK = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5)
VALUES = st.dictionaries(
    st.sampled_from(sorted(WHOLE)),
    JUNK | st.lists(JUNK | st.dictionaries(st.text(max_size=5), JUNK, max_size=2), max_size=2),
    max_size=8,
)


@given(VALUES)
def test_a_draft_lacks_exactly_what_publishing_it_would_be_refused_for(values):
    content = drafts.content_of(values | LEAST)
    assert judged(content.values).faults == refused(content.values)


def refused(values):
    """What an item of these values is refused for."""
    try:
        item_of(values)
    except ItemInvalid as refusal:
        return refusal.violations
    return ()


@pytest.mark.rule("I-18")
@pytest.mark.parametrize(
    ("caller", "dept_code", "scope"),
    [
        (officer("e", "item_editor"), "", Scope(DEPARTMENT, KUNMING)),
        (officer("e", "item_editor"), DEPARTMENT, Scope(DEPARTMENT, KUNMING)),
        (officer("e", "item_editor"), ANOTHER, None),
        (officer("e", "item_editor", department=""), "", None),
        (officer("e", "item_editor", region=""), "", None),
        (officer("l", "list_publisher"), "", Scope("", KUNMING)),
        (officer("l", "list_publisher"), ANOTHER, Scope(ANOTHER, KUNMING)),
        (officer("l", "list_publisher", region=""), "", None),
        (Caller("c", "client", department=ANOTHER, region=QUJING), "", Scope(ANOTHER, QUJING)),
        (Caller("c", "client", region=NATIONWIDE, leads=True), ANOTHER, Scope(ANOTHER, "")),
        (Caller("c", "client", region=NATIONWIDE, leads=True), "", Scope("", "")),
        (Caller("c", "client", region=NATIONWIDE), "", None),
    ],
)
def test_a_list_is_of_the_callers_own_body_and_region_or_of_all_that_they_lead(
    caller, dept_code, scope
):
    assert scope_of(caller, dept_code) == scope


def judged(values):
    content = Content(values, values["task_name"], values["dept_code"], values["region_code"])
    return drafts.judge(content, NATIONAL)


def fields_of(found, number):
    return next((one.fields for one in found.findings if one.rule.number == number), ())


def faults(values):
    with pytest.raises(DraftInvalid) as refusal:
        drafts.content_of(values)
    return [violation.field for violation in refusal.value.violations]
