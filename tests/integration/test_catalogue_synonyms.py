"""Groups of synonyms on a real database: saved, forgotten, listed, told."""

from dataclasses import replace

import pytest

from services.catalogue import store as catalogue_store
from services.catalogue import usecases
from services.catalogue.domain.synonyms import (
    SynonymGroupNotFound,
    SynonymGroupsFull,
    group_of,
)
from services.catalogue.store import MongoSynonyms
from services.common.access import Caller, OutOfReach
from services.common.errors import Stale
from services.common.paging import page_token
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_synonyms import FakeSynonyms
from tests.integration.house import made_keys, serving
from tests.publications import KUNMING, officer

CATALOGUE = "zhengtong.catalogue.v1.CatalogueService"
YUNNAN = "530000000000"
PUBLISHER = officer("p", "list_publisher", region=YUNNAN)
WORDS = ["开饭店", "开餐馆"]


class Desk:
    """Calls of synonyms in short, over a store of either kind."""

    def __init__(self, run):
        self._run = run

    def save(self, name="开饭店", words=tuple(WORDS), *, seen=0, caller=PUBLISHER):
        group = group_of({"name": name, "words": words})
        return self._run(
            lambda synonyms: usecases.save_synonyms(
                group, seen=seen, caller=caller, synonyms=synonyms
            )
        )

    def remove(self, name="开饭店", *, seen=0, caller=PUBLISHER):
        self._run(
            lambda synonyms: usecases.remove_synonyms(
                name, seen=seen, caller=caller, synonyms=synonyms
            )
        )

    def get(self, name="开饭店"):
        return self._run(lambda synonyms: usecases.get_synonyms(name, synonyms=synonyms))

    def names(self, after="", size=9):
        found = self._run(lambda synonyms: synonyms.page(after=after, size=size))
        return [one.group.name for one in found]


@pytest.fixture(params=["fake", "mongo"])
def desk(request):
    if request.param == "fake":
        fake = FakeSynonyms(NOW)
        return Desk(lambda work: work(fake))
    catalogue_store.ensure(request.getfixturevalue("database"))
    committed = request.getfixturevalue("committed")
    request.getfixturevalue("planned")
    return Desk(lambda work: committed(lambda unit: work(MongoSynonyms(unit))))


@pytest.mark.rule("I-32")
def test_a_group_is_saved_changed_taken_away_forgotten_and_saved_again(desk):
    first = desk.save()
    assert desk.get() == first
    assert (first.version, first.update_time, first.group.words) == (1, NOW, tuple(WORDS))
    assert desk.save().version == 1
    assert desk.save(words=[*WORDS, "餐饮"], seen=1).version == 2
    assert desk.save(words=[]).group.words == ()
    desk.remove(seen=3)
    assert desk.names() == []
    for call in (desk.get, desk.remove):
        with pytest.raises(SynonymGroupNotFound):
            call()
    assert desk.save().version == 5


def test_groups_are_listed_in_order_of_their_names(desk):
    for name in ("丙", "甲", "乙"):
        desk.save(name)
    listed = desk.names()
    assert listed == sorted(listed)
    assert desk.names(after=listed[0], size=1) == [listed[1]]


def test_whoever_saw_another_version_is_stale(desk):
    desk.save()
    with pytest.raises(Stale):
        desk.save(words=[], seen=2)
    with pytest.raises(Stale):
        desk.remove(seen=2)


@pytest.mark.rule("I-31")
def test_beyond_what_there_may_be_a_new_one_is_refused_and_an_old_one_is_not(desk, monkeypatch):
    monkeypatch.setattr(usecases.synonyms, "MOST_GROUPS", 2)
    desk.save("甲")
    desk.save("乙")
    with pytest.raises(SynonymGroupsFull):
        desk.save("丙")
    desk.save("甲", ["一词", "二词"])
    desk.remove("乙")
    desk.save("丙")
    with pytest.raises(SynonymGroupsFull):
        desk.save("乙")


