"""Profiles of codes: each takes and refuses what its examples say, and what an item makes of it."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.catalogue.domain import (
    NATIONAL,
    ItemInvalid,
    Listed,
    body_of,
    item_of,
    item_of_row,
    move,
)
from services.catalogue.domain.codes import BODY_LENGTH, ProfileUnknown, profile_of, profiles
from services.common.identifiers import (
    is_task_code,
    organisation_code_check_char,
    uscc_check_char,
)
from services.common.settings import Settings

pytestmark = pytest.mark.rule("I-20")

KINDS = ("catalog_code", "local_catalog_code", "task_code", "handle_item")
GBT, GUIZHOU = profile_of("gbt39046"), profile_of("guizhou")
TASK_24 = "530100000117001000000001"
BODY, HEIR = "11530000015100012L", "12530000431200012W"
USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
DIGITS, LETTERS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def examples(which):
    return [
        pytest.param(profile, kind, code, id=f"{profile.name}-{kind}-{code}")
        for profile in profiles().values()
        for kind in KINDS
        for code in getattr(getattr(profile, kind), which)
    ]


def problem(profile, kind, code):
    if kind == "task_code":
        return profile.task_code_problem(code)
    return getattr(profile, kind).problem(code)


@pytest.mark.parametrize(("profile", "kind", "code"), examples("valid"))
def test_a_profile_takes_the_codes_that_it_calls_right(profile, kind, code):
    assert problem(profile, kind, code) is None
    assert item_of(record(**written(kind, code)), profile)


@pytest.mark.parametrize(("profile", "kind", "code"), examples("invalid"))
def test_a_profile_refuses_the_codes_that_it_calls_wrong_and_says_why(profile, kind, code):
    said = problem(profile, kind, code)
    with pytest.raises(ItemInvalid) as refusal:
        item_of(record(**written(kind, code)), profile)
    for violation in refusal.value.violations:
        assert violation.description == said
    fields = {violation.field for violation in refusal.value.violations}
    assert fields == {*written(kind, code)} - {"handle_items"} | (
        {"handle_items[0].code"} if kind == "handle_item" else set()
    )


def test_each_profile_has_codes_of_every_kind_a_name_and_a_source():
    assert list(profiles()) == ["national", "gbt39046", "guizhou"]
    for profile in profiles().values():
        assert profile.title
        assert profile.source
        assert profile.mark in {"C", "D", "L", "M"}
        assert all(getattr(profile, kind).valid for kind in KINDS)
        assert all(getattr(profile, kind).invalid for kind in KINDS)


def test_the_national_profile_is_the_one_unless_told():
    assert profile_of(Settings.from_env({}).code_profile) is NATIONAL
    assert profile_of(Settings.from_env({"ZHENGTONG_CODE_PROFILE": ""}).code_profile) is NATIONAL
    told = Settings.from_env({"ZHENGTONG_CODE_PROFILE": "gbt39046"})
    assert profile_of(told.code_profile) is GBT


def test_an_unknown_profile_is_refused_with_those_there_are():
    with pytest.raises(ProfileUnknown, match=r"“nation”.*national、gbt39046、guizhou"):
        profile_of("nation")


@st.composite
def bodies(draw):
    """统一社会信用代码, far enough from those of the 福建 pilot, whose checks may fail (P-3)."""
    first = draw(st.text(USCC, min_size=2, max_size=2))
    region = draw(st.integers(100000, 999999))
    organisation = draw(st.text(USCC, min_size=8, max_size=8))
    assume(sum(a != b for a, b in zip(organisation, "M000", strict=False)) > 1)
    inside = organisation + organisation_code_check_char(organisation)
    seventeen = f"{first}{region}{inside}"
    return seventeen + uscc_check_char(seventeen)


levels = st.sampled_from("1234567")
catalogues = st.builds(
    "{}{}".format,
    st.text(DIGITS, min_size=2, max_size=2),
    st.text(DIGITS + LETTERS, min_size=10, max_size=10),
)


@given(bodies(), levels, catalogues)
def test_a_code_composed_of_its_parts_is_always_right_under_national(body, level, catalogue):
    code = body + level + catalogue
    assert NATIONAL.task_code_problem(code) is None
    assert NATIONAL.parts(code) == (body, level, catalogue)
    fields = {"dept_code": body, "use_level": level, "catalog_code": catalogue}
    assert item_of(record(task_code=code, **fields)).item_id == code


@given(bodies(), levels, catalogues, st.integers(0, BODY_LENGTH - 1), st.sampled_from(USCC))
def test_one_wrong_character_of_the_body_is_always_noticed(body, level, catalogue, place, other):
    assume(body[place] != other)
    wrong = body[:place] + other + body[place + 1 :]
    assert NATIONAL.task_code_problem(wrong + level + catalogue) is not None


@given(st.text(USCC + "[-I", max_size=34) | st.from_regex(NATIONAL.task_code.pattern))
def test_the_national_profile_and_the_common_identifiers_agree(text):
    assert (NATIONAL.task_code_problem(text) is None) == is_task_code(text)


@pytest.mark.rule("I-1")
@pytest.mark.parametrize("profile", [NATIONAL, GUIZHOU], ids=lambda one: one.name)
def test_the_parts_of_a_composed_code_agree_with_the_fields(profile):
    code = f"{BODY}2530117001000"
    good = {"task_code": code, "dept_code": BODY, "use_level": "2"}
    assert item_of(record(**good), profile).item_id == code
    with pytest.raises(ItemInvalid) as refusal:
        item_of(record(**good | {"use_level": "3"}), profile)
    assert [violation.field for violation in refusal.value.violations] == ["use_level"]


@pytest.mark.rule("I-1")
def test_nothing_is_read_out_of_a_code_that_is_not_composed():
    code = f"{HEIR}300000"
    fields = {"task_code": code, "dept_code": BODY, "use_level": "2", "catalog_code": "0117001000"}
    assert item_of(record(**fields), GBT).item_id == code
    assert GBT.parts(code) is None


@pytest.mark.parametrize("shape", ["standard", "exchange"])
def test_rows_of_a_file_are_held_to_the_profile_too(shape):
    row = record(task_code=TASK_24)
    row = {name.upper(): value for name, value in row.items()} if shape == "exchange" else row
    assert item_of_row(row, shape, GBT).item_id == TASK_24
    with pytest.raises(ItemInvalid) as refusal:
        item_of_row(row, shape)
    (violation,) = refusal.value.violations
    assert (violation.field, violation.description) == (
        "task_code",
        "应为国家平台的 31 位实施编码：统一社会信用代码、行使层级和基本编码",
    )


@pytest.mark.rule("I-9")
def test_a_code_that_names_no_body_stays_with_the_item_when_another_body_takes_it_over():
    handling = [{"code": f"{TASK_24}01", "name": "新办"}]
    item = item_of(record(task_code=TASK_24, dept_code=BODY, handle_items=handling), GBT)
    left, going_on = move(Listed(item, version=1), body_of(HEIR, "市审批局"), "合并", GBT)
    now = going_on.listed
    assert left is None
    assert (now.item.item_id, now.version, now.item.dept_code) == (TASK_24, 2, HEIR)
    assert now.item.handle_items[0].code == f"{TASK_24}01"


@pytest.mark.rule("I-9")
def test_a_code_of_another_profile_is_not_cut_up_when_the_body_changes():
    item = item_of(record(task_code=TASK_24, dept_code=BODY), GBT)
    _, going_on = move(Listed(item, version=1), body_of(HEIR, "市审批局"), "合并", NATIONAL)
    assert going_on.listed.item.task_code == TASK_24


def written(kind, code):
    """Fields of an item that hold a code of this kind."""
    if kind == "handle_item":
        return {"task_handle_item": code, "handle_items": [{"code": code, "name": "新办"}]}
    return {kind: code}


def record(**changes):
    values = {
        "task_name": "食品经营许可",
        "task_type": "01",
        "dept_name": "昆明市市场监督管理局",
        "region_code": "530100000000",
        "local_task_code": "T-1",
    }
    return values | changes
