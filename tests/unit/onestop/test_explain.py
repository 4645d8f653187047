"""Why a hit stands where it stands."""

import pytest

from gateway.onestop import tables
from gateway.onestop.asked import read_given
from gateway.onestop.explain import HOW_SAID, SAID
from gateway.onestop.search import PLENTY
from gateway.onestop.weights import WEIGHTS
from tests.unit.onestop.shelf import card

KUNMING = "530100000000"


async def test_each_part_of_a_score_is_told_and_they_make_up_the_score(shelf):
    shelf.put(
        card("公司设立登记", aliases=("开公司",), family="F1", region_code=KUNMING),
        card("分公司设立登记", family="F2", region_code=KUNMING),
    )
    asked = read_given({"q": "公司设立登记", "kind": "item", "region": "530100"})
    answer, explained = await shelf.onestop.explain(asked)
    first, second = explained
    said = {part.says: part.score for part in first.parts}
    assert said["正式名称一致"] > said["名称以此开头"] > said["说到全部词语"] > said["地区远近"]
    assert "正式名称一致" not in {part.says for part in second.parts}
    for one in explained:
        assert abs(sum(part.score for part in one.parts) + one.rest - one.score) < 0.01
        assert one.score == next(h.score for h in answer.groups[0].hits if h.card == one.card)


@pytest.mark.parametrize("others", [PLENTY - 1, PLENTY])
async def test_only_what_was_sought_is_a_part(shelf, others):
    names = [f"食品经营许可{number}类" for number in range(others)]
    shelf.put(*(card(name, family=name) for name in names))
    _, explained = await shelf.onestop.explain(read_given({"q": "食品经营许可", "kind": "item"}))
    for one in explained:
        assert ("说到主要词语" in {part.says for part in one.parts}) == (others < PLENTY)
        assert one.rest > 0


async def test_what_several_ways_of_saying_it_add_is_a_part_and_level_and_age_are_the_rest(shelf):
    shelf.put(
        card("养老保险待遇核定", family="F1"),
        card("养老保险养老金核定", family="F2", aliases=("养老金",)),
        *(card(f"食品经营许可{number}类", family=f"G{number}") for number in range(9)),
    )
    _, (one, other) = await shelf.onestop.explain(read_given({"q": "养老金核定", "kind": "item"}))
    said = {part.says: part.score for part in one.parts}
    assert said[SAID] == WEIGHTS.said
    assert said[HOW_SAID] > WEIGHTS.said * WEIGHTS.synonym  # as typed, and as 养老金 is called
    assert not {SAID, HOW_SAID} & {part.says for part in other.parts}
    assert 0 <= one.rest < one.score / 100
    assert 0 <= other.rest < other.score / 100


async def test_no_part_takes_anything_away_from_what_only_has_the_code_or_means_the_same(shelf):
    shelf.put(
        card("公司设立登记", family="F1", codes=("530131002001",)),
        card("社会保险登记", family="F2"),
    )
    for typed in ("530131002001", "社保 登记"):
        _, (one,) = await shelf.onestop.explain(read_given({"q": typed, "kind": "item"}))
        parts = {part.says: part.score for part in one.parts}
        assert 0 < parts[SAID] <= WEIGHTS.said
        assert min(parts.values()) >= 0
        assert one.rest >= 0


async def test_an_everyday_name_in_a_sentence_is_named(shelf):
    shelf.put(card("公司设立登记", aliases=("开公司",), family="F1"))
    _, (one,) = await shelf.onestop.explain(read_given({"q": "我想开公司", "kind": "item"}))
    assert "名称是文中的“开公司”" in {part.says for part in one.parts}


@pytest.mark.rule("I-30")
async def test_what_use_adds_is_a_part_of_its_own(shelf):
    asked = read_given({"q": "公司登记", "kind": "item"})
    shelf.put(card("公司设立登记", family="F1"), card("公司变更登记", family="F2"))
    shelf.put(card("F1", kind=tables.USE, url="", facets=(("use", "3"),)))

    async def by_family():
        _, found = await shelf.onestop.explain(asked)
        return {one.card["family"].partition("/")[2]: one for one in found}

    used = await by_family()
    shelf.onestop._names.uses = {}
    plain = await by_family()
    added = {part.says: part.score for part in used["F1"].parts}["使用较多"]
    assert added == pytest.approx(used["F1"].score - plain["F1"].score)
    assert added == pytest.approx(plain["F1"].score * 3 * WEIGHTS.use)
    assert used["F1"].rest == pytest.approx(plain["F1"].rest)
    assert used["F2"] == plain["F2"]
    assert "使用较多" not in {part.says for part in used["F2"].parts}
