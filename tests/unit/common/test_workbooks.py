"""Reading rows of workbooks (.xlsx), and refusing those that nobody should read."""

import contextlib
import io
import re
import tracemalloc
import zipfile
from datetime import date, datetime, time

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.rows import ImportTooLarge, ImportUnreadable, packages, read_rows, stream_rows
from tests.books import GOOD, HEAD, book, cell, packed, table

OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def values(content):
    return [dict(row.values) for row in read_rows(content)]


def refusal(content):
    with pytest.raises(ImportUnreadable) as refused:
        read_rows(content)
    assert refused.value.violations[0].field == "file"
    return str(refused.value)


def test_cells_become_what_readers_of_fields_take():
    cells = {
        "text": " 甲 ",
        "zeros": "007",
        "whole": 7,
        "decimal": 0.1 + 0.2,
        "negative": -2.5,
        "yes": True,
        "day": date(2026, 1, 5),
        "moment": datetime(2026, 1, 5, 9, 30),  # noqa: DTZ001  (a cell has no zone)
        "blank": "",
        "beyond": 123456789012345678,
        "formula": "=1+1",
    }
    (row,) = values(table([cells]))
    assert row == {
        **cells,
        "decimal": "0.3",
        "negative": "-2.5",
        "day": "2026-01-05",
        "moment": "2026-01-05T09:30:00+08:00",
        "beyond": pytest.approx(123456789012345678),
    }
    assert isinstance(row["whole"], int)
    assert not isinstance(row["beyond"], int), "digits are lost: no reader of texts takes it"
    assert values(book(("A", [["a", "b"], [time(9, 30), "x"]])))[0]["a"] in ("09:30", "9:30")


def test_a_failed_formula_is_no_blank_cell():
    error = f'{HEAD}<row r="2">{cell("A2", "#REF!", "e")}{cell("B2", "2")}</row>'
    assert values(packed(error)) == [{"甲": {"公式错误": "#REF!"}, "乙": "2"}]


def test_the_sheet_of_items_is_read_else_the_first_that_is_shown():
    one, two = [["a", "b"], ["1", "2"]], [["c", "d"], ["3", "4"]]
    assert values(book(("说明", one), ("事项", two))) == [{"c": "3", "d": "4"}]
    assert values(book(("说明", one), ("其他", two))) == [{"a": "1", "b": "2"}]
    assert values(book(("其他", one), ("代码", two), hide="代码")) == [{"a": "1", "b": "2"}]


def test_days_are_counted_as_the_workbook_says(tmp_path):
    path = tmp_path / "mac.xlsx"
    with xlsxwriter.Workbook(path, {"date_1904": True}) as whole:
        sheet = whole.add_worksheet()
        sheet.write_row(0, 0, ["a", "b"])
        day = whole.add_format({"num_format": "yyyy/m/d"})
        sheet.write_datetime(1, 0, date(2026, 1, 5), day)
        sheet.write_rich_string(1, 1, "一", whole.add_format({"bold": True}), "二", "三")
    assert [row.values for row in stream_rows(path)] == [{"a": "2026-01-05", "b": "一二三"}]


def test_elements_may_have_a_prefix():
    before, after = packed(GOOD), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(before)) as whole, zipfile.ZipFile(after, "w") as other:
        for name in whole.namelist():
            said = whole.read(name).decode()
            if name == "xl/worksheets/sheet1.xml":
                said = re.sub(r"<(/?)(?=[a-z])", r"<\1x:", said).replace("xmlns=", "xmlns:x=")
            other.writestr(name, said)
    assert values(after.getvalue()) == [{"甲": "1", "乙": "2"}]


def test_blank_rows_are_left_out_but_counted():
    content = book(("A", [["a", "b"], ["1", ""], ["", " "], ["3", ""]]))
    assert [(row.number, row.values["a"]) for row in read_rows(content)] == [(1, "1"), (3, "3")]
    assert [row.number for row in read_rows(content, 501)] == [501, 503]
    below = book(("A", [[], [], ["a", "b"], ["1", "2"]]))
    assert [row.number for row in read_rows(below)] == [1]


def test_a_file_on_disk_is_read_as_the_same_rows(tmp_path):
    path = tmp_path / "items.xlsx"
    path.write_bytes(book(("A", [["a", "b"], ["1", "2"]])))
    assert [row.values for row in stream_rows(path)] == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (book(("A", [])), "是空的"),
        (book(("A", [["", " "]])), "是空的"),
        (book(("A", [["a", "b"]])), "只有表头"),
        (book(("A", [["a", "a"], ["1", "2"]])), "不得重复"),
        (book(("A", [["a"], ["1"]])), "各列的名称"),
        (book(("A", [["a", "", "c"], ["1", "2", "3"]])), "第 2 列"),
        (packed(GOOD, extra=[("xl/vbaProject.bin", "x")]), "宏"),
        (packed(GOOD, extra=[("xl/macrosheets/sheet1.xml", "x")]), "宏"),
        (OLD + b"\x00" * 500 + "EncryptedPackage".encode("utf-16-le"), "加密"),
        (OLD + b"\x00" * 500, r"\.xls"),
        (packed(GOOD)[:-40], "损坏"),
        (packed(GOOD + "<row>"), "损坏"),
        (packed(f'{HEAD}<row r="2"><c r="2B"><v>1</v></c></row>'), "损坏"),
        (b"PK\x03\x04", "损坏"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_refused_by_its_name(content, words):
    assert re.search(words, refusal(content))


def test_a_document_that_is_no_workbook_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as whole:
        whole.writestr("word/document.xml", "<a/>")
    assert "不是 Excel 工作簿" in refusal(file.getvalue())


def test_a_zip_with_a_password_is_refused():
    content = bytearray(packed(GOOD))
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(re.escape(sign), bytes(content)):
            content[found.start() + place] |= 1
    assert "加密" in refusal(bytes(content))


def test_a_document_type_is_refused():
    content = packed(GOOD)
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(file, "w") as after:
        for name in before.namelist():
            said = before.read(name)
            if "sheet1" in name:
                said = b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]>' + said
            after.writestr(name, said)
    assert "DOCTYPE" in refusal(file.getvalue())


