"""One suite for the stores of utilities, on fakes and on MongoDB; then what only MongoDB has."""

from datetime import timedelta
from itertools import product

import orjson
import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandListener

from services.common import fields
from services.common.errors import Stale
from services.common.rows import Report, Row
from services.common.transaction import Unit
from services.utilities import domain, messages, usecases
from services.utilities import store as mongo_store
from services.utilities.domain import (
    Institution,
    InstitutionNotFound,
    Outage,
    OutageNotFound,
    Sector,
    institution_of,
    outage_of,
)
from services.utilities.store import (
    InstitutionDocument,
    MongoInstitutions,
    MongoOutages,
    OutageDocument,
)
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_utilities import FakeInstitutions, FakeOutages

A, B, C = "91530100010090011J", "9153010001009002XA", "91530300030090035F"
KUNMING, WUHUA, PANLONG, DALI = "530100000000", "530102000000", "530103000000", "532901000000"
YUNNAN = "530000000000"


class Stores:
    """Both stores of one unit of work."""

    def __init__(self, institutions, outages, now):
        self.institutions = institutions
        self.outages = outages
        self.now = now

    def publish(self, seen=0, **changes):
        thing = institution_of(institution(**changes))
        return usecases.publish_institution(
            thing, seen=seen, caller=SYSTEM, store=self.institutions
        )

    def announce(self, seen=0, **changes):
        return usecases.announce_outage(
            outage_of(outage(**changes)),
            seen=seen,
            now=self.now,
            caller=SYSTEM,
            store=self.outages,
            institutions=self.institutions,
        )

    def take_back(self, outage_id, reason="改期"):
        return usecases.withdraw(outage_id, reason, seen=0, caller=SYSTEM, store=self.outages)

    def import_institutions(self, *records):
        report = Report("institutions")
        usecases.import_institutions(rows(records), report, caller=SYSTEM, store=self.institutions)
        return report

    def import_outages(self, *records):
        report = Report("outages")
        usecases.import_outages(
            rows(records),
            report,
            now=self.now,
            caller=SYSTEM,
            store=self.outages,
            institutions=self.institutions,
        )
        return report

    def institution_ids(self, *, region="", sector=None, after="", size=10):
        found = self.institutions.page(region_code=region, sector=sector, after=after, size=size)
        return [listed.thing.subject for listed in found]

    def outage_ids(self, *, region="", sector=None, after="", size=10):
        found = self.outages.page(region_code=region, sector=sector, after=after, size=size)
        return [listed.thing.subject for listed in found]


@pytest.fixture(params=["fake", "mongo"])
def keeping(request):
    """Runs work with both stores: one transaction on MongoDB, two objects in memory."""
    if request.param == "fake":
        institutions, outages = FakeInstitutions(NOW), FakeOutages(NOW)

        def run(work, *, now=NOW):
            institutions.now = outages.now = now
            return work(Stores(institutions, outages, now))

        return run
    run = request.getfixturevalue("on_mongo")
    request.getfixturevalue("planned")
    return run


@pytest.fixture
def on_mongo(database, committed):
    mongo_store.ensure(database)

    def run(work, *, now=NOW):
        return committed(
            lambda unit: work(Stores(MongoInstitutions(unit), MongoOutages(unit), now)), now=now
        )

    return run


def test_what_was_published_is_got(keeping):
    published = keeping(lambda stores: stores.publish())
    assert keeping(lambda stores: stores.institutions.get(A)) == published
    announced = keeping(lambda stores: stores.announce())
    assert keeping(lambda stores: stores.outages.get("W-1")) == announced
    for listed in (published, announced):
        assert (listed.version, listed.public, listed.update_time) == (1, True, NOW)


def test_what_is_unknown_is_not_found(keeping):
    with pytest.raises(InstitutionNotFound):
        keeping(lambda stores: stores.institutions.get(A))
    with pytest.raises(OutageNotFound):
        keeping(lambda stores: stores.outages.get(A))


