"""One suite for the store of credit, on the fake and on MongoDB."""

from datetime import timedelta

import pytest

from services.common.errors import Stale
from services.credit import domain, usecases
from services.credit import store as mongo_store
from services.credit.domain import (
    Changed,
    Listed,
    Penalty,
    PenaltyNotFound,
    Permit,
    PermitNotFound,
    Subject,
    SubjectNotFound,
)
from services.credit.store import MongoStore
from tests.conftest import NOW
from tests.fake_credit import FakeCredit
from tests.integration.credit_work import (
    SHAPES,
    getting,
    importing,
    listing,
    made,
    publishing,
    withdrawing,
)
from tests.unit.credit.rows import CODE, OTHER, row

MISSING = {Subject: SubjectNotFound, Permit: PermitNotFound, Penalty: PenaltyNotFound}
kinds = pytest.mark.parametrize("kind", MISSING, ids=lambda kind: kind.__name__)
decisions = pytest.mark.parametrize("kind", [Permit, Penalty], ids=lambda kind: kind.__name__)


@pytest.fixture(params=["fake", "mongo"])
def keeping(request):
    """Runs work with a store: one transaction on MongoDB, one object in memory."""
    if request.param == "mongo":
        return request.getfixturevalue("on_mongo")
    fake = FakeCredit()

    def run(work, *, now=NOW):
        fake.now = now
        return work(fake)

    return run


@pytest.fixture
def on_mongo(database, committed, planned):
    mongo_store.ensure(database)
    return lambda work, *, now=NOW: committed(lambda unit: work(MongoStore(unit)), now=now)


@kinds
def test_what_was_made_public_is_got(keeping, kind):
    published = keeping(publishing(kind))
    assert published == Listed(made(kind), version=1, update_time=NOW)
    assert keeping(getting(kind, published.record.record_id)) == published


@kinds
@pytest.mark.parametrize("record_id", ["", "\x00", "长" * 9999, "cf_"])
def test_what_is_unknown_is_not_found(keeping, kind, record_id):
    with pytest.raises(MISSING[kind]):
        keeping(getting(kind, record_id))


@decisions
def test_an_id_of_another_kind_is_not_found(keeping, kind):
    other = {Permit: Penalty, Penalty: Permit}[kind]
    record_id = keeping(publishing(other)).record.record_id
    with pytest.raises(MISSING[kind]):
        keeping(getting(kind, record_id))


@kinds
def test_a_change_raises_the_version_and_a_repetition_does_not(keeping, kind):
    field = {Subject: "address"}.get(kind, "remark")
    for said, version in (("甲", 1), ("乙", 2), ("乙", 2)):
        listed = keeping(publishing(kind, **{field: said}), now=NOW + timedelta(minutes=version))
        assert (getattr(listed.record, field), listed.version) == (said, version)
        assert listed.update_time == NOW + timedelta(minutes=version)


@pytest.mark.rule("K-4")
def test_an_amount_is_kept_to_its_last_digit(keeping):
    listed = keeping(publishing(Penalty, fine_amount="999999999999.999999"))
    kept = keeping(getting(Penalty, listed.record.record_id))
    assert str(kept.record.fine_amount) == "999999999999.999999"


@pytest.mark.rule("K-7")
@decisions
def test_a_decision_registers_its_subject_unless_it_is_known(keeping, kind):
    keeping(publishing(kind))
    assert keeping(getting(Subject, CODE)).record == domain.minimal_subject(made(kind))
    keeping(publishing(Subject))
    keeping(publishing(kind, remark="已更正"))
    assert keeping(getting(Subject, CODE)) == Listed(made(Subject), version=2, update_time=NOW)


@pytest.mark.rule("K-9")
@decisions
def test_what_was_withdrawn_leaves_every_list_and_can_come_back(keeping, kind):
    record_id = keeping(publishing(kind)).record.record_id
    gone = keeping(withdrawing(kind, record_id))
    assert (gone.version, gone.public) == (2, False)
    assert not keeping(getting(kind, record_id)).public
    assert keeping(listing(kind)) == keeping(listing(kind, subject_code=CODE)) == []
    assert keeping(lambda store: store.count(kind, CODE)) == 0
    again = keeping(publishing(kind, seen=2))
    assert (again.version, again.public) == (3, True)
    assert keeping(listing(kind)) == [record_id]


@kinds
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("bulk", [False, True])
def test_two_changes_from_one_version_are_not_both_made(keeping, kind, version, bulk):
    field = {Subject: "address"}.get(kind, "remark")
    for said in ("甲", "乙"):
        keeping(publishing(kind, **{field: said}))
    late = Changed(Listed(made(kind, **{field: "丙"}), version=version), newly=version == 1)
    with pytest.raises(Stale):
        keeping(lambda store: store.save_all([late]) if bulk else store.save(late))
    kept = keeping(getting(kind, late.listed.record.record_id))
    assert (kept.version, getattr(kept.record, field)) == (2, "乙")


@kinds
def test_a_caller_who_has_seen_another_version_changes_nothing(keeping, kind):
    with pytest.raises(Stale):
        keeping(publishing(kind, seen=1))
    record_id = keeping(publishing(kind)).record.record_id
    with pytest.raises(Stale):
        keeping(publishing(kind, seen=2))
    if kind is not Subject:
        with pytest.raises(Stale):
            keeping(withdrawing(kind, record_id, seen=7))
    assert keeping(getting(kind, record_id)).version == 1


