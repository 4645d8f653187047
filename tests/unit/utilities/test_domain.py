"""Rules of utilities, one test for each sentence of its README."""

from datetime import UTC, datetime, timedelta

import pytest

from services.common.errors import Stale
from services.utilities import domain
from services.utilities.domain import (
    Changed,
    InstitutionAlreadyWithdrawn,
    InstitutionInvalid,
    Kept,
    Listed,
    Office,
    OutageAlreadyWithdrawn,
    OutageInvalid,
    OutageKind,
    Sector,
    institution_of,
    institution_of_row,
    outage_of,
    outage_of_row,
)

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday, 10:00 in Asia/Shanghai
CODE = "91530100010090011J"
START = NOW + timedelta(days=10)


@pytest.mark.rule("U-1")
@pytest.mark.parametrize("code", ["", "91530100010090011K", "9153010001009001", "不是代码"])
def test_an_institution_is_known_by_a_right_credit_code(code):
    assert institution_at_fault(institution_id=code) == ["institution_id"]


@pytest.mark.rule("U-1")
def test_a_credit_code_may_be_typed_in_any_way():
    typed = "９１５３０１００ 010090011j"
    assert institution_of(institution(institution_id=typed)).institution_id == CODE


@pytest.mark.rule("U-2")
@pytest.mark.parametrize(
    "number", [CODE, CODE.lower(), "9153-0100-0100-9001-1J", "", "停水1号", "a/b", "a" * 65]
)
def test_the_number_of_a_notice_is_never_that_of_an_institution(number):
    assert outage_at_fault(outage_id=number) == ["outage_id"]


@pytest.mark.rule("U-3")
@pytest.mark.parametrize(
    ("hours", "fine"), [(0, False), (-1, False), (1, True), (366 * 24, True), (366 * 24 + 1, False)]
)
def test_supply_comes_back_after_it_stops_and_within_a_year(hours, fine):
    end = (START + timedelta(hours=hours)).isoformat()
    wrong = [] if fine else ["expected_restore_time"]
    assert outage_at_fault(expected_restore_time=end) == wrong


@pytest.mark.rule("U-3")
@pytest.mark.parametrize(
    "field",
    ["sector", "kind", "start_time", "expected_restore_time", "area_region_codes", "area_text"],
)
def test_a_notice_says_what_stops_when_and_where(field):
    assert outage_at_fault(**{field: None}) == [field]


@pytest.mark.rule("U-4")
@pytest.mark.parametrize(
    ("sector", "lead"),
    [
        ("water", timedelta(hours=24)),
        ("gas", timedelta(hours=48)),
        ("electricity", timedelta(days=7)),
    ],
)
def test_a_planned_outage_is_announced_as_long_before_as_the_law_says(sector, lead):
    in_time, late = (
        announced(sector=sector, publish_time=(START - lead + late).isoformat())
        for late in (timedelta(), timedelta(seconds=1))
    )
    assert in_time.missed_lead_time is None
    assert late.missed_lead_time.least == lead


@pytest.mark.rule("U-4")
@pytest.mark.parametrize(
    ("sector", "kind"),
    [("water", "fault"), ("electricity", "temporary"), ("heating", "planned")],
)
def test_what_nobody_planned_or_no_law_times_is_never_late(sector, kind):
    assert announced(sector=sector, kind=kind, publish_time=START).missed_lead_time is None


@pytest.mark.rule("U-4")
def test_a_late_notice_is_announced_all_the_same():
    late = announced(publish_time=(START + timedelta(hours=1)).isoformat())
    assert domain.publish(None, late) == Changed(Listed(late, version=1), newly=True)


@pytest.mark.rule("U-5")
def test_a_notice_without_a_name_has_that_of_the_known_institution():
    unnamed = outage_of(outage(institution_name=""))
    filled = domain.complete(unnamed, known_name="示例供水公司", published=None, now=NOW)
    assert filled.institution_name == "示例供水公司"
    named = outage_of(outage(institution_name="原名公司"))
    kept = domain.complete(named, known_name="示例供水公司", published=None, now=NOW)
    assert kept.institution_name == "原名公司"


@pytest.mark.rule("U-5")
def test_a_notice_of_nobody_is_refused():
    with pytest.raises(OutageInvalid) as refused:
        domain.complete(
            outage_of(outage(institution_name="")), known_name="", published=None, now=NOW
        )
    assert [violation.field for violation in refused.value.violations] == ["institution_name"]


