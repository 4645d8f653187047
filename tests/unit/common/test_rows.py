"""Reading rows of JSON, JSON Lines and CSV."""

import contextlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import rows
from services.common.rows import (
    ImportShapeUnknown,
    ImportTooLarge,
    ImportUnreadable,
    read_rows,
    shape_of,
    stream_rows,
    written,
)

RECORDS = st.lists(
    st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers(), max_size=4),
    max_size=20,
)


@given(RECORDS)
def test_json_is_read_as_the_library_reads_it(records):
    for content in (
        json.dumps(records),
        json.dumps({"source": "某地", "count": 2, "items": records}, ensure_ascii=False),
    ):
        assert [row.values for row in read_rows(content.encode())] == records


def test_a_list_longer_than_a_piece_is_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "READ_AT_ONCE", 37)
    records = [{"name": "甲" * n, "n": n * 1000} for n in range(50)]
    path = tmp_path / "items.json"
    for content in (
        json.dumps({"a": 1, "items": records}, indent=1),
        "\n".join(json.dumps(record) for record in records),
    ):
        path.write_text(content, encoding="utf-8")
        assert [row.values for row in stream_rows(path)] == records


def test_one_bad_line_is_one_bad_row():
    read = read_rows('{"a": 1}\n{oops\n\n{"a": "\u2028"}\n'.encode())
    assert [(row.number, row.values) for row in read] == [
        (1, {"a": 1}),
        (2, None),
        (3, {"a": "\u2028"}),
    ]


def test_csv_of_a_spreadsheet_is_read():
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        read = read_rows('名称,编码\n"甲,\n乙",1\n丙\n'.encode(encoding))
        assert [row.values for row in read] == [{"名称": "甲,\n乙", "编码": "1"}, None]


def test_rows_are_numbered_from_the_place_in_the_whole_file():
    assert [row.number for row in read_rows(b'[{"a":1},{"a":2}]', 501)] == [501, 502]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"one column\n1\n",
        b"a,a\n1,2\n",
        b"[1, 2",
        b'[{"a": 1} {"b"',
        b"[" * 100_000,
        b"\xff\xfe\xfa\xff\xff\xff",
        b'a,b\n"1,2\n',
    ],
)
def test_what_cannot_be_read_is_refused_in_words(content):
    with pytest.raises(ImportUnreadable) as refused:
        read_rows(content)
    assert refused.value.violations[0].field == "file"


@given(st.binary(max_size=200))
def test_no_bytes_at_all_break_the_reader(content):
    read = []
    with contextlib.suppress(ImportUnreadable):
        read.extend(rows.parse(io.BytesIO(content), 1))
    assert [row.number for row in read] == list(range(1, len(read) + 1))


def test_a_call_takes_only_so_much():
    with pytest.raises(ImportTooLarge):
        read_rows(b" " * (rows.LARGEST_FILE + 1))
    with pytest.raises(ImportTooLarge):
        read_rows(json.dumps([{}] * (rows.MOST_ROWS + 1)).encode())


def test_the_shape_is_recognised_or_named():
    shapes = {"first": frozenset({"a", "b"}), "second": frozenset({"a"})}
    assert shape_of(read_rows(b'[{"a":1,"b":2}]'), "", shapes) == "first"
    assert shape_of(read_rows(b'[{"a":1}]'), "", shapes) == "second"
    assert shape_of(read_rows(b'[{"x":1}]'), "second", shapes) == "second"
    assert shape_of(read_rows(b'[{"x":1},7,{"a":1}]'), "", shapes) == "second"
    for content, named in ((b'[{"x":1}]', ""), (b"[]", ""), (b'[{"a":1}]', "third")):
        with pytest.raises(ImportShapeUnknown):
            shape_of(read_rows(content), named, shapes)


@pytest.mark.parametrize(
    "rows",
    [
        [{"a": "1", "b": '甲,"乙"'}, {"a": "", "b": " 丙 "}],
        [{"a": "1"}, {"a": "2"}],
        [{"a": "1", "b": "两\n行"}],
        [{"a": 1.5, "b": None}, {"c": ["x"]}],
        [{"a": "\ud800", "b": "1"}],
        [{"[a": "1", "b": "2"}],
        [{" a": "1", "b": "2"}],
    ],
    ids=str,
)
def test_what_is_written_is_read_back(rows):
    assert [row.values for row in read_rows(written(rows))] == rows


def test_what_is_longer_than_a_call_takes_is_not_written():
    with pytest.raises(ImportTooLarge):
        written([{"a": "字" * 1_000_000, "b": "字" * 1_000_000}])
