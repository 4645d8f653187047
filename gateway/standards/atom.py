"""Adjustments of lists as an Atom 1.0 feed (RFC 4287), for readers of feeds and other portals."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from starlette.responses import Response
from starlette.routing import Route
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from gateway.portal.labels import LIST_ACTIONS, LIST_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from zhengtong.catalogue.v1.catalogue_pb2 import ListAdjustment

    from gateway.onestop.live import Calls

PATH: Final = "/feeds/list-adjustments.atom"
MEDIA_TYPE: Final = "application/atom+xml"
MOST_ENTRIES: Final = 50
DEADLINE: Final = 5.0  # seconds
NAMESPACE: Final = "http://www.w3.org/2005/Atom"
_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)


def routes(calls: Calls, origin: str) -> list[BaseRoute]:
    """Where the feed is.

    Args:
        origin: under which people reach the platform; empty: addresses have no host.
    """

    async def feed(request: Request) -> Response:
        asked = pb.ListAdjustmentsRequest(page_size=MOST_ENTRIES)
        found = await calls.call("catalogue", "ListAdjustments", asked, timeout=DEADLINE)
        adjustments = list(found.adjustments)[:MOST_ENTRIES]
        return _answer(request, written(adjustments, origin), _newest(adjustments))

    return [Route(PATH, feed)]


def written(adjustments: Iterable[ListAdjustment], origin: str) -> bytes:
    """The feed as XML; whatever departments write is text in it."""
    shown = list(adjustments)
    feed = Element("feed", {"xmlns": NAMESPACE, "xml:lang": "zh-CN"})
    _text(feed, "id", f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, origin + PATH)}")
    _text(feed, "title", "权责清单动态调整")
    _text(feed, "updated", _rfc3339(_newest(shown)))
    SubElement(feed, "link", {"rel": "self", "type": MEDIA_TYPE, "href": origin + PATH})
    SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": f"{origin}/lists"})
    _text(SubElement(feed, "author"), "name", "政通")
    for adjustment in shown:
        _add(feed, adjustment, origin)
    xml: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return xml


def _add(feed: Element, adjustment: ListAdjustment, origin: str) -> None:
    made = _rfc3339(_time(adjustment))
    address = f"{origin}/lists/adjustments/{adjustment.adjustment_id}"
    entry = SubElement(feed, "entry")
    _text(entry, "id", _id(adjustment.adjustment_id))
    _text(entry, "title", f"{adjustment.dept_name}{LIST_KINDS.get(adjustment.kind, '清单')}调整")
    _text(entry, "published", made)
    _text(entry, "updated", made)
    SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": address})
    _text(SubElement(entry, "author"), "name", adjustment.dept_name)
    SubElement(entry, "category", {"term": LIST_KINDS.get(adjustment.kind, "清单")})
    _text(entry, "summary", _summary(adjustment))


def _id(adjustment_id: str) -> str:
    """An entry stays the same one, whatever the platform's address is."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'/lists/adjustments/{adjustment_id}')}"


def _summary(adjustment: ListAdjustment) -> str:
    number = f"（{adjustment.document_number}）" if adjustment.document_number else ""
    done = "；".join(
        f"{LIST_ACTIONS.get(one.action, '调整')}“{one.name}”" for one in adjustment.differences
    )
    reason = adjustment.reason.rstrip("。")
    basis = f"依据：{adjustment.document_name}{number}"
    return f"{done}。原因：{reason}。{basis}。"


def _text(parent: Element, tag: str, said: str) -> None:
    SubElement(parent, tag).text = _NO_XML.sub("\ufffd", said)


def _time(adjustment: Any) -> datetime:
    return datetime.fromtimestamp(adjustment.adjust_time.seconds, UTC)


def _newest(adjustments: list[ListAdjustment]) -> datetime:
    return max(map(_time, adjustments), default=_BEGINNING)


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _answer(request: Request, body: bytes, newest: datetime) -> Response:
    """The feed, or that the reader has it already."""
    tag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
    headers = {
        "etag": tag,
        "last-modified": format_datetime(newest, usegmt=True),
        "cache-control": "no-cache",
    }
    known = [one.strip() for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known or f"W/{tag}" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=MEDIA_TYPE, headers=headers)
