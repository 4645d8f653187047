"""Of the same item of many regions each searcher is shown one, the nearest."""

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tantivy import Query

from gateway.indexer.writer import IndexWriter
from gateway.onestop import directory, ranking
from gateway.onestop.cards import Change
from gateway.onestop.families import (
    ANYWHERE,
    alone,
    body_scope,
    member,
    own_scope,
    standings,
    until_settled,
)
from gateway.onestop.schema import (
    SCHEMA,
    Stored,
    family_key,
    family_of,
    read_subject,
    stored_bytes,
    subject_document,
)
from services.common.identifiers import is_within, region_ancestors
from tests.unit.onestop.shelf import AS_OF, Shelf, card

PROVINCE, KUNMING, QUJING = "530000000000", "530100000000", "530300000000"
WUHUA, PANLONG, QILIN, TOWN = "530102000000", "530103000000", "530302000000", "530102001000"
PLACES = (PROVINCE, KUNMING, QUJING, WUHUA, PANLONG, QILIN, TOWN, "")
FOOD = card("食品经营许可", family="530131001001")


def distance(place, region):
    """How a searcher ranks places: the own, one inside, from above the nearest; None: no use."""
    if place == region:
        return 0
    if place and is_within(place, region):
        return 1 + len(region_ancestors(place)) / 100
    chain = (*region_ancestors(region), "")
    return 2 + chain.index(place) if place in chain else None


def found(searcher, region):
    query = ranking.within(region) if region else ranking.anywhere()
    hits = searcher.search(query, 1000).hits
    return [read_subject(searcher.doc(address)).change for _, address in hits]


def held(root):
    return directory.open_index(directory.current(root)).searcher()


def expected(shown, region):
    """For each family the distance of the nearest member, where one is of use."""
    nearest = {}
    for one in shown.values():
        away = distance(one.region_code, region)
        if away is not None:
            nearest[one.family] = min(away, nearest.get(one.family, away))
    return nearest


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d", "e", "f"]),
        st.sampled_from(["F1", "F2"]),
        st.sampled_from(PLACES),
        st.booleans(),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=40, deadline=None)
@given(told=CHANGES, cuts=st.sets(st.integers(0, 14)))
def test_in_every_region_each_family_shows_its_nearest_member_whatever_came_and_went(told, cuts):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root:  # merges go on
        shelf = Shelf(Path(root), departments=("catalogue",))
        shown = {}
        for version, (subject, family, place, stays) in enumerate(told, 1):
            one = card("事项", family=family, region_code=place) if stays else None
            shelf.writer.apply("catalogue", [Change(subject, version, AS_OF, one)])
            shown.pop(subject, None)
            shown |= {subject: one} if one else {}
            if version in cuts:
                shelf.commit()
        shelf.commit()
        for region in PLACES[:-1]:
            hits = found(held(shelf.root), region)
            nearest = {c.card.family: distance(c.card.region_code, region) for c in hits}
            assert len(hits) == len(nearest), "a family is shown once"
            assert nearest == expected(shown, region)
        assert len(found(held(shelf.root), "")) == len({one.family for one in shown.values()})
        assert rebuilt(shelf.writer.directory, shown) == scopes(held(shelf.root))