def test_a_change_raises_the_version_and_a_repetition_does_not(keeping):
    for name, version in (("甲", 1), ("乙", 2), ("乙", 2)):
        listed = keeping(lambda stores, name=name: stores.publish(name=name))
        assert (listed.thing.name, listed.version) == (name, version)
    for reason, version in (("甲", 1), ("乙", 2), ("乙", 2)):
        later = NOW + timedelta(minutes=version)
        listed = keeping(lambda stores, reason=reason: stores.announce(reason=reason), now=later)
        assert (listed.thing.reason, listed.version) == (reason, version)


@pytest.mark.rule("U-5")
def test_a_revised_notice_stays_public_since_it_first_was(keeping):
    keeping(lambda stores: stores.announce())
    later = NOW + timedelta(hours=3)
    revised = keeping(lambda stores: stores.announce(reason="改因"), now=later)
    assert revised.thing.publish_time == NOW
    keeping(lambda stores: stores.take_back("W-1"), now=later)
    again = keeping(lambda stores: stores.announce(), now=later)
    assert again.thing.publish_time == later


@pytest.mark.rule("U-5")
def test_a_notice_takes_the_name_of_a_known_institution(keeping):
    keeping(lambda stores: stores.publish(name="昆明示例供水有限公司"))
    unnamed = {"institution_id": A, "institution_name": ""}
    listed = keeping(lambda stores: stores.announce(**unnamed))
    assert listed.thing.institution_name == "昆明示例供水有限公司"
    unknown = {"institution_id": B, "institution_name": ""}
    with pytest.raises(domain.OutageInvalid):
        keeping(lambda stores: stores.announce(**unknown))


def test_what_was_withdrawn_leaves_the_list_and_can_come_back(keeping):
    keeping(lambda stores: stores.announce())
    keeping(lambda stores: stores.take_back("W-1"))
    assert keeping(lambda stores: stores.outage_ids()) == []
    assert not keeping(lambda stores: stores.outages.get("W-1")).public
    keeping(lambda stores: stores.announce(seen=2))
    assert keeping(lambda stores: stores.outage_ids()) == ["W-1"]
    keeping(lambda stores: stores.publish())
    keeping(
        lambda stores: usecases.withdraw(
            A, "注销", seen=1, caller=SYSTEM, store=stores.institutions
        )
    )
    assert keeping(lambda stores: stores.institution_ids()) == []


@pytest.mark.parametrize("version", [1, 2])
def test_two_changes_from_one_version_are_not_both_made(keeping, version):
    for name in ("甲", "乙"):
        keeping(lambda stores, name=name: stores.publish(name=name))
    thing = institution_of(institution(name="丙"))
    stale = domain.Changed(domain.Listed(thing, version=version), newly=False)
    with pytest.raises(Stale):
        keeping(lambda stores: stores.institutions.save(stale))
    with pytest.raises(Stale):
        keeping(lambda stores: stores.publish(seen=7, name="丁"))
    with pytest.raises(Stale):
        keeping(lambda stores: stores.announce(seen=7))


def test_an_import_that_lost_a_race_changes_nothing(keeping):
    for name in ("甲", "乙"):
        keeping(lambda stores, name=name: stores.publish(name=name))
    thing = institution_of(institution(name="丙"))
    stale = domain.Changed(domain.Listed(thing, version=2), newly=False)
    with pytest.raises(Stale):
        keeping(lambda stores: stores.institutions.save_all([stale]))
    assert keeping(lambda stores: stores.institutions.get(A)).thing.name == "乙"


def test_institutions_are_listed_in_order_and_filtered(keeping):
    for code, region, sector in ((B, WUHUA, "water"), (A, KUNMING, "gas"), (C, DALI, "water")):
        keeping(
            lambda stores, code=code, region=region, sector=sector: stores.publish(
                institution_id=code, region_code=region, sector=sector
            )
        )
    in_order = sorted((A, B, C))
    assert keeping(lambda stores: stores.institution_ids()) == in_order
    assert keeping(lambda stores: stores.institution_ids(region=YUNNAN)) == in_order
    assert keeping(lambda stores: stores.institution_ids(region=KUNMING)) == sorted((A, B))
    assert keeping(lambda stores: stores.institution_ids(region=WUHUA)) == [B]
    assert keeping(lambda stores: stores.institution_ids(sector=Sector.WATER)) == sorted((B, C))
    paged = keeping(lambda stores: stores.institution_ids(after=in_order[0], size=1))
    assert paged == in_order[1:2]


