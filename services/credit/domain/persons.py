"""What must not become public: records about natural persons, and their identity numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from services.common import identifiers
from services.common.errors import Violation
from services.common.fields import FieldInvalid, Reader, text

if TYPE_CHECKING:
    from collections.abc import Mapping

ABOUT_A_PERSON: Final = "自然人的信用信息不对社会公示，本行未予收录"
HOLDS_A_NUMBER: Final = "含有公民身份号码，不得公示，请删去"
NATURAL_PERSON: Final = "自然人"
_SHORTEST = 15
# Anything but ASCII without its digits, 汉字 and the punctuation between them. Looking for one is
# many times faster than counting digits, and settles most texts.
_MAY_BE_DIGIT = re.compile(
    "[^\x00-/:-\x7f\u2010-\u203f\u3000-\u303f\u3400-\u9fff\uff01-\uff0f\uff1a-\uff5e]"
)
# 建筑工程施工许可证 and others are numbered region + date + 4 digits, like an identity number; the
# numbering began in 2014, and nobody born since then is party to a decision.
_NUMBERED_SINCE = "2014"
# Columns of the identity documents of the representative, and of the person a row is about.
_IDENTITY = re.compile(r"身份证|(?<!许可)证件(?:类型|号)|ZJLX|ZJHM|SFZ")
_REPRESENTATIVE = re.compile(r"法定代表人|法人|负责人|经营者|投资人|(?:^|_)(?:FR|FDDB)")


def is_identity_column(column: str) -> bool:
    """Tell whether a column holds identity documents of anybody (name normalised)."""
    return _IDENTITY.search(column) is not None


def is_of_the_representative(column: str) -> bool:
    """Tell whether a column is about the representative and not about the subject itself."""
    return _REPRESENTATIVE.search(column) is not None


def about_a_person(values: Mapping[str, Any]) -> list[Violation]:
    """Rule K-2: of a record about a natural person nothing is read, and nothing of it is said."""
    subject_type = values.get("subject_type")
    if isinstance(subject_type, str) and subject_type.strip().startswith(NATURAL_PERSON):
        return [Violation("subject_type", ABOUT_A_PERSON)]
    if names_a_person(values.get("subject_code")):
        return [Violation("subject_code", ABOUT_A_PERSON)]
    return []


def names_a_person(code: Any) -> bool:
    """Tell whether what stands where a 统一社会信用代码 should is an identity number."""
    if isinstance(code, int):
        code = str(code)
    if not isinstance(code, str):
        return False
    folded = identifiers.normalise_code(code)
    return holds_a_number(folded) or (folded != code and holds_a_number(code))


def holds_a_number(written: str) -> bool:
    """Tell whether a free text has an identity number in it."""
    if len(written) < _SHORTEST or not _MAY_BE_DIGIT.search(written):
        return False
    return sum(map(str.isdigit, written)) >= _SHORTEST and bool(
        identifiers.find_resident_ids(written)
    )


def public_text(limit: int, *, lines: bool = False) -> Reader:
    """A text for the public, of at most `limit` characters: no identity number in it (K-3)."""
    inner = text(limit, lines=lines).read

    def read(value: Any) -> str:
        found: str = inner(value)
        if len(found) >= _SHORTEST and holds_a_number(found):
            raise FieldInvalid(HOLDS_A_NUMBER)
        return found

    return Reader(read, "")


def public_number(limit: int) -> Reader:
    """The number of a document or certificate, which may be built like an identity number."""
    inner = text(limit).read

    def read(value: Any) -> str:
        found = str(inner(value))
        if holds_a_number(found) and not _is_numbered_by_date(found):
            raise FieldInvalid(HOLDS_A_NUMBER)
        return found

    return Reader(read, "")


def _is_numbered_by_date(written: str) -> bool:
    found = [written[start:end] for start, end in identifiers.find_resident_ids(written)]
    return all(
        len(number) == 18 and number.isascii() and number[6:10] >= _NUMBERED_SINCE
        for number in found
    )