@decisions
def test_decisions_are_listed_newest_first_and_pages_follow_one_another(keeping, kind):
    days = ("2026-03-02", "2026-05-01", "2026-03-02", "2026-01-09", "2026-05-01")
    made_of = {}
    for number, day in enumerate(days):
        changes = {"document_number": f"示例〔2026〕{number}号", "decision_date": day}
        listed = keeping(publishing(kind, publish_until_date=None, **changes))
        made_of[listed.record.record_id] = day
    in_order = sorted(made_of, key=lambda record_id: (made_of[record_id], record_id), reverse=True)
    assert keeping(listing(kind)) == in_order
    seen, after = [], None
    for size in (2, 2, 1):
        page = keeping(listing(kind, after=after, size=2))
        assert len(page) == size
        seen += page
        after = (made_of[page[-1]], page[-1])
        newer = {"document_number": f"新〔2026〕{len(seen)}号", "decision_date": "2026-11-01"}
        keeping(publishing(kind, publish_until_date=None, **newer))
    assert seen == in_order


@decisions
def test_decisions_are_listed_and_counted_by_their_subject(keeping, kind):
    mine = keeping(publishing(kind)).record.record_id
    others = keeping(publishing(kind, subject_code=OTHER)).record.record_id
    assert keeping(listing(kind, subject_code=CODE)) == [mine]
    assert keeping(listing(kind, subject_code=OTHER)) == [others]
    assert sorted(keeping(listing(kind))) == sorted([mine, others])
    assert keeping(lambda store: store.count(kind, OTHER)) == 1


@pytest.mark.rule("K-10")
def test_a_penalty_is_listed_and_counted_to_the_last_moment_of_its_last_day(keeping):
    record_id = keeping(publishing(Penalty, publish_until_date="2026-11-30")).record.record_id
    end = NOW.replace(day=30, hour=16, minute=0)
    for now, shown in ((end - timedelta(milliseconds=1), [record_id]), (end, [])):
        assert keeping(listing(Penalty), now=now) == shown
        credit = keeping(lambda store: usecases.look_up(CODE, store=store), now=now)
        assert [one.record.record_id for one in credit.penalties] == shown
        assert credit.penalty_total == len(shown)


@pytest.mark.rule("K-11")
def test_a_penalty_without_an_end_is_shown_for_three_years(keeping):
    asked = {"publish_until_date": "长期", "decision_date": "2023-11-22"}
    keeping(publishing(Penalty, **asked))
    assert len(keeping(listing(Penalty), now=NOW - timedelta(hours=10, seconds=1))) == 1
    assert keeping(listing(Penalty), now=NOW - timedelta(hours=10)) == []


def test_a_look_up_gives_the_subject_its_latest_decisions_and_their_number(keeping):
    for number in range(usecases.SHOWN + 3):
        day = f"2026-{number // 28 + 1:02}-{number % 28 + 1:02}"
        changes = {"document_number": f"示例〔2026〕{number}号", "decision_date": day}
        keeping(publishing(Permit, **changes))
    keeping(publishing(Penalty))
    credit = keeping(lambda store: usecases.look_up(" 91530100-ma6k00014d ", store=store))
    assert credit.subject.record.subject_code == CODE
    assert credit.permit_total == usecases.SHOWN + 3
    assert len(credit.permits) == usecases.SHOWN
    assert credit.permits[0].record.document_number == f"示例〔2026〕{usecases.SHOWN + 2}号"
    assert (len(credit.penalties), credit.penalty_total) == (1, 1)
    with pytest.raises(SubjectNotFound):
        keeping(lambda store: usecases.look_up(OTHER, store=store))


@kinds
def test_an_import_twice_is_unchanged(keeping, kind):
    column = {Subject: "ADDRESS", Permit: "BZ", Penalty: "BZ"}[kind]
    values = row(SHAPES[kind])
    first, again, changed = (
        keeping(importing(kind, *rows))
        for rows in ([values], [values, values], [values | {column: "昆明市示例路2号"}])
    )
    assert (first.created, first.changed, first.unchanged) == (1, 0, 0)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 2)
    assert (changed.created, changed.changed, changed.unchanged) == (0, 1, 0)


def test_an_import_keeps_good_rows_and_reports_bad_ones(keeping):
    rows = [
        row("penalties_2018"),
        row("penalties_2018", CF_WSH="示例罚决〔2026〕2号", CF_XDR_SHXYM="91530100MA6K00014E"),
        None,
        row("penalties_2018", CF_XDR_TYPE="自然人"),
        row("penalties_2018", CF_WSH="示例罚决〔2026〕3号"),
        row("penalties_2018", CF_SY="另有事实。"),
    ]
    report = keeping(importing(Penalty, *rows))
    assert (report.read, report.created, report.rejected) == (6, 2, 4)
    assert [(one.row, one.field) for one in report.rejections] == [
        (2, "CF_XDR_SHXYM"),
        (3, ""),
        (4, "CF_XDR_TYPE"),
        (6, "CF_WSH"),
    ]
    assert keeping(lambda store: store.count(Penalty, CODE)) == 2


@pytest.mark.rule("K-12")
def test_an_import_leaves_withdrawn_what_was_withdrawn(keeping):
    keeping(importing(Penalty, row("penalties_2018")))
    (record_id,) = keeping(listing(Penalty))
    keeping(withdrawing(Penalty, record_id))
    report = keeping(importing(Penalty, row("penalties_2018")))
    assert (report.unchanged, report.rejected) == (0, 1)
    assert keeping(listing(Penalty)) == []
