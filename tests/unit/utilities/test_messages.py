"""What searchers, callers and other departments read of institutions and notices."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from google.protobuf import json_format, timestamp_pb2
from zhengtong.utilities.v1 import utilities_events_pb2 as events_pb
from zhengtong.utilities.v1 import utilities_pb2 as pb

from services.common import fields
from services.utilities import domain, messages
from services.utilities.domain import Changed, Listed, Sector, Withdrawn

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
CODE = "91530100010090011J"


def test_the_card_of_an_institution_says_what_it_supplies_where_and_its_phone():
    assert messages.card(institution()) == {
        "kind": "utility",
        "title": "昆明示例供水有限公司",
        "aliases": ["供水", "自来水", "用水", "水费", "五华营业厅"],
        "summary": "供水 · 五华区示例路1号 · 0871-00600001",
        "department": "昆明市水务局",
        "region_code": "530100000000",
        "url": f"/utilities/institutions/{CODE}",
        "codes": [CODE],
        "facets": {"record": "institution", "sector": "SECTOR_WATER"},
    }


def test_a_card_names_some_offices_of_an_institution_that_has_many():
    many = tuple(domain.Office(str(n), f"第{n}营业厅") for n in range(200))
    assert len(messages.card(institution(offices=many))["aliases"]) == 4 + 20


def test_the_card_of_a_notice_says_what_stops_when_and_for_how_many():
    assert messages.card(outage()) == {
        "kind": "utility",
        "title": "停水公告：五华区示例路沿线",
        "aliases": ["停水"],
        "summary": "计划停水 11月25日 09:00–18:00 · 影响 1200 户",
        "department": "昆明示例供水有限公司",
        "region_code": "530102000000",
        "url": "/utilities/outages/W-1",
        "codes": ["W-1"],
        "facets": {
            "record": "outage",
            "sector": "SECTOR_WATER",
            "outage_kind": "OUTAGE_KIND_PLANNED",
            "start_time": "2026-11-25T01:00:00Z",
            "end_time": "2026-11-25T10:00:00Z",
        },
        "visible_from_time": "2026-11-23T02:00:00Z",
        "visible_until_time": "2026-11-26T10:00:00Z",
    }


@pytest.mark.rule("U-4")
@pytest.mark.parametrize(
    ("sector", "said"),
    [(Sector.WATER, "24 小时"), (Sector.GAS, "48 小时"), (Sector.ELECTRICITY, "7 日")],
)
def test_a_late_notice_says_on_its_card_and_in_its_message_that_it_is_late(sector, said):
    late = outage(sector=sector, publish_time=NOW + timedelta(days=1, hours=23))
    assert messages.card(late)["summary"].endswith(f" · 未提前 {said}公告")
    assert messages.outage_message(Listed(late, version=1)).late_notice
    in_time = outage(sector=sector, publish_time=NOW - timedelta(days=30))
    assert "公告" not in messages.card(in_time)["summary"]
    assert not messages.outage_message(Listed(in_time, version=1)).late_notice


def test_a_notice_over_midnight_says_both_days():
    long = outage(expected_restore_time=datetime(2026, 11, 25, 16, 30, tzinfo=UTC), households=0)
    assert messages.card(long)["summary"] == "计划停水 11月25日 09:00–11月26日 00:30"


def test_a_long_area_is_cut_in_the_title():
    title = messages.card(outage(area_text="甲小区、\n" * 40))["title"]
    assert title.startswith("停水公告：甲小区、 甲小区、")
    assert title.endswith("…")
    assert len(title) == len("停水公告：") + 60


@pytest.mark.parametrize(
    ("areas", "region"),
    [
        (("530102000000",), "530102000000"),
        (("530102000000", "530103000000"), "530100000000"),
        (("530102000000", "530102001000"), "530102000000"),
        (("530102001000", "532901000000"), "530000000000"),
        (("530102000000", "110101000000"), ""),
    ],
)
def test_a_notice_for_several_areas_belongs_to_the_smallest_region_around_them(areas, region):
    assert messages.card(outage(area_region_codes=areas)).get("region_code", "") == region


@pytest.mark.parametrize(
    ("kind", "fact"),
    [("institution", "InstitutionPublished"), ("outage", "OutageAnnounced")],
)
def test_a_record_of_an_import_is_the_json_of_its_message(kind, fact):
    now = NOW + timedelta(milliseconds=120)
    make = {"institution": institution, "outage": outage}[kind]
    for thing in (make(), make(phone="")):
        listed = Listed(thing, version=7, update_time=now)
        body = messages.json_form(fields.plain(thing))
        fast = orjson.loads(messages.record_json(listed, body, messages.rfc3339(now)))
        message = messages.fact_message(Changed(listed, newly=True))
        full = json_format.MessageToDict(message, preserving_proto_field_name=True)
        assert message.DESCRIPTOR.name == fact
        assert {name: fast[name] for name in full} == full
        record = json_format.ParseDict(fast, events_pb.UtilityRecord())
        assert json_format.MessageToDict(record, preserving_proto_field_name=True) == fast


def test_a_late_notice_is_late_in_an_import_too():
    late = Listed(outage(publish_time=NOW + timedelta(days=2)), version=1, update_time=NOW)
    body = messages.json_form(fields.plain(late.thing))
    record = orjson.loads(messages.record_json(late, body, messages.rfc3339(NOW)))
    assert record["outage"]["late_notice"] is True


@pytest.mark.parametrize(
    ("thing", "newly", "name"),
    [
        ("institution", True, "InstitutionPublished"),
        ("institution", False, "InstitutionRevised"),
        ("outage", True, "OutageAnnounced"),
        ("outage", False, "OutageRevised"),
    ],
)
def test_each_change_is_told_as_its_fact(thing, newly, name):
    one = {"institution": institution, "outage": outage}[thing]()
    fact = messages.fact_message(Changed(Listed(one, version=1), newly=newly))
    assert fact.DESCRIPTOR.full_name == f"zhengtong.utilities.v1.{name}"


def test_a_withdrawal_tells_which_and_why_and_nothing_else():
    gone = messages.fact_message(Withdrawn(Listed(outage(), version=2, public=False), "改期"))
    assert json_format.MessageToDict(gone, preserving_proto_field_name=True) == {
        "removal": {"kind": "utility"},
        "outage_id": "W-1",
        "reason": "改期",
    }
    left = messages.fact_message(Withdrawn(Listed(institution(), version=2, public=False), "注销"))
    assert json_format.MessageToDict(left, preserving_proto_field_name=True) == {
        "removal": {"kind": "utility"},
        "institution_id": CODE,
        "reason": "注销",
    }


def test_a_message_is_read_as_it_was_written():
    institution_message = messages.institution_message(Listed(institution(), version=3))
    assert messages.institution_of(institution_message) == institution()
    outage_message = messages.outage_message(Listed(outage(), version=3, update_time=NOW))
    assert messages.outage_of(outage_message) == outage()


def test_a_timestamp_that_is_no_time_is_the_callers_fault():
    message = messages.outage_message(Listed(outage(), version=1))
    message.start_time.CopyFrom(timestamp_pb2.Timestamp(seconds=2**62))
    message.publish_time.CopyFrom(timestamp_pb2.Timestamp(nanos=-5))
    with pytest.raises(domain.OutageInvalid) as refused:
        messages.outage_of(message)
    faults = {violation.field for violation in refused.value.violations}
    assert faults == {"start_time", "publish_time"}


def test_numbers_that_are_no_enum_are_the_callers_fault():
    with pytest.raises(domain.InstitutionInvalid):
        messages.institution_of(pb.Institution(institution_id=CODE, name="甲", sector=99))
    with pytest.raises(domain.SectorUnknown):
        messages.sector_of(99)
    assert messages.sector_of(0) is None
    assert messages.sector_of(pb.SECTOR_GAS) is Sector.GAS


def test_every_sector_and_kind_of_the_proto_is_known():
    assert [one.value for one in Sector] == pb.Sector.keys()[1:]
    assert [one.value for one in domain.OutageKind] == pb.OutageKind.keys()[1:]


def institution(**changes):
    values = {
        "institution_id": CODE,
        "name": "昆明示例供水有限公司",
        "sector": "water",
        "region_code": "530100000000",
        "department": "昆明市水务局",
        "address": "五华区示例路1号",
        "phone": "0871-00600001",
        "offices": [
            {"office_id": "1", "name": "五华营业厅", "longitude": 102.7, "latitude": 25.04}
        ],
    }
    return replace(domain.institution_of(values), **changes)


def outage(**changes):
    values = {
        "outage_id": "W-1",
        "sector": "water",
        "kind": "planned",
        "institution_id": CODE,
        "institution_name": "昆明示例供水有限公司",
        "reason": "管网改造",
        "start_time": "2026-11-25T09:00:00+08:00",
        "expected_restore_time": "2026-11-25T18:00:00+08:00",
        "area_region_codes": ["530102000000"],
        "area_text": "五华区示例路沿线",
        "households": 1200,
        "publish_time": "2026-11-23T10:00:00+08:00",
        "phone": "0871-00600001",
    }
    return replace(domain.outage_of(values), **changes)
