"""Each department's part of a dossier, over gRPC on a real database, found by indexes alone."""

from dataclasses import replace
from datetime import timedelta

import grpc
import pytest

from services.catalogue.store import listing
from services.common.access import ANONYMOUS, Caller
from services.credit import servicer
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.integration.credit_calls import made
from tests.integration.house import made_keys, serving
from tests.publications import DEPARTMENT, ITEM
from tests.unit.credit import rows
from tests.unit.credit.rows import CODE, OTHER

GATEWAY = Caller("gateway", "service")
GET_PART = "zhengtong.dossier.v1.DossierService.GetPart"
WATER = "91530100010090011J"
SITE = {
    "site_id": "5303000003",
    "name": "曲靖市水务局网站",
    "hosts": ["swj.qj.gov.cn"],
    "unit": "曲靖市水务局",
    "unit_code": DEPARTMENT,
    "state": "SITE_STATE_OPEN",
}


class Clock:
    """Stands still until a test sets it."""

    now = NOW

    def __call__(self):
        return self.now


class Parts:
    """One department: its own calls by their short names, and its part of dossiers."""

    def __init__(self, house, clock):
        self._house = house
        self._name = house.department.name
        self.clock = clock

    def do(self, call, **fields):
        service = f"zhengtong.{self._name}.v1.{self._name.capitalize()}Service"
        return self._house.call(f"{service}.{call}", SYSTEM, **fields)

    def of(self, code):
        return self._house.call(GET_PART, GATEWAY, subject_code=code)

    def sections(self, code):
        """Of each section its title, total and the titles of its entries."""
        return {
            section.kind: (section.title, section.total, [one.title for one in section.entries])
            for section in self.of(code).sections
        }

    def refused(self, caller):
        return self._house.refused(GET_PART, caller, subject_code=CODE)


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    return made_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def department(request, database, keys_dir):
    clock = Clock()
    with serving(request.param, database, keys_dir, clock) as house:
        request.getfixturevalue("planned")
        yield Parts(house, clock)


def of(name):
    return pytest.mark.parametrize("department", [name], indirect=True)


public = pytest.mark.parametrize(
    "department", ["catalogue", "credit", "utilities", "websites"], indirect=True
)


@public
@pytest.mark.parametrize("code", [CODE, "", "\x00", "X" * 999, "11010519491231002X"])
def test_a_code_that_nobody_knows_has_no_section(department, code):
    part = department.of(code)
    assert not part.sections
    assert part.subject_name == ""
    assert part.as_of_time.ToDatetime(NOW.tzinfo) == NOW


@public
def test_nobody_but_the_gateway_may_ask(department):
    for caller in (ANONYMOUS, SYSTEM, Caller("a1", "account", roles=("credit_officer",))):
        assert department.refused(caller) == ("PERMISSION_DENIED", "PERMISSION_MISSING")


def test_a_department_with_nothing_to_tell_does_not_serve_it(database, keys_dir, monkeypatch):
    monkeypatch.setattr(servicer, "PLAN", replace(servicer.PLAN, part=None))
    with serving("credit", database, keys_dir) as house, pytest.raises(grpc.RpcError) as refusal:
        house.call(GET_PART, GATEWAY, subject_code=CODE)
    assert refusal.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.rule("P-30")
@of("credit")
def test_credit_tells_who_the_subject_is_and_its_public_decisions(department):
    department.do("RegisterSubject", subject=made("Subject"))
    department.do("DisclosePermit", permit=rows.permit(document_number="许可〔2026〕1号"))
    penalty = rows.penalty(publish_until_date="2026-11-30")
    department.do("DisclosePenalty", penalty=penalty)
    withdrawn = department.do(
        "DisclosePenalty", penalty=penalty | {"document_number": "撤〔2026〕2号"}
    )
    penalty_id = withdrawn.penalty.penalty_id
    department.do("WithdrawPenalty", penalty_id=penalty_id, reason="决定已被撤销")
    part = department.of(CODE)
    name = rows.subject()["name"]
    assert part.subject_name == name
    told, permits, penalties = part.sections
    assert (told.kind, told.title, told.total) == ("credit", "登记信息", 1)
    (entry,) = told.entries
    assert (entry.title, entry.code, entry.url) == (name, CODE, f"/credit/{CODE}")
    assert (permits.kind, permits.title, permits.total) == ("permit", "行政许可", 1)
    assert permits.url == f"/credit/{CODE}"
    assert permits.entries[0].code == "许可〔2026〕1号"
    assert permits.entries[0].entry_date == rows.permit()["decision_date"]
    assert (penalties.title, penalties.total, len(penalties.entries)) == ("行政处罚", 1, 1)
    department.clock.now += timedelta(days=8)
    assert department.sections(CODE)["penalty"] == ("行政处罚", 0, [])
    assert department.sections(OTHER) == {}