@pytest.mark.rule("U-5")
def test_a_notice_without_a_time_is_published_now_or_when_it_first_was():
    undated = outage_of(outage())
    moment = NOW + timedelta(milliseconds=400)
    assert completed(undated, now=moment).publish_time == NOW
    before = NOW - timedelta(days=2)
    assert completed(undated, published=before).publish_time == before
    own = outage_of(outage(publish_time="2026-11-20T08:00:00+08:00"))
    assert completed(own, published=before).publish_time == datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.rule("U-6")
@pytest.mark.parametrize("reason", ["", "  ", "长" * 501])
def test_taking_back_needs_a_reason(reason):
    with pytest.raises(InstitutionInvalid):
        domain.withdraw(Listed(institution_of(institution()), version=1), reason)
    with pytest.raises(OutageInvalid):
        domain.withdraw(Listed(announced(), version=1), reason)


def test_a_thing_is_taken_back_once():
    withdrawn = domain.withdraw(Listed(announced(), version=3), "改期")
    assert (withdrawn.listed.version, withdrawn.listed.public) == (4, False)
    with pytest.raises(OutageAlreadyWithdrawn):
        domain.withdraw(withdrawn.listed, "改期")
    gone = domain.withdraw(Listed(institution_of(institution()), version=1), "注销")
    with pytest.raises(InstitutionAlreadyWithdrawn):
        domain.withdraw(gone.listed, "注销")


@pytest.mark.rule("U-7")
def test_a_notice_is_seen_from_its_publication_until_a_day_after_supply_is_back():
    one = announced(publish_time=NOW)
    assert not one.is_published(NOW - timedelta(seconds=1))
    assert one.is_published(NOW)
    assert one.is_listed(one.expected_restore_time - timedelta(seconds=1))
    assert not one.is_listed(one.expected_restore_time)
    assert one.visible_until == one.expected_restore_time + timedelta(hours=24)


@pytest.mark.rule("U-7")
@pytest.mark.parametrize(("hours", "fine"), [(23, True), (24, False), (500, False)])
def test_a_notice_that_would_never_be_shown_asks_for_its_time_of_publication(hours, fine):
    over = outage_of(outage())
    now = over.expected_restore_time + timedelta(hours=hours)
    wrong = at_fault(OutageInvalid, lambda: completed(over, now=now))
    assert wrong == ([] if fine else ["publish_time"])


@pytest.mark.rule("U-8")
def test_offices_are_told_apart_by_their_numbers():
    twice = [{"office_id": "1", "name": "甲"}, {"office_id": "1", "name": "乙"}]
    assert institution_at_fault(offices=twice) == ["offices[1].office_id"]


@pytest.mark.rule("U-8")
@pytest.mark.parametrize(
    ("longitude", "latitude", "field"),
    [
        (102.7, 0, "latitude"),
        (102.7, None, "longitude"),
        (None, 25.0, "longitude"),
        (25.0, 102.7, "longitude"),
        (102.7, "NaN", "latitude"),
        (102.7, float("inf"), "latitude"),
    ],
)
def test_an_office_stands_on_the_map_of_china_or_on_none(longitude, latitude, field):
    office = {"office_id": "1", "name": "甲", "longitude": longitude, "latitude": latitude}
    assert institution_at_fault(offices=[office]) == [f"offices[0].{field}"]


def test_publishing_tells_new_from_changed_and_says_nothing_twice():
    thing = institution_of(institution())
    assert domain.publish(None, thing) == Changed(Listed(thing, version=1), newly=True)
    assert domain.publish(Kept(version=1, public=True, same=True), thing) is None
    changed = domain.publish(Kept(version=1, public=True, same=False), thing)
    assert changed == Changed(Listed(thing, version=2), newly=False)
    again = domain.publish(Kept(version=2, public=False, same=True), thing)
    assert again == Changed(Listed(thing, version=3), newly=True)


def test_a_caller_who_has_seen_another_version_is_told():
    domain.check_version(3, 0)
    domain.check_version(3, 3)
    with pytest.raises(Stale):
        domain.check_version(3, 2)


@pytest.mark.parametrize("word", ["SECTOR_WATER", "water", "供水", " 供水 "])
def test_a_sector_is_named_as_the_proto_a_short_word_or_in_chinese(word):
    assert institution_of(institution(sector=word)).sector is Sector.WATER