def rebuilt(_, shown):
    """The standings in an index that was filled at once."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root:  # merges go on
        new = directory.create(Path(root))
        directory.switch(Path(root), new)
        writer = IndexWriter(new)
        writer.begin_copy("catalogue", "epoch", 0)
        for subject, one in shown.items():
            writer.apply("catalogue", [Change(subject, 1, AS_OF, one)])
            writer.commit(1)
        writer.finish_copy("catalogue")
        writer.commit(1)
        return scopes(held(Path(root)))


def scopes(searcher):
    """Which members lead where, by region."""
    return {
        region: sorted(change.subject for change in found(searcher, region))
        for region in PLACES[:-1]
    }


async def test_who_names_no_region_sees_an_item_once_and_who_names_one_sees_its_own(shelf):
    shelf.put(*(replace(FOOD, region_code=place) for place in (QILIN, PANLONG, KUNMING, WUHUA)))
    (group,) = (await shelf.ask("食品经营许可"))["groups"]
    assert (group["total"], group["hits"][0]["region"]) == (1, KUNMING)
    for region in (PANLONG, WUHUA, KUNMING, QILIN):
        (group,) = (await shelf.ask("食品经营许可", region=region))["groups"]
        assert (group["total"], group["hits"][0]["region"]) == (1, region)


async def test_where_the_region_has_none_the_one_above_serves_and_then_one_inside(shelf):
    shelf.put(replace(FOOD, region_code=KUNMING))
    (group,) = (await shelf.ask("食品经营许可", region=TOWN))["groups"]
    assert group["hits"][0]["region"] == KUNMING
    (group,) = (await shelf.ask("食品经营许可", region=PROVINCE))["groups"]
    assert group["hits"][0]["region"] == KUNMING
    assert (await shelf.ask("食品经营许可", region=QILIN))["groups"] == []


async def test_when_the_own_item_is_taken_back_the_next_one_leads(shelf):
    own, _ = shelf.put(replace(FOOD, region_code=WUHUA), replace(FOOD, region_code=KUNMING))
    shelf.change(own, None)
    (group,) = (await shelf.ask("食品经营许可", region=WUHUA))["groups"]
    assert (group["total"], group["hits"][0]["region"]) == (1, KUNMING)


async def test_items_of_one_name_without_a_code_in_common_are_shown_once(shelf):
    elsewhere = replace(FOOD, family="other", region_code=QUJING)
    shelf.put(replace(FOOD, region_code=KUNMING), elsewhere, card("食品经营许可"))
    for asked in ({}, {"kind": "item"}):
        (group,) = (await shelf.ask("食品经营许可", **asked))["groups"]
        merged, alone = (hit["family"] for hit in group["hits"])
        assert merged in ("catalogue/other", "catalogue/530131001001")
        assert (alone, group["total"]) == ("", 2)


async def test_items_of_one_name_of_several_bodies_of_one_place_are_all_shown(shelf):
    other = replace(FOOD, family="other", department="乙局", region_code=KUNMING)
    shelf.put(replace(FOOD, department="甲局", region_code=KUNMING), other)
    for asked in ({}, {"region": KUNMING}, {"kind": "item"}):
        (group,) = (await shelf.ask("食品经营许可", **asked))["groups"]
        assert {hit["department"] for hit in group["hits"]} == {"甲局", "乙局"}


async def test_several_bodies_of_one_place_are_one_other_region(shelf):
    shelf.put(
        *(replace(FOOD, department=body, region_code=WUHUA) for body in ("甲局", "乙局")),
        replace(FOOD, region_code=KUNMING),
    )
    (group,) = (await shelf.ask("食品经营许可", region=KUNMING))["groups"]
    assert group["hits"][0]["elsewhere"] == 1


def test_a_thing_of_no_family_leads_wherever_it_is_of_use():
    standing = alone(member("credit/1", WUHUA, "局"))
    assert set(standing.scopes) >= {"*", WUHUA, f"={WUHUA}", KUNMING, PROVINCE}
    assert standing.covered == ()
    assert (
        standing == standings([member("credit/1", WUHUA, "局")])[member("credit/1", "", "").number]
    )


def test_each_body_has_its_own_lead_so_that_its_items_can_be_listed():
    members = [
        member(f"catalogue/{n}", place, body)
        for n, (place, body) in enumerate([(KUNMING, "市局"), (WUHUA, "区局"), (PANLONG, "区局")])
    ]
    leading = standings(members)
    assert sum(body_scope(members[1].body) in one.scopes for one in leading.values()) == 1
    assert body_scope(members[0].body) in leading[members[0].number].scopes


def test_a_snapshot_taken_over_an_index_in_use_hides_nothing_meanwhile(tmp_path):
    shelf = Shelf(tmp_path, departments=("catalogue",))
    places = {"a": KUNMING, "b": WUHUA, "c": QILIN}
    told = [Change(s, 1, AS_OF, replace(FOOD, region_code=p)) for s, p in places.items()]
    shelf.writer.apply("catalogue", told)
    shelf.commit()
    shelf.writer.begin_copy("catalogue", "new", 5)
    for one in told:
        shelf.writer.apply("catalogue", [replace(one, version=2)])
        shelf.commit()
        assert len(found(held(tmp_path), "")) == 1
        assert [c.card.region_code for c in found(held(tmp_path), WUHUA)] == [WUHUA]
    shelf.writer.finish_copy("catalogue")
    shelf.commit()
    copies = held(tmp_path).search(Query.term_query(SCHEMA, "state", "shown", "basic"), 10)
    assert copies.count == len(places)


@given(st.lists(st.sampled_from(PLACES), min_size=1, max_size=8))
def test_who_leads_in_the_own_region_leads_in_that_region(places):
    members = [member(f"i{number}", place, "body") for number, place in enumerate(places)]
    singly = [one for each in members for one in (alone(each), until_settled(each))]
    for standing in (*standings(members).values(), *singly):
        own = [scope for scope in standing.scopes if scope.startswith(own_scope("")[0])]
        assert {scope[1:] for scope in own} <= set(standing.scopes)


@given(st.sampled_from(PLACES))
def test_what_stands_alone_leads_anywhere(place):
    assert ANYWHERE in alone(member("i", place, "body")).scopes


@given(st.text(max_size=20) | st.sampled_from(['"family":"', '\\"family":', '"}']))
def test_the_key_of_a_family_is_read_from_a_stored_hit(family):
    named = card("食品经营许可", family=family, facets=(("family", "户籍"),))
    hit = subject_document(Stored("catalogue", "c", Change("s", 1, AS_OF, named)), 0)
    assert family_of(stored_bytes(hit, "hit")) == family_key("catalogue", named)
