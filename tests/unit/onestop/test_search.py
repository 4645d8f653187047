"""What is found, and what comes first."""

import pytest

from gateway.onestop.asked import Asked, QueryInvalid
from gateway.onestop.engine import IndexNotReady
from gateway.onestop.search import PLENTY
from tests.unit.onestop.shelf import Shelf, card, now

KUNMING, WUHUA, QUJING, YUNNAN = "530100000000", "530102000000", "530300000000", "530000000000"


async def test_exact_name_then_other_name_then_beginning_then_phrase_then_words(shelf):
    shelf.put(
        card("食品销售备案", summary="与食品经营许可的关系：食品经营另有许可"),
        card("变更食品经营许可"),
        card("食品经营许可变更"),
        card("餐饮服务登记", aliases=("食品经营许可",)),
        card("食品经营许可"),
    )
    assert await shelf.titles("食品经营许可", page_size=10) == [
        "食品经营许可",
        "餐饮服务登记",
        "食品经营许可变更",
        "变更食品经营许可",
        "食品销售备案",
    ]


async def test_what_is_called_otherwise_in_another_region_is_found_by_that_name_too(shelf):
    _, renamed, *_ = shelf.put(
        card("药品批发许可", family="F1", region_code=YUNNAN),
        card("药品经营核准", family="F1", region_code=KUNMING),
        card("药品批发许可", family="F1", region_code=QUJING),
        card("药品零售许可", family="F2", region_code=KUNMING),
    )
    for asked in ({}, {"kind": "item"}):
        assert await shelf.titles("药品经营核准", **asked) == ["药品经营核准"]
        assert await shelf.titles("药品批发许可", **asked) == ["药品批发许可"]
    answer = await shelf.ask("药品经营核准")
    assert answer["intent"]["corrected"] is None
    assert answer["groups"][0]["hits"][0]["elsewhere"] == 2
    shelf.change(renamed, None)
    assert "药品经营核准" not in await shelf.titles("药品经营核准")


async def test_punctuation_width_and_case_make_no_difference(shelf):
    shelf.put(card("ETC（电子收费）办理"))
    assert await shelf.titles("ｅｔｃ 电子收费 办理") == ["ETC（电子收费）办理"]


@pytest.mark.parametrize(
    "typed", ["gongjijin", "gjj", "zhufanggongjijin", "zfgjjtq", "住房gjj", "GJJ提取"]
)
async def test_pinyin_and_first_letters_find_the_name(shelf, typed):
    shelf.put(card("住房公积金提取"), card("社会保险登记"))
    assert await shelf.titles(typed) == ["住房公积金提取"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("社宝登记", "社保登记"),
        ("身份正", "身份证"),
        ("份身证", "身份证"),
        ("身份证明书申另", "身份证明书申领"),
    ],
)
async def test_a_slip_is_put_right_and_that_is_said(shelf, typed, found):
    shelf.put(card("身份证"), card("社保登记"), card("身份证明书申领"))
    answer = await shelf.ask(typed)
    assert answer["intent"]["corrected"] == found
    assert answer["suggestions"][0] == found
    assert answer["groups"][0]["hits"][0]["title"] == found


async def test_everyday_words_find_the_official_name(shelf):
    shelf.put(card("企业设立登记"), card("不动产登记"))
    assert await shelf.titles("开公司") == ["企业设立登记"]
    assert await shelf.titles("房产证过户") == ["不动产登记"]


async def test_where_nothing_says_all_the_words_most_of_them_do(shelf):
    shelf.put(card("驾驶证期满换证"), card("食品经营许可"))
    assert await shelf.titles("驾驶证期满换证网上预约") == ["驾驶证期满换证"]


async def test_a_region_shows_its_own_things_then_those_above_and_not_the_neighbours(shelf):
    shelf.put(
        card("居住证办理", region_code=QUJING, department="曲靖"),
        card("居住证办理", region_code=YUNNAN, department="省"),
        card("居住证办理", region_code=KUNMING, department="市"),
        card("居住证办理", region_code=WUHUA, department="区"),
        card("居住证办理", department="国家"),
    )
    for given in ({"region": WUHUA}, {}):
        typed = "居住证办理" if given else "五华区 居住证办理"
        answer = await shelf.ask(typed, page_size=10, **given)
        (group,) = answer["groups"]
        assert [hit["department"] for hit in group["hits"]] == ["区", "市", "省", "国家"]


async def test_a_region_in_a_name_is_found_though_nothing_of_that_region_is(shelf):
    shelf.put(card("昆明湖景区门票", region_code=QUJING))
    answer = await shelf.ask("昆明 湖景区门票")
    assert answer["groups"][0]["hits"][0]["title"] == "昆明湖景区门票"
    assert answer["intent"]["region"] is None


