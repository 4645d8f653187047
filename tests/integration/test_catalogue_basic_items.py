"""The basic catalogue on a real database, and the items that carry it out."""

import pytest

from services.catalogue import domain, usecases
from services.catalogue import store as catalogue_store
from services.catalogue.domain import drafts
from services.catalogue.domain.basic_items import BasicItemNotFound, basic_item_of
from services.catalogue.domain.codes import NATIONAL
from services.catalogue.domain.drafts import content_of
from services.catalogue.store import MongoBasics, MongoStore
from services.common.access import OutOfReach
from services.common.errors import Stale
from services.common.rows import Report, Row
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fakes import FakeCatalogue
from tests.publications import ANOTHER, BASIC_ITEM, KUNMING, officer

CODE, YUNNAN = BASIC_ITEM["catalog_code"], BASIC_ITEM["region_code"]
RECORD = {
    "task_name": "食品经营许可",
    "task_type": "01",
    "dept_name": "某局",
    "region_code": KUNMING,
    "local_task_code": "T-1",
    "catalog_code": CODE,
}


@pytest.fixture
def keeping(database, committed, planned):
    catalogue_store.ensure(database)
    return committed


def publish(unit, caller=SYSTEM, seen=0, **changes):
    basic = basic_item_of(BASIC_ITEM | changes)
    return usecases.publish_basic(basic, seen=seen, caller=caller, basics=MongoBasics(unit))


def withdraw(unit, caller=SYSTEM, seen=0):
    return usecases.withdraw_basic(
        CODE, "改为备案", seen=seen, caller=caller, basics=MongoBasics(unit)
    )


def got(unit):
    return usecases.get_basic(CODE, basics=MongoBasics(unit))


def named(unit, **asked):
    asked = {"task_type": "", "after": "", "size": 9} | asked
    return [one.basic.catalog_code for one in MongoBasics(unit).page(**asked)]


def test_what_is_published_is_got_revised_taken_back_and_published_again(keeping):
    first = keeping(publish)
    assert keeping(got) == first
    assert (first.version, first.update_time) == (1, NOW)
    assert keeping(publish).version == 1
    assert keeping(lambda unit: publish(unit, remark="含变更")).version == 2
    assert keeping(lambda unit: withdraw(unit, seen=2)).version == 3
    for call in (got, withdraw):
        with pytest.raises((BasicItemNotFound, domain.Refused)):
            keeping(call)
    assert keeping(named) == []
    assert keeping(publish).version == 4


def test_the_catalogue_is_listed_in_order_of_code_and_by_type(keeping):
    keeping(lambda unit: publish(unit, catalog_code="532031009000", task_type="20"))
    keeping(publish)
    assert keeping(named) == [CODE, "532031009000"]
    assert keeping(lambda unit: named(unit, task_type="20")) == ["532031009000"]
    assert keeping(lambda unit: named(unit, after=CODE, size=1)) == ["532031009000"]


def test_whoever_saw_another_version_is_stale(keeping):
    keeping(publish)
    with pytest.raises(Stale):
        keeping(lambda unit: publish(unit, seen=2, remark="x"))
    with pytest.raises(Stale):
        keeping(lambda unit: withdraw(unit, seen=2))


@pytest.mark.rule("P-23")
@pytest.mark.parametrize(
    "caller",
    [
        officer("county", "list_publisher", region=KUNMING),
        officer("elsewhere", "list_publisher", region="440000000000"),
        officer("editor", "item_editor", department=ANOTHER, region=YUNNAN),
    ],
    ids=lambda caller: caller.principal,
)
def test_only_the_province_keeps_its_catalogue(keeping, caller):
    with pytest.raises(OutOfReach):
        keeping(lambda unit: publish(unit, caller=caller))
    keeping(publish)
    with pytest.raises(OutOfReach):
        keeping(lambda unit: publish(unit, caller=caller, remark="x"))
    with pytest.raises(OutOfReach):
        keeping(lambda unit: withdraw(unit, caller=caller))


def test_each_change_tells_a_fact_under_a_subject_of_its_own(database, committed):
    catalogue_store.ensure(database)
    committed(publish)
    committed(lambda unit: publish(unit, remark="含变更"))
    committed(withdraw)
    told = sorted(database["events"].find(), key=lambda row: row["tick"])
    assert [row["type"].rsplit(".")[-1] for row in told] == [
        "BasicItemPublished",
        "BasicItemRevised",
        "BasicItemWithdrawn",
    ]
    assert {row["subject"] for row in told} == {f"basic-item/{CODE}"}


@pytest.fixture(params=["fake", "mongo"])
def carrying_out(request):
    """Runs work with a store beside a basic catalogue that has one item, for two levels."""
    made = {"use_levels": ["3", "4"]}
    if request.param == "fake":
        fake = FakeCatalogue(NOW)
        fake.basic_items[CODE] = basic_item_of(BASIC_ITEM | made)
        return lambda work: work(fake)
    keeping = request.getfixturevalue("keeping")
    keeping(lambda unit: publish(unit, **made))
    return lambda work: keeping(lambda unit: work(MongoStore(unit)))


@pytest.mark.rule("I-25")
def test_an_item_at_odds_with_the_basic_catalogue_is_not_published(carrying_out):
    def put(**changes):
        item = domain.item_of(RECORD | changes)
        return lambda store: usecases.publish(item, seen=0, caller=SYSTEM, store=store)

    for changes, field in (({"task_type": "20"}, "task_type"), ({"use_level": "2"}, "use_level")):
        with pytest.raises(domain.ItemInvalid) as refusal:
            carrying_out(put(**changes))
        assert [one.field for one in refusal.value.violations] == [field]
    assert carrying_out(put(use_level="3")).version == 1
    assert carrying_out(put(task_type="20", catalog_code="532031009000")).version == 2


@pytest.mark.rule("I-25")
def test_an_import_reports_the_rows_at_odds_and_keeps_the_others(carrying_out):
    rows = [
        Row(1, RECORD),
        Row(2, RECORD | {"local_task_code": "T-2", "task_type": "20"}),
        Row(3, RECORD | {"local_task_code": "T-3", "task_type": "20", "catalog_code": ""}),
    ]

    def imported(store):
        report = Report("standard")
        usecases.import_items(rows, report, caller=SYSTEM, store=store)
        return report

    report = carrying_out(imported)
    assert (report.created, report.rejected) == (2, 1)
    assert [(one.row, one.field) for one in report.rejections] == [(2, "task_type")]


@pytest.mark.rule("I-25")
def test_an_editor_reads_it_before_anything_is_published(carrying_out):
    def checked(store):
        return usecases.check(domain.item_of(RECORD | {"task_type": "20"}), store=store)

    def judged(**changes):
        values = RECORD | {"dept_code": BASIC_ITEM["dept_code"]} | changes
        draft = drafts.begin("d", content_of(values), now=NOW)
        return lambda store: usecases.judge_draft(draft, NATIONAL, store=store)

    with pytest.raises(domain.ItemInvalid) as refusal:
        carrying_out(checked)
    assert [one.field for one in refusal.value.violations] == ["task_type"]
    assert [one.field for one in carrying_out(judged(task_type="20")).faults] == ["task_type"]
    assert carrying_out(judged()).faults == ()
    (blank,) = carrying_out(judged(task_type="")).faults
    assert blank.description == "不能为空"
