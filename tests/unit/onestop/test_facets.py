"""Answers of one group are narrowed by what its items are, one condition after the other."""

import pytest

from gateway.onestop.asked import QueryInvalid, read_given
from gateway.onestop.facets import LONGEST_VALUE
from tests.unit.onestop.shelf import card

KUNMING, WUHUA, QUJING = "530100000000", "530102000000", "530300000000"


def item(title, family, region, department, **facets):
    given = tuple(sorted(facets.items()))
    return card(title, family=family, region_code=region, department=department, facets=given)


async def asked(shelf, **given):
    answer = await shelf.onestop.answer(read_given({"q": "登记", "kind": "item", **given}))
    (group,) = answer.groups
    return group


def values(group, name):
    return next((dict(facet.values) for facet in group.facets if facet.name == name), {})


@pytest.fixture
def registered(shelf):
    shelf.put(
        item("公司登记", "F1", KUNMING, "市局", audience="2", visits="0", task_type="07"),
        item("公司登记", "F1", WUHUA, "区局", audience="2", visits="1", task_type="07"),
        item("婚姻登记", "F2", WUHUA, "区民政局", audience="1", visits="1", task_type="07"),
        item("社团登记", "F3", QUJING, "市民政局", audience="1,4", visits="0", task_type="01"),
    )
    return shelf


async def test_values_are_counted_as_they_would_be_shown(registered):
    group = await asked(registered)
    assert group.total == 3, "the two of one family are one"
    assert values(group, "visits") == {"0": 2, "1": 1}
    assert values(group, "audience") == {"1": 2, "2": 1, "4": 1}
    assert values(group, "region") == {KUNMING: 2, QUJING: 1}


async def test_conditions_narrow_together_and_what_is_counted_is_found(registered):
    for name, value in (("audience", "1"), ("visits", "0"), ("task_type", "07")):
        group = await asked(registered, **{name: value})
        assert group.total == values(await asked(registered), name)[value]
    group = await asked(registered, audience="1", visits="1")
    assert [hit.card["title"] for hit in group.hits] == ["婚姻登记"]


async def test_in_a_region_the_values_are_those_of_its_own_items(registered):
    group = await asked(registered, region=WUHUA)
    assert values(group, "visits") == {"1": 2}


async def test_a_body_shows_all_its_items_also_those_that_others_lead(registered):
    group = await asked(registered, department="区局")
    assert [hit.card["region"] for hit in group.hits] == [WUHUA]


async def test_all_regions_of_a_family_are_listed_in_order_page_by_page(registered):
    (hit, *_) = (await asked(registered)).hits
    (answer,) = (await registered.ask("公司登记"))["groups"]
    assert answer["hits"][0]["elsewhere"] == 1
    first = await asked(registered, family="catalogue/F1", page_size="1")
    assert (first.total, first.next_offset) == (2, 1)
    assert [one.card["region"] for one in first.hits] == [KUNMING]
    whole = await asked(registered, family=hit.card["family"])
    assert [one.card["region"] for one in whole.hits][:1] == [hit.card["region"]]


async def test_every_value_is_counted_as_it_is_found_when_chosen(shelf):
    places = (KUNMING, WUHUA, "530103000000", "530300000000")
    shelf.put(
        *(
            card(
                f"{name}经营许可",
                family=name,
                region_code=place,
                department=f"{place[:6]}局",
                facets=(("theme", "p100" if name == "食品" else "p200"),),
            )
            for name in ("食品", "药品", "兽药")
            for place in places
        ),
        card("食品备案", family="备案", facets=(("theme", "p300"),), aliases=("食品经营",)),
    )
    for text in ("经营许可", "食品经营许可", "食品经营"):
        group = await asked(shelf, q=text)
        assert group.facets
        for facet in group.facets[1:]:  # a region is counted by what it has itself
            for value, count in facet.values:
                narrowed = await asked(shelf, q=text, **{facet.name: value})
                assert (facet.name, value, narrowed.total) == (facet.name, value, count)


@pytest.mark.parametrize(
    "given",
    [
        {"visits": "0", "kind": ""},
        {"department": "局" * (LONGEST_VALUE + 1)},
        {"theme": "p\x00"},
        {"family": "x" * (LONGEST_VALUE + 1)},
    ],
)
async def test_a_condition_that_cannot_be_is_refused_by_name(registered, given):
    with pytest.raises(QueryInvalid) as refused:
        await asked(registered, **given)
    assert refused.value.violations[0].field == next(iter(given))


async def test_a_page_of_a_narrowed_answer_belongs_to_it(registered):
    first = read_given({"q": "登记", "kind": "item", "visits": "0", "page_size": "1"})
    token = first.next_page_token(1)
    assert (
        read_given(
            {"q": "登记", "kind": "item", "visits": "0", "page_size": "1", "page_token": token}
        ).offset
        == 1
    )
    with pytest.raises(Exception, match="翻页标记"):
        read_given({"q": "登记", "kind": "item", "visits": "1", "page_token": token})
