"""docs/rules.md, the departments' READMEs, the code and the tests speak of the same rules."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.catalogue.domain import tables
from services.common.settings import DEPARTMENTS

ROOT = Path(__file__).resolve().parents[2]
RULES_FILE = ROOT / "docs" / "rules.md"
ROW = re.compile(r"\| ([A-Z]-[0-9]+) \|")
CITED = re.compile(r"\b[Rr]ule ([A-Z]-[0-9]+)|\(([A-Z]-[0-9]+)\)")
MARKS = {"C", "D", "L", "M", "–"}
LETTERS = {
    "catalogue": ("I", "Q"),
    "credit": ("K",),
    "identity": ("A",),
    "utilities": ("U",),
    "websites": ("W",),
    "common": ("P",),
}
TABLES = {
    "事项类型": tables.TASK_TYPES,
    "行使层级": tables.USE_LEVELS,
    "实施主体性质": tables.BODY_TYPES,
    "服务对象": tables.AUDIENCES,
    "办理形式": tables.HANDLING_FORMS,
    "办件类型": tables.PROJECT_TYPES,
    "特别程序种类": tables.SPECIAL_PROCEDURES,
    "权力来源": tables.POWER_SOURCES,
    "时限单位": tables.DAY_KINDS,
    "通办范围": tables.HANDLING_AREAS,
    "网上办理深度": tables.ONLINE_DEPTHS,
    "结果类型": tables.RESULT_TYPES,
    "材料类型": tables.MATERIAL_TYPES,
    "材料形式": tables.MATERIAL_FORMATS,
    "材料必要性": tables.MATERIAL_NEEDS,
    "来源渠道": tables.MATERIAL_SOURCES,
    "审查类型": tables.EXAMINATIONS,
    "办结方式": tables.FINISHES,
    "送达方式": tables.DELIVERIES,
    "收取方式": tables.RECEIPTS,
    "电子材料可信等级": tables.TRUST_LEVELS,
    "救济渠道": tables.REMEDIES,
    "面向自然人的主题分类": tables.PERSON_TOPICS,
    "面向法人的主题分类": tables.ORGANISATION_TOPICS,
}


@dataclass(frozen=True)
class Rule:
    """One row of a table of rules."""

    number: str
    text: str
    source: str
    mark: str


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def rules_in(file):
    """The rules of a file's tables by number; a number that stands twice is there twice."""
    rows = [cells(line) for line in file.read_text("utf-8").splitlines() if ROW.match(line)]
    return [(Rule(*row[:4]), row[4:]) for row in rows]


LISTED = rules_in(RULES_FILE)
RULES = {rule.number: rule for rule, _ in LISTED}


def test_rules_are_numbered_without_doubles_and_gaps():
    for department, letters in LETTERS.items():
        listed = [rule.number for rule, where in LISTED if where == [department]]
        counted = Counter(number.partition("-")[0] for number in listed)
        assert listed == [f"{one}-{n}" for one in letters for n in range(1, counted[one] + 1)]
        assert set(counted) == set(letters)
    assert sum(len(where) for _, where in LISTED) == len(LISTED)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_has_a_text_a_source_and_says_how_sure_it_is(rule):
    assert rule.text.endswith(".")
    assert rule.source not in {"", "–"}
    assert set(rule.mark.split(", ")) <= MARKS


@pytest.mark.parametrize("department", DEPARTMENTS)
def test_a_department_lists_its_rules_as_the_whole_list_does(department):
    own = [rule for rule, _ in rules_in(ROOT / "services" / department / "README.md")]
    assert own == [rule for rule, where in LISTED if where == [department]]


def test_each_rule_is_proved_by_a_test():
    assert RULES.keys() - set(proved()) == set()


def test_each_mark_names_a_rule_that_exists():
    assert {number: file for number, file in proved().items() if number not in RULES} == {}


def test_each_rule_that_the_code_cites_exists():
    cited = {
        (number, str(path.relative_to(ROOT)))
        for folder in ("services", "gateway", "infra")
        for path in (ROOT / folder).rglob("*.py")
        for match in CITED.finditer(path.read_text("utf-8"))
        for number in match.groups()
        if number
    }
    assert len(cited) > 30
    assert {one for one in cited if one[0] not in RULES} == set()


def test_each_department_cites_its_own_rules_only():
    for department in DEPARTMENTS:
        for path in (ROOT / "services" / department).rglob("*.py"):
            found = CITED.findall(path.read_text("utf-8"))
            letters = {(whole or short)[0] for whole, short in found}
            assert letters <= {*LETTERS[department], "P"}, path


def test_the_code_tables_are_those_that_the_reader_knows():
    lines = RULES_FILE.read_text("utf-8").partition("## Code tables")[2].splitlines()
    listed = {row[1]: row[4] for row in map(cells, lines) if len(row) == 5 and row[0][:1] == "`"}
    assert listed == {
        name: " · ".join(f"{code} {said}" for code, said in table.items())
        for name, table in TABLES.items()
    }


def proved():
    """Each number that a test is marked with, and a file where it is."""
    found = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.rule":
                found[ast.literal_eval(node.args[0])] = str(path.relative_to(ROOT))
    return found
