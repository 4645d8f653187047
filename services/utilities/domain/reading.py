"""How a record becomes an institution or a notice: field by field, then what joins fields."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from services.common import identifiers
from services.common.errors import Invalid, Violation
from services.common.fields import (
    FieldInvalid,
    Reader,
    matching,
    moment,
    number,
    read_record,
    records,
    region,
    text,
    texts,
    uscc,
    whole,
)
from services.utilities.domain.institution import Institution, Office
from services.utilities.domain.outage import LONGEST, Outage
from services.utilities.domain.tables import OUTAGE_KINDS, SECTORS, OutageKind, Sector

if TYPE_CHECKING:
    from collections.abc import Mapping

E = TypeVar("E", Sector, OutageKind)

# What tells each shape of rows that the importer takes.
SHAPES: dict[str, frozenset[str]] = {
    "institutions": frozenset({"name", "sector"}),
    "outages": frozenset({"start_time", "expected_restore_time"}),
}
# What only the server writes; in files `state` is where an outage stands, which the clock says.
SERVER_FIELDS = frozenset({"state", "version", "update_time", "late_notice"})
MOST_OFFICES = 200
MOST_AREAS = 200
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_SAID_ID = "编号：字母、数字、点、下划线和连字符，不超过 64 个"


class InstitutionInvalid(Invalid):
    """The record cannot be an institution; each violation names a field."""

    reason = "INSTITUTION_INVALID"


class OutageInvalid(Invalid):
    """The record cannot be a notice of an outage; each violation names a field."""

    reason = "OUTAGE_INVALID"


def member(names: Mapping[E, str]) -> Reader:
    """A member of a table by its name in the proto, its short name (`water`) or in Chinese."""
    known = {one.value: one for one in names}
    known |= {one.name.lower(): one for one in names}
    known |= {name: one for one, name in names.items()}
    listing = "、".join(f"{one.name.lower()} {name}" for one, name in names.items())

    def read(value: Any) -> E:
        found = known.get(value.strip()) if isinstance(value, str) else None
        if found is None:
            raise FieldInvalid(f"应为其中一项：{listing}")
        return found

    return Reader(read, None)


def time() -> Reader:
    """A moment of this century, in whole seconds."""
    inner = moment().read

    def read(value: Any) -> datetime:
        found: datetime = inner(value).replace(microsecond=0)
        if not EARLIEST <= found < LATEST:
            raise FieldInvalid("应为 2000 年至 2099 年的时间")
        return found

    return Reader(read, None)


def regions() -> Reader:
    """At most 200 行政区划代码, each once."""
    parts, one = texts(20, MOST_AREAS).read, region().read
    return Reader(lambda value: tuple(dict.fromkeys(one(part) for part in parts(value))), ())


_OFFICE = {
    "office_id": matching(r"[0-9A-Za-z][0-9A-Za-z\-_.]{0,63}", 64, _SAID_ID),
    "name": text(100),
    "address": text(200),
    "hours": text(200, lines=True),
    "phone": text(60),
    "longitude": number(73, 136),
    "latitude": number(3, 54),
}
INSTITUTION_READERS: dict[str, Reader] = {
    "institution_id": uscc(registry=True),
    "name": text(200),
    "sector": member({one: words.name for one, words in SECTORS.items()}),
    "region_code": region(),
    "department": text(200),
    "address": text(200),
    "phone": text(60),
    "website": matching(r"https?://[^\s<>\"']{1,490}", 500, "http 或 https 网址"),
    "offices": records(Office, _OFFICE, count=MOST_OFFICES, required=("office_id", "name")),
}
OUTAGE_READERS: dict[str, Reader] = {
    "outage_id": matching(r"[0-9A-Za-z][0-9A-Za-z\-_.]{0,63}", 64, _SAID_ID),
    "sector": INSTITUTION_READERS["sector"],
    "kind": member(OUTAGE_KINDS),
    "institution_id": uscc(registry=True),
    "institution_name": text(200),
    "reason": text(500, lines=True),
    "start_time": time(),
    "expected_restore_time": time(),
    "area_region_codes": regions(),
    "area_text": text(2000, lines=True),
    "households": whole(0),
    "publish_time": time(),
    "phone": text(60),
}
INSTITUTION_REQUIRED = ("institution_id", "name", "sector", "region_code")
OUTAGE_REQUIRED = (
    "outage_id",
    "sector",
    "kind",
    "start_time",
    "expected_restore_time",
    "area_region_codes",
    "area_text",
)
# Names that files have for the fields of the proto.
INSTITUTION_NAMES = {"code": "institution_id"}
OUTAGE_NAMES = {"notice_id": "outage_id", "institution_code": "institution_id"}


def institution_of(values: Mapping[str, Any]) -> Institution:
    """The institution in a record, as JSON, CSV or the message has it.

    Raises:
        InstitutionInvalid: with each field at fault.
    """
    given, wrong = read_record(
        values, INSTITUTION_READERS, required=INSTITUTION_REQUIRED, ignored=SERVER_FIELDS
    )
    if not wrong:
        wrong = _offices(given.get("offices", ()))
    if wrong:
        raise InstitutionInvalid("单位信息有误，请按提示更正。", *wrong)
    return Institution(**given)


def outage_of(values: Mapping[str, Any]) -> Outage:
    """The notice in a record, as JSON, CSV or the message has it; `domain.complete` fills it.

    Raises:
        OutageInvalid: with each field at fault.
    """
    given, wrong = read_record(
        values, OUTAGE_READERS, required=OUTAGE_REQUIRED, ignored=SERVER_FIELDS
    )
    if not wrong:
        outage = Outage(**given)
        wrong = [*_number(outage), *_period(outage)]
    if wrong:
        raise OutageInvalid("停供公告有误，请按提示更正。", *wrong)
    return outage


def institution_of_row(values: Any) -> Institution:
    """The institution in one row of a file. Raises: InstitutionInvalid."""
    if not hasattr(values, "keys"):
        raise InstitutionInvalid("不是一行完整的数据。", _no_record())
    return institution_of(_named(values, INSTITUTION_NAMES))


def outage_of_row(values: Any) -> Outage:
    """The notice in one row of a file. Raises: OutageInvalid."""
    if not hasattr(values, "keys"):
        raise OutageInvalid("不是一行完整的数据。", _no_record())
    return outage_of(_named(values, OUTAGE_NAMES))


def _no_record() -> Violation:
    return Violation("", "这一行不是一条完整的数据")


def _named(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The values under the names of the proto; a name given twice stays, to be refused."""
    return {
        names[name] if name in names and names[name] not in values else name: value
        for name, value in values.items()
    }


