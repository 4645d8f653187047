"""What is suggested while somebody types."""

import asyncio
import threading

import orjson
import pytest

from gateway.onestop.asked import QueryHasResidentId, QueryInvalid, read_beginning
from gateway.onestop.suggest import MOST
from tests.unit.onestop.shelf import card


@pytest.fixture
def named(shelf):
    shelf.put(
        card("住房公积金提取", aliases=("公积金", "取公积金"), family="F1"),
        card("居民身份证补领", aliases=("补身份证", "身份证"), family="F2"),
        card("社会保险登记", aliases=("社保",), family="F3"),
        *(card(f"公司第{n}号登记", family=f"G{n}") for n in range(30)),
        card("公积金咨询有限公司", kind="credit", url="/credit/x"),
    )
    return shelf


async def suggested(shelf, typed):
    return [one["text"] for one in orjson.loads(await shelf.onestop.suggest(typed))["suggestions"]]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("公积", "公积金"),
        ("gjj", "公积金"),
        ("gongji", "公积金"),
        ("GONGJIJIN", "公积金"),
        ("身份證", "身份证"),
        ("社宝", "社保"),
        ("办sfz", "身份证"),
        ("补身", "补身份证"),
    ],
)
async def test_names_are_suggested_however_they_are_begun(named, typed, first):
    assert (await suggested(named, typed))[0] == first


async def test_at_most_ten_lines_and_none_twice(named):
    lines = await suggested(named, "公司")
    assert 1 < len(lines) <= MOST
    assert len(lines) == len(set(lines))


async def test_things_of_other_groups_are_among_them(named):
    lines = orjson.loads(await named.onestop.suggest("公积金"))["suggestions"]
    assert {"text": "公积金咨询有限公司", "kind": "credit"} in lines


async def test_a_region_stays_before_what_is_suggested(named):
    assert (await suggested(named, "昆明 公积"))[0] == "昆明市 公积金"


async def test_nothing_is_suggested_for_what_nobody_knows(named):
    assert await suggested(named, "zzzz") == []


def test_an_identity_number_is_refused_while_it_is_typed():
    with pytest.raises(QueryHasResidentId) as refused:
        read_beginning(b"q=11010519491231002X")
    assert "11010519491231002X" not in str(refused.value)
    with pytest.raises(QueryInvalid):
        read_beginning(b"q=x&kind=item")


async def test_nobody_waits_while_the_names_are_read_anew_and_they_are_read_once(
    named, monkeypatch
):
    assert await suggested(named, "公积")
    names, read, go_on = named.onestop._names, [], threading.Event()
    monkeypatch.setattr(names, "stale", lambda *_: True)
    monkeypatch.setattr(names, "renew", lambda *_: (read.append(1), go_on.wait(20)))
    answered = asyncio.gather(*(suggested(named, "公积") for _ in range(20)))
    assert all(await asyncio.wait_for(answered, 10))
    go_on.set()
    await named.onestop._renewing
    assert read == [1]


async def test_letters_within_a_text_are_read_for_suggestions_as_well(shelf):
    shelf.put(card("居民身份证补领", aliases=("身份证丢了",)))
    assert "身份证丢了" in await suggested(shelf, "办sfz")


async def test_a_name_that_begins_with_a_region_is_suggested(shelf):
    shelf.put(card("昆明春城供电有限公司", kind="credit", region_code="530100000000"))
    assert await suggested(shelf, "昆明春城") == ["昆明春城供电有限公司"]


async def test_a_correction_that_no_name_begins_with_is_not_suggested(shelf):
    shelf.put(card("驾驶证补办", family="甲"), card("市政设施审批", family="乙"))
    assert await suggested(shelf, "驾使证") == ["驾驶证补办"]