def test_notices_are_listed_by_the_latest_start_and_pages_follow_one_another(keeping):
    for number, hours in (("B", 5), ("A", 5), ("D", 1), ("C", 9)):
        keeping(lambda stores, n=number, h=hours: stores.announce(outage_id=n, **period(h, h + 12)))
    assert keeping(lambda stores: stores.outage_ids()) == ["C", "B", "A", "D"]
    seen, after = [], ""
    for _ in range(4):
        page = keeping(
            lambda stores, after=after: stores.outages.page(
                region_code="", sector=None, after=after, size=1
            )
        )
        seen += [listed.thing.subject for listed in page]
        after = page[-1].thing.place
        new = {"outage_id": f"new-{len(seen)}"} | period(20, 30)
        keeping(lambda stores, new=new: stores.announce(**new))
    assert seen == ["C", "B", "A", "D"]


def test_a_notice_is_listed_wherever_it_touches(keeping):
    areas = {"A": [WUHUA, PANLONG], "B": [KUNMING], "C": [DALI], "D": ["530102001000"]}
    for number, codes in areas.items():
        keeping(lambda stores, n=number, c=codes: stores.announce(outage_id=n, area_region_codes=c))
    where = {
        region: sorted(keeping(lambda stores, region=region: stores.outage_ids(region=region)))
        for region in (YUNNAN, KUNMING, WUHUA, PANLONG, DALI, "530102001000", "532900000000")
    }
    assert where == {
        YUNNAN: ["A", "B", "C", "D"],
        KUNMING: ["A", "B", "D"],
        WUHUA: ["A", "B", "D"],
        PANLONG: ["A", "B"],
        DALI: ["C"],
        "530102001000": ["A", "B", "D"],
        "532900000000": ["C"],
    }
    gas = {"outage_id": "G", "sector": "gas"}
    keeping(lambda stores: stores.announce(**gas))
    assert keeping(lambda stores: stores.outage_ids(region=WUHUA, sector=Sector.GAS)) == ["G"]


@pytest.mark.rule("U-7")
def test_a_notice_is_listed_from_its_publication_until_supply_is_back(keeping):
    early = {"publish_time": (NOW + timedelta(hours=1)).isoformat()}
    keeping(lambda stores: stores.announce(**early, **period(2, 4)))
    listed = {
        minutes: keeping(lambda stores: stores.outage_ids(), now=NOW + timedelta(minutes=minutes))
        for minutes in (0, 59, 60, 239, 240)
    }
    assert listed == {0: [], 59: [], 60: ["W-1"], 239: ["W-1"], 240: []}
    with pytest.raises(OutageNotFound):
        keeping(lambda stores: usecases.get_outage("W-1", now=NOW, store=stores.outages))


def test_an_outage_of_a_whole_year_is_listed_to_its_last_hour(keeping):
    keeping(lambda stores: stores.announce(**period(0, 366 * 24)))
    last = NOW + timedelta(days=366, seconds=-1)
    assert keeping(lambda stores: stores.outage_ids(), now=last) == ["W-1"]


