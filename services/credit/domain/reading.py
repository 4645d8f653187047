"""How the fields of a record become a subject, a permit or a penalty: readers, then the rules."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from services.common import identifiers
from services.common.errors import Invalid, Violation
from services.common.fields import (
    FieldInvalid,
    Reader,
    amount,
    code,
    day,
    read_record,
    region,
)
from services.credit.domain import periods, records
from services.credit.domain.persons import (
    HOLDS_A_NUMBER,
    about_a_person,
    holds_a_number,
    public_number,
    public_text,
)
from services.credit.domain.records import (
    STATUS_NAMES,
    VALIDITY_NAMES,
    Penalty,
    Permit,
    R,
    Record,
    Subject,
    SubjectStatus,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ORGANISATION: Final = "法人及非法人组织"
SOLE_TRADER: Final = "个体工商户"
NO_END: Final = "2099-12-31"  # how the sheets write 长期
AMOUNT_PLACES: Final = 6
_EXACT_DIGITS = 15  # as many as every double holds: a longer JSON number may have been rounded
_TYPES: Final = {ORGANISATION: ORGANISATION, SOLE_TRADER: SOLE_TRADER} | dict.fromkeys(
    (
        *("法人", "非法人组织", "法人和非法人组织", "法人及其他组织", "法人和其他组织"),
        *("企业", "企业法人", "非企业法人", "事业单位", "社会组织", "机关", "农民专业合作社"),
    ),
    ORGANISATION,
)
_STATUSES: Final = {
    **{status.value: status for status in SubjectStatus},
    **{name: status for status, name in STATUS_NAMES.items()},
    **dict.fromkeys(("在业", "在营", "在册", "开业", "正常"), SubjectStatus.ACTIVE),
    **dict.fromkeys(("已注销", "吊销,已注销"), SubjectStatus.DEREGISTERED),
    **dict.fromkeys(("已吊销", "吊销,未注销"), SubjectStatus.REVOKED),
}
_PARENTHESES = re.compile(r"\([^()]*\)")
_BETWEEN_CATEGORIES = re.compile(r"\s*[,，;；|、]\s*")


class RecordInvalid(Invalid):
    """The row cannot be a record; each violation names a field or column."""

    reason = "RECORD_INVALID"


class SubjectInvalid(RecordInvalid):
    """The record cannot be a subject; each violation names a field."""

    reason = "SUBJECT_INVALID"


class PermitInvalid(RecordInvalid):
    """The record cannot be a permit; each violation names a field."""

    reason = "PERMIT_INVALID"


class PenaltyInvalid(RecordInvalid):
    """The record cannot be a penalty; each violation names a field."""

    reason = "PENALTY_INVALID"


def _credit_code() -> Reader:
    """Rule K-1: a 统一社会信用代码 as registries issue it; what is wrong is never quoted."""

    def read(value: Any) -> str:
        found = identifiers.normalise_code(value) if isinstance(value, str) else ""
        if holds_a_number(found):  # one number in some hundreds is right as a code as well
            raise FieldInvalid(HOLDS_A_NUMBER)
        problem = identifiers.uscc_problem(found)
        if problem is None or identifiers.has_uscc_exception(found):
            return found
        right_shape = identifiers.is_uscc_shape(found)
        raise FieldInvalid(problem if right_shape else "应为 18 位统一社会信用代码，请核对")

    return Reader(read, "")


def _remembering(reader: Reader) -> Reader:
    """The same reader for what is said in every row again: dates, and codes of bodies."""
    remembered = lru_cache(maxsize=4096)(reader.read)

    def read(value: Any) -> Any:
        return remembered(value) if isinstance(value, str) else reader.read(value)

    return Reader(read, reader.absent)


def _subject_type() -> Reader:
    def read(value: Any) -> str:
        found = value.strip() if isinstance(value, str) else ""
        if found not in _TYPES:
            # A type that nobody knows may be another word for a natural person.
            raise FieldInvalid(f"应为“{ORGANISATION}”或“{SOLE_TRADER}”")
        return _TYPES[found]

    return Reader(read, "")


def _status() -> Reader:
    def read(value: Any) -> SubjectStatus:
        folded = unicodedata.normalize("NFKC", value) if isinstance(value, str) else ""
        found = _STATUSES.get(_PARENTHESES.sub("", folded).strip().replace("、", ","))
        if found is None:
            raise FieldInvalid(f"应为{'、'.join(STATUS_NAMES.values())}中的一项")
        return found

    return Reader(read, None)


def _wan() -> Reader:
    """Rule K-4: 万元 as an exact decimal of at most six places, never a float."""
    inner = amount(AMOUNT_PLACES).read

    def read(value: Any) -> Any:
        if isinstance(value, float) and sum(map(str.isdigit, repr(value))) > _EXACT_DIGITS:
            raise FieldInvalid("数字位数过多，请以文本形式填写")
        return inner(value).normalize()

    return Reader(read, None)


def _last_day() -> Reader:
    """The last day of a period; 长期 is written as the sheets do."""
    inner = day().read

    def read(value: Any) -> str:
        open_ended = isinstance(value, str) and value.strip() == "长期"
        return NO_END if open_ended else str(inner(value))

    return Reader(read, "")


def _categories() -> Reader:
    inner = public_text(200).read
    return Reader(lambda value: _BETWEEN_CATEGORIES.sub("、", inner(value)), "")


_DAY: Final = _remembering(day())
_LAST_DAY: Final = _remembering(_last_day())
_BODY_CODE: Final = _remembering(_credit_code())
_OF_A_DECISION: Final = {
    "subject_code": _credit_code(),
    "subject_name": public_text(200),
    "subject_type": _subject_type(),
    "document_number": public_number(128),
    "content": public_text(4000, lines=True),
    "decision_date": _DAY,
    "valid_until_date": _LAST_DAY,
    "authority_name": public_text(200),
    "authority_code": _BODY_CODE,
    "source_name": public_text(200),
    "source_code": _BODY_CODE,
    "remark": public_text(4000, lines=True),
    "legal_representative": public_text(50),
}
READERS: Final[dict[type[Record], dict[str, Reader]]] = {
    Subject: {
        "subject_code": _credit_code(),
        "name": public_text(200),
        "subject_type": _subject_type(),
        "status": _status(),
        "legal_representative": public_text(50),
        "establish_date": _DAY,
        "registration_authority": public_text(200),
        "address": public_text(300),
        "region_code": region(),
        "registered_capital": _wan(),
    },
    Permit: {
        **_OF_A_DECISION,
        "document_name": public_text(200),
        "category": public_text(256),
        "certificate_name": public_text(200),
        "certificate_number": public_number(128),
        "valid_from_date": _DAY,
        "validity": code(VALIDITY_NAMES),
    },
    Penalty: {
        **_OF_A_DECISION,
        "offence": public_text(2000, lines=True),
        "facts": public_text(5000, lines=True),
        "basis": public_text(2048, lines=True),
        "category": _categories(),
        "fine_amount": _wan(),
        "confiscated_amount": _wan(),
        "revoked_certificate": public_text(400, lines=True),
        "publish_until_date": _LAST_DAY,
    },
}
_REQUIRED_OF_A_DECISION: Final = ("subject_code", "subject_name", "decision_date", "authority_name")
REQUIRED: Final[dict[type[Record], tuple[str, ...]]] = {
    Subject: ("subject_code", "name"),
    Permit: _REQUIRED_OF_A_DECISION,
    Penalty: (*_REQUIRED_OF_A_DECISION, "document_number"),
}
# What only the server writes.
SERVER_FIELDS: Final = frozenset(
    {"permit_id", "penalty_id", "state", "version", "update_time", "check_digit_exception"}
)
_REFUSALS: Final[dict[type[Record], tuple[type[RecordInvalid], str]]] = {
    Subject: (SubjectInvalid, "信用主体信息有误，请按提示更正。"),
    Permit: (PermitInvalid, "行政许可信息有误，请按提示更正。"),
    Penalty: (PenaltyInvalid, "行政处罚信息有误，请按提示更正。"),
}


def record_of(kind: type[R], values: Mapping[str, Any]) -> R:
    """The record in these values, which stand under the names of the contract.

    Raises:
        SubjectInvalid, PermitInvalid, PenaltyInvalid: with each field at fault.
    """
    wrong = about_a_person(values)
    if not wrong:
        given, wrong = read_record(
            values, READERS[kind], required=REQUIRED[kind], ignored=SERVER_FIELDS
        )
    if not wrong:
        wrong = [*_numbers(kind, given), *periods.wrong_periods(given)]
    if wrong:
        raise invalid(kind, *wrong)
    if kind is Penalty:
        given["publish_until_date"] = periods.last_day_shown(given)
    build: Callable[..., R] = kind
    return build(**given, **_chosen_id(kind, given))


def invalid(kind: type[Record], *wrong: Violation) -> RecordInvalid:
    """The refusal of what was handed in about a record of this kind."""
    refusal, said = _REFUSALS[kind]
    return refusal(said, *wrong)


def _chosen_id(kind: type[Record], given: Mapping[str, Any]) -> dict[str, str]:
    """Rule K-6: the id that the server chooses."""
    if kind is Subject:
        return {}
    subject_code, document = given["subject_code"], given.get("document_number", "")
    if kind is Penalty:
        return {"penalty_id": records.penalty_id(subject_code, document)}
    certificate = given.get("certificate_number", "")
    return {"permit_id": records.permit_id(subject_code, document, certificate)}


def _numbers(kind: type[Record], given: Mapping[str, Any]) -> list[Violation]:
    """Rule K-6: a licence is known by the number of its decision or of its certificate."""
    if kind is Permit and not (given.get("document_number") or given.get("certificate_number")):
        return [Violation("document_number", "行政许可决定文书号和许可编号至少填写一项")]
    return []
