"""How `zhengtong import` cuts files into calls."""

import json

import httpx
import pytest
import typer

from gateway.cli import imports
from tests.books import book, table


def batches(path):
    return [
        (one.first_row, [json.loads(row) for row in one.rows]) for one in imports._batches(path)
    ]


def test_a_workbook_is_cut_into_calls_as_a_table_is(tmp_path, monkeypatch):
    monkeypatch.setattr(imports, "ROWS_A_CALL", 2)
    rows = [{"名称": f"甲{number}", "编码": str(number)} for number in range(5)]
    (tmp_path / "a.xlsx").write_bytes(table(rows))
    lines = ["名称,编码", *(",".join(row.values()) for row in rows)]
    (tmp_path / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    cut = batches(tmp_path / "a.xlsx")
    assert cut == batches(tmp_path / "a.csv") == [(1, rows[:2]), (3, rows[2:4]), (5, rows[4:])]


def test_after_blank_rows_the_numbers_are_those_on_the_sheet(tmp_path):
    content = book(("A", [["a", "b"], ["", ""], ["1", "x"], ["2", "x"], [], ["3", "x"]]))
    (tmp_path / "a.xlsx").write_bytes(content)
    assert [(first, len(rows)) for first, rows in batches(tmp_path / "a.xlsx")] == [(2, 2), (5, 1)]


def test_a_folder_gives_its_workbooks_too(tmp_path):
    for name in ("b.xlsx", "a.csv", "c.txt", "~$b.xlsx"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in imports._files(tmp_path)] == ["a.csv", "b.xlsx"]


def test_a_workbook_that_cannot_be_read_ends_the_command_in_words(tmp_path, capsys):
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(typer.Exit):
        batches(tmp_path / "a.xlsx")
    assert "另存为" in capsys.readouterr().err


PREVIEWED = {
    "report": {"read": "2", "changed": "1", "rejected": "1", "rejections": [], "shape": "standard"},
    "rows": [
        {"row": "1", "subject": "T-1", "changed_fields": ["promise_day"], "rejections": []},
        {
            "row": "2",
            "subject": "",
            "changed_fields": [],
            "rejections": [{"row": "2", "field": "region_code", "reason": "应为 12 位"}],
        },
    ],
}


def test_a_preview_asks_for_no_change_and_tells_each_row(tmp_path, monkeypatch, capsys):
    asked = []

    def answer(request):
        asked.append(request)
        return httpx.Response(200, json=PREVIEWED)

    real = httpx.Client
    monkeypatch.setattr(
        imports.httpx,
        "Client",
        lambda **more: real(base_url=more["base_url"], transport=httpx.MockTransport(answer)),
    )
    (tmp_path / "key").write_text("k")
    monkeypatch.setenv("ZHENGTONG_API_KEY_FILE", str(tmp_path / "key"))
    (tmp_path / "a.json").write_text('[{"task_name": "甲"}, {"task_name": "乙"}]')
    with pytest.raises(typer.Exit) as ended:
        imports.items(tmp_path / "a.json", keep=True, preview=True)
    assert ended.value.exit_code == 1
    (request,) = asked
    assert request.url.path == "/api/v1/items:previewImport"
    assert dict(request.url.params) == {"first_row": "1", "mode": "IMPORT_MODE_KEEP"}
    told = capsys.readouterr().err
    for words in (
        "没有作任何改动",
        "第 2 行 region_code：应为 12 位",
        "第 1 行 T-1 变更：promise_day",
    ):
        assert words in told
