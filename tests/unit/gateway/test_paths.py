"""Path templates: what is found where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contracts import ContractUnclear
from gateway.transcode.paths import PathTable, parse

PATHS = [
    "/v1/items",
    "/v1/items:publish",
    "/v1/items/{item_id}",
    "/v1/items/{item_id}:withdraw",
    "/v1/items/{item_id}/parts/{part_id}",
    "/v1/items/special/parts/{part_id}",
    "/v1/sites/mappings:resolve",
]


@pytest.fixture
def table():
    made = PathTable()
    for path in PATHS:
        made.add("GET", parse(path), path)
    return made


@pytest.mark.parametrize(
    ("raw", "path", "values"),
    [
        (b"/v1/items", "/v1/items", ()),
        (b"/v1/%69tems", "/v1/items", ()),
        (b"/v1/items:publish", "/v1/items:publish", ()),
        (b"/v1/items/a", "/v1/items/{item_id}", (b"a",)),
        (b"/v1/items/a%2Fb", "/v1/items/{item_id}", (b"a%2Fb",)),
        (b"/v1/items/a:withdraw", "/v1/items/{item_id}:withdraw", (b"a",)),
        (b"/v1/items/a:b:withdraw", "/v1/items/{item_id}:withdraw", (b"a:b",)),
        (b"/v1/items/a%3Awithdraw", "/v1/items/{item_id}", (b"a%3Awithdraw",)),
        (b"/v1/items/a:other", "/v1/items/{item_id}", (b"a:other",)),
        (b"/v1/items/a/parts/b", "/v1/items/{item_id}/parts/{part_id}", (b"a", b"b")),
        (b"/v1/items/special/parts/b", "/v1/items/special/parts/{part_id}", (b"b",)),
        (b"/v1/items/special", "/v1/items/{item_id}", (b"special",)),
        (b"/v1/sites/mappings:resolve", "/v1/sites/mappings:resolve", ()),
    ],
)
def test_a_path_finds_its_template_and_gives_the_segments_as_they_came(table, raw, path, values):
    found = table.find(raw)
    assert (found.targets["GET"], found.values) == (path, values)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"/",
        b"/v1",
        b"/v1/items/",
        b"/v1/items/:withdraw",
        b"/v1/items:",
        b"/v1/items//parts/b",
        b"/v1/items/a/parts",
        b"/v1/sites/mappings",
        b"//v1/items",
        b"/v1/items/a/parts/b/c",
    ],
)
def test_anything_else_finds_nothing(table, raw):
    assert table.find(raw) is None


@given(st.binary(max_size=60))
def test_no_bytes_whatever_break_the_search(raw):
    table = PathTable()
    for path in PATHS:
        table.add("GET", parse(path), path)
    for path in (b"/v1/items/" + raw, raw):
        found = table.find(path)
        assert found is None or all(value in path for value in found.values)


@pytest.mark.parametrize(
    "path", ["/v1/*", "/v1/**", "/v1/{a=b/*}", "/v1/{A}", "/v1//b", "/v1/{a.}", "/v1/a b"]
)
def test_templates_that_are_not_served_are_refused(path):
    with pytest.raises(ContractUnclear):
        parse(path)
