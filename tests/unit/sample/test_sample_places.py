"""Regions, departments, institutions, notices and sites of the sample fit together."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from infra.sample.institutions import institutions
from infra.sample.outages import outages
from infra.sample.places import FOLDER, credit_code, dial, read
from infra.sample.sites import mappings
from services.common.identifiers import (
    RegionLevel,
    is_site_code,
    region_ancestors,
    region_level,
    region_of_uscc,
    uscc_problem,
)

NOW = datetime(2026, 11, 20, 3, 41, tzinfo=UTC)
REGIONS = {row["code"]: row for row in read("regions.json")}
COUNTIES = {
    "5301": 14, "5303": 9, "5304": 9, "5305": 5, "5306": 11, "5307": 5, "5308": 10, "5309": 8,
    "5323": 10, "5325": 13, "5326": 8, "5328": 3, "5329": 12, "5331": 5, "5333": 4, "5334": 3,
}  # fmt: skip
SECTORS = {
    "education",
    "health",
    "water",
    "electricity",
    "gas",
    "heating",
    "transport",
    "telecom",
    "social_security",
    "environment",
    "agriculture",
    "culture",
    "sports",
    "science",
    "finance",
}
LEADS = {
    "water": 24,
    "gas": 48,
    "electricity": 7 * 24,
}  # 城市供水条例 22, 城镇燃气管理条例 20, 电力供应与使用条例 28


def test_yunnan_has_sixteen_prefectures_and_129_counties():
    levels = Counter(region_level(code) for code in REGIONS)
    assert levels == {RegionLevel.PROVINCE: 1, RegionLevel.PREFECTURE: 16, RegionLevel.COUNTY: 129}
    counties = Counter(c[:4] for c in REGIONS if region_level(c) is RegionLevel.COUNTY)
    assert counties == COUNTIES


def test_a_region_lies_in_its_parent_and_an_alias_means_one_region():
    for code, region in REGIONS.items():
        assert region["parent"] == next(iter(region_ancestors(code)), "")
    names = Counter(
        name for region in REGIONS.values() for name in [region["name"], *region["aliases"]]
    )
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("昆明", "昆明市"),
        ("楚雄", "楚雄彝族自治州"),
        ("楚雄州", "楚雄彝族自治州"),
        ("思茅", "普洱市"),
        ("中甸", "香格里拉市"),
        ("潞西", "芒市"),
        ("路南", "石林彝族自治县"),
        ("邱北", "丘北县"),
        ("水富县", "水富市"),
    ],
)
def test_old_and_short_names_lead_to_the_region(alias, name):
    assert [r["name"] for r in REGIONS.values() if alias in r["aliases"]] == [name]


def test_departments_have_right_codes_of_their_own_region():
    departments = read("departments.json")
    assert len({row["code"] for row in departments}) == len(departments)
    assert len({row["name"] for row in departments}) == len(departments)
    for row in departments:
        assert uscc_problem(row["code"]) is None
        assert region_of_uscc(row["code"]) == row["region_code"]
        assert row["region_code"] in REGIONS
    assert sum(row["region_code"] == "530000000000" for row in departments) >= 40
    assert "昆明市水务局" in {row["name"] for row in departments}


def test_institutions_are_marked_as_examples_and_known_to_their_department():
    rows = read("institutions.json")
    departments = {(row["name"], row["region_code"]) for row in read("departments.json")}
    assert rows == list(institutions())
    assert len(rows) >= 25
    assert {row["sector"] for row in rows} == SECTORS
    for row in rows:
        assert row["name"].endswith("（示例）")
        assert uscc_problem(row["code"]) is None
        assert (row["department"], row["region_code"]) in departments
        assert row["website"].endswith(".example")
        assert all(97 < office["longitude"] < 107 for office in row["offices"])
        assert all(21 < office["latitude"] < 30 for office in row["offices"])
    assert len({office["office_id"] for row in rows for office in row["offices"]}) == sum(
        len(row["offices"]) for row in rows
    )


@pytest.mark.parametrize("hours", [0, 5, 23, 24 * 400])
def test_whenever_it_is_loaded_there_are_outages_to_come_going_on_and_over(hours):
    now = NOW + timedelta(hours=hours)
    notices = list(outages(now))
    assert len(notices) >= 20
    assert set(Counter(notice["state"] for notice in notices)) == {
        "announced",
        "ongoing",
        "restored",
    }
    codes = {row["code"] for row in read("institutions.json")}
    for notice in notices:
        start, restore, publish = (
            datetime.fromisoformat(notice[f"{name}_time"])
            for name in ("start", "expected_restore", "publish")
        )
        assert start.utcoffset() == timedelta(hours=8)
        assert start < restore
        assert publish <= now
        assert notice["institution_code"] in codes
        assert all(area in REGIONS for area in notice["area_region_codes"])
        assert (start > now) is (notice["state"] == "announced")
        assert (restore <= now) is (notice["state"] == "restored")
        if notice["kind"] == "planned":
            assert start - publish >= timedelta(hours=LEADS[notice["sector"]])
        if notice["kind"] == "fault":
            assert publish >= start
    assert len({notice["notice_id"] for notice in notices}) == len(notices)


def test_some_of_the_notices_are_about_water_in_kunming():
    areas = [n["area_region_codes"] for n in outages(NOW) if n["sector"] == "water"]
    assert sum(area[0].startswith("5301") for area in areas) >= 4


def test_sites_have_codes_of_their_region_and_example_domains():
    sites = read("sites.json")
    assert len(sites) >= 40
    assert len({site["site_id"] for site in sites}) == len(sites)
    assert len({site["domain"] for site in sites}) == len(sites)
    assert {site["state"] for site in sites} == {"open", "suspended", "closed"}
    assert {site["kind"] for site in sites} == {"portal", "department", "township"}
    for site in sites:
        assert is_site_code(site["site_id"])
        assert site["site_id"].startswith(site["region_code"][:6])
        assert site["domain"].endswith(".gov.example")
        assert site["kind"] != "township" or site["state"] == "closed"


def test_old_addresses_of_closed_sites_lead_to_the_portal_or_are_gone():
    rows = list(mappings())
    closed = {site["domain"] for site in read("sites.json") if site["state"] == "closed"}
    assert len(rows) >= 200
    assert len({old for old, _, _ in rows}) == len(rows)
    assert {urlsplit(old).hostname for old, _, _ in rows} == closed
    for _, new, status in rows:
        assert (status, new) == (410, "") or (
            status == 301 and new.startswith("https://www.yn.gov.example/")
        )
    assert {status for _, _, status in rows} == {301, 410}
    lines = (FOLDER / "mappings.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "Old Url,New Url,Status"
    assert len(lines) == len(rows) + 1


def test_one_query_for_water_in_kunming_touches_all_four_departments():
    def about(text):
        return "昆明" in text and "供水" in text

    assert any(about(f"{i['dept_name']}{i['task_name']}") for i in read("items.json"))
    assert any(about(row["name"]) and row["code"].startswith("91") for row in institutions())
    assert any(about(site["name"]) and site["state"] == "open" for site in read("sites.json"))
    assert any(about(site["name"]) and site["state"] == "closed" for site in read("sites.json"))


def test_made_codes_and_phones_are_synthetic():
    assert uscc_problem(credit_code("91", "530100000000", "XX000001")) is None
    assert dial("530102", 7) == "0871-00000007"
    assert dial("532901", 12_345_678) == "0872-0345678"
