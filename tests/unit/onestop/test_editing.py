"""What editors of synonyms are shown: what an edit changes, and names that no group has."""

import pytest

from gateway.onestop.editing import FIRST, MOST_UNGROUPED, MOST_WORDS
from tests.unit.onestop.shelf import card

LOW = card("最低生活保障对象认定", family="F1")
HARD = card("临时困难补助申请", family="F2")


async def previewed(shelf, name, *words):
    """What changes, by word: how many before and after, and the titles with their places."""
    found = await shelf.onestop.preview(name, words)
    return {
        one.word: (
            one.before,
            one.after,
            [(place.card["title"], place.before, place.after) for place in one.places],
        )
        for one in found
    }


@pytest.mark.rule("I-33")
async def test_a_word_that_found_nothing_finds_and_the_others_stay(shelf):
    shelf.put(LOW)
    found = await previewed(shelf, "穷人钱", "穷人钱", "最低生活保障")
    assert found["穷人钱"] == (0, 1, [(LOW.title, 0, 1)])
    assert found["最低生活保障"] == (1, 1, [(LOW.title, 1, 1)])
    (new, old) = await shelf.onestop.preview("穷人钱", ["穷人钱", "最低生活保障"])
    assert (new.changes, new.places[0].moves) == (True, True)
    assert (old.changes, old.places[0].moves) == (False, False)


@pytest.mark.rule("I-33")
async def test_what_no_longer_is_in_the_group_is_shown_as_well(shelf):
    shelf.put(LOW, HARD)
    found = await previewed(shelf, "低保", "低保", "困难补助")
    assert found["低保"] == (1, 1, [(HARD.title, 0, 1), (LOW.title, 1, 0)])
    assert list(found) == ["低保", "困难补助", "最低生活保障"]
    taken_away = await previewed(shelf, "低保")
    assert taken_away["低保"] == (1, 0, [(LOW.title, 1, 0)])


@pytest.mark.rule("I-33")
async def test_a_preview_keeps_nothing_and_notes_no_gap(shelf):
    shelf.put(LOW)
    noted = []
    shelf.onestop._gaps = type("Gaps", (), {"note": lambda *said: noted.append(said)})()
    table = shelf.onestop._names.synonyms
    await previewed(shelf, "不存在", "不存在", "没有的事")
    assert noted == []
    assert shelf.onestop._names.synonyms is table
    assert await shelf.titles("不存在") == []


async def test_a_preview_is_of_all_words_that_come_and_go_and_of_the_first_places_only(shelf):
    shelf.put(*(card(f"第{number}类食品经营许可", family=f"F{number}") for number in range(8)))
    words = [f"词{chr(0x4E00 + number)}" for number in range(MOST_WORDS - 1)]
    found = await shelf.onestop.preview("营业执照", ["食品经营许可", *words])
    assert [one.word for one in found] == ["食品经营许可", *words, "营业执照", "执照"]
    assert len(found[0].places) == FIRST


async def test_everyday_names_of_no_group_are_offered_the_most_said_first(shelf):
    shelf.put(
        card("食品经营许可", aliases=("办餐证", "低保", "食品经营许可"), family="F1"),
        card("小餐饮登记", aliases=("办餐证",), family="F2"),
        card("犬只登记", aliases=("养狗证",), family="F3"),
        card("甲" * 21, aliases=("官名太长",), family="F4"),
        card("示例供水公司", aliases=("自来水",), kind="utility"),
    )
    found = await shelf.onestop.ungrouped()
    assert [one.name for one in found] == ["办餐证", "养狗证"]
    assert found[1].title == "犬只登记"


async def test_what_is_used_more_is_offered_before_what_more_things_say(shelf):
    (dog,) = shelf.put(card("犬只登记", aliases=("养狗证",)))
    shelf.put(
        card("食品经营许可", aliases=("办餐证",)),
        card("小餐饮登记", aliases=("办餐证",)),
        card(dog, kind=".use", facets=(("use", "5"),), url=""),
    )
    assert [one.name for one in await shelf.onestop.ungrouped()] == ["养狗证", "办餐证"]


async def test_so_many_names_are_offered(shelf):
    shelf.put(
        *(card(f"事项{n}", aliases=(f"俗称{n}",)) for n in range(MOST_UNGROUPED + 3)),
    )
    assert len(await shelf.onestop.ungrouped()) == MOST_UNGROUPED
