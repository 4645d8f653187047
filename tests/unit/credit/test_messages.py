"""What searchers, callers and other departments read of subjects and decisions."""

from dataclasses import fields as fields_of
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from google.protobuf import json_format, timestamp_pb2
from zhengtong.credit.v1 import credit_events_pb2 as events_pb
from zhengtong.credit.v1 import credit_pb2 as pb

from services.common import fields
from services.credit import domain, messages
from services.credit.domain import (
    Changed,
    Listed,
    Penalty,
    PenaltyInvalid,
    Permit,
    Subject,
    SubjectInvalid,
    SubjectStatus,
    Withdrawn,
    record_of,
)
from services.credit.usecases import Credit
from tests.conftest import NOW
from tests.unit.credit.rows import AUTHORITY, CODE, EXCEPTION, TRADER, VALUES

MESSAGES = {
    Subject: messages.subject_message,
    Permit: messages.permit_message,
    Penalty: messages.penalty_message,
}
STAMP = NOW.isoformat().replace("+00:00", "Z")


def test_the_card_of_a_subject_says_what_it_is_whether_it_lives_and_who_registered_it():
    assert messages.card(made(Subject)) == {
        "kind": "credit",
        "title": "昆明云岭商贸有限公司（示例）",
        "summary": "企业 · 存续 · 昆明市市场监督管理局",
        "department": "昆明市市场监督管理局",
        "region_code": "530102000000",
        "url": f"/credit/{CODE}",
        "codes": [CODE],
        "facets": {"subject_type": "企业", "status": "存续"},
    }


def test_the_card_of_a_subject_of_whom_little_is_known_says_only_that():
    little = made(Subject, status="", registration_authority="", region_code="")
    assert messages.card(little) == {
        "kind": "credit",
        "title": "昆明云岭商贸有限公司（示例）",
        "summary": "企业",
        "region_code": "530100000000",
        "url": f"/credit/{CODE}",
        "codes": [CODE],
        "facets": {"subject_type": "企业"},
    }


@pytest.mark.rule("K-10")
def test_a_card_says_nothing_of_decisions_and_nothing_of_the_representative():
    told = repr(messages.card(made(Subject, legal_representative="王明华")))
    assert "王明华" not in told
    assert "处罚" not in told
    for kind in (Permit, Penalty):
        fact = messages.fact_message(Changed(Listed(made(kind), version=1), newly=True))
        assert "card" not in {descriptor.name for descriptor, _ in fact.ListFields()}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (CODE, "企业"),
        (TRADER, "个体工商户"),
        (AUTHORITY, "机关"),
        ("52530000502000019L", "民办非企业单位"),
    ],
)
def test_the_code_says_what_sort_of_organisation_it_is(code, kind):
    assert messages.card(made(Subject, subject_code=code))["facets"]["subject_type"] == kind


@pytest.mark.parametrize("kind", MESSAGES)
@pytest.mark.parametrize("filled", [True, False])
def test_a_message_is_read_as_it_was_written(kind, filled):
    record = whole(kind) if filled else made(kind)
    message = MESSAGES[kind](Listed(record, version=3, update_time=NOW))
    assert message.version == 3
    assert message.update_time.ToDatetime(NOW.tzinfo) == NOW
    assert messages.record_of(kind, message) == record


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_whole_record_fills_its_whole_message(kind):
    listed = Listed(whole(kind), version=3, update_time=NOW)
    filled = {descriptor.name for descriptor, _ in MESSAGES[kind](listed).ListFields()}
    assert filled == {one.name for one in MESSAGES[kind](listed).DESCRIPTOR.fields}


@pytest.mark.parametrize("kind", [Permit, Penalty])
def test_a_decision_says_whether_it_is_shown(kind):
    states = {
        public: MESSAGES[kind](Listed(made(kind), version=1, public=public)).state
        for public in (True, False)
    }
    disclosed, withdrawn = pb.DECISION_STATE_DISCLOSED, pb.DECISION_STATE_WITHDRAWN
    assert states == {True: disclosed, False: withdrawn}


@pytest.mark.parametrize("filled", [True, False])
@pytest.mark.parametrize(
    ("kind", "fact", "place"),
    [
        (Subject, "SubjectRegistered", "credit_subject"),
        (Permit, "PermitDisclosed", "permit"),
        (Penalty, "PenaltyDisclosed", "penalty"),
    ],
)
def test_a_record_of_an_import_is_the_json_of_its_message(kind, fact, place, filled):
    record = whole(kind) if filled else made(kind)
    listed = Listed(record, version=7, update_time=NOW)
    fast = orjson.loads(messages.record_json(listed, fields.plain(record), STAMP))
    message = messages.fact_message(Changed(listed, newly=True))
    full = json_format.MessageToDict(message, preserving_proto_field_name=True)
    assert message.DESCRIPTOR.name == fact
    assert (fast["subject"], fast["version"]) == (record.record_id, "7")
    assert fast[place] == full[{"credit_subject": "subject"}.get(place, place)]
    assert fast.get("card") == full.get("card")
    read = json_format.ParseDict(fast, events_pb.CreditRecord())
    assert json_format.MessageToDict(read, preserving_proto_field_name=True) == fast