@pytest.mark.rule("I-32")
@pytest.mark.rule("P-23")
@pytest.mark.parametrize(
    "caller",
    [
        officer("of a city", "list_publisher", region=KUNMING),
        officer("of one body", "item_editor", region=YUNNAN),
        Caller("system of a body", "client", region=YUNNAN),
    ],
    ids=lambda caller: caller.principal,
)
def test_only_the_leading_body_of_the_province_edits_them(desk, caller):
    with pytest.raises(OutOfReach):
        desk.save(caller=caller)
    desk.save(caller=SYSTEM)
    with pytest.raises(OutOfReach):
        desk.remove(caller=caller)
    desk.save("乙", caller=Caller("leads", "client", region=YUNNAN, leads=True))


def test_each_change_tells_a_fact_and_a_snapshot_tells_what_counts(database, committed):
    catalogue_store.ensure(database)
    desk = Desk(lambda work: committed(lambda unit: work(MongoSynonyms(unit))))
    for call in (desk.save, lambda: desk.save(words=[]), desk.remove, lambda: desk.save("乙")):
        call()
    told = sorted(database["events"].find(), key=lambda row: row["tick"])
    assert [row["type"].rsplit(".")[-1] for row in told] == [
        *["SynonymGroupChanged"] * 2,
        "SynonymGroupRemoved",
        "SynonymGroupChanged",
    ]
    assert [(row["subject"], row["version"]) for row in told] == [
        *(("synonym-group/开饭店", version) for version in (1, 2, 3)),
        ("synonym-group/乙", 1),
    ]
    (only,) = catalogue_store.snapshot(database)
    assert (only.subject, only.version) == ("synonym-group/乙", 1)
    desk.save("甲", [])
    assert {one.subject for one in catalogue_store.snapshot(database)} == {
        "synonym-group/甲",
        "synonym-group/乙",
    }


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    return made_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def house(database, keys_dir):
    with serving("catalogue", database, keys_dir) as house:
        yield house


def save(house, name="开饭店", caller=PUBLISHER, words=WORDS, **more):
    group = {"name": name, "words": words, "note": "窗口常听到"}
    return house.call(f"{CATALOGUE}.SaveSynonymGroup", caller, group=group, **more)


def test_over_grpc_an_edit_acts_once_counts_at_once_and_is_in_the_audit(house):
    first = save(house, request_id="r1")
    assert (first.group.version, first.group.note) == (1, "窗口常听到")
    assert save(house, request_id="r1") == first
    assert house.told() == 1
    got = house.call(f"{CATALOGUE}.GetSynonymGroup", PUBLISHER, group_name="开饭店")
    assert got.group == first.group
    (row,) = house.database["audit"].find()
    assert "synonym-group/开饭店" in str(row)
    house.call(f"{CATALOGUE}.RemoveSynonymGroup", PUBLISHER, group_name="开饭店", version=1)
    refused = house.refused(f"{CATALOGUE}.GetSynonymGroup", PUBLISHER, group_name="开饭店")
    assert refused == ("NOT_FOUND", "SYNONYM_GROUP_NOT_FOUND")


def test_over_grpc_pages_follow_each_other_and_refusals_have_their_reasons(house):
    for name in ("甲", "乙", "丙"):
        save(house, name)
    page = house.call(f"{CATALOGUE}.ListSynonymGroups", PUBLISHER, page_size=2)
    rest = house.call(
        f"{CATALOGUE}.ListSynonymGroups", PUBLISHER, page_size=2, page_token=page.next_page_token
    )
    assert len({one.name for one in [*page.groups, *rest.groups]}) == 3
    assert rest.next_page_token == ""
    elsewhere = page_token("gaps", [""])
    refused = house.refused(f"{CATALOGUE}.ListSynonymGroups", PUBLISHER, page_token=elsewhere)
    assert refused == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")
    call = f"{CATALOGUE}.SaveSynonymGroup"
    city = replace(PUBLISHER, region=KUNMING)
    group = {"name": "甲", "words": WORDS}
    assert house.refused(call, city, group=group) == ("PERMISSION_DENIED", "OUT_OF_REACH")
    refused = house.refused(call, PUBLISHER, group={"name": "甲", "words": ["独"]})
    assert refused == ("INVALID_ARGUMENT", "SYNONYM_GROUP_INVALID")
