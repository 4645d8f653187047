"""Synthetic enterprises and 双公示 rows: right, unique, deterministic, fast, any number."""

import csv
import json
import re
import time
from datetime import date
from decimal import Decimal
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sample.enterprises import Enterprises, enterprises, penalties, permits
from infra.sample.places import read
from infra.sample.write_credit import write_credit
from services.common.identifiers import find_resident_ids, region_of_uscc, uscc_problem

PERMIT_COLUMNS = [
    "XK_XDR_MC",
    "XK_XDR_TYPE",
    "XK_XDR_SHXYM",
    "XK_XDR_GSZC",
    "XK_XDR_ZZJG",
    "XK_XDR_SWDJ",
    "XK_XDR_SYDW",
    "XK_XDR_SHZZ",
    "XK_FRDB",
    "XK_XKWS",
    "XK_WSH",
    "XK_XKLB",
    "XK_XKZS",
    "XK_XKBH",
    "XK_NR",
    "XK_JDRQ",
    "XK_YXQZ",
    "XK_YXQZI",
    "XK_XKJG",
    "XK_XKJGDM",
    "XK_ZT",
    "XK_LYDW",
    "XK_LYDWDM",
    "BZ",
]
PENALTY_COLUMNS = [
    "CF_XDR_MC",
    "CF_XDR_TYPE",
    "CF_XDR_SHXYM",
    "CF_XDR_GSZC",
    "CF_XDR_ZZJG",
    "CF_XDR_SWDJ",
    "CF_XDR_SYDW",
    "CF_XDR_SHZZ",
    "CF_FRDB",
    "CF_WSH",
    "CF_WFXW",
    "CF_SY",
    "CF_YJ",
    "CF_CFLB",
    "CF_NR",
    "CF_NR_FK",
    "CF_NR_WFFF",
    "CF_NR_ZKDX",
    "CF_JDRQ",
    "CF_YXQ",
    "CF_GSJZQ",
    "CF_CFJG",
    "CF_CFJGDM",
    "CF_SJLY",
    "CF_SJLYDM",
    "BZ",
]
KINDS = {"警告", "罚款", "没收违法所得", "没收非法财物", "吊销许可证件"}
AMOUNT = re.compile(r"\d+\.\d{6}")


def test_every_enterprise_has_a_right_code_of_its_own():
    codes = {row["subject_code"] for row in enterprises(30_000, 7)}
    assert len(codes) == 30_000
    assert all(uscc_problem(code) is None for code in codes)


@given(st.integers(0, 31**6 - 1), st.integers(0, 31**6 - 1), st.integers(0, 1000))
def test_two_enterprises_never_share_a_code_however_far_apart(one, other, seed):
    population = Enterprises(31**6, seed)
    first, second = population[one], population[other]
    assert (first["subject_code"] == second["subject_code"]) is (one == other)
    assert uscc_problem(first["subject_code"]) is None


@pytest.mark.parametrize("power", range(6))
def test_an_organisation_code_comes_once_in_the_whole_range(power):
    population = Enterprises(31**6)
    first, second = population[100], population[100 + 31**power]
    assert first["subject_code"][8:17] != second["subject_code"][8:17]


def test_an_enterprise_is_synthetic_and_its_fields_agree():
    regions = {row["code"] for row in read("regions.json")}
    for row in enterprises(3_000, 1):
        assert row["name"].endswith("（示例）")
        assert row["region_code"] in regions
        assert region_of_uscc(row["subject_code"]) == row["region_code"]
        assert row["subject_type"] in {"法人及非法人组织", "个体工商户"}
        assert (row["subject_type"] == "个体工商户") is (row["subject_code"][:2] == "92")
        assert row["status"] in {"存续", "注销", "吊销"}
        assert AMOUNT.fullmatch(row["registered_capital"])
        assert date.fromisoformat(row["establish_date"]) < date(2024, 1, 1)
        assert 2 <= len(row["legal_representative"]) <= 3


def test_the_same_seed_gives_the_same_rows_and_another_seed_others():
    assert list(enterprises(500, 3)) == list(enterprises(500, 3))
    assert list(enterprises(500, 3))[100:] != list(enterprises(500, 4))[100:]
    assert list(islice(enterprises(10**6, 3), 500)) == list(enterprises(500, 3))
    population = Enterprises(500, 3)
    assert list(permits(700, 1, population)) == list(permits(700, 1, list(population)))
    assert list(penalties(700, 1, population)) == list(penalties(700, 1, list(population)))


