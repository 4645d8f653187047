"""The rules of credit. Plain values in, plain values and facts out.

`records` holds what is kept, `reading` how fields become a record, `periods` how long it lasts and
is shown, `sheets` and `archive` how the rows of files are read, `persons` what must never become
public, and this face what can be done with a record: publish, withdraw, look up by a typed code.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from services.common import identifiers
from services.common.errors import Invalid, NotFound, Refused, Stale, Violation
from services.common.fields import FieldInvalid
from services.credit.domain.persons import names_a_person, public_text
from services.credit.domain.reading import (
    PenaltyInvalid,
    PermitInvalid,
    RecordInvalid,
    SubjectInvalid,
    invalid,
    record_of,
)
from services.credit.domain.records import (
    STATUS_NAMES,
    VALIDITY_NAMES,
    D,
    Decision,
    Penalty,
    Permit,
    R,
    Record,
    Subject,
    SubjectStatus,
    minimal_subject,
)
from services.credit.domain.sheets import (
    SHAPES,
    column_of,
    columns_read,
    recognise,
    record_of_row,
)

__all__ = [
    "SHAPES",
    "STATUS_NAMES",
    "VALIDITY_NAMES",
    "WITHDRAWN_BEFORE",
    "Changed",
    "D",
    "Decision",
    "Kept",
    "Listed",
    "Penalty",
    "PenaltyAlreadyWithdrawn",
    "PenaltyInvalid",
    "PenaltyNotFound",
    "Permit",
    "PermitAlreadyWithdrawn",
    "PermitInvalid",
    "PermitNotFound",
    "R",
    "Record",
    "RecordInvalid",
    "Subject",
    "SubjectCodeInvalid",
    "SubjectCodeIsPersonal",
    "SubjectInvalid",
    "SubjectNotFound",
    "SubjectStatus",
    "Withdrawn",
    "check_version",
    "column_of",
    "columns_read",
    "minimal_subject",
    "not_found",
    "publish",
    "recognise",
    "record_of",
    "record_of_row",
    "typed_code",
    "withdraw",
]

REASON_LIMIT = 500
WITHDRAWN_BEFORE = "该决定已撤回公示，导入不予恢复；确需恢复的，请单独办理公示"


class SubjectCodeInvalid(Invalid):
    """What was typed is no 统一社会信用代码; the text says what is wrong with it."""

    reason = "SUBJECT_CODE_INVALID"


class SubjectCodeIsPersonal(Invalid):
    """What was typed is a natural person's identity number; nothing says it again."""

    reason = "SUBJECT_CODE_IS_PERSONAL"


class SubjectNotFound(NotFound):
    """No subject has this code."""

    reason = "SUBJECT_NOT_FOUND"


class PermitNotFound(NotFound):
    """No permit has this id."""

    reason = "PERMIT_NOT_FOUND"


class PenaltyNotFound(NotFound):
    """No penalty has this id."""

    reason = "PENALTY_NOT_FOUND"


class PermitAlreadyWithdrawn(Refused):
    """The permit was taken out of the public's sight before."""

    reason = "PERMIT_ALREADY_WITHDRAWN"


class PenaltyAlreadyWithdrawn(Refused):
    """The penalty was taken out of the public's sight before."""

    reason = "PENALTY_ALREADY_WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Listed(Generic[R]):
    """A record as credit keeps it.

    Args:
        version: rises by one with each change, from 1.
        public: disclosed; False: withdrawn.
        update_time: when it was changed last; None before it is kept.
    """

    record: R
    version: int
    public: bool = True
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What credit has under a record's id.

    Args:
        same: it says already what is to be published.
        departments: 统一社会信用代码 of the authority of a decision and of who handed it in.
        region: of a subject, 12 digits; empty where nobody said one.
    """

    version: int
    public: bool
    same: bool
    departments: tuple[str, ...] = ()
    region: str = ""


@dataclass(frozen=True, slots=True)
class Changed(Generic[R]):
    """Fact: a record became public (`newly`), or was changed and stays public."""

    listed: Listed[R]
    newly: bool


@dataclass(frozen=True, slots=True)
class Withdrawn(Generic[R]):
    """Fact: a decision left the public's sight."""

    listed: Listed[R]
    reason: str


_NOT_FOUND: dict[type[Record], tuple[type[NotFound], str]] = {
    Subject: (SubjectNotFound, "没有这个统一社会信用代码的信用主体。"),
    Permit: (PermitNotFound, "没有这个编号的行政许可。"),
    Penalty: (PenaltyNotFound, "没有这个编号的行政处罚。"),
}
_ALREADY: dict[type[Decision], tuple[type[Refused], str]] = {
    Permit: (PermitAlreadyWithdrawn, "该行政许可已经撤回公示。"),
    Penalty: (PenaltyAlreadyWithdrawn, "该行政处罚已经撤回公示。"),
}
_REASON = public_text(REASON_LIMIT, lines=True)


def publish(kept: Kept | None, record: R) -> Changed[R] | None:
    """Make a record public: a new one, a changed one, or one withdrawn before.

    What is said already changes nothing and tells nothing: None.
    """
    if kept is None:
        return Changed(Listed(record, version=1), newly=True)
    if kept.public and kept.same:
        return None
    return Changed(Listed(record, version=kept.version + 1), newly=not kept.public)


def withdraw(known: Listed[D], reason: str) -> Withdrawn[D]:
    """Take a decision out of the public's sight.

    Rule K-9 (行政处罚法 48): what was changed or annulled is withdrawn, and the public told why.

    Raises:
        PermitInvalid, PenaltyInvalid: no reason, a longer one than 500 characters, or one with an
            identity number in it.
        PermitAlreadyWithdrawn, PenaltyAlreadyWithdrawn
    """
    said = _reason(type(known.record), reason)
    if not known.public:
        refusal, text = _ALREADY[type(known.record)]
        raise refusal(text)
    return Withdrawn(Listed(known.record, version=known.version + 1, public=False), said)


def _reason(kind: type[Record], reason: str) -> str:
    try:
        said = str(_REASON.read(reason))
    except FieldInvalid as error:
        raise invalid(kind, Violation("reason", str(error))) from None
    if not said:
        raise invalid(kind, Violation("reason", "请写明撤回原因"))
    return said


def check_version(version: int, seen: int) -> None:
    """Hold the version the caller has seen against the one there is; 0: the caller does not mind.

    Raises:
        Stale
    """
    if seen and seen != version:
        raise Stale("该记录已被他人修改，请重新读取后再提交。")


def typed_code(text: str) -> str:
    """The 统一社会信用代码 that somebody typed, as registries write it.

    Rule K-1: a typed code must be right in both checks, or be one of the lawful exceptions.

    Raises:
        SubjectCodeIsPersonal: it is a natural person's identity number.
        SubjectCodeInvalid: it is no such code; with what is wrong.
    """
    if names_a_person(text):
        said = "这是公民身份号码。自然人的信用信息不对社会公示，请勿输入。"
        raise SubjectCodeIsPersonal(said, Violation("subject_code", said))
    code = identifiers.normalise_code(text)
    problem = identifiers.uscc_problem(code)
    if problem and not identifiers.has_uscc_exception(code):
        raise SubjectCodeInvalid(f"{problem}。", Violation("subject_code", problem))
    return code


def not_found(kind: type[Record]) -> NotFound:
    """The refusal for a record that is not there."""
    refusal, text = _NOT_FOUND[kind]
    return refusal(text)