@pytest.mark.rule("P-33")
async def test_what_only_other_regions_have_is_said_to_be_theirs(shelf):
    shelf.put(card("停水公告", kind="utility", region_code=KUNMING))
    intent = (await shelf.ask("曲靖停水公告"))["intent"]
    assert intent["region"] is None
    assert intent["hint"] == "曲靖市没有查到相关内容，以下是其他地区的。"
    assert (await shelf.ask("昆明停水公告"))["intent"]["hint"] is None


@pytest.mark.rule("P-33")
async def test_what_only_other_regions_have_is_a_gap_of_the_region_that_was_named(shelf):
    class Noted(list):
        def note(self, *noted):
            self.append(noted)

    shelf.onestop._gaps = gaps = Noted()
    shelf.put(
        card("居民身份证换领", region_code=KUNMING, family="身份证"),
        card("停水公告", kind="utility", region_code=KUNMING),
    )
    shelf.tell()
    for typed in ("昆明居民身份证", "曲靖居民身份证", "曲靖养恐龙", "曲靖停水公告"):
        await shelf.onestop.answer(Asked(typed), "192.0.2.1")
    assert gaps == [
        ("曲靖居民身份证", QUJING, "192.0.2.1"),
        ("曲靖养恐龙", QUJING, "192.0.2.1"),
    ]


@pytest.mark.rule("P-33")
async def test_a_region_chosen_and_another_in_the_text_contradict_each_other(shelf):
    shelf.put(card("停水公告", kind="utility", region_code=QUJING))
    intent = (await shelf.ask("昆明停水公告", region=QUJING))["intent"]
    assert intent["hint"] == (
        "已选地区是曲靖市，不在昆明市：要查后者请先取消所选地区。"
        "没有完全符合的内容，以下是说到其中一部分的。"
    )


async def test_a_hint_does_not_hide_that_the_answer_is_of_other_regions(shelf):
    shelf.put(card("征信报告查询", region_code=KUNMING))
    hint = (await shelf.ask("曲靖 征信报告查询"))["intent"]["hint"]
    assert "中国人民银行" in hint
    assert "曲靖市没有查到相关内容" in hint


async def test_a_region_alone_shows_all_that_it_has_itself(shelf):
    shelf.put(
        card("居住证办理", region_code=KUNMING, family="甲"),
        card("昆明供水公司", kind="utility", region_code=WUHUA),
        card("居住证办理", region_code=QUJING, family="甲"),
        card("昆明湖饭店", kind="credit", region_code=YUNNAN),
    )
    for typed in ("昆明", "5301"):
        answer = await shelf.ask(typed)
        assert {g["kind"]: g["total"] for g in answer["groups"]} == {"item": 1, "utility": 1}
        assert answer["intent"]["region"]["code"] == KUNMING
    assert (await shelf.ask("玉溪"))["groups"] == []


@pytest.mark.rule("P-33")
async def test_what_says_only_most_of_the_words_is_said_to(shelf):
    shelf.put(card("驾驶证期满换证"), card("食品经营许可"))
    answer = await shelf.ask("驾驶证期满换证网上预约")
    assert answer["intent"]["hint"] == "没有完全符合的内容，以下是说到其中一部分的。"


@pytest.mark.parametrize("typed", ["枪支许可证", "采砂许可", "民非登记", "酒类经营许可"])
async def test_what_says_only_what_is_done_answers_nothing(shelf, typed):
    shelf.put(card("食品经营许可证核发"), card("婚姻登记"), card("取水许可"))
    assert (await shelf.ask(typed))["groups"] == []


async def test_the_address_of_a_site_finds_that_site_only(shelf):
    shelf.put(
        card("昆明市门户网站", kind="website", codes=("www.km.gov.example",)),
        card("昆明市水务局网站", kind="website", codes=("water.km.gov.example",)),
    )
    assert await shelf.titles("https://www.km.gov.example/") == ["昆明市门户网站"]
    assert await shelf.titles("km.gov.example") == []


async def test_groups_come_in_the_order_people_know_with_their_totals(shelf):
    kinds = ["website", "utility", "zebra", "credit", "item"]
    shelf.put(*[card(f"供水服务{number}", kind=kind) for kind in kinds for number in range(5)])
    answer = await shelf.ask("供水服务", page_size=2)
    assert [(group["kind"], group["total"]) for group in answer["groups"]] == [
        (kind, 5) for kind in ("item", "credit", "utility", "website", "zebra")
    ]
    assert all(len(group["hits"]) == 2 for group in answer["groups"])


async def test_a_small_group_is_not_drowned_by_a_large_one(shelf):
    shelf.put(*[card("云南兴源有限公司", kind="credit") for _ in range(60)])
    shelf.put(card("有关云南兴源公司及其他有限责任单位的事项办理说明", summary="有限公司 兴源"))
    answer = await shelf.ask("兴源公司")
    assert {group["kind"]: group["total"] for group in answer["groups"]} == {
        "item": 1,
        "credit": 60,
    }