def test_a_population_is_a_sequence_like_any_other():
    population = Enterprises(50)
    assert len(population) == 50
    assert population[-1] == list(population)[49]
    assert population[48:] == list(population)[48:]
    with pytest.raises(IndexError):
        population[50]
    with pytest.raises(ValueError, match="count"):
        Enterprises(-1)


def test_companies_of_the_sample_come_first_with_the_name_and_code_they_have_elsewhere():
    companies = [row for row in read("institutions.json") if row["code"].startswith("91")]
    rows = list(enterprises(len(companies), 5))
    assert [(row["subject_code"], row["name"]) for row in rows] == [
        (row["code"], row["name"]) for row in companies
    ]


def test_permits_have_the_columns_of_the_2018_sheet():
    departments = {row["code"]: row["name"] for row in read("departments.json")}
    population = Enterprises(1_000, 2)
    rows = list(permits(5_000, 2, population))
    assert len({row["XK_WSH"] for row in rows}) == 5_000
    assert {row["XK_XDR_SHXYM"] for row in rows} == {row["subject_code"] for row in population}
    for row in rows:
        assert list(row) == PERMIT_COLUMNS
        assert departments[row["XK_XKJGDM"]] == row["XK_XKJG"]
        assert row["XK_JDRQ"] <= row["XK_YXQZ"] < row["XK_YXQZI"]
        assert date.fromisoformat(row["XK_JDRQ"]) < date(2026, 11, 1)
        assert row["XK_ZT"] in {"1", "2"}


def test_penalties_have_the_columns_of_the_2018_sheet_and_amounts_as_decimals():
    departments = {row["code"]: row["name"] for row in read("departments.json")}
    rows = list(penalties(5_000, 2, Enterprises(1_000, 2)))
    assert len({row["CF_WSH"] for row in rows}) == 5_000
    for row in rows:
        assert list(row) == PENALTY_COLUMNS
        assert departments[row["CF_CFJGDM"]] == row["CF_CFJG"]
        assert AMOUNT.fullmatch(row["CF_NR_FK"])
        assert AMOUNT.fullmatch(row["CF_NR_WFFF"])
        assert Decimal(row["CF_NR_FK"]) > 0
        kinds = set(row["CF_CFLB"].split("、"))
        assert kinds <= KINDS
        assert ("没收违法所得" in kinds) is (Decimal(row["CF_NR_WFFF"]) > 0)
        assert ("吊销许可证件" in kinds) is bool(row["CF_NR_ZKDX"])
        assert row["CF_JDRQ"] < row["CF_GSJZQ"]
    assert any(row["CF_NR_ZKDX"] for row in rows)


def test_an_institution_of_the_sample_is_never_shown_with_a_penalty():
    known = {row["code"] for row in read("institutions.json")}
    rows = list(penalties(2_000, 0, Enterprises(60)))
    assert known.isdisjoint(row["CF_XDR_SHXYM"] for row in rows)
    with pytest.raises(ValueError, match="penalty"):
        list(penalties(1, 0, Enterprises(5)))


def test_no_row_is_about_a_natural_person_or_holds_a_number_of_one():
    population = Enterprises(300, 9)
    rows = [*population, *permits(600, 9, population), *penalties(600, 9, population)]
    assert all(row.get(f"{p}_XDR_TYPE") != "自然人" for row in rows for p in ("XK", "CF"))
    values = {value for row in rows for value in row.values()}
    assert [value for value in values if find_resident_ids(value)] == []


def test_files_for_the_importer_hold_all_rows(tmp_path):
    write_credit(tmp_path, (120, 300, 80), seed=4)
    population = Enterprises(120, 4)
    assert json.loads((tmp_path / "enterprises.json").read_text("utf-8")) == list(population)
    for name, rows in (
        ("permits", permits(300, 4, population)),
        ("penalties", penalties(80, 4, population)),
    ):
        with (tmp_path / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
            assert list(csv.DictReader(file)) == list(rows)


def test_rows_are_made_by_the_tens_of_thousands_a_second():
    population = Enterprises(50_000, 1)
    for rows in (
        enterprises(5_000, 1),
        permits(5_000, 1, population),
        penalties(5_000, 1, population),
    ):
        next(rows)
        begun = time.perf_counter()
        made = sum(1 for _ in rows)
        assert made / (time.perf_counter() - begun) > 20_000 / 3