def repeated():
    """Thirty thousand characters, said four thousand times."""
    said = "".join(f'<row r="{n}">{cell(f"A{n}", "0", "s")}</row>' for n in range(2, 4000))
    return packed(HEAD + said, shared=f"<si><t>{'长' * 30_000}</t></si>")


# Files of less than 4 MB that take gigabytes where somebody just opens them.
BOMBS = {
    "the sheet unpacks": (lambda: packed(GOOD + " " * (70 << 20)), "解压后超过 64 MB"),
    "another part unpacks": (
        lambda: packed(GOOD, extra=[("xl/a.xml", b" " * (70 << 20))]),
        "解压后超过 64 MB",
    ),
    "one cell stands far away": (
        lambda: packed(f'{HEAD}<row r="1048576">{cell("XFD1048576", "1")}</row>'),
        "单元格过多",
    ),
    "a tag has a million attributes": (
        lambda: packed(GOOD + "<a " + " ".join(f"a{n}=''" for n in range(1_000_000)) + "/>"),
        "超过 256 KB",
    ),
    "a long text is said again and again": (repeated, "文字超过 64 MB"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_by_its_name_before_it_takes_any_room(name):
    make, words = BOMBS[name]
    content = make()
    assert len(content) < 4 << 20
    tracemalloc.start()
    try:
        assert words in refusal(content)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


def test_a_part_of_more_elements_than_any_sheet_has_is_refused(monkeypatch):
    monkeypatch.setattr(packages, "MOST_ELEMENTS", 1000)
    assert "内容过多" in refusal(packed(f'{HEAD}<row r="2">{cell("A2", "1", "n") * 1000}</row>'))
    assert values(packed(GOOD)) == [{"甲": "1", "乙": "2"}]


def test_a_part_longer_than_its_package_says_is_never_unpacked_whole():
    content = bytearray(packed(GOOD + " " * (70 << 20)))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as whole:
        said = whole.getinfo("xl/worksheets/sheet1.xml").file_size
    size, lie = said.to_bytes(4, "little"), (1000).to_bytes(4, "little")
    assert bytes(content).count(size) == 2
    assert "损坏" in refusal(bytes(content).replace(size, lie))


def test_what_was_not_judged_is_not_handed_on():
    content = packed(GOOD, extra=[("xl/styles.xml", "<not closed"), ("xl/media/a.png", b"\x00")])
    with zipfile.ZipFile(io.BytesIO(packages.sheet_in(content).content)) as whole:
        assert set(whole.namelist()) == {
            "_rels/.rels",
            "xl/workbook.xml",
            "xl/_rels/workbook.xml.rels",
            "xl/worksheets/sheet1.xml",
        }


def test_a_call_takes_five_thousand_rows_of_a_workbook_and_no_more():
    rows = [["a", "b"], *([str(n), "x"] for n in range(5000))]
    assert len(read_rows(book(("A", rows)))) == 5000
    with pytest.raises(ImportTooLarge):
        read_rows(book(("A", [*rows, ["5000", "x"]])))


CELLS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.dates(date(1900, 1, 1), date(9999, 12, 31))
    | st.times()
    | st.text(max_size=20)
)


def rows_or_refusal(content):
    """The rows; none where the file is refused, in words."""
    with contextlib.suppress(ImportUnreadable, ImportTooLarge):
        return read_rows(content)
    return []


@given(st.lists(st.lists(CELLS, max_size=4), max_size=5))
@settings(max_examples=60, deadline=None)
def test_any_cells_are_rows_or_a_refusal(rows):
    read = rows_or_refusal(book(("A", rows)))
    kinds = {type(value) for row in read for value in row.values.values()}
    assert kinds <= {str, int, float, bool}


KINDS = st.sampled_from(["", "n", "s", "b", "e", "str", "inlineStr", "d", "x"])
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
SAID = TEXTS | st.sampled_from(["0", "1", "-1", "1e400", "NaN", "45000", "2026-01-01T00:00:00", ""])
PLACES = st.sampled_from(
    ["A2", "B2", "c3", "B0", "A1048577", "AAAA1", "XFE9", "", "2", "B99999999"]
)


@given(st.lists(st.tuples(PLACES, SAID, KINDS), max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_xml_of_cells_is_rows_or_a_refusal(cells):
    said = "".join(f'<row r="2">{cell(*one)}</row>' for one in cells)
    content = packed(HEAD + said, shared="<si><t>共</t></si>")
    assert all(row.number > 0 for row in rows_or_refusal(content))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_workbook_with_any_bytes_changed_is_rows_or_a_refusal(data):
    content = bytearray(packed(GOOD, compressed=data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(4, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    assert all(len(row.values) >= 2 for row in rows_or_refusal(bytes(content)))