def test_an_import_keeps_good_rows_and_reports_bad_ones(keeping):
    named = {"institution_id": A, "institution_name": ""}
    records = [
        outage(outage_id="A"),
        outage(outage_id="B", **named),
        outage(outage_id="A"),
        outage(outage_id="A", reason="另一个原因"),
        None,
        outage(outage_id="C", area_region_codes=["x"]),
    ]
    report = keeping(lambda stores: stores.import_outages(*records))
    assert (report.read, report.created, report.unchanged, report.rejected) == (6, 1, 1, 4)
    assert [(one.row, one.field) for one in report.rejections] == [
        (2, "institution_name"),
        (4, "outage_id"),
        (5, ""),
        (6, "area_region_codes"),
    ]
    keeping(lambda stores: stores.publish())
    later = NOW + timedelta(hours=1)
    again = keeping(lambda stores: stores.import_outages(*records[:2]), now=later)
    assert (again.created, again.changed, again.unchanged) == (1, 0, 1)
    changed = outage(outage_id="A", reason="另一个原因")
    third = keeping(lambda stores: stores.import_outages(changed), now=later)
    assert (third.created, third.changed, third.unchanged) == (0, 1, 0)


def test_an_import_of_institutions_is_safe_to_repeat(keeping):
    records = [
        institution(institution_id=A),
        institution(institution_id=A),
        institution(institution_id=B, sector="油"),
    ]
    first = keeping(lambda stores: stores.import_institutions(*records))
    assert (first.read, first.created, first.unchanged, first.rejected) == (3, 1, 1, 1)
    assert [(one.row, one.field) for one in first.rejections] == [(3, "sector")]
    again = keeping(lambda stores: stores.import_institutions(records[0]))
    assert (again.created, again.changed, again.unchanged) == (0, 0, 1)


def test_an_import_and_a_single_call_write_and_tell_the_same(database, on_mongo):
    on_mongo(lambda stores: stores.publish(institution_id=A))
    on_mongo(lambda stores: stores.import_institutions(institution(institution_id=B)))
    on_mongo(lambda stores: stores.announce(outage_id="A"))
    on_mongo(lambda stores: stores.import_outages(outage(outage_id="B")))
    pairs = (("institutions", Institution), ("outages", Outage))
    for collection, kind in pairs:
        name = messages.FORMS[kind].name
        single, bulk = (one[name] for one in database[collection].find().sort("_id"))
        other = {f"{name}_id": bulk[f"{name}_id"]}
        assert single | other == bulk
        assert fields.plain(fields.restore(kind, bulk)) == bulk
    single = {
        event["type"].rpartition(".")[2]: orjson.loads(event["data"])
        for event in database["events"].find({"bulk": False})
    }
    for event in database["events"].find({"bulk": True}):
        record = orjson.loads(event["data"])["records"][0]
        name = "institution" if "institution" in record else "outage"
        told = single[{"institution": "InstitutionPublished", "outage": "OutageAnnounced"}[name]]
        own_id = {f"{name}_id": record["subject"]}
        assert told[name] | own_id == record[name]
        own_place = {one: record["card"][one] for one in ("url", "codes")}
        assert told["card"] | own_place == record["card"]


def test_an_import_counts_what_is_newly_public_of_its_kind(database, on_mongo):
    on_mongo(lambda stores: stores.announce(outage_id="A", reason="旧"))
    on_mongo(lambda stores: stores.import_outages(outage(outage_id="A"), outage(outage_id="B")))
    on_mongo(lambda stores: stores.import_outages(outage(outage_id="A"), outage(outage_id="B")))
    on_mongo(lambda stores: stores.import_institutions(institution()))
    kind = "zhengtong.utilities.v1.ImportPublished"
    counts = [orjson.loads(one["data"]) for one in database["events"].find({"type": kind})]
    assert counts == [{"kind": "outage", "count": 1}, {"kind": "institution", "count": 1}]


def test_what_an_import_writes_is_what_the_documents_allow(database, on_mongo):
    office = {"office_id": "1", "name": "营业厅", "longitude": 102.7, "latitude": 25.0}
    on_mongo(lambda stores: stores.import_institutions(institution(offices=[office])))
    on_mongo(lambda stores: stores.import_outages(outage()))
    for kind, collection in ((InstitutionDocument, "institutions"), (OutageDocument, "outages")):
        (written,) = database[collection].find()
        document = kind._from_son(written)
        document.validate()
        assert document.pk == written["_id"]


