"""How much items are used, on a real database: counted by family, told by class, forgotten."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from bson import json_util

from services.catalogue import domain as items
from services.catalogue import store as catalogue_store
from services.catalogue import usecases
from services.catalogue.domain.gaps import legal_day
from services.catalogue.domain.uses import DAYS, MOST_IN_REPORT
from services.catalogue.store import MongoStore, MongoUses, uses
from services.catalogue.store.use_documents import USES
from services.catalogue.worker import Worker
from services.common.access import Caller
from services.common.delivery import clock, readers
from services.common.delivery.subscriptions import clocked
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_uses import FakeUses
from tests.integration.house import made_keys, serving
from tests.publications import BASIC_ITEM, ITEM

REPORT = "zhengtong.catalogue.v1.CatalogueService.ReportUses"
GATEWAY = Caller("gateway", "service")
FAMILY = BASIC_ITEM["catalog_code"]
ITEMS = [
    items.item_of(ITEM | {"catalog_code": FAMILY}),
    items.item_of(ITEM | {"catalog_code": FAMILY, "local_task_code": "T-2"}),
    items.item_of(ITEM | {"task_name": "取水许可", "local_task_code": "T-3"}),
]
TODAY = legal_day(NOW)


def publish(unit):
    for one in ITEMS:
        usecases.publish(one, seen=0, caller=SYSTEM, store=MongoStore(unit))


class Desk:
    """Calls of uses in short, over a store of either kind."""

    def __init__(self, run):
        self._run = run

    def report(self, now=NOW, **opened):
        named = {one.replace("_", "-"): count for one, count in opened.items()}
        return self._run(lambda store: usecases.report_uses(named, now=now, uses=store), now)

    def let_fall(self, now):
        return self._run(lambda store: usecases.let_fall(now=now, uses=store), now)

    def due(self, now, size=9):
        return self._run(lambda store: store.due(legal_day(now), size=size), now)

    def of(self, family):
        return self._run(lambda store: store.find([family]), NOW).get(family)

    def use_class(self, family=FAMILY):
        return self.of(family).use_class


@pytest.fixture(params=["fake", "mongo"])
def desk(request):
    if request.param == "fake":
        fake = FakeUses({one.item_id: one for one in ITEMS})
        return Desk(lambda work, now: work(fake))
    database = request.getfixturevalue("database")
    committed = request.getfixturevalue("committed")
    catalogue_store.ensure(database)
    committed(publish)
    request.getfixturevalue("planned")
    return Desk(lambda work, now: committed(lambda unit: work(MongoUses(unit)), now=now))


@pytest.mark.rule("I-29")
def test_items_of_a_family_are_counted_together_and_what_is_no_item_nowhere(desk):
    assert desk.report(T_1=3, T_2=2, T_3=1, nothing=9) == 3
    assert [one.count for one in desk.of(FAMILY).days] == [5]
    assert [one.count for one in desk.of("取水许可").days] == [1]
    assert desk.of("nothing") is None
    assert desk.report(nothing=9) == 0


@pytest.mark.rule("I-29")
def test_days_are_counted_apart_and_added_up(desk):
    desk.report(T_1=3)
    desk.report(NOW + timedelta(days=2), T_1=4)
    desk.report(NOW + timedelta(days=2), T_1=5)
    assert [one.count for one in desk.of(FAMILY).days] == [3, 9]
    desk.report(NOW + timedelta(days=DAYS), T_2=1)
    assert [one.count for one in desk.of(FAMILY).days] == [9, 1]


@pytest.mark.rule("I-30")
def test_a_class_falls_by_the_clock_when_nobody_opens_the_items_any_more(desk):
    desk.report(T_1=64, T_3=4)
    assert (desk.use_class(), desk.use_class("取水许可")) == (3, 1)
    late = NOW + timedelta(days=10)
    desk.report(late, T_2=7)
    last, gone = NOW + timedelta(days=DAYS - 1), NOW + timedelta(days=DAYS)
    assert desk.due(last) == []
    assert desk.let_fall(last) is False
    assert [one.family for one in desk.due(gone)] in (
        [FAMILY, "取水许可"],
        ["取水许可", FAMILY],
    )
    assert desk.let_fall(gone) is False
    assert (desk.use_class(), desk.use_class("取水许可")) == (1, 0)
    assert desk.due(gone) == []
    end = late + timedelta(days=DAYS)
    assert [one.family for one in desk.due(end, size=1)] == [FAMILY]
    desk.let_fall(end)
    assert desk.use_class() == 0


@pytest.mark.rule("I-30")
def test_more_than_one_part_of_falling_classes_is_done_part_by_part(desk, monkeypatch):
    monkeypatch.setattr(usecases.uses, "MOST_AT_ONCE", 1)
    desk.report(T_1=4, T_3=4)
    gone = NOW + timedelta(days=DAYS)
    assert [desk.let_fall(gone) for _ in range(3)] == [True, True, False]
    assert (desk.use_class(), desk.use_class("取水许可")) == (0, 0)


def told(database):
    found = database["events"].find({"type": {"$regex": "UseClassChanged$"}}).sort("tick")
    return [(one["subject"], one["removal"], json_util.loads(one["data"])) for one in found]


@pytest.mark.rule("I-30")
def test_only_changes_of_class_are_told_and_a_snapshot_tells_the_same(database, committed):
    catalogue_store.ensure(database)
    committed(publish)

    def report(count, now=NOW):
        committed(
            lambda unit: usecases.report_uses({"T-1": count}, now=now, uses=MongoUses(unit)),
            now=now,
        )

    for count in (3, 1, 2, 58):
        report(count)
    row = {"kind": ".use", "title": FAMILY}
    assert told(database) == [
        (f"use/{FAMILY}", False, {"card": row | {"facets": {"use": n}}, "family": FAMILY})
        for n in ("1", "3")
    ]
    (kept,) = [one for one in catalogue_store.snapshot(database) if one.subject[:4] == "use/"]
    last = database["events"].find_one({"subject": f"use/{FAMILY}"}, sort=[("tick", -1)])
    assert (kept.version, kept.data.decode()) == (last["version"], last["data"])
    assert database["audit"].count_documents({"subjects": f"use/{FAMILY}"}) == 2
    department = readers.Department(database, Worker(), lambda: NOW + timedelta(days=DAYS))
    _, falling = clocked(Worker)
    for _ in range(2):  # the second finds nothing due
        clock.look(department, falling)
    assert told(database)[2:] == [
        (f"use/{FAMILY}", True, {"removal": {"kind": ".use"}, "family": FAMILY})
    ]
    assert [one for one in catalogue_store.snapshot(database) if one.subject[:4] == "use/"] == []


@pytest.mark.rule("I-29")
def test_what_counts_no_more_is_removed_and_comes_back_under_a_higher_version(database, committed):
    catalogue_store.ensure(database)
    committed(publish)

    def report(count, now=NOW):
        committed(
            lambda unit: usecases.report_uses({"T-1": count}, now=now, uses=MongoUses(unit)),
            now=now,
        )
        return database[USES].find_one({"_id": FAMILY})

    assert database[USES].index_information()["kept"]["expireAfterSeconds"] == 0
    few = report(1)
    assert timedelta(days=DAYS - 1) < few["expire_time"] - NOW <= timedelta(days=DAYS)
    used = report(3)
    assert "expire_time" not in used
    database[USES].delete_one({"_id": FAMILY})
    assert report(4)["version"] > used["version"]


@pytest.mark.rule("I-29")
def test_nothing_but_families_days_and_numbers_is_kept(database, committed):
    catalogue_store.ensure(database)
    committed(publish)
    committed(lambda unit: usecases.report_uses({"T-1": 1}, now=NOW, uses=MongoUses(unit)))
    (row,) = database[USES].find()
    assert row.keys() == {"_id", "days", "use_class", "told", "version", "expire_time"}
    assert row["days"] == [{"day": TODAY, "count": 1}]


def test_reports_of_several_gateways_at_one_moment_are_all_counted(database, committed):
    catalogue_store.ensure(database)
    committed(publish)

    def report(_):
        committed(lambda unit: usecases.report_uses({"T-1": 1}, now=NOW, uses=MongoUses(unit)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(report, range(12)))
    (row,) = database[USES].find()
    assert row["days"] == [{"day": TODAY, "count": 12}]
    assert len(told(database)) == 1


def test_those_whose_class_falls_are_found_by_an_index(database, committed, planned):
    catalogue_store.ensure(database)
    many = [
        items.item_of(ITEM | {"task_name": f"许可{n}", "local_task_code": f"M-{n}"})
        for n in range(150)
    ]
    committed(
        lambda unit: MongoStore(unit).save_all([items.publish(None, one, NOW) for one in many])
    )
    opened = {one.item_id: 4 for one in many}
    committed(lambda unit: usecases.report_uses(opened, now=NOW, uses=MongoUses(unit)))
    gone = NOW + timedelta(days=DAYS)
    assert committed(lambda unit: MongoUses(unit).due(legal_day(NOW), size=9)) == []
    assert len(committed(lambda unit: MongoUses(unit).due(legal_day(gone), size=9))) == 9
    assert len(list(uses.snapshot(database))) == 150


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    return made_keys(tmp_path_factory.mktemp("keys"))


@pytest.mark.rule("I-29")
def test_a_report_counts_once_and_too_long_a_one_is_refused(database, committed, keys_dir):
    with serving("catalogue", database, keys_dir) as house:
        committed(publish)
        opened = [{"item_id": "T-1", "count": 2}, {"item_id": "nothing", "count": 1}]
        first = house.call(REPORT, GATEWAY, uses=opened, request_id="r1")
        assert first.counted == 1
        assert house.call(REPORT, GATEWAY, uses=opened, request_id="r1") == first
        (row,) = database[USES].find()
        assert row["days"] == [{"day": TODAY, "count": 2}]
        refused = house.refused(REPORT, GATEWAY, uses=opened[:1] * (MOST_IN_REPORT + 1))
        assert refused == ("INVALID_ARGUMENT", "USE_REPORT_INVALID")
        assert house.refused(REPORT, SYSTEM, uses=opened)[0] == "PERMISSION_DENIED"
