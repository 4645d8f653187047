"""Synonyms: what officers edited takes the place of what the platform brings along."""

import asyncio

import pytest

from gateway.onestop import engine
from gateway.onestop import lexicon as lexicon_module
from gateway.onestop.synonyms import Synonyms, own_groups
from tests.unit.onestop.shelf import card

OWN = "低保"
ITEM = card("最低生活保障对象认定", family="F1")


def row(name, *words):
    """A group of synonyms as the catalogue tells it."""
    return card(name, kind=".synonyms", aliases=words, url="")


@pytest.mark.rule("I-32")
def test_an_edited_group_takes_the_place_of_the_one_of_its_name():
    table = Synonyms({OWN: (OWN, "困难补助"), "甲": ("甲", "乙")})
    assert table.others(OWN) == ["困难补助"]
    assert table.others("最低生活保障") == []
    assert table.others("乙") == ["甲"]
    assert table.others("执照") == Synonyms().others("执照") != []
    assert {"困", "乙"} <= table.beginnings
    assert "困难补助" in table.expressions()


@pytest.mark.rule("I-32")
def test_a_group_without_words_is_taken_away_and_comes_back_when_the_edit_is_forgotten():
    table = Synonyms({OWN: ()})
    assert (table.others(OWN), OWN in table.groups, table.knows(OWN)) == ([], False, False)
    again = table.with_edit(OWN, own_groups()[OWN])
    assert again.others(OWN) == Synonyms().others(OWN) != []
    assert table.others(OWN) == []


def test_words_of_editors_are_read_as_questions_are():
    table = Synonyms({"卡拉OK": ("卡拉 OK", "ＫＴＶ", "歌廳", "…")})
    assert table.others("卡拉ok") == ["ktv", "歌厅"]


def test_a_word_of_two_groups_finds_what_both_say_once():
    table = Synonyms({"甲": ("一词", "二词"), "乙": ("二词", "三词", "一词")})
    assert table.others("二词") == ["一词", "三词"]


def test_each_group_of_the_platform_has_a_name_of_its_own():
    assert len(own_groups()) == len(Synonyms().groups)
    assert all(name == words[0] and len(words) > 1 for name, words in own_groups().items())


@pytest.mark.rule("I-32")
async def test_an_edit_is_found_by_soon_and_no_longer_once_it_is_forgotten(shelf, monkeypatch):
    monkeypatch.setattr(lexicon_module, "EDITS_AFTER", 0.0)
    shelf.put(ITEM)
    assert await shelf.titles("穷人钱") == []
    (subject,) = shelf.put(row("穷人钱", "穷人钱", "最低生活保障"))
    assert await follow(shelf, "穷人钱") == [ITEM.title]
    assert shelf.onestop._names.lexicon.knows("穷人钱")
    shelf.change(subject, None)
    assert await follow(shelf, "穷人钱") == []


async def test_a_group_that_the_platform_brings_along_is_taken_away(shelf, monkeypatch):
    monkeypatch.setattr(lexicon_module, "EDITS_AFTER", 0.0)
    shelf.put(card("企业注销登记", family="F1"))
    assert await shelf.titles("关门") == ["企业注销登记"]
    shelf.put(row("注销公司"))
    assert await follow(shelf, "关门") == []


async def follow(shelf, typed):
    """What is found once the table was read anew; whoever asks meanwhile is answered by the old."""
    await shelf.titles(typed)
    await shelf.onestop._renewing
    return await shelf.titles(typed)


async def test_an_edit_is_read_also_while_nobody_asks_and_whatever_failed_before(
    shelf, monkeypatch
):
    monkeypatch.setattr(lexicon_module, "EDITS_AFTER", 0.0)
    monkeypatch.setattr(engine, "FOLLOW_EVERY", 0.01)
    await shelf.titles("穷人钱")
    latest, failures = shelf.onestop._latest, [engine.IndexNotReady("无"), OSError("disk")]
    monkeypatch.setattr(shelf.onestop, "_latest", lambda: fail_or(failures, latest))
    shelf.put(row("穷人钱", "穷人钱", "最低生活保障"))
    following = asyncio.create_task(shelf.onestop.follow())
    async with asyncio.timeout(20):
        while not shelf.onestop._names.synonyms.knows("穷人钱"):
            await asyncio.sleep(0.01)
    following.cancel()
    assert failures == []


def fail_or(failures, work):
    if failures:
        raise failures.pop(0)
    return work()


async def test_names_are_first_read_when_somebody_asks(shelf, monkeypatch):
    monkeypatch.setattr(engine, "FOLLOW_EVERY", 0.0)
    following = asyncio.create_task(shelf.onestop.follow())
    await asyncio.sleep(0.05)
    assert not shelf.onestop._names.ready
    shelf.put(ITEM)
    assert await shelf.titles("低保") == [ITEM.title]
    following.cancel()


async def test_names_are_not_read_anew_for_every_commit(shelf, monkeypatch):
    monkeypatch.setattr(lexicon_module, "EDITS_AFTER", 0.0)
    shelf.put(ITEM)
    await shelf.titles("低保")
    names = shelf.onestop._names
    monkeypatch.setattr(names, "_read_names", lambda *_: pytest.fail("read"))
    shelf.put(card("另一个事项"))
    assert await follow(shelf, "另一个事项") == ["另一个事项"]


def test_a_question_goes_by_one_table_from_beginning_to_end(shelf):
    before = shelf.onestop._latest_finder()
    shelf.onestop._names.synonyms = Synonyms({OWN: ()})
    after = shelf.onestop._latest_finder()
    assert before.synonyms.knows(OWN)
    assert not after.synonyms.knows(OWN)
    assert shelf.onestop._latest_finder() is after
