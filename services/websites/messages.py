"""Domain values to protobuf messages and back. The only file that knows both shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from google.protobuf import json_format
from zhengtong.dossier.v1 import dossier_pb2
from zhengtong.dossier.v1.dossier_service_pb2 import GetPartResponse
from zhengtong.search.v1 import search_pb2
from zhengtong.websites.v1 import websites_events_pb2 as events_pb
from zhengtong.websites.v1 import websites_pb2

from services.common import fields
from services.common.errors import Violation
from services.websites import domain
from services.websites.domain import (
    STATE_NAMES,
    Changed,
    Listed,
    Mapping,
    Publication,
    Removed,
    Site,
    SiteInvalid,
    SiteState,
    Thing,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from google.protobuf.message import Message

KIND = "website"
IMPORTED = events_pb.RecordsImported.DESCRIPTOR.full_name
_STATES: dict[int, SiteState | None] = {
    websites_pb2.SITE_STATE_UNSPECIFIED: None,
    websites_pb2.SITE_STATE_OPEN: SiteState.OPEN,
    websites_pb2.SITE_STATE_SUSPENDED: SiteState.SUSPENDED,
    websites_pb2.SITE_STATE_CLOSED: SiteState.CLOSED,
}


def site_of(message: websites_pb2.Site) -> Site:
    """The site a caller hands in. Raises: SiteInvalid."""
    return domain.site_of(json_format.MessageToDict(message, preserving_proto_field_name=True))


def mapping_of(message: websites_pb2.Mapping) -> Mapping:
    """The mapping a caller hands in. Raises: MappingInvalid."""
    return domain.mapping_of(json_format.MessageToDict(message, preserving_proto_field_name=True))


def state_of(number: int) -> SiteState | None:
    """The state a caller asks for; None: any. Raises: SiteInvalid."""
    if number not in _STATES:
        text = "应为 SITE_STATE_OPEN、SITE_STATE_SUSPENDED 或 SITE_STATE_CLOSED。"
        raise SiteInvalid(text, Violation("state", text))
    return _STATES[number]


def site_message(listed: Listed[Site]) -> websites_pb2.Site:
    return websites_pb2.Site(
        version=listed.version, update_time=listed.update_time, **fields.plain(listed.thing)
    )


def mapping_message(listed: Listed[Mapping]) -> websites_pb2.Mapping:
    return websites_pb2.Mapping(
        version=listed.version,
        update_time=listed.update_time,
        active=listed.active,
        **fields.plain(listed.thing),
    )


def part_message(sites: Sequence[Listed[Site]], total: int) -> GetPartResponse:
    """A part of a dossier; without sections where the unit has no site."""
    if not sites:
        return GetPartResponse()
    entries = [_entry(listed.thing) for listed in sites]
    section = dossier_pb2.Section(kind=KIND, title="政府网站", total=total, entries=entries)
    return GetPartResponse(sections=[section], subject_name=sites[0].thing.unit)


def _entry(site: Site) -> dossier_pb2.Entry:
    return dossier_pb2.Entry(
        title=site.name,
        summary=site.hosts[0],
        url=f"/websites/{site.site_id}",
        code=site.site_id,
        status=STATE_NAMES[site.state],
    )


def count_message(publication: Publication) -> websites_pb2.PublicationCount:
    return websites_pb2.PublicationCount(**fields.plain(publication))


def fact_message(fact: Changed[Site] | Changed[Mapping]) -> Message:
    listed: Listed[Any] = fact.listed
    if isinstance(listed.thing, Site):
        kind = events_pb.SiteRegistered if fact.newly else events_pb.SiteRevised
        return kind(card=search_pb2.Card(**card(listed.thing)), site=site_message(listed))
    mapping_kind = events_pb.MappingAdded if fact.newly else events_pb.MappingRevised
    return mapping_kind(mapping=mapping_message(listed))


def removal_message(fact: Removed) -> events_pb.MappingRemoved:
    return events_pb.MappingRemoved(mapping_id=fact.listed.thing.mapping_id, reason=fact.reason)


def import_message(kind: str, count: int) -> events_pb.ImportPublished:
    return events_pb.ImportPublished(kind=kind, count=count)


def kind_of(thing: Thing) -> str:
    """How statistics and bulk facts call it."""
    return domain.SITE if isinstance(thing, Site) else domain.MAPPING


def card(site: Site) -> dict[str, Any]:
    """The card of a site, as the JSON form of its message."""
    values: dict[str, Any] = {
        "kind": KIND,
        "title": site.name,
        "summary": _summary(site),
        "department": site.unit,
        "url": f"/websites/{site.site_id}",
        "codes": [site.site_id, *site.hosts],
        "facets": {"state": site.state.short},
    }
    if site.region_code:
        values["region_code"] = site.region_code
    return values


def _summary(site: Site) -> str:
    """What a searcher wants to know first: can it be opened, and if not, where to go."""
    if site.state is SiteState.CLOSED:
        return f"{STATE_NAMES[site.state]}，功能已迁至 {site.homepage}"
    parts = ["" if site.state is SiteState.OPEN else STATE_NAMES[site.state]]
    parts += [site.hosts[0], f"{site.unit}主办"]
    return " · ".join(part for part in parts if part)


def fact_json(listed: Listed[Any], updated: str) -> dict[str, Any]:
    """The fields of a fact or record about a thing as protobuf JSON, without a message.

    Args:
        updated: `rfc3339` of its update_time, which many things of one import share.
    """
    thing = listed.thing
    said = {"version": str(listed.version), "update_time": updated, **fields.plain(thing)}
    if isinstance(thing, Site):
        return {"card": card(thing), domain.SITE: said}
    return {domain.MAPPING: said | ({"active": True} if listed.active else {})}


def record_json(listed: Listed[Any], updated: str) -> bytes:
    """One WebsiteRecord as protobuf JSON."""
    head = {"subject": listed.thing.subject, "version": str(listed.version)}
    return orjson.dumps(head | fact_json(listed, updated))


def rfc3339(moment: datetime) -> str:
    """A moment in UTC, of whole milliseconds, as protobuf JSON has it."""
    timespec = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