def test_facts_and_audit_are_in_the_transaction(database, on_mongo):
    def fails(stores):
        stores.announce()
        raise Stale("meanwhile")

    with pytest.raises(Stale):
        on_mongo(fails)
    names = ("outages", "events", "audit")
    assert [database[name].count_documents({}) for name in names] == [0, 0, 0]
    on_mongo(lambda stores: stores.announce())
    assert [database[name].count_documents({}) for name in names] == [1, 1, 1]
    assert database["audit"].find_one()["subjects"] == ["W-1"]


def test_a_withdrawal_is_told_as_a_removal(database, on_mongo):
    on_mongo(lambda stores: stores.announce())
    on_mongo(lambda stores: stores.take_back("W-1"))
    first, second = database["events"].find().sort("version", 1)
    assert (first["removal"], second["removal"]) == (False, True)
    assert first["tick"] < second["tick"]
    assert orjson.loads(second["data"])["reason"] == "改期"


def test_the_snapshot_has_what_is_public_of_both_kinds(database, on_mongo, monkeypatch):
    monkeypatch.setattr(mongo_store, "SNAPSHOT_PAGE", 2)
    for number in "ABCDE":
        on_mongo(lambda stores, number=number: stores.announce(outage_id=number))
    on_mongo(lambda stores: stores.take_back("B"))
    on_mongo(lambda stores: stores.publish())
    found = {told.subject: (told.version, told.kind) for told in mongo_store.snapshot(database)}
    announced = (1, "zhengtong.utilities.v1.OutageAnnounced")
    published = (1, "zhengtong.utilities.v1.InstitutionPublished")
    assert found == {A: published} | dict.fromkeys("ACDE", announced)


def test_every_question_to_the_database_has_its_index(mongodb_uri, database, on_mongo):
    for number in range(30):
        on_mongo(
            lambda stores, n=number: stores.announce(outage_id=f"N-{n}", **period(n + 1, n + 9))
        )
    on_mongo(lambda stores: stores.publish())

    def ask(unit):
        institutions, outages = MongoInstitutions(unit), MongoOutages(unit)
        for region, sector, after in product(("", WUHUA), (None, Sector.WATER), ("", "2026-11-24")):
            asked = {"region_code": region, "sector": sector, "after": after, "size": 10}
            institutions.page(**asked)
            outages.page(**asked)
        institutions.get(A)
        institutions.names([A])
        outages.kept([outage_of(outage())])
        outages.publish_times(["N-1"])
        list(mongo_store.snapshot(unit.database))

    finds = finds_of(mongodb_uri, database, ask)
    assert len(finds) == 22
    for find in finds:
        stages = str(database.command("explain", find)["queryPlanner"]["winningPlan"])
        assert "COLLSCAN" not in stages, find
        assert "'SORT'" not in stages, find


def finds_of(mongodb_uri, database, ask):
    """The find commands that go to the database while `ask` runs."""

    class Listening(CommandListener):
        def started(self, event):
            if event.command_name == "find":
                finds.append({name: event.command[name] for name in told & event.command.keys()})

        def succeeded(self, event): ...

        def failed(self, event): ...

    finds, told = [], {"find", "filter", "sort", "limit", "projection"}
    with MongoClient(mongodb_uri, tz_aware=True, event_listeners=[Listening()]) as client:
        ask(Unit(client[database.name], None, NOW))
    return [{"find": find.pop("find"), **find} for find in finds]


def rows(records):
    return [Row(number, record) for number, record in enumerate(records, 1)]


def period(start, end):
    """Times by hours from NOW."""
    names = (("start_time", start), ("expected_restore_time", end))
    return {name: (NOW + timedelta(hours=hours)).isoformat() for name, hours in names}


def institution(**changes):
    values = {
        "institution_id": A,
        "name": "昆明示例供水有限公司",
        "sector": "water",
        "region_code": KUNMING,
    }
    return values | changes


def outage(**changes):
    values = {
        "outage_id": "W-1",
        "sector": "water",
        "kind": "planned",
        "institution_name": "昆明示例供水有限公司",
        "area_region_codes": [WUHUA],
        "area_text": "五华区示例路沿线",
    }
    return values | period(48, 57) | changes