@pytest.mark.rule("K-1")
def test_a_lawful_code_that_fails_its_check_is_flagged_in_every_form():
    listed = Listed(made(Subject, subject_code=EXCEPTION), version=1, update_time=NOW)
    assert messages.subject_message(listed).check_digit_exception
    told = orjson.loads(messages.record_json(listed, fields.plain(listed.record), STAMP))
    assert told["credit_subject"]["check_digit_exception"] is True
    assert not messages.subject_message(Listed(made(Subject), version=1)).check_digit_exception


@pytest.mark.parametrize(
    ("kind", "newly", "name"),
    [
        (Subject, True, "SubjectRegistered"),
        (Subject, False, "SubjectRevised"),
        (Permit, True, "PermitDisclosed"),
        (Permit, False, "PermitRevised"),
        (Penalty, True, "PenaltyDisclosed"),
        (Penalty, False, "PenaltyRevised"),
    ],
)
def test_each_change_is_told_as_its_fact(kind, newly, name):
    fact = messages.fact_message(Changed(Listed(made(kind), version=1), newly=newly))
    assert fact.DESCRIPTOR.full_name == f"zhengtong.credit.v1.{name}"


@pytest.mark.rule("K-9")
@pytest.mark.parametrize(
    ("kind", "fact", "which"),
    [(Permit, "PermitWithdrawn", "permit_id"), (Penalty, "PenaltyWithdrawn", "penalty_id")],
)
def test_a_withdrawal_tells_which_and_why_and_nothing_else(kind, fact, which):
    one = made(kind)
    gone = messages.fact_message(Withdrawn(Listed(one, version=2, public=False), "决定已被撤销"))
    assert gone.DESCRIPTOR.name == fact
    told = json_format.MessageToDict(gone, preserving_proto_field_name=True)
    assert told == {which: one.record_id, "reason": "决定已被撤销"}


@pytest.mark.parametrize(
    ("kind", "word"), [(Subject, "subject"), (Permit, "permit"), (Penalty, "penalty")]
)
def test_those_who_count_are_told_the_kind_and_the_number(kind, word):
    fact = messages.import_message(kind, 7)
    assert (fact.kind, fact.count) == (word, 7)


def test_the_credit_of_a_subject_is_said_with_its_time_and_its_totals():
    credit = Credit(
        subject=Listed(made(Subject), version=1, update_time=NOW),
        permits=[Listed(made(Permit), version=1)],
        permit_total=70,
        penalties=[Listed(made(Penalty), version=1)],
        penalty_total=1,
    )
    later = NOW + timedelta(seconds=5)
    answer = messages.credit_message(credit, later)
    assert answer.subject.name == "昆明云岭商贸有限公司（示例）"
    assert [one.document_number for one in answer.permits] == ["示例许准〔2026〕1号"]
    assert [one.document_number for one in answer.penalties] == ["示例罚决〔2026〕1号"]
    assert (answer.permit_total, answer.penalty_total) == (70, 1)
    assert answer.as_of_time.ToDatetime(NOW.tzinfo) == later


def test_what_only_the_server_writes_is_passed_over_even_where_it_is_no_time():
    message = MESSAGES[Penalty](Listed(made(Penalty), version=1))
    message.state = pb.DECISION_STATE_WITHDRAWN
    message.penalty_id = "cf_mine"
    message.update_time.CopyFrom(timestamp_pb2.Timestamp(seconds=2**60))
    assert messages.record_of(Penalty, message) == made(Penalty)
    assert message.update_time.seconds == 2**60


def test_a_number_that_is_no_status_is_the_callers_fault():
    with pytest.raises(SubjectInvalid):
        messages.record_of(Subject, pb.Subject(subject_code=CODE, name="甲公司", status=99))


def test_an_empty_message_names_what_is_missing():
    with pytest.raises(PenaltyInvalid) as refused:
        messages.record_of(Penalty, pb.Penalty())
    assert [one.field for one in refused.value.violations] == [
        "subject_code",
        "subject_name",
        "decision_date",
        "authority_name",
        "document_number",
    ]


def test_every_status_of_the_proto_is_known():
    assert [one.value for one in SubjectStatus] == pb.SubjectStatus.keys()[1:]
    assert domain.STATUS_NAMES.keys() == set(SubjectStatus)


def made(kind, **changes):
    return record_of(kind, VALUES[kind](**changes))


def whole(kind):
    """A record with something in every field, so that none is forgotten on the way."""
    own = {
        "subject_code": EXCEPTION,
        "subject_type": "个体工商户",
        "status": "注销",
        "region_code": "530102000000",
        "authority_code": AUTHORITY,
        "source_code": AUTHORITY,
        "validity": "1",
        "registered_capital": Decimal("0.000001"),
        "fine_amount": Decimal(0),
        "confiscated_amount": Decimal("12.345678"),
    }
    ids = {"permit_id", "penalty_id"}
    names = [one.name for one in fields_of(kind) if one.name not in ids]
    dates = {name: "2026-03-02" for name in names if name.endswith("_date")}
    words = {name: f"{name}的内容" for name in names}
    return record_of(kind, words | dates | {name: own[name] for name in names if name in own})