@pytest.mark.parametrize("word", ["OUTAGE_KIND_FAULT", "fault", "故障"])
def test_a_kind_is_named_as_the_proto_a_short_word_or_in_chinese(word):
    assert outage_of(outage(kind=word)).kind is OutageKind.FAULT


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "名\x00称"}, "name"),
        ({"name": "名\ud800称"}, "name"),
        ({"sector": "石油"}, "sector"),
        ({"sector": 99}, "sector"),
        ({"sector": "SECTOR_UNSPECIFIED"}, "sector"),
        ({"region_code": "昆明"}, "region_code"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"offices": "不是列表"}, "offices"),
        ({"offices": [{"office_id": "1"}]}, "offices[0].name"),
        ({"offices": [{"office_id": str(n), "name": "网点"} for n in range(201)]}, "offices"),
        ({"没有的字段": 1}, "没有的字段"),
    ],
)
def test_each_field_of_an_institution_at_fault_is_named(changes, field):
    assert institution_at_fault(**changes) == [field]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "意外"}, "kind"),
        ({"institution_id": "91530100010090011K"}, "institution_id"),
        ({"start_time": "2026-11-24 09:00"}, "start_time"),
        ({"start_time": "9999-12-31T23:59:59Z"}, "start_time"),
        ({"start_time": "0001-01-01T00:00:00Z"}, "start_time"),
        ({"publish_time": "昨天"}, "publish_time"),
        ({"area_region_codes": ["530102000000", "官渡"]}, "area_region_codes"),
        ({"area_region_codes": {"code": "530102000000"}}, "area_region_codes"),
        ({"area_text": "字" * 2001}, "area_text"),
        ({"households": -1}, "households"),
        ({"households": 2**31}, "households"),
        ({"households": "很多"}, "households"),
        ({"没有的字段": 1}, "没有的字段"),
    ],
)
def test_each_field_of_a_notice_at_fault_is_named(changes, field):
    assert outage_at_fault(**changes) == [field]


def test_rows_that_are_no_records_are_refused():
    for row in (None, [], "文本", 5):
        with pytest.raises(InstitutionInvalid):
            institution_of_row(row)
        with pytest.raises(OutageInvalid):
            outage_of_row(row)


def test_files_may_name_codes_as_registers_do():
    values = institution()
    values["code"] = values.pop("institution_id")
    assert institution_of_row(values) == institution_of(institution())
    notice = outage(state="announced", institution_id=CODE)
    notice["notice_id"] = notice.pop("outage_id")
    notice["institution_code"] = notice.pop("institution_id")
    assert outage_of_row(notice) == outage_of(outage(institution_id=CODE))


def test_a_code_given_under_two_names_is_refused():
    with pytest.raises(InstitutionInvalid) as refused:
        institution_of_row(institution(code=CODE))
    assert [violation.field for violation in refused.value.violations] == ["code"]


def test_csv_cells_mean_what_json_means():
    cells = institution(
        offices='[{"office_id": "1", "name": "营业厅", "longitude": 102.7, "latitude": 25.0}]'
    )
    office = Office("1", "营业厅", longitude=102.7, latitude=25.0)
    assert institution_of_row(cells).offices == (office,)
    areas = outage_of_row(
        outage(area_region_codes="530102、530103000000；530102", households="1200")
    )
    assert areas.area_region_codes == ("530102000000", "530103000000")
    assert areas.households == 1200


def institution_at_fault(**changes):
    return at_fault(InstitutionInvalid, lambda: institution_of(institution(**changes)))


def outage_at_fault(**changes):
    return at_fault(OutageInvalid, lambda: outage_of(outage(**changes)))


def at_fault(refusal, read):
    try:
        read()
    except refusal as refused:
        return [violation.field for violation in refused.violations]
    return []


def completed(one, *, published=None, now=NOW):
    return domain.complete(one, known_name="", published=published, now=now)


def announced(**changes):
    return completed(outage_of(outage(**changes)))


def institution(**changes):
    """A record that is in order; say only what the test is about."""
    values = {
        "institution_id": CODE,
        "name": "昆明示例供水有限公司",
        "sector": "water",
        "region_code": "530100000000",
    }
    return values | changes


def outage(**changes):
    """A record that is in order; say only what the test is about."""
    values = {
        "outage_id": "W-1",
        "sector": "water",
        "kind": "planned",
        "institution_name": "昆明示例供水有限公司",
        "start_time": START.isoformat(),
        "expected_restore_time": (START + timedelta(hours=9)).isoformat(),
        "area_region_codes": ["530102000000"],
        "area_text": "五华区示例路沿线",
    }
    return values | changes
