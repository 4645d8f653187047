"""Rules of credit about records: codes, periods, ids, publication and withdrawal."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from services.common.errors import Stale
from services.credit import domain
from services.credit.domain import (
    Changed,
    Kept,
    Listed,
    Penalty,
    PenaltyAlreadyWithdrawn,
    PenaltyInvalid,
    Permit,
    PermitAlreadyWithdrawn,
    PermitInvalid,
    RecordInvalid,
    Subject,
    SubjectCodeInvalid,
    SubjectCodeIsPersonal,
    SubjectStatus,
    record_of,
)
from services.credit.domain.periods import months_after
from tests.unit.credit.rows import (
    CODE,
    EXCEPTION,
    OTHER,
    PERSON,
    TRADER,
    VALUES,
)

KINDS = [Subject, Permit, Penalty]
EXCEPTIONS = [EXCEPTION, "91350100M0001TGQXM", "91350211M0000XUF46"]
OF_THE_STATE = "91100000MA6XXT0J2J"  # registered with the state, which is in no province
WRONG_CODES = ["91530100MA6K00014E", "91530100MA6K0001AD", "11440300007542785T", "9153", "不是代码"]


@pytest.mark.rule("K-1")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", ["", *WRONG_CODES])
def test_a_record_is_about_a_right_credit_code(kind, code):
    assert at_fault(kind, subject_code=code) == ["subject_code"]


@pytest.mark.rule("K-1")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", EXCEPTIONS)
def test_a_lawful_code_that_fails_its_check_is_kept(kind, code):
    assert made(kind, subject_code=code).subject_code == code


@pytest.mark.rule("K-1")
def test_only_a_lawful_code_that_fails_its_check_is_flagged():
    flagged = [made(Subject, subject_code=code).check_digit_exception for code in EXCEPTIONS]
    assert flagged == [True] * 3
    assert not made(Subject).check_digit_exception


@pytest.mark.rule("K-1")
@pytest.mark.parametrize("typed", ["９１５３０１００ma6k00014d", " 91530100-MA6K0001-4D "])
def test_a_code_may_be_typed_in_any_way(typed):
    assert domain.typed_code(typed) == CODE
    assert made(Permit, subject_code=typed).permit_id == made(Permit).permit_id


@pytest.mark.rule("K-1")
@pytest.mark.parametrize("code", [CODE, TRADER, *EXCEPTIONS])
def test_a_typed_code_is_right_or_a_lawful_exception(code):
    assert domain.typed_code(code) == code


@pytest.mark.rule("K-1")
@pytest.mark.parametrize("code", ["", "\x00", "长" * 500, *WRONG_CODES])
def test_a_typed_code_that_is_wrong_is_told_what_is_wrong(code):
    with pytest.raises(SubjectCodeInvalid) as refused:
        domain.typed_code(code)
    assert [one.field for one in refused.value.violations] == ["subject_code"]


@pytest.mark.rule("K-2")
@pytest.mark.parametrize(
    "typed", [PERSON, PERSON.lower(), " 110105 19491231 002X", "１" + PERSON[1:], PERSON + " 1"]
)
def test_a_persons_number_is_not_looked_up_and_not_repeated(typed):
    with pytest.raises(SubjectCodeIsPersonal) as refused:
        domain.typed_code(typed)
    said = str(refused.value) + str(refused.value.violations)
    assert "19491231" not in said


@pytest.mark.rule("K-1")
def test_the_codes_of_bodies_are_right_too():
    assert at_fault(Penalty, authority_code=WRONG_CODES[0]) == ["authority_code"]
    assert at_fault(Permit, source_code=WRONG_CODES[1]) == ["source_code"]
    assert made(Permit, source_code=EXCEPTION).source_code == EXCEPTION


@pytest.mark.rule("K-5")
@pytest.mark.parametrize(
    ("begins", "ends", "fine"),
    [
        ("", "2026-03-02", True),
        ("", "2026-03-01", False),
        ("2026-04-01", "2026-04-01", True),
        ("2026-04-01", "2026-03-31", False),
        ("2026-01-01", "2026-02-01", True),
        ("", "长期", True),
        ("2026-04-01", " 长期 ", True),
    ],
)
def test_a_licence_does_not_end_before_it_begins(begins, ends, fine):
    wrong = at_fault(Permit, valid_from_date=begins, valid_until_date=ends)
    assert wrong == ([] if fine else ["valid_until_date"])


@pytest.mark.rule("K-5")
@pytest.mark.parametrize("field", ["valid_until_date", "publish_until_date"])
def test_a_penalty_is_not_over_before_it_is_decided(field):
    assert at_fault(Penalty, **{field: "2026-03-01"}) == [field]
    assert at_fault(Penalty, **{field: "2026-03-02"}) == []


def test_what_lasts_for_good_is_written_as_the_sheets_do():
    assert made(Permit, valid_until_date="长期").valid_until_date == "2099-12-31"


@pytest.mark.rule("K-6")
@pytest.mark.parametrize(
    "typed",
    [
        "示例罚决[2026]1号",
        "示例罚决（2026） 1 号",
        "示例罚决【２０２６】1号",
        "\u3000示例罚决〔2026〕\u20021\xa0号",
        "示例罚决(2026)1号",
    ],
)
def test_a_penalty_is_the_same_however_its_number_is_typed(typed):
    assert made(Penalty, document_number=typed).penalty_id == made(Penalty).penalty_id


@pytest.mark.rule("K-6")
def test_a_licence_is_known_by_both_its_numbers_and_its_subject():
    whole = made(Permit)
    assert made(Permit, certificate_number="jy15301020000001").permit_id == whole.permit_id
    others = [
        made(Permit, certificate_number="JY15301020000002"),
        made(Permit, certificate_number=""),
        made(Permit, document_number="示例许准〔2026〕2号"),
        made(Permit, subject_code=OTHER),
        # The two numbers are told apart, not run together.
        made(Permit, document_number="", certificate_number="示例许准〔2026〕1号JY15301020000001"),
    ]
    assert len({one.permit_id for one in [whole, *others]}) == 6


@pytest.mark.rule("K-6")
def test_a_licence_has_one_of_its_two_numbers_and_a_penalty_its_own():
    assert at_fault(Permit, document_number="", certificate_number="") == ["document_number"]
    assert at_fault(Permit, document_number="") == []
    assert at_fault(Permit, certificate_number="") == []
    assert at_fault(Penalty, document_number="") == ["document_number"]


@pytest.mark.rule("K-6")
def test_the_id_that_a_caller_names_is_passed_over():
    assert made(Penalty, penalty_id="cf_mine").penalty_id == made(Penalty).penalty_id
    assert made(Permit, permit_id="xk_mine").permit_id == made(Permit).permit_id


@pytest.mark.rule("K-7")
def test_whom_only_a_decision_names_is_known_by_code_name_and_type():
    decided = made(Penalty, subject_type="企业", legal_representative="王明华")
    assert domain.minimal_subject(decided) == Subject(
        subject_code=CODE, name="昆明云岭商贸有限公司（示例）", subject_type="法人及非法人组织"
    )


@pytest.mark.rule("K-9")
@pytest.mark.parametrize("reason", ["", "  ", "长" * 501, "含\x00控制", f"更正 {PERSON} 的信息"])
@pytest.mark.parametrize(("kind", "refusal"), [(Permit, PermitInvalid), (Penalty, PenaltyInvalid)])
def test_a_withdrawal_tells_the_public_why_and_names_nobody(kind, refusal, reason):
    with pytest.raises(refusal) as refused:
        domain.withdraw(Listed(made(kind), version=1), reason)
    assert [one.field for one in refused.value.violations] == ["reason"]
    assert "19491231" not in str(refused.value) + str(refused.value.violations)


@pytest.mark.rule("K-9")
@pytest.mark.parametrize(
    ("kind", "refusal"), [(Permit, PermitAlreadyWithdrawn), (Penalty, PenaltyAlreadyWithdrawn)]
)
def test_a_decision_is_withdrawn_once(kind, refusal):
    withdrawn = domain.withdraw(Listed(made(kind), version=3), " 决定已被撤销\n ")
    assert (withdrawn.listed.version, withdrawn.listed.public) == (4, False)
    assert withdrawn.reason == "决定已被撤销"
    with pytest.raises(refusal):
        domain.withdraw(withdrawn.listed, "决定已被撤销")


@pytest.mark.rule("K-10")
def test_a_penalty_is_seen_to_the_end_of_its_last_day_in_china():
    decided = made(Penalty, publish_until_date="2027-03-01")
    assert decided.visible_until == datetime(2027, 3, 1, 16, 0, tzinfo=UTC)
    assert replace(decided, publish_until_date="9999-12-31").visible_until is None


@pytest.mark.rule("K-10")
def test_a_licence_is_seen_also_when_it_has_run_out():
    assert made(Permit, valid_until_date="2026-03-02").visible_until is None


@pytest.mark.rule("K-11")
@pytest.mark.parametrize(
    ("decided", "asked", "shown"),
    [
        ("2026-03-02", "2027-03-01", "2027-03-01"),
        ("2026-03-02", "2029-03-02", "2029-03-02"),
        ("2026-03-02", "2029-03-03", "2029-03-02"),
        ("2026-03-02", "长期", "2029-03-02"),
        ("2026-03-02", "", "2029-03-02"),
        ("2024-02-29", "", "2027-02-28"),
        ("9998-01-01", "", "9999-12-31"),
    ],
)
def test_no_penalty_is_shown_for_more_than_three_years(decided, asked, shown):
    found = made(Penalty, decision_date=decided, publish_until_date=asked)
    assert found.publish_until_date == shown


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2025-12-01", 1, "2026-01-01"),
        ("2026-03-02", 0, "2026-03-02"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-12-31", 12, "2027-12-31"),
    ],
)
def test_months_end_on_the_same_day_or_the_last_of_the_month(start, months, end):
    assert months_after(date.fromisoformat(start), months) == date.fromisoformat(end)


def test_publishing_tells_new_from_changed_and_says_nothing_twice():
    one = made(Penalty)
    assert domain.publish(None, one) == Changed(Listed(one, version=1), newly=True)
    assert domain.publish(Kept(version=1, public=True, same=True), one) is None
    changed = domain.publish(Kept(version=1, public=True, same=False), one)
    assert changed == Changed(Listed(one, version=2), newly=False)
    again = domain.publish(Kept(version=2, public=False, same=True), one)
    assert again == Changed(Listed(one, version=3), newly=True)


def test_a_caller_who_has_seen_another_version_is_told():
    domain.check_version(3, 0)
    domain.check_version(3, 3)
    with pytest.raises(Stale):
        domain.check_version(3, 2)
    with pytest.raises(Stale):
        domain.check_version(0, 1)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("存续", SubjectStatus.ACTIVE),
        ("存续（在营、开业、在册）", SubjectStatus.ACTIVE),
        ("在业", SubjectStatus.ACTIVE),
        ("SUBJECT_STATUS_REVOKED", SubjectStatus.REVOKED),
        ("吊销，未注销", SubjectStatus.REVOKED),
        ("吊销、已注销", SubjectStatus.DEREGISTERED),
        ("注销", SubjectStatus.DEREGISTERED),
    ],
)
def test_a_status_is_understood_as_registers_write_it(said, status):
    assert made(Subject, status=said).status is status


@pytest.mark.parametrize(
    ("kind", "changes", "field"),
    [
        (Subject, {"name": ""}, "name"),
        (Subject, {"name": "名\x00称"}, "name"),
        (Subject, {"name": "名\ud800称"}, "name"),
        (Subject, {"name": "长" * 201}, "name"),
        (Subject, {"name": ["甲"]}, "name"),
        (Subject, {"status": "不知道"}, "status"),
        (Subject, {"status": 99}, "status"),
        (Subject, {"region_code": "昆明"}, "region_code"),
        (Subject, {"establish_date": "去年"}, "establish_date"),
        (Subject, {"registered_capital": "一百万"}, "registered_capital"),
        (Permit, {"subject_name": ""}, "subject_name"),
        (Permit, {"subject_type": "外星人"}, "subject_type"),
        (Permit, {"decision_date": ""}, "decision_date"),
        (Permit, {"decision_date": "2026-02-30"}, "decision_date"),
        (Permit, {"authority_name": ""}, "authority_name"),
        (Permit, {"validity": "3"}, "validity"),
        (Permit, {"remark": "长" * 4001}, "remark"),
        (Penalty, {"document_number": "长" * 129}, "document_number"),
        (Penalty, {"fine_amount": "-1"}, "fine_amount"),
        (Penalty, {"valid_until_date": "永远"}, "valid_until_date"),
        (Penalty, {"没有的字段": 1}, "没有的字段"),
    ],
)
def test_each_field_at_fault_is_named(kind, changes, field):
    assert at_fault(kind, **changes) == [field]


def test_categories_are_listed_in_one_way():
    said = "罚款，没收违法所得；警告 | 其他"
    assert made(Penalty, category=said).category == "罚款、没收违法所得、警告、其他"


@pytest.mark.parametrize(
    ("code", "own", "region"),
    [
        (CODE, "530102000000", "530102000000"),
        (CODE, "", "530100000000"),
        (OF_THE_STATE, "", ""),
    ],
)
def test_a_subject_lives_where_it_says_or_where_it_was_registered(code, own, region):
    assert made(Subject, subject_code=code, region_code=own).home_region == region


def made(kind, **changes):
    return record_of(kind, VALUES[kind](**changes))


def at_fault(kind, **changes):
    try:
        made(kind, **changes)
    except RecordInvalid as refused:
        return [violation.field for violation in refused.violations]
    return []
