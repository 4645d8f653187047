"""The sample's service items keep the rules that a city's checker enforces on such lists."""

import json
import re
from collections import Counter

import pytest

from infra.sample.places import FOLDER, read
from infra.sample.write import files
from services.catalogue.domain import item_of_row
from services.common.identifiers import is_catalog_code, is_task_code, is_within

ITEMS = read("items.json")
FIELDS = {
    "task_name",
    "alias",
    "catalog_code",
    "task_code",
    "task_type",
    "task_version",
    "task_state",
    "region_code",
    "dept_code",
    "dept_name",
    "use_level",
    "by_law",
    "power_source",
    "anticipate_day",
    "anticipate_type",
    "anticipate_explain",
    "promise_day",
    "promise_type",
    "project_type",
    "accept_condition",
    "handle_type",
    "online_handle_depth",
    "limit_scene_num",
    "limit_scene_explain",
    "is_online",
    "is_entry_center",
    "transact_addr",
    "transact_time",
    "is_schedule",
    "is_pay_online",
    "is_express",
    "handle_area",
    "handle_flow",
    "link_way",
    "supervise_way",
    "server_type",
    "user_topic_type",
    "corp_topic_type",
    "result_name",
    "result_type",
    "is_fee",
    "fee_basis",
    "fees",
    "materials",
    "faqs",
}
PHONE = re.compile(r"0\d{2,3}-\d{7,8}")


def broken(rule):
    """Name the items that break a rule."""
    return [f"{item['dept_name']} {item['task_name']}" for item in ITEMS if not rule(item)]


def test_the_files_are_what_is_authored():
    for name, text in files().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, name


def test_the_catalogue_takes_every_item_as_it_is():
    for item in ITEMS:
        assert item_of_row(item, "standard").task_name == item["task_name"]


def test_there_are_many_different_items_each_with_a_code_of_its_own():
    assert len({item["catalog_code"] for item in ITEMS}) >= 90
    assert len({item["task_code"] for item in ITEMS}) == len(ITEMS)
    names = {}
    for item in ITEMS:
        assert names.setdefault(item["catalog_code"], item["task_name"]) == item["task_name"]


def test_every_item_has_the_same_fields_and_right_codes():
    departments = {row["code"]: row for row in read("departments.json")}
    assert broken(lambda item: set(item) == FIELDS) == []
    for item in ITEMS:
        assert is_task_code(item["task_code"])
        assert is_catalog_code(item["catalog_code"])
        assert item["task_code"] == item["dept_code"] + item["use_level"] + item["catalog_code"]
        assert item["catalog_code"][2:4] == item["task_type"]
        department = departments[item["dept_code"]]
        assert department["name"] == item["dept_name"]
        assert department["region_code"] == item["region_code"]


@pytest.mark.parametrize(
    ("rule", "check"),
    [
        (
            "即办 is a promise of 0 days",
            lambda i: (i["project_type"] == "1") is (i["promise_day"] == 0),
        ),
        ("the rest is 承诺件", lambda i: i["project_type"] == ("2" if i["promise_day"] else "1")),
        (
            "the promise is no longer than the law allows, in the same unit",
            lambda i: (
                i["promise_day"] <= i["anticipate_day"]
                and i["promise_type"] == i["anticipate_type"]
            ),
        ),
        (
            "a result named 证 is a certificate",
            lambda i: (
                not re.search("(证|证书|护照|户口簿|执照)$", i["result_name"])
                or i["result_type"] == "1"
            ),
        ),
        (
            "a result named 批复 or 决定书 is a document",
            lambda i: (
                not re.search("(批复|决定书|批准书)$", i["result_name"]) or i["result_type"] == "2"
            ),
        ),
        (
            "who must come is told why, who need not is told 无",
            lambda i: (
                (i["limit_scene_explain"] == "无") is (i["limit_scene_num"] == 0)
                and i["limit_scene_explain"] != ""
            ),
        ),
        (
            "nobody comes and nothing is online only where the post does it",
            lambda i: i["limit_scene_num"] > 0 or i["is_online"] or "4" in i["handle_type"],
        ),
        (
            "what is decided online needs no visit",
            lambda i: "5" not in i["online_handle_depth"] or i["limit_scene_num"] == 0,
        ),
        ("every item can be asked about online", lambda i: "1" in i["online_handle_depth"]),
        (
            "a fee has basis, name, standard and source",
            lambda i: (
                not i["is_fee"]
                or (
                    i["fee_basis"]
                    and i["fees"]
                    and all(
                        fee["fee_name"] and fee["fee_stand"] and fee["by_law"] for fee in i["fees"]
                    )
                )
            ),
        ),
        (
            "no fee, no online payment",
            lambda i: i["is_fee"] or not (i["is_pay_online"] or i["fees"]),
        ),
        ("a permit costs nothing here", lambda i: i["task_type"] != "01" or not i["is_fee"]),
        (
            "two different phones with area code",
            lambda i: (
                PHONE.fullmatch(i["link_way"])
                and PHONE.fullmatch(i["supervise_way"])
                and i["link_way"] != i["supervise_way"]
            ),
        ),
        (
            "topics agree with the audience",
            lambda i: (
                ("1" in i["server_type"]) is bool(i["user_topic_type"])
                and bool(set(i["server_type"]) - {"1"}) is bool(i["corp_topic_type"])
            ),
        ),
        (
            "a permit has questions and five steps",
            lambda i: (
                i["task_type"] != "01"
                or (
                    len(i["faqs"]) >= 1
                    and [step["step"] for step in i["handle_flow"]]
                    == ["受理", "审核", "决定", "办结", "送达"]
                )
            ),
        ),
        (
            "every item has a basis, a condition, materials, an everyday name",
            lambda i: i["by_law"] and i["accept_condition"] and i["materials"] and i["alias"],
        ),
        (
            "no catch-all material",
            lambda i: (
                not any(
                    re.search("其他材料|其它材料|相关材料$", material["name"])
                    for material in i["materials"]
                )
            ),
        ),
        (
            "steps, laws and materials are filled in",
            lambda i: (
                all(all(step.values()) for step in i["handle_flow"])
                and all(law["law_name"] and law["content"] for law in i["by_law"])
                and all(value != "" for material in i["materials"] for value in material.values())
            ),
        ),
    ],
)
def test_rule(rule, check):
    assert broken(check) == [], rule


def test_nobody_is_named_and_no_phone_can_be_real():
    local = {item["link_way"].split("-")[1][0] for item in ITEMS}
    local |= {item["supervise_way"].split("-")[1][0] for item in ITEMS}
    assert local == {"0"}


@pytest.mark.parametrize(
    ("words", "region"),
    [
        ("食品经营许可", "530100000000"),
        ("食品经营许可", "532900000000"),
        ("供水", "530100000000"),
        ("公司设立登记", "530100000000"),
        ("住房公积金", "533400000000"),
        ("取水许可", "530000000000"),
        ("结婚登记", "530102000000"),
        ("驾驶证", "532901000000"),
    ],
)
def test_what_people_look_for_is_there(words, region):
    assert any(words in item["task_name"] and item["region_code"] == region for item in ITEMS)


def test_every_prefecture_has_items():
    prefectures = {row["code"] for row in read("regions.json") if row["parent"] == "530000000000"}
    counts = Counter(
        code for code in prefectures for item in ITEMS if is_within(item["region_code"], code)
    )
    assert set(counts) == prefectures
    assert min(counts.values()) >= 4


def test_an_item_is_one_line_of_the_file():
    lines = (FOLDER / "items.json").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(ITEMS) + 2
    assert json.loads(lines[1].rstrip(",")) == ITEMS[0]
