"""Rows that the catalogue tells for the one-stop query itself: never shown, read as tables."""

from dataclasses import replace

import pytest

from gateway.onestop import lexicon, tables
from gateway.onestop.asked import Asked
from tests.unit.onestop.shelf import card

ROW = card("", kind=tables.USE, url="")


def used(title, use):
    return replace(ROW, title=title, facets=(("use", str(use)),))


def synonyms(name, *words):
    return replace(ROW, kind=tables.SYNONYMS, title=name, aliases=words)


def searcher(shelf):
    return shelf.onestop._reader.searcher()


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(lexicon, "RENEW_AFTER", 0.0)


async def families(shelf, text="食品经营"):
    """The families found, in order."""
    await shelf.ask(text)  # what it finds out of date is read anew in the background
    await shelf.onestop._renewing
    answer = await shelf.ask(text)
    return [hit["family"].partition("/")[2] for group in answer["groups"] for hit in group["hits"]]


async def test_a_row_is_in_no_answer(shelf):
    shelf.put(used("证照", 3), synonyms("证照", "执照", "证照"), card("证照办理"))
    assert await shelf.titles("证照") == ["证照办理"]


def test_rows_are_read_as_they_stand_last(shelf):
    subject, gone, _ = shelf.put(
        synonyms("执照", "执照"), synonyms("社保", "社保"), synonyms("证件")
    )
    shelf.put(synonyms("外人", "外人"), source="credit")
    shelf.change(subject, synonyms("执照", "执照", "营业执照"))
    shelf.change(gone, None)
    assert tables.synonym_groups(searcher(shelf)) == {"执照": ("执照", "营业执照"), "证件": ()}
    assert tables.uses(searcher(shelf)) == {}


async def test_among_equals_the_more_used_comes_first(shelf):
    shelf.put(card("食品经营许可", family="甲"), card("食品经营核查", family="乙"))
    first, second = await families(shelf)
    shelf.put(used(second, 1))
    assert await families(shelf) == [second, first]
    shelf.put(used(first, 2))
    assert await families(shelf) == [first, second]


@pytest.mark.rule("I-30")
async def test_use_never_outweighs_a_better_name_or_the_level_that_decides(shelf):
    county, province = "530112000000", "530000000000"
    shelf.put(card("食品经营", family="甲"), card("食品经营许可", family="乙"), used("乙", 6))
    assert await families(shelf) == ["甲", "乙"]
    shelf.put(
        card("烟花经营许可", family="丙", region_code=county),
        card("烟花经营核查", family="丁", region_code=province),
        used("丙", 6),
    )
    assert await families(shelf, "烟花经营") == ["丁", "丙"]


@pytest.mark.parametrize("years", [(2019, 2020), (2020, 2019)])
async def test_among_equals_the_newer_comes_first(shelf, years, monkeypatch):
    for title, year in zip(("食品经营许可", "食品经营核查"), years, strict=True):
        monkeypatch.setattr("tests.unit.onestop.shelf.AS_OF", f"{year}-05-01T00:00:00.000Z")
        shelf.put(card(title, family=str(year)))
    assert await families(shelf) == ["2020", "2019"]


async def test_names_are_read_anew_at_once_where_the_index_became_another(shelf, monkeypatch):
    monkeypatch.setattr(lexicon, "EDITS_AFTER", 0.0)
    monkeypatch.setattr(lexicon, "RENEW_AFTER", 60.0)
    shelf.put(card("公积金提取"))
    await shelf.ask("公积金")
    shelf.put(*(card(f"第{number}项事项", aliases=("砍树",)) for number in range(101)))
    await shelf.ask("砍树")
    await shelf.onestop._renewing
    assert shelf.onestop._names.lexicon.titles("砍树")


async def test_pages_hold_every_item_once_with_twins_and_uses_among_them(shelf):
    named = [card(f"年度报告公示{n}", family=f"{n}", region_code="530100000000") for n in range(60)]
    twins = [
        replace(one, family=f"{one.family}b", region_code="530300000000") for one in named[:45:3]
    ]
    shelf.put(*named, *twins)
    shelf.put(*[used(f"{n}", 1 + n % 6) for n in range(40)])
    await families(shelf, "年度报告公示")
    for page_size in (7, 10, 50):
        seen, totals, offset = [], set(), 0
        while offset is not None:
            asked = Asked("年度报告公示", kind="item", page_size=page_size, offset=offset)
            (group,) = (await shelf.onestop.answer(asked)).groups
            seen += [hit.card["title"] for hit in group.hits]
            totals.add(group.total)
            offset = group.next_offset
        assert len(seen) == len(set(seen)) == 60
        assert totals == {60}