def _offices(offices: tuple[Office, ...]) -> list[Violation]:
    """Rule U-8: offices are told apart by their numbers, and stand on the map or do not."""
    wrong: list[Violation] = []
    seen: set[str] = set()
    for index, office in enumerate(offices):
        if office.office_id in seen:
            wrong.append(Violation(f"offices[{index}].office_id", "与前面的网点编号相同"))
        seen.add(office.office_id)
        if bool(office.longitude) != bool(office.latitude):
            wrong.append(Violation(f"offices[{index}].longitude", "经度和纬度应同时填写"))
    return wrong


def _number(outage: Outage) -> list[Violation]:
    """Rule U-2: the number of a notice can never be taken for that of an institution."""
    if identifiers.is_uscc_shape(identifiers.normalise_code(outage.outage_id)):
        return [Violation("outage_id", "公告编号不得与统一社会信用代码同形")]
    return []


def _period(outage: Outage) -> list[Violation]:
    """Rule U-3: supply comes back after it stops, and within a year."""
    length = outage.expected_restore_time - outage.start_time
    if length.total_seconds() <= 0:
        return [Violation("expected_restore_time", "预计恢复时间应晚于开始时间")]
    if length > LONGEST:
        return [Violation("expected_restore_time", f"停供不得超过 {LONGEST.days} 天")]
    return []
