"""Gaps of the catalogue on a real database: what is kept, who sees it, and what became of it."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import domain as items
from services.catalogue import store as catalogue_store
from services.catalogue import usecases
from services.catalogue.domain.gaps import (
    MOST_IN_REPORT,
    MOST_NEW_A_DAY,
    Asked,
    GapInvalid,
    GapNotFound,
    Outcome,
    Span,
    legal_day,
)
from services.catalogue.store import MongoGaps, MongoStore
from services.catalogue.store.gap_documents import DAYS, GAPS
from services.common.access import NATIONWIDE, Caller, OutOfReach
from services.common.errors import NotFound, Stale
from services.common.paging import page_token
from services.common.permissions import transferable
from services.common.personal import keys
from services.common.personal.vault import Vault
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_gaps import FakeGaps
from tests.fakes import FakeCatalogue
from tests.integration.house import made_keys, serving
from tests.publications import ANOTHER, ITEM, KUNMING, QUJING, WUHUA, officer

CATALOGUE = "zhengtong.catalogue.v1.CatalogueService"
EVER = Span()
GATEWAY = Caller("gateway", "service")
PUBLISHER = officer("p", "list_publisher")
TODAY = legal_day(NOW)
OLD, NEW = b"o" * 32, b"n" * 32


def vault(*matching):
    return Vault(keys.Ring({"k": OLD}, matching or (NEW,)))


def asked(text="宠物火化", region_code=KUNMING, *, day=TODAY, count=1, askers=1):
    return Asked(text, region_code, day, count, askers)


class Desk:
    """Calls of gaps in short, over a store of either kind."""

    def __init__(self, run):
        self._run = run

    def report(self, *reported, now=NOW):
        return self._run(
            lambda gaps, store: usecases.report_gaps(reported, now=now, gaps=gaps), now
        )

    def listed(self, region_code="", span=EVER, *, caller=PUBLISHER, **more):
        asked = {"after": None, "size": 9, "caller": caller} | more
        return self._run(
            lambda gaps, store: usecases.list_gaps(region_code, span, gaps=gaps, **asked), NOW
        )

    def texts(self, *args, **more):
        return [one.text for one in self.listed(*args, **more)]

    def settle(self, gap_id, outcome=4, item_id="", *, seen=0, caller=PUBLISHER):
        return self._run(
            lambda gaps, store: usecases.settle_gap(
                gap_id,
                outcome,
                item_id,
                "",
                seen=seen,
                now=NOW,
                caller=caller,
                gaps=gaps,
                store=store,
            ),
            NOW,
        )

    def publish(self):
        item = items.item_of(ITEM)
        self._run(
            lambda gaps, store: usecases.publish(item, seen=0, caller=SYSTEM, store=store), NOW
        )

    def others(self):
        return self._run(lambda gaps, store: gaps.others(Span()), NOW)


@pytest.fixture(params=["fake", "mongo"])
def desk(request):
    if request.param == "fake":
        fake, store = FakeGaps(NOW), FakeCatalogue(NOW)
        return Desk(lambda work, now: work(fake, store))
    database = request.getfixturevalue("database")
    committed = request.getfixturevalue("committed")
    catalogue_store.ensure(database)
    request.getfixturevalue("planned")
    ring = vault()
    return Desk(
        lambda work, now: committed(
            lambda unit: work(MongoGaps(unit, ring), MongoStore(unit)), now=now
        )
    )


@pytest.mark.rule("I-26")
def test_a_text_is_listed_from_the_third_asker_on(desk):
    desk.report(asked(), asked(count=7))
    assert desk.listed() == []
    desk.report(asked("宠物火化"))
    (gap,) = desk.listed()
    assert (gap.text, gap.askers, gap.region_code) == ("宠物火化", 3, KUNMING)


def test_regions_are_counted_apart_and_the_most_asked_come_first(desk):
    desk.report(
        asked(count=3, askers=3),
        asked(region_code=WUHUA, count=4, askers=3),
        asked("放风筝", count=9, askers=3),
        asked("放风筝", region_code=QUJING, count=20, askers=3),
        asked("没有地区", region_code="", count=5, askers=3),
    )
    assert desk.texts() == ["放风筝", "没有地区", "宠物火化", "宠物火化"]
    assert desk.texts(WUHUA) == ["宠物火化"]
    assert desk.texts(KUNMING) == ["放风筝", "宠物火化", "宠物火化"]
    whole = replace(PUBLISHER, region=NATIONWIDE)
    assert len(desk.texts(caller=whole)) == 5
    first = desk.listed(size=2)
    last = (first[-1].months[0].count, first[-1].gap_id)
    assert len(desk.texts(after=last)) == 2


def test_months_that_are_asked_for_decide_the_order(desk):
    before = NOW - timedelta(days=40)
    desk.report(asked("旧", day=legal_day(before), count=50, askers=3), now=before)
    desk.report(asked("新", count=3, askers=3), asked("旧", count=2))
    assert desk.texts() == ["旧", "新"]
    assert desk.texts(span=Span(first="2026-11")) == ["新", "旧"]
    assert desk.texts(span=Span(last="2026-10")) == ["旧"]
    assert desk.texts(span=Span("2026-12", "2026-12")) == []


@pytest.mark.rule("I-27")
def test_beyond_what_a_day_may_begin_is_counted_together(desk):
    for begin in range(0, MOST_NEW_A_DAY, MOST_IN_REPORT):
        desk.report(*(asked(f"词{chr(0x4E00 + n)}") for n in range(begin, begin + MOST_IN_REPORT)))
    counted = desk.report(asked("多出来的", count=6, askers=3), asked("词一", askers=1))
    assert (counted.kept, counted.others) == (1, 6)
    assert desk.listed() == []
    assert desk.others() == 6
    later = NOW + timedelta(days=1)
    counted = desk.report(asked("多出来的", day=legal_day(later), count=6, askers=3), now=later)
    assert counted.kept == 1


@pytest.mark.rule("I-27")
def test_what_has_expired_begins_anew(desk):
    before = NOW - timedelta(days=95)
    desk.report(asked(day=legal_day(before), count=2, askers=2), now=before)
    desk.report(asked(count=2, askers=2))
    assert desk.listed() == []


@pytest.mark.rule("I-28")
def test_the_leading_body_says_what_became_of_it_and_who_was_slower_is_stale(desk):
    desk.report(asked(count=3, askers=3), asked("放风筝"))
    (gap,) = desk.listed()
    desk.publish()
    assert desk.settle(gap.gap_id, 1, "T-1").outcome is Outcome.ITEM_ADDED
    with pytest.raises(Stale):
        desk.settle(gap.gap_id, seen=9)
    with pytest.raises(NotFound):
        desk.settle(gap.gap_id, 2, "no such")
    assert desk.settle(gap.gap_id, seen=1).version == 2
    desk.report(asked(count=2))
    (gap,) = desk.listed()
    assert (gap.outcome, gap.months[0].count) == (Outcome.NOT_GOVERNMENT, 5)
    with pytest.raises(GapNotFound):
        desk.settle("0" * 64)


@pytest.mark.rule("I-28")
def test_what_is_settled_is_left_out_of_what_is_still_open(desk):
    texts = ("宠物火化", "放风筝", "养蜂")
    desk.report(*(asked(one, count=5 - n, askers=3) for n, one in enumerate(texts)))
    by_text = {one.text: one for one in desk.listed()}
    desk.settle(by_text["放风筝"].gap_id)
    assert desk.texts(open_only=True) == ["宠物火化", "养蜂"]
    assert desk.texts(KUNMING, Span("2026-01", TODAY[:7]), open_only=True) == ["宠物火化", "养蜂"]
    first = by_text["宠物火化"]
    after = (5, first.gap_id)
    assert desk.texts(open_only=True, after=after) == ["养蜂"]
    assert desk.texts() == list(texts)
    desk.report(asked("放风筝", count=9))  # what was said of it stands, though it is asked again
    assert desk.texts(open_only=True) == ["宠物火化", "养蜂"]


@pytest.mark.rule("P-23")
@pytest.mark.rule("I-28")
@pytest.mark.parametrize(
    "caller",
    [
        officer("elsewhere", "list_publisher", region=QUJING),
        officer("of one body", "item_editor"),
        Caller("c", "client", department=ANOTHER, region=KUNMING),
    ],
    ids=lambda caller: caller.principal,
)
def test_others_neither_see_nor_settle_what_is_asked_in_a_region(desk, caller):
    desk.report(asked(count=3, askers=3))
    (gap,) = desk.listed()
    with pytest.raises(OutOfReach):
        desk.listed(KUNMING, caller=caller)
    with pytest.raises(OutOfReach):
        desk.settle(gap.gap_id, caller=caller)


def test_a_region_that_is_none_is_refused(desk):
    with pytest.raises(GapInvalid):
        desk.listed("53")


@pytest.mark.rule("I-26")
def test_nothing_in_the_database_says_what_fewer_than_three_asked(database, committed):
    catalogue_store.ensure(database)
    committed(
        lambda unit: usecases.report_gaps(
            [asked(count=2, askers=2)], now=NOW, gaps=MongoGaps(unit, vault())
        )
    )
    (row,) = database[GAPS].find()
    assert "宠物" not in json.dumps(row, default=str, ensure_ascii=False)
    assert (row["regions"], "text" in row) == ([], False)
    assert database["audit"].count_documents({}) == database["events"].count_documents({}) == 0
    for name in (GAPS, DAYS):
        assert database[name].index_information()["kept"]["expireAfterSeconds"] == 0


def test_a_new_key_finds_what_the_old_one_began(database, committed):
    catalogue_store.ensure(database)

    def report(ring):
        committed(
            lambda unit: usecases.report_gaps(
                [asked(count=2, askers=2)], now=NOW, gaps=MongoGaps(unit, ring)
            )
        )

    report(vault(OLD))
    report(vault(NEW, OLD))
    (row,) = database[GAPS].find()
    assert (row["askers"], row["text"]) == (4, "宠物火化")


def test_reports_of_several_gateways_at_one_moment_are_all_counted(database, committed):
    catalogue_store.ensure(database)
    ring = vault()

    def report(_):
        committed(lambda unit: usecases.report_gaps([asked()], now=NOW, gaps=MongoGaps(unit, ring)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(report, range(12)))
    (row,) = database[GAPS].find()
    assert (row["askers"], row["months"]) == (12, [{"month": TODAY[:7], "count": 12}])
    assert database[DAYS].find_one({"_id": TODAY})["begun"] == 1


def test_a_page_of_many_is_found_by_an_index(database, committed, planned):
    catalogue_store.ensure(database)
    many = [asked(f"词{chr(0x4E00 + n)}", QUJING, count=3, askers=3) for n in range(150)]
    mine = [asked(f"词{chr(0x4E00 + n)}", count=3, askers=3) for n in range(30)]

    def work(unit):
        gaps = MongoGaps(unit, vault())
        usecases.report_gaps([*many, *mine], now=NOW, gaps=gaps)

    committed(work)
    found = committed(
        lambda unit: MongoGaps(unit, vault()).page([KUNMING, ""], Span(), after=None, size=50)
    )
    assert len(found) == 30
    still_open = committed(
        lambda unit: MongoGaps(unit, vault()).page(
            [KUNMING, ""], Span(), after=None, size=50, open_only=True
        )
    )
    assert still_open == found


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    return made_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def house(database, keys_dir):
    with serving("catalogue", database, keys_dir) as house:
        yield house


def report(house, *texts, caller=GATEWAY, **more):
    gaps = [
        {"text": text, "region_code": KUNMING, "day": TODAY, "count": 3, "askers": 3}
        for text in texts
    ]
    return house.call(f"{CATALOGUE}.ReportGaps", caller, gaps=gaps, **more)


@pytest.mark.rule("I-26")
def test_a_report_counts_once_and_says_what_it_dropped(house):
    texts = ("宠物火化", "打13800138000")
    first = report(house, *texts, request_id="r1")
    assert (first.kept, first.others, first.dropped) == (1, 0, 1)
    assert report(house, *texts, request_id="r1") == first
    (gap,) = house.call(f"{CATALOGUE}.ListGaps", PUBLISHER).gaps
    assert (gap.text, gap.count, gap.first_day) == ("宠物火化", 3, TODAY)
    everything = json.dumps(
        [list(house.database[name].find()) for name in house.database.list_collection_names()],
        default=str,
        ensure_ascii=False,
    )
    assert "13800138000" not in everything
    # What is kept for the repeated request is of no use to whoever guesses texts.
    empty = pb.ReportGapsRequest(request_id="r1")
    assert house.call(f"{CATALOGUE}.ReportGaps", GATEWAY, empty) == first


def test_a_report_that_is_too_long_is_refused(house):
    gaps = [{"text": "x"}] * (MOST_IN_REPORT + 1)
    refused = house.refused(f"{CATALOGUE}.ReportGaps", GATEWAY, gaps=gaps)
    assert refused == ("INVALID_ARGUMENT", "GAP_INVALID")


def test_pages_follow_each_other(house, planned):
    report(house, *(f"词{chr(0x4E00 + n)}" for n in range(5)))
    seen, token = [], ""
    while True:
        page = house.call(f"{CATALOGUE}.ListGaps", PUBLISHER, page_size=2, page_token=token)
        seen += [one.gap_id for one in page.gaps]
        token = page.next_page_token
        if not token:
            break
    assert len(set(seen)) == len(seen) == 5
    page = house.call(f"{CATALOGUE}.ListGaps", PUBLISHER, page_size=2, open_only=True)
    again = {"page_size": 2, "page_token": page.next_page_token}
    onward = house.call(f"{CATALOGUE}.ListGaps", PUBLISHER, open_only=True, **again)
    assert [one.gap_id for one in (*page.gaps, *onward.gaps)] == seen[:4]
    refused = house.refused(f"{CATALOGUE}.ListGaps", PUBLISHER, **again)
    assert refused == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")
    forged = page_token(f"gaps//{Span().first}/{Span().last}", ["x", "y"])
    refused = house.refused(f"{CATALOGUE}.ListGaps", PUBLISHER, page_token=forged)
    assert refused == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")


@pytest.mark.rule("I-28")
def test_what_became_of_a_gap_is_in_the_audit(house):
    report(house, "宠物火化")
    (gap,) = house.call(f"{CATALOGUE}.ListGaps", PUBLISHER).gaps
    asked_for = {"gap_id": gap.gap_id, "outcome": 3, "note": "市农业农村局", "request_id": "s1"}
    settled = house.call(f"{CATALOGUE}.SettleGap", PUBLISHER, **asked_for).gap
    assert (settled.version, settled.note, settled.count) == (1, "市农业农村局", 3)
    again = house.call(f"{CATALOGUE}.SettleGap", PUBLISHER, **asked_for).gap
    assert again == settled
    (row,) = house.database["audit"].find({"act": "change"})
    assert row["subjects"] == [f"gap/{gap.gap_id}"]
    assert house.told() == 0
    system = Caller("x", "client", region=KUNMING, leads=True, rights=transferable("client"))
    assert len(house.call(f"{CATALOGUE}.ListGaps", system).gaps) == 1
