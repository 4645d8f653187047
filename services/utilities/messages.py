"""Domain values to protobuf messages and back. The only file that knows both shapes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import orjson
from google.protobuf import json_format
from zhengtong.dossier.v1 import dossier_pb2
from zhengtong.dossier.v1.dossier_service_pb2 import GetPartResponse
from zhengtong.search.v1 import search_pb2
from zhengtong.utilities.v1 import utilities_events_pb2 as events_pb
from zhengtong.utilities.v1 import utilities_pb2 as pb

from services.common import fields
from services.common.errors import Violation
from services.common.identifiers import region_ancestors
from services.utilities import domain
from services.utilities.domain import Changed, Institution, Listed, Outage, Sector, Withdrawn
from services.utilities.domain.tables import OUTAGE_KINDS, SECTORS

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from services.utilities.usecases import Part

CARD_KIND = "utility"
IMPORTED = events_pb.RecordsImported.DESCRIPTOR.full_name
LEGAL_ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991
OFFICES_ON_A_CARD = 20
TITLE_LENGTH = 60
_STATE_NAMES = {True: "PUBLIC_STATE_PUBLISHED", False: "PUBLIC_STATE_WITHDRAWN"}


@dataclass(frozen=True, slots=True)
class Form:
    """The messages of one kind of things.

    Args:
        name: of the field that holds the thing in facts, and of its kind for those who count.
    """

    name: str
    thing: Any
    published: Any
    revised: Any
    withdrawn: Any


FORMS: dict[type[Institution | Outage], Form] = {
    Institution: Form(
        "institution",
        pb.Institution,
        events_pb.InstitutionPublished,
        events_pb.InstitutionRevised,
        events_pb.InstitutionWithdrawn,
    ),
    Outage: Form(
        "outage",
        pb.Outage,
        events_pb.OutageAnnounced,
        events_pb.OutageRevised,
        events_pb.OutageWithdrawn,
    ),
}


def institution_of(message: pb.Institution) -> Institution:
    """The institution a caller hands in. Raises: InstitutionInvalid."""
    return domain.institution_of(
        json_format.MessageToDict(message, preserving_proto_field_name=True)
    )


def outage_of(message: pb.Outage) -> Outage:
    """The notice a caller hands in. Raises: OutageInvalid."""
    try:
        values = json_format.MessageToDict(message, preserving_proto_field_name=True)
    except (ValueError, json_format.SerializeToJsonError):
        # A Timestamp can hold numbers that are no time.
        text = "应为 2000 年至 2099 年的时间"
        names = ("start_time", "expected_restore_time", "publish_time")
        wrong = [Violation(name, text) for name in names if not _is_time(getattr(message, name))]
        raise domain.OutageInvalid("停供公告有误，请按提示更正。", *wrong) from None
    return domain.outage_of(values)


def _is_time(stamp: Any) -> bool:
    try:
        stamp.ToJsonString()
    except ValueError:
        return False
    return True


def sector_of(value: int) -> Sector | None:
    """The sector a list is asked for; None: of all. Raises: SectorUnknown."""
    if not value:
        return None
    known = pb.Sector.DESCRIPTOR.values_by_number.get(value)
    if known is None:
        text = "没有这个行业。"
        raise domain.SectorUnknown(text, Violation("sector", text))
    return Sector(known.name)


def institution_message(listed: Listed[Institution]) -> pb.Institution:
    return pb.Institution(**_told(listed), **fields.plain(listed.thing))


def outage_message(listed: Listed[Outage]) -> pb.Outage:
    return pb.Outage(**_told(listed), **fields.plain(listed.thing), **_judged(listed.thing))


def _told(listed: Listed[Any]) -> dict[str, Any]:
    return {
        "state": _STATE_NAMES[listed.public],
        "version": listed.version,
        "update_time": listed.update_time,
    }


def _judged(thing: Institution | Outage) -> dict[str, Any]:
    """What follows from a thing by a rule and is told with it: Rule U-4."""
    late = isinstance(thing, Outage) and thing.missed_lead_time is not None
    return {"late_notice": True} if late else {}


def fact_message(fact: Changed[Any] | Withdrawn[Any]) -> Message:
    listed = fact.listed
    form = FORMS[type(listed.thing)]
    if isinstance(fact, Withdrawn):
        removal = search_pb2.Removal(kind=CARD_KIND)
        subject = {f"{form.name}_id": listed.thing.subject}
        withdrawn: Message = form.withdrawn(removal=removal, reason=fact.reason, **subject)
        return withdrawn
    thing = form.thing(**_told(listed), **fields.plain(listed.thing), **_judged(listed.thing))
    kind = form.published if fact.newly else form.revised
    changed: Message = kind(card=card_message(listed.thing), **{form.name: thing})
    return changed


def import_message(kind: type[Institution | Outage], count: int) -> events_pb.ImportPublished:
    return events_pb.ImportPublished(kind=FORMS[kind].name, count=count)


def part_message(part: Part) -> GetPartResponse:
    """A part of a dossier: the institution, then what it stops now or soon."""
    answer = GetPartResponse()
    if part.institution:
        institution = part.institution.thing
        answer.subject_name = institution.name
        answer.sections.add(
            kind="institution",
            title="公共企事业单位",
            total=1,
            entries=[_entry(institution, institution.institution_id)],
        )
    if part.outage_total:
        answer.sections.add(
            kind="outage",
            title="停供公告",
            total=part.outage_total,
            entries=[_outage_entry(listed.thing) for listed in part.outages],
        )
    return answer


def _outage_entry(outage: Outage) -> dossier_pb2.Entry:
    entry = _entry(outage, outage.outage_id)
    entry.entry_date = outage.start_time.astimezone(LEGAL_ZONE).date().isoformat()
    return entry


def _entry(thing: Institution | Outage, code: str) -> dossier_pb2.Entry:
    """As searchers see it."""
    shown = card(thing)
    return dossier_pb2.Entry(
        title=shown["title"], summary=shown["summary"], url=shown["url"], code=code
    )


def card_message(thing: Institution | Outage) -> search_pb2.Card:
    return json_format.ParseDict(card(thing), search_pb2.Card())


def card(thing: Institution | Outage) -> dict[str, Any]:
    """The card of a thing, as the JSON form of its message."""
    values = _institution_card(thing) if isinstance(thing, Institution) else _outage_card(thing)
    return {name: value for name, value in values.items() if value}


def _institution_card(institution: Institution) -> dict[str, Any]:
    words = SECTORS[institution.sector]
    offices = [office.name for office in institution.offices[:OFFICES_ON_A_CARD]]
    return {
        "kind": CARD_KIND,
        "title": institution.name,
        "aliases": list(dict.fromkeys((words.name, *words.said, *offices))),
        "summary": _joined(words.name, institution.address, institution.phone),
        "department": institution.department,
        "region_code": institution.region_code,
        "url": f"/utilities/institutions/{institution.institution_id}",
        "codes": [institution.institution_id],
        "facets": {"record": "institution", "sector": institution.sector.value},
    }


def _outage_card(outage: Outage) -> dict[str, Any]:
    stopped = SECTORS[outage.sector].stopped
    return {
        "kind": CARD_KIND,
        "title": f"{stopped}公告：{_shortened(outage.area_text)}",
        "aliases": [stopped],
        "summary": _outage_summary(outage, stopped),
        "department": outage.institution_name,
        "region_code": _common_region(outage.area_region_codes),
        "url": f"/utilities/outages/{outage.outage_id}",
        "codes": [outage.outage_id],
        "facets": {
            "record": "outage",
            "sector": outage.sector.value,
            "outage_kind": outage.kind.value,
            "start_time": rfc3339(outage.start_time),
            "end_time": rfc3339(outage.expected_restore_time),
        },
        "visible_from_time": rfc3339(outage.publish_time) if outage.publish_time else "",
        "visible_until_time": rfc3339(outage.visible_until),
    }


def _outage_summary(outage: Outage, stopped: str) -> str:
    """What is stopped, when, for how many; and honestly, that it was told too late (Rule U-4)."""
    missed = outage.missed_lead_time
    start, end = (
        moment.astimezone(LEGAL_ZONE)
        for moment in (outage.start_time, outage.expected_restore_time)
    )
    until = (
        f"{end:%H:%M}" if start.date() == end.date() else f"{end.month}月{end.day}日 {end:%H:%M}"
    )
    return _joined(
        f"{OUTAGE_KINDS[outage.kind]}{stopped} {start.month}月{start.day}日 {start:%H:%M}–{until}",
        f"影响 {outage.households} 户" if outage.households else "",
        f"未提前 {missed.said}公告" if missed else "",
    )


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= TITLE_LENGTH else f"{text[: TITLE_LENGTH - 1]}…"


def _common_region(codes: tuple[str, ...]) -> str:
    """The smallest region that all of these lie in; empty: there is none."""
    first, *others = codes
    chains = [{code, *region_ancestors(code)} for code in others]
    candidates = (first, *region_ancestors(first))
    return next((one for one in candidates if all(one in chain for chain in chains)), "")


def rfc3339(moment: datetime) -> str:
    """A moment in UTC as protobuf JSON has it."""
    text = moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def json_form(plain: dict[str, Any]) -> dict[str, Any]:
    """`fields.plain` of a thing as protobuf JSON: its moments become texts."""
    return {
        name: rfc3339(value) if isinstance(value, datetime) else value
        for name, value in plain.items()
    }


def record_json(listed: Listed[Any], body: dict[str, Any], updated: str) -> bytes:
    """One UtilityRecord as protobuf JSON, without the detour by a message.

    Args:
        body: `json_form` of the thing, which the store has made already.
        updated: the thing's update_time, RFC 3339.
    """
    told = _told(listed) | {"version": str(listed.version), "update_time": updated}
    return orjson.dumps(
        {
            "subject": listed.thing.subject,
            "version": str(listed.version),
            "card": card(listed.thing),
            FORMS[type(listed.thing)].name: told | body | _judged(listed.thing),
        }
    )
