"""Rule P-23 in credit: whose subjects and decisions somebody may make public and withdraw."""

from dataclasses import replace

import pytest

from services.common.access import OutOfReach
from services.common.rows import Report, Row
from services.credit import usecases
from services.credit.domain import Penalty, Permit, Subject, record_of
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_credit import FakeCredit
from tests.publications import ANOTHER, DEPARTMENT, KUNMING, QUJING, WUHUA, officer
from tests.unit.credit.rows import CODE, OTHER, VALUES, row

pytestmark = pytest.mark.rule("P-23")

OFFICER = officer("officer", "credit_officer")
LEAD = replace(OFFICER, department=ANOTHER, region="530000000000", leads=True)
OF_QUJING = "115303000151000124"
THEIRS = {"authority_code": ANOTHER, "source_code": ANOTHER}
decisions = pytest.mark.parametrize("kind", [Permit, Penalty])


@pytest.fixture
def store():
    return FakeCredit(NOW)


def test_a_subject_is_registered_in_the_own_region_and_below_or_where_none_is_said(store):
    for code, region in ((CODE, WUHUA), (OTHER, "")):
        publish(store, OFFICER, Subject, subject_code=code, region_code=region)
    assert len(store.told) == 2


def test_a_subject_elsewhere_is_neither_registered_nor_moved_into_the_own_region(store):
    with pytest.raises(OutOfReach):
        publish(store, OFFICER, Subject, region_code=QUJING)
    publish(store, SYSTEM, Subject, region_code=QUJING)
    with pytest.raises(OutOfReach):
        publish(store, OFFICER, Subject, region_code=KUNMING)
    assert len(store.told) == 1


@decisions
def test_a_decision_is_disclosed_by_its_authority_and_by_who_hands_it_in(store, kind):
    first = publish(store, OFFICER, kind, source_code=ANOTHER)
    other = replace(OFFICER, department=ANOTHER)
    again = publish(store, other, kind, source_code=ANOTHER, category="登记")
    assert (first.version, again.version, again.public) == (1, 2, True)


@decisions
def test_nobody_discloses_takes_over_or_withdraws_another_departments_decision(store, kind):
    with pytest.raises(OutOfReach):
        publish(store, OFFICER, kind, **THEIRS)
    with pytest.raises(OutOfReach):
        publish(store, replace(OFFICER, department=""), kind, authority_code="", source_code="")
    kept = publish(store, SYSTEM, kind, **THEIRS)
    told = len(store.told)
    with pytest.raises(OutOfReach):
        publish(store, OFFICER, kind)
    with pytest.raises(OutOfReach):
        withdraw(store, OFFICER, kept)
    assert len(store.told) == told


@decisions
def test_who_leads_discloses_and_withdraws_for_every_department_of_the_region(store, kind):
    disclosed = publish(store, LEAD, kind)
    assert disclosed.public
    assert not withdraw(store, LEAD, disclosed).public


@decisions
@pytest.mark.parametrize("authority", [DEPARTMENT, OF_QUJING, "11100000000013127D", ""])
def test_who_leads_a_region_has_no_say_over_authorities_elsewhere(store, kind, authority):
    lead = replace(LEAD, region=KUNMING)
    theirs = {"authority_code": authority, "source_code": ""}
    with pytest.raises(OutOfReach):
        publish(store, lead, kind, **theirs)
    kept = publish(store, SYSTEM, kind, **theirs)
    with pytest.raises(OutOfReach):
        withdraw(store, lead, kept)
    own = publish(store, lead, kind, source_code=lead.department, document_number="昆〔2026〕7号")
    assert own.public


def test_rows_out_of_reach_are_reported_under_their_column_and_keep_no_other_row_out(store):
    report = Report("permits_2018")
    rows = [
        row("permits_2018", XK_XKJGDM=ANOTHER, XK_LYDWDM=ANOTHER),
        row("permits_2018", XK_XKJGDM=DEPARTMENT, XK_WSH="昆市监许〔2026〕99号"),
    ]
    numbered = [Row(number, values) for number, values in enumerate(rows, 1)]
    usecases.import_records(numbered, report, caller=OFFICER, store=store)
    assert [(one.row, one.field) for one in report.rejections] == [(1, "XK_XKJGDM")]
    assert (report.created, report.rejected) == (1, 1)


def test_a_row_about_what_another_department_keeps_is_reported(store):
    publish(store, SYSTEM, Subject, region_code=QUJING)
    report = Report("subjects")
    values = row("subjects", REGION_CODE=KUNMING)
    usecases.import_records([Row(1, values)], report, caller=OFFICER, store=store)
    assert [(one.row, one.field) for one in report.rejections] == [(1, "REGION_CODE")]
    assert len(store.told) == 1


def publish(store, caller, kind, **changes):
    own = {} if kind is Subject else {"authority_code": DEPARTMENT, "source_code": DEPARTMENT}
    record = record_of(kind, VALUES[kind]() | own | changes)
    publishes = usecases.register if kind is Subject else usecases.disclose
    return publishes(record, seen=0, caller=caller, store=store)


def withdraw(store, caller, listed):
    record = listed.record
    return usecases.withdraw(
        type(record), record.record_id, "有误", seen=0, caller=caller, store=store
    )
