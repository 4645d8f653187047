"""The quality rules of items: each has examples that pass it and examples that fail it."""

import pytest

from services.catalogue.domain import item_of, quality
from tests.unit.catalogue.test_imports import WHOLE

LEAST = {
    "task_name": "食品经营许可",
    "task_type": "01",
    "dept_name": "昆明市市场监督管理局",
    "region_code": "530100000000",
    "local_task_code": "T-1",
}
RULES = [
    pytest.param("Q-1", marks=pytest.mark.rule("Q-1")),
    pytest.param("Q-2", marks=pytest.mark.rule("Q-2")),
    pytest.param("Q-3", marks=pytest.mark.rule("Q-3")),
    pytest.param("Q-4", marks=pytest.mark.rule("Q-4")),
    pytest.param("Q-5", marks=pytest.mark.rule("Q-5")),
    pytest.param("Q-6", marks=pytest.mark.rule("Q-6")),
    pytest.param("Q-7", marks=pytest.mark.rule("Q-7")),
    pytest.param("Q-8", marks=pytest.mark.rule("Q-8")),
    pytest.param("Q-9", marks=pytest.mark.rule("Q-9")),
    pytest.param("Q-10", marks=pytest.mark.rule("Q-10")),
    pytest.param("Q-11", marks=pytest.mark.rule("Q-11")),
    pytest.param("Q-12", marks=pytest.mark.rule("Q-12")),
    pytest.param("Q-13", marks=pytest.mark.rule("Q-13")),
    pytest.param("Q-14", marks=pytest.mark.rule("Q-14")),
    pytest.param("Q-15", marks=pytest.mark.rule("Q-15")),
    pytest.param("Q-16", marks=pytest.mark.rule("Q-16")),
    pytest.param("Q-17", marks=pytest.mark.rule("Q-17")),
]


def example(fields):
    values = LEAST | fields
    if "task_code" in values:
        values.pop("local_task_code")
    return item_of(values)


def failed(item):
    return [finding.rule.number for finding in quality.check(item).findings]


def rule_of(number):
    return next(one for one in quality.rules() if one.number == number)


def test_every_rule_is_judged_listed_and_tried():
    numbers = [one.number for one in quality.rules()]
    assert numbers == [param.values[0] for param in RULES]
    assert set(numbers) == set(quality._CHECKS)
    assert all(one.passes and one.fails and one.weight > 0 for one in quality.rules())


@pytest.mark.parametrize("number", RULES)
def test_its_examples_pass_and_fail(number):
    rule = rule_of(number)
    assert [one for one in rule.passes if number in failed(example(one))] == []
    assert [one for one in rule.fails if number not in failed(example(one))] == []


@pytest.mark.parametrize("number", RULES)
def test_what_passes_is_really_judged(number):
    """An example that the rule does not apply to would prove nothing."""
    first = example(rule_of(number).passes[0])
    assert quality._CHECKS[number](first) == ()


def test_what_blocks_is_named_by_rule_and_field():
    item = example({"materials": [{"name": "其他材料"}]})
    (blocked,) = quality.check(item).blocking
    assert blocked.field == "materials"
    assert blocked.description.startswith("Q-14：")
    assert "兜底" in blocked.description


def test_the_score_is_the_share_of_what_applies():
    whole = quality.check(item_of(WHOLE))
    assert failed(item_of(WHOLE)) == ["Q-10"]
    assert 90 <= whole.score < 100
    bare = quality.check(example({}))
    assert bare.score < 20
    assert quality.check(example({"accept_condition": "有固定场所。"})).score > bare.score


def test_what_is_done_by_duty_needs_no_materials_and_no_place():
    inspected = quality.check(example({"task_type": "06"}))
    (found,) = [one for one in inspected.findings if one.rule.number == "Q-17"]
    assert "materials" not in found.fields
    assert "by_law" in found.fields


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("其他材料", True),
        ("其他相关资料", True),
        ("法律法规规定的其他文件", True),
        ("身份证、户口簿等", True),
        ("与其他股东签订的协议", False),
        ("初等学校毕业证书", False),
        ("其他共有人的身份证明", False),
    ],
)
def test_a_catch_all_is_told_from_a_name(name, blocks):
    assert ("Q-14" in failed(example({"materials": [{"name": name}]}))) is blocks
