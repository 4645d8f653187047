"""Why a hit stands where it stands."""

from gateway.onestop.asked import read_given
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


async def test_an_everyday_name_in_a_sentence_is_named(shelf):
    shelf.put(card("公司设立登记", aliases=("开公司",), family="F1"))
    _, (one,) = await shelf.onestop.explain(read_given({"q": "我想开公司", "kind": "item"}))
    assert "名称是文中的“开公司”" in {part.says for part in one.parts}
