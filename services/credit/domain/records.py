"""What credit keeps: subjects, and the permits and penalties decided about them (双公示)."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeVar

from services.common import identifiers
from services.credit.domain.periods import end_of

ID_BYTES: Final = 13
# Who may have registered a subject: the first two characters of its code (GB 32100-2015).
KINDS_OF_SUBJECTS: Final = {
    "11": "机关",
    "12": "事业单位",
    "13": "群众团体",
    "19": "机构编制部门登记的其他机构",
    "51": "社会团体",
    "52": "民办非企业单位",
    "53": "基金会",
    "59": "民政部门登记的其他组织",
    "91": "企业",
    "92": "个体工商户",
    "93": "农民专业合作社",
    "N1": "组级集体经济组织",
    "N2": "村级集体经济组织",
    "N3": "乡镇级集体经济组织",
}
# What may be typed in more than one way in the number of a document.
_ALIKE: Final = (
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys(map(ord, "[](){}〔〕【】［］（）｛｝〈〉《》"), "|")
    | dict.fromkeys(map(ord, " \t\r\n\u00a0\u2002\u2003\u3000"), None)
)


class SubjectStatus(StrEnum):
    """登记状态; the values are the names of the contract."""

    ACTIVE = "SUBJECT_STATUS_ACTIVE"
    DEREGISTERED = "SUBJECT_STATUS_DEREGISTERED"
    REVOKED = "SUBJECT_STATUS_REVOKED"


STATUS_NAMES: Final = {
    SubjectStatus.ACTIVE: "存续",
    SubjectStatus.DEREGISTERED: "注销",
    SubjectStatus.REVOKED: "吊销",
}
VALIDITY_NAMES: Final = {"1": "有效", "2": "无效"}


class Record(ABC):
    """What credit keeps under an id."""

    __slots__ = ()

    @property
    @abstractmethod
    def record_id(self) -> str:
        """What it is known by among all records."""


@dataclass(frozen=True, slots=True)
class Subject(Record):
    """A legal person or other organisation (信用主体).

    Args:
        legal_representative: the name, which is public; nothing else of the person is kept.
        registered_capital: 万元.
    """

    subject_code: str = ""
    name: str = ""
    subject_type: str = ""
    status: SubjectStatus | None = None
    legal_representative: str = ""
    establish_date: str = ""
    registration_authority: str = ""
    address: str = ""
    region_code: str = ""
    registered_capital: Decimal | None = None

    @property
    def record_id(self) -> str:
        """统一社会信用代码."""
        return self.subject_code

    @property
    def check_digit_exception(self) -> bool:
        """Rule K-1: the code is lawful although a check of it fails."""
        return identifiers.has_uscc_exception(self.subject_code)

    @property
    def kind_name(self) -> str:
        """What sort of organisation the code says it is; empty where the code says nothing."""
        return KINDS_OF_SUBJECTS.get(self.subject_code[:2], "")

    @property
    def home_region(self) -> str:
        """区划 of the subject: its own, or that of its registry; empty for the state's registry."""
        if self.region_code:
            return self.region_code
        known = identifiers.region_of_uscc(self.subject_code) or ""
        return "" if known.startswith("10") else known


@dataclass(frozen=True, slots=True)
class Decision(Record):
    """What permits and penalties have alike; the proto says each field in Chinese."""

    subject_code: str = ""
    subject_name: str = ""
    subject_type: str = ""
    legal_representative: str = ""
    document_number: str = ""
    category: str = ""
    content: str = ""
    decision_date: str = ""
    valid_until_date: str = ""
    authority_name: str = ""
    authority_code: str = ""
    source_name: str = ""
    source_code: str = ""
    remark: str = ""

    @property
    def visible_until(self) -> datetime | None:
        """Until when the public sees it; None: for good, unless it is withdrawn."""
        return None


@dataclass(frozen=True, slots=True)
class Permit(Decision):
    """A licence granted (行政许可)."""

    permit_id: str = ""
    document_name: str = ""
    certificate_name: str = ""
    certificate_number: str = ""
    valid_from_date: str = ""
    validity: str = ""

    @property
    def record_id(self) -> str:
        """Chosen by the server, see `permit_id`."""
        return self.permit_id


@dataclass(frozen=True, slots=True)
class Penalty(Decision):
    """A penalty imposed (行政处罚); amounts are 万元."""

    penalty_id: str = ""
    offence: str = ""
    facts: str = ""
    basis: str = ""
    fine_amount: Decimal | None = None
    confiscated_amount: Decimal | None = None
    revoked_certificate: str = ""
    publish_until_date: str = ""

    @property
    def record_id(self) -> str:
        """Chosen by the server, see `penalty_id`."""
        return self.penalty_id

    @property
    def visible_until(self) -> datetime | None:
        """Rule K-10: it is seen to the end of its 公示截止期, in Asia/Shanghai."""
        return end_of(self.publish_until_date) if self.publish_until_date else None


R = TypeVar("R", bound=Record)
D = TypeVar("D", bound=Decision)


def permit_id(subject_code: str, document_number: str, certificate_number: str) -> str:
    """Rule K-6: the same licence has the same id, however often and by whom it is handed in."""
    return "xk_" + _digest(subject_code, _alike(document_number), _alike(certificate_number))


def penalty_id(subject_code: str, document_number: str) -> str:
    """Rule K-6: the same penalty has the same id, however often and by whom it is handed in."""
    return "cf_" + _digest(subject_code, _alike(document_number))


def _digest(*parts: str) -> str:
    said = "\n".join(parts).encode()
    return hashlib.blake2b(said, digest_size=ID_BYTES).hexdigest()


def _alike(number: str) -> str:
    """A document's number as everybody may type it: 〔2026〕3号, [2026] 3 号, （２０２６）3号."""
    return number.translate(_ALIKE).upper()


def minimal_subject(decision: Decision) -> Subject:
    """Rule K-7: who is known by a decision only, so that a search finds them."""
    return Subject(
        subject_code=decision.subject_code,
        name=decision.subject_name,
        subject_type=decision.subject_type,
    )