async def test_pages_hold_every_hit_once(shelf):
    shelf.put(*[card(f"年度报告公示{number}") for number in range(57)])
    seen, asked = [], Asked("年度报告公示", kind="item", page_size=10)
    while asked:
        answer = await shelf.onestop.answer(asked)
        (group,) = answer.groups
        assert group.total == 57
        seen += [hit.card["id"] for hit in group.hits]
        following = group.next_offset
        asked = following and Asked("年度报告公示", kind="item", page_size=10, offset=following)
    assert len(seen) == len(set(seen)) == 57


async def test_an_index_built_anew_answers_in_the_same_order(shelf, tmp_path):
    cards = [card("同名事项", url=f"/items/{number}") for number in range(40)]
    shelf.put(*cards)
    other = Shelf(tmp_path / "other")
    for number in reversed(range(40)):
        other._versions = {f"s{n}": 1 for n in range(number)}
        other.put(cards[number])
    one, two = [
        [
            hit["url"]
            for hit in (await s.ask("同名事项", kind="item", page_size=40))["groups"][0]["hits"]
        ]
        for s in (shelf, other)
    ]
    assert one == two


async def test_what_one_cannot_apply_for_comes_after_what_one_can(shelf):
    shelf.put(
        card("市容管理", facets=(("task_type", "02"),), region_code=YUNNAN, department="处罚"),
        card("市容管理", facets=(("task_type", "01"),), region_code=YUNNAN, department="许可"),
    )
    answer = await shelf.ask("市容管理")
    assert [hit["department"] for hit in answer["groups"][0]["hits"]] == ["许可", "处罚"]


async def test_a_code_finds_its_thing_however_it_is_written(shelf):
    shelf.put(card("停水公告", codes=("KM-2026-0012",)), card("另一公告", codes=("KM-2026-0013",)))
    for typed in ("KM-2026-0012", "km20260012", "ＫＭ 2026 0012"):
        answer = await shelf.ask(typed)
        assert answer["intent"]["type"] == "code"
        assert [hit["title"] for hit in answer["groups"][0]["hits"]] == ["停水公告"]


@pytest.mark.rule("P-10")
async def test_a_hit_whose_time_is_over_is_not_answered_though_the_index_still_has_it(shelf):
    soon = now() + 30_000
    shelf.put(card("临时停水公告", visible_until=soon))
    assert shelf.held()
    while now() <= soon:
        pass
    assert await shelf.titles("临时停水公告") == []


async def test_a_name_of_any_department_is_found_though_nobody_here_knows_its_kind(shelf):
    shelf.put(card("首届花卉博览会", kind="exhibition"))
    answer = await shelf.ask("花卉博览会", kind="exhibition")
    assert answer["groups"][0]["total"] == 1
    with pytest.raises(QueryInvalid):
        await shelf.ask("花卉博览会", kind="unheard_of")


async def test_before_there_is_an_index_the_answer_is_to_wait(tmp_path):
    shelf = Shelf(tmp_path)
    (tmp_path / "CURRENT").unlink()
    shelf.signals.index_moved()
    with pytest.raises(IndexNotReady):
        await shelf.ask("食品")
    assert shelf.onestop.ready()[0] is False


async def test_a_kind_of_which_some_are_members_of_families_is_one_group(shelf):
    shelf.put(card("供水安装", family="甲"), card("供水报装"), card("供水改装", family="乙"))
    (group,) = (await shelf.ask("供水", page_size=2))["groups"]
    assert (group["total"], len(group["hits"])) == (3, 2)
    (page,) = (await shelf.ask("供水", kind="item", page_size=5))["groups"]
    assert [hit["id"] for hit in page["hits"]][:2] == [hit["id"] for hit in group["hits"]]
    assert len({hit["id"] for hit in page["hits"]}) == page["total"] == 3


@pytest.mark.parametrize("others", [PLENTY - 1, PLENTY])
async def test_what_says_only_the_rarest_word_is_sought_where_few_say_them_all(shelf, others):
    names = [f"食品经营许可{number}类" for number in range(others)]
    shelf.put(*(card(name, family=name) for name in names), card("食品摊贩备案", family="摊贩"))
    first = await shelf.ask("食品经营许可")
    page = await shelf.ask("食品经营许可", kind="item", page_size=50)
    filtered = await shelf.ask("食品经营许可", kind="item", filters=(("level", "1"),))
    totals = [sum(group["total"] for group in one["groups"]) for one in (first, page, filtered)]
    found = [hit["title"] for hit in page["groups"][0]["hits"]]
    few = others < PLENTY
    assert totals == [others + few, others + few, 0]
    assert ("食品摊贩备案" in found) == few
    assert found[:others] == [name for name in found if name in names]