@of("credit")
def test_twenty_entries_are_told_of_many_and_how_many_there_are(department):
    for number in range(30):
        for code in (CODE, OTHER):
            said = rows.permit(subject_code=code, document_number=f"许可〔2026〕{number}号")
            department.do("DisclosePermit", permit=said)
    _, total, titles = department.sections(CODE)["permit"]
    assert (total, len(titles)) == (30, 20)


@pytest.mark.rule("P-30")
@of("credit")
def test_credit_tells_nothing_of_a_natural_person(department):
    subject = made("Subject", legal_representative="钱某人")
    department.do("RegisterSubject", subject=subject)
    department.do("DisclosePermit", permit=rows.permit(legal_representative="钱某人"))
    assert "钱某人" not in str(department.of(CODE))


@pytest.mark.rule("P-30")
@of("utilities")
def test_utilities_tells_of_the_institution_and_what_it_stops(department):
    department.do("PublishInstitution", institution=institution())
    for number in range(40):
        department.do("AnnounceOutage", outage=outage(f"W-{number}"))
    taken_back = outage("W-40")
    department.do("AnnounceOutage", outage=taken_back)
    department.do("WithdrawOutage", outage_id="W-40", reason="改期")
    department.do("AnnounceOutage", outage=outage("W-41", publish_time=NOW + timedelta(hours=1)))
    department.do("AnnounceOutage", outage=outage("W-42", institution_id=""))
    sections = department.sections(WATER)
    assert sections["institution"] == ("公共企事业单位", 1, ["昆明示例供水有限公司"])
    title, total, titles = sections["outage"]
    assert (title, total, len(titles)) == ("停供公告", 40, 20)
    first = department.of(WATER).sections[1].entries[0]
    assert first.url.startswith("/utilities/outages/W-")
    assert first.entry_date == "2026-11-25"
    department.clock.now += timedelta(hours=57)
    assert "outage" not in department.sections(WATER)
    department.do("WithdrawInstitution", institution_id=WATER, reason="已合并")
    assert department.sections(WATER) == {}


@pytest.mark.rule("P-30")
@pytest.mark.rule("W-9")
@of("websites")
def test_websites_tells_of_the_sites_of_a_unit_by_its_code(department):
    closed = {"state": "SITE_STATE_CLOSED", "homepage": "https://www.qj.gov.cn/"}
    department.do("RegisterSite", site=SITE)
    department.do("RegisterSite", site=SITE | closed | {"site_id": "old", "name": "旧站"})
    department.do("RegisterSite", site=SITE | {"site_id": "other", "unit_code": ""})
    for number in range(40):
        site = SITE | {"site_id": f"of_{number}x", "unit_code": CODE}
        department.do("RegisterSite", site=site)
    part = department.of(DEPARTMENT)
    assert part.subject_name == "曲靖市水务局"
    (section,) = part.sections
    assert (section.kind, section.title, section.total) == ("website", "政府网站", 2)
    told = [(one.title, one.code, one.status, one.url) for one in section.entries]
    assert told == [
        ("曲靖市水务局网站", "5303000003", "开通", "/websites/5303000003"),
        ("旧站", "old", "已关停", "/websites/old"),
    ]
    assert department.sections(CODE)["website"][1] == 40


@pytest.mark.rule("P-30")
@pytest.mark.looks_at(listing.LOOKED_THROUGH)
@of("catalogue")
def test_the_catalogue_tells_of_the_items_that_a_body_implements(department):
    for number in range(30):
        department.do("PublishItem", item=ITEM | {"local_task_code": f"T-{number:02d}"})
    department.do("WithdrawItem", item_id="T-00", reason="取消")
    department.do("SuspendItem", item_id="T-01", reason="系统升级")
    later = {"local_task_code": "T-later", "plan_effective_date": "2026-12-01"}
    department.do("PublishItem", item=ITEM | later)
    ending = {"local_task_code": "T-99", "plan_cancel_date": "2026-11-25"}
    department.do("PublishItem", item=ITEM | ending)
    part = department.of(DEPARTMENT)
    assert part.subject_name == ITEM["dept_name"]
    (section,) = part.sections
    assert (section.kind, section.title, section.total) == ("item", "政务服务事项", 29)
    assert [one.code for one in section.entries] == [f"T-{number:02d}" for number in range(2, 22)]
    assert (section.entries[0].title, section.entries[0].url) == ("食品经营许可", "/items/T-02")
    department.clock.now += timedelta(days=3)
    assert department.of(DEPARTMENT).sections[0].total == 28


def institution():
    return {
        "institution_id": WATER,
        "name": "昆明示例供水有限公司",
        "sector": "SECTOR_WATER",
        "region_code": "530100000000",
    }


def outage(outage_id, **changes):
    values = {
        "outage_id": outage_id,
        "sector": "SECTOR_WATER",
        "kind": "OUTAGE_KIND_PLANNED",
        "institution_id": WATER,
        "institution_name": "昆明示例供水有限公司",
        "area_region_codes": ["530102000000"],
        "area_text": "五华区示例路沿线",
        "start_time": NOW + timedelta(hours=48),
        "expected_restore_time": NOW + timedelta(hours=57),
    }
    return values | changes
