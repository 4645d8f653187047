"""Rules of the websites, one test for each sentence of services/websites/README.md."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.common.errors import Stale
from services.websites import domain
from services.websites.domain import (
    Changed,
    DateInvalid,
    Listed,
    Mapping,
    MappingAlreadyWithdrawn,
    MappingInvalid,
    MappingKind,
    Question,
    Site,
    SiteInvalid,
    SiteState,
    check_dates,
    legal_day,
    mapping_id,
    mapping_of,
    mapping_of_row,
    site_of,
    site_of_row,
)

OLD, NEW = "http://swj.qj.gov.cn/zwgk/index.html", "https://www.qj.gov.cn/swj/"


@pytest.mark.rule("W-1")
@pytest.mark.parametrize("site_id", ["5301000001", "bm07000001", "ago_tsol", "a", "5301_old"])
def test_a_site_has_a_code_or_a_name(site_id):
    assert site_of(site(site_id=site_id)).site_id == site_id


@pytest.mark.rule("W-1")
@pytest.mark.parametrize(
    "site_id",
    ["530100001", "53010000011", "bm0700001", "BM07000001", "m-1", "网站", "", "a" * 61, "a\nb"],
)
def test_a_mistyped_code_is_no_name(site_id):
    assert fields_at_fault(site_of, site(site_id=site_id)) == ["site_id"]


@pytest.mark.rule("W-3")
def test_a_local_code_tells_the_region_unless_the_record_does():
    assert site_of(site(site_id="5303020001")).region_code == "530302000000"
    said = site(site_id="5303020001", region_code="530300000000")
    assert site_of(said).region_code == "530300000000"
    assert site_of(site(site_id="bm07000001")).region_code == ""
    assert site_of(site(site_id="ago_tsol")).region_code == ""


@pytest.mark.rule("W-9")
def test_a_site_may_name_its_unit_by_a_right_code():
    assert site_of(site()).unit_code == ""
    named = site(unit_code=" 11530000-015100012l ")
    assert site_of(named).unit_code == "11530000015100012L"
    lawful = site(unit_code="91350203M0001QAY9B")
    assert site_of(lawful).unit_code == "91350203M0001QAY9B"
    for wrong in ("11530000015100012M", "1153", "11010519491231002X"):
        assert fields_at_fault(site_of, site(unit_code=wrong)) == ["unit_code"]


@pytest.mark.rule("W-4")
def test_a_closed_site_names_another_host_where_its_function_lives_on():
    closed = site(state="closed", homepage="https://www.qj.gov.cn/swj")
    assert site_of(closed).state is SiteState.CLOSED
    assert fields_at_fault(site_of, closed | {"homepage": ""}) == ["homepage"]
    own = closed | {"homepage": "http://SWJ.qj.gov.cn:8080/new"}
    assert fields_at_fault(site_of, own) == ["homepage"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "名\x00称"}, "name"),
        ({"hosts": []}, "hosts"),
        ({"hosts": ["https://swj.qj.gov.cn"]}, "hosts"),
        ({"hosts": ["swj.qj.gov.cn/x"]}, "hosts"),
        ({"hosts": ["swj_x.qj.gov.cn"]}, "hosts"),
        ({"hosts": ["116.52.1.1"]}, "hosts"),
        ({"hosts": ["xn--.cn"]}, "hosts"),
        ({"hosts": {"a": 1}}, "hosts"),
        ({"state": "SITE_STATE_UNSPECIFIED"}, "state"),
        ({"state": 9}, "state"),
        ({"region_code": "昆明"}, "region_code"),
        ({"homepage": "javascript:alert(1)"}, "homepage"),
        ({"homepage": "https://a.gov.cn/" + "长" * 300}, "homepage"),
        ({"没有的字段": 1}, "没有的字段"),
    ],
)
def test_each_field_of_a_site_at_fault_is_named(changes, field):
    assert fields_at_fault(site_of, site(**changes)) == [field]


@pytest.mark.parametrize("state", ["open", "开通", "SITE_STATE_OPEN"])
def test_a_state_may_be_said_in_three_ways(state):
    assert site_of(site(state=state)).state is SiteState.OPEN


def test_hosts_are_in_lower_case_each_once_and_in_ascii():
    found = site_of(site(hosts=["SWJ.qj.gov.cn", "swj.qj.gov.cn.", "曲靖水务.政务"])).hosts
    assert found == ("swj.qj.gov.cn", "xn--zfrr68bnzd6n6c.xn--zfr164b")
    assert site_of(site(hosts="a.gov.cn，b.gov.cn")).hosts == ("a.gov.cn", "b.gov.cn")


def test_a_row_of_an_inventory_has_one_domain():
    row = site(domain="swj.qj.gov.cn", kind="department")
    del row["hosts"]
    assert site_of_row(row).hosts == ("swj.qj.gov.cn",)
    assert fields_at_fault(site_of_row, row | {"domain": "no host"}) == ["domain"]


@pytest.mark.rule("W-5")
def test_what_moved_says_where_to_and_what_is_gone_does_not():
    assert mapping_of(mapping()).kind is MappingKind.MOVED
    assert fields_at_fault(mapping_of, mapping(new_url="")) == ["new_url"]
    gone = {"old_url": OLD, "kind": "410"}
    assert mapping_of(gone).new_url == ""
    assert fields_at_fault(mapping_of, gone | {"new_url": NEW}) == ["new_url"]


@pytest.mark.rule("W-5")
@pytest.mark.parametrize("new_url", [OLD, OLD + "#top", OLD.replace("http:", "https:")])
def test_an_address_does_not_lead_to_itself(new_url):
    assert fields_at_fault(mapping_of, mapping(new_url=new_url)) == ["new_url"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"old_url": ""}, "old_url"),
        ({"old_url": "swj.qj.gov.cn/a"}, "old_url"),
        ({"old_url": "http://swj.qj.gov.cn/" + "a" * 2000}, "old_url"),
        ({"old_url": ["http://swj.qj.gov.cn/"]}, "old_url"),
        ({"old_url": "http://swj.qj.gov.cn/\ud800"}, "old_url"),
        ({"new_url": "javascript:alert(1)"}, "new_url"),
        ({"new_url": "//www.qj.gov.cn/"}, "new_url"),
        ({"new_url": "/swj"}, "new_url"),
        ({"new_url": "https://u:p@www.qj.gov.cn/"}, "new_url"),
        ({"new_url": "https://www.qj.gov.cn/a\r\nSet-Cookie: x=1"}, "new_url"),
        ({"new_url": "https://www.qj.gov.cn/" + "长" * 300}, "new_url"),
        ({"kind": "418"}, "kind"),
        ({"kind": 302}, "kind"),
        ({"kind": ""}, "kind"),
        ({"没有的字段": 1}, "没有的字段"),
    ],
)
def test_each_field_of_a_mapping_at_fault_is_named(changes, field):
    assert fields_at_fault(mapping_of, mapping(**changes)) == [field]


@pytest.mark.parametrize("kind", [301, "301", "moved", "MAPPING_KIND_MOVED", "已迁移"])
def test_a_kind_may_be_said_as_the_status_or_by_name(kind):
    assert mapping_of(mapping(kind=kind)).kind is MappingKind.MOVED


def test_a_new_address_is_kept_as_given_but_for_what_a_header_cannot_hold():
    given = "http://www.visitbritain.com?topics[]=all&x=%2c#People"
    assert mapping_of(mapping(new_url=given)).new_url == given
    chinese = mapping_of(mapping(new_url="https://www.qj.gov.cn/政务 x")).new_url
    assert chinese == "https://www.qj.gov.cn/%E6%94%BF%E5%8A%A1%20x"


def test_a_row_may_have_the_columns_of_redirectors():
    row = {"Old Url": OLD, "New Url": NEW, "Status": "301", "Archive Link": "\x14"}
    assert mapping_of_row(row) == mapping_of(mapping())
    assert fields_at_fault(mapping_of_row, row | {"Status": "418"}) == ["Status"]
    assert fields_at_fault(mapping_of_row, row | {"New Url": ""}) == ["New Url"]
    assert fields_at_fault(mapping_of_row, row | {"备注": "x"}) == ["备注"]


@pytest.mark.parametrize("read", [site_of_row, mapping_of_row])
@pytest.mark.parametrize("row", [None, [], "文本", 5])
def test_a_row_that_is_no_record_is_refused(read, row):
    assert fields_at_fault(read, row) == [""]


def test_ids_of_sites_and_mappings_never_meet():
    assert fields_at_fault(site_of, site(site_id=mapping_id(OLD))) == ["site_id"]


def test_publishing_tells_new_from_changed_and_says_nothing_twice():
    one = mapping_of(mapping())
    assert domain.publish(None, one) == Changed(Listed(one, version=1), newly=True)
    assert domain.publish(Listed(one, version=1), one) is None
    other = replace(one, new_url="https://www.qj.gov.cn/")
    changed = domain.publish(Listed(one, version=1), other)
    assert changed == Changed(Listed(other, version=2), newly=False)
    again = domain.publish(Listed(one, version=2, active=False), one)
    assert again == Changed(Listed(one, version=3), newly=True)


@pytest.mark.rule("W-2")
def test_another_spelling_of_an_address_says_nothing_new():
    first, other = mapping_of(mapping()), mapping_of(mapping(old_url=OLD.upper()[:15] + OLD[15:]))
    assert first.old_url != other.old_url
    assert domain.publish(Listed(first, version=1), other) is None


def test_a_change_of_state_is_a_change():
    one = site_of(site())
    changed = domain.publish(Listed(one, version=1), replace(one, state=SiteState.SUSPENDED))
    assert (changed.listed.version, changed.newly) == (2, False)


@pytest.mark.rule("W-8")
@pytest.mark.parametrize("reason", ["", "  ", "长" * 501])
def test_taking_a_mapping_back_needs_a_reason(reason):
    with pytest.raises(MappingInvalid) as refused:
        domain.remove(Listed(mapping_of(mapping()), version=1), reason)
    assert [violation.field for violation in refused.value.violations] == ["reason"]


def test_a_mapping_is_taken_back_once():
    removed = domain.remove(Listed(mapping_of(mapping()), version=3), "网址有误")
    assert (removed.listed.version, removed.listed.active) == (4, False)
    with pytest.raises(MappingAlreadyWithdrawn):
        domain.remove(removed.listed, "网址有误")


def test_a_caller_who_has_seen_another_version_is_told():
    domain.check_version(3, 0)
    domain.check_version(3, 3)
    with pytest.raises(Stale):
        domain.check_version(3, 2)


@pytest.mark.rule("P-11")
@pytest.mark.rule("W-7")
@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 22, 15, 59, 59, 999000, UTC), "2026-11-22"),
        (datetime(2026, 11, 22, 16, 0, tzinfo=UTC), "2026-11-23"),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "2027-01-01"),
    ],
)
def test_the_legal_day_begins_at_midnight_in_shanghai(moment, day):
    assert legal_day(moment) == day


@pytest.mark.parametrize(
    ("question", "field"),
    [
        (Question(from_date="2026-02-30"), "from_date"),
        (Question(from_date="20261123"), "from_date"),
        (Question(until_date="2026-W01-1"), "until_date"),
        (Question(until_date="昨天"), "until_date"),
        (Question("2026-11-24", "2026-11-23"), "until_date"),
    ],
)
def test_a_day_that_is_none_is_refused_by_name(question, field):
    assert days_refused(question) == [field]


@pytest.mark.parametrize("question", [Question(), Question("2026-11-23", "2026-11-23")])
def test_days_may_be_left_open(question):
    assert days_refused(question) == []


def days_refused(question):
    """The fields whose days are none, or in the wrong order."""
    try:
        check_dates(question)
    except DateInvalid as refused:
        return [violation.field for violation in refused.violations]
    return []


def test_a_site_is_what_its_record_says():
    assert site_of(site()) == Site(
        site_id="5303000003",
        name="曲靖市水务局网站",
        hosts=("swj.qj.gov.cn",),
        unit="曲靖市水务局",
        region_code="530300000000",
        state=SiteState.OPEN,
    )
    assert mapping_of(mapping()) == Mapping(
        mapping_id=mapping_id(OLD), old_url=OLD, kind=MappingKind.MOVED, new_url=NEW
    )


def fields_at_fault(read, values):
    with pytest.raises((SiteInvalid, MappingInvalid)) as refused:
        read(values)
    return [violation.field for violation in refused.value.violations]


def site(**changes):
    """A record of a site that is in order; say only what the test is about."""
    values = {
        "site_id": "5303000003",
        "name": "曲靖市水务局网站",
        "hosts": ["swj.qj.gov.cn"],
        "unit": "曲靖市水务局",
        "state": "open",
    }
    return values | changes


def mapping(**changes):
    """A record of a mapping that is in order."""
    return {"old_url": OLD, "kind": "301", "new_url": NEW} | changes
