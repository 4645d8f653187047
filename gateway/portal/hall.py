"""The screen of a 政务服务中心: items one after another, without script and without a hand."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

import segno
from markupsafe import Markup
from starlette.routing import Route
from zhengtong.catalogue.v1 import catalogue_pb2
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from gateway.portal.details import DEADLINE, gone
from gateway.portal.life_events import region_of
from gateway.portal.pages import page
from gateway.portal.writing import BEIJING, limit
from gateway.refusals import DepartmentFailed
from gateway.standards.open_data.files import origin_of
from services.common.errors import DomainError, Invalid
from services.common.identifiers import redact_resident_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.onestop.engine import OneStop
    from gateway.onestop.live import Calls
    from gateway.public import PublicAddress

PATH: Final = "/hall/"
SHORTEST, USUAL, LONGEST = 5, 15, 120  # seconds that an item stands
SHOWN: Final = 200
"""Items of one screen: the first page of its region; at 15 seconds each, nearly an hour."""
FRESH_SECONDS: Final = 60.0
SCREENS: Final = 64
"""Regions and bodies whose items are remembered, the latest asked for."""
BETWEEN, NOTICED = 9, 6
"""A notice comes after so many items, and names so many that need no number in the queue."""
LONG, LONGER = 30, 70  # characters of a name that is set smaller
QUIET = 4  # modules of white around a QR code, as ISO/IEC 18004 has it

Screen = catalogue_pb2.Item | tuple[catalogue_pb2.Item, ...]
"""An item, or a notice of several."""


@dataclass(frozen=True, slots=True)
class Playlist:
    """What a screen turns over, and when it was read."""

    items: tuple[catalogue_pb2.Item, ...]
    read: float
    told: datetime


class HallPages:
    """`/hall/{region_code}`."""

    def __init__(self, onestop: OneStop, calls: Calls, public: PublicAddress) -> None:
        self._calls = calls
        self._public = public
        self._region_name = onestop.regions.name_of
        self._lists: OrderedDict[tuple[str, str], Playlist] = OrderedDict()

    def routes(self) -> list[BaseRoute]:
        """Where the screens are."""
        return [Route("/hall/{region_code}", self.screen, methods=["GET"])]

    async def screen(self, request: Request) -> Response:
        """Rule I-22: one item; the page leads to the next by itself, the last to the first."""
        told = request.path_params["region_code"]
        # What is no region the catalogue refuses; a person's number is nowhere written.
        region = region_of(told) or redact_resident_ids(told)[:64]
        dept = request.query_params.get("dept", "")[:64]
        found, down = await self._playlist(region, dept)
        now = datetime.now(BEIJING)
        items = [one for one in found.items if not gone(one, now)] if found else []
        screens = _screens(items)
        at = _whole(request.query_params.get("n", ""), 1)
        at = at if 1 <= at <= len(screens) else 1
        shown = screens[at - 1] if screens else ()
        item = shown if isinstance(shown, catalogue_pb2.Item) else None
        return page(
            "hall.html",
            headers=_onward(request, at % len(screens) + 1 if screens else 1),
            item=item,
            notice=shown if item is None else (),
            at=at,
            count=len(screens),
            region=self._region_name(region),
            code=region,
            size=_size(item.task_name) if item else "",
            down=down,
            told=found.told if found else None,
            now=now,
            limit=_limit(item) if item else "",
            qr=self._qr(request, item) if shown else "",
            no_visit=sum(map(_no_visit, items)),
            free=item is not None and _no_visit(item),
        )

    async def _playlist(self, region: str, dept: str) -> tuple[Playlist | None, bool]:
        """The items of a screen, and whether the department did not answer."""
        known = self._lists.get((region, dept))
        if known and time.monotonic() - known.read < FRESH_SECONDS:
            return known, False
        asked = pb.ListItemsRequest(region_code=region, dept_code=dept, page_size=SHOWN)
        try:
            answer = await self._calls.call("catalogue", "ListItems", asked, timeout=DEADLINE)
        except Invalid:
            return None, False
        except (DomainError, DepartmentFailed):
            return known, True
        read = Playlist(tuple(answer.items), time.monotonic(), datetime.now(BEIJING))
        self._lists[region, dept] = read
        self._lists.move_to_end((region, dept))
        if len(self._lists) > SCREENS:
            self._lists.popitem(last=False)
        return read, False

    def _qr(self, request: Request, item: catalogue_pb2.Item | None) -> Markup:
        """The QR code of an item's page; beside a notice that of the search."""
        origin = self._public.origin or origin_of(request)
        url = f"{origin}/items/{quote(item.item_id, safe='')}" if item else f"{origin}/"
        svg = segno.make(url, error="m", micro=False).svg_inline(border=QUIET, omitsize=True)
        return Markup(svg)  # noqa: S704  (squares alone; no text of anybody is in it)


def hall_trouble(request: Request, status: int, detail: str) -> Response:
    """What a screen shows where something went wrong: a line, and it goes on by itself."""
    at = _whole(request.query_params.get("n", ""), 1)
    headers = _onward(request, max(1, at))
    return page("hall_trouble.html", status, headers=headers, detail=detail)


def _onward(request: Request, following: int) -> dict[str, str]:
    """The header that turns the page; no markup can lose it."""
    asked = request.query_params
    seconds = min(LONGEST, max(SHORTEST, _whole(asked.get("seconds", ""), USUAL)))
    query: dict[str, Any] = {"n": following, "seconds": seconds}
    if asked.get("dept"):
        query["dept"] = asked["dept"][:64]
    path = quote(redact_resident_ids(request.scope["path"]), safe="/")
    return {"refresh": f"{seconds}; url={path}?{urlencode(query)}"}


def _whole(text: str, usual: int) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else usual


def _no_visit(item: catalogue_pb2.Item) -> bool:
    return item.is_online and not item.limit_scene_num


def _screens(items: Sequence[catalogue_pb2.Item]) -> list[Screen]:
    """Every item in turn, and between them notices of those that need no number in the queue."""
    free = [one for one in items if _no_visit(one)]
    screens: list[Screen] = []
    for start in range(0, len(items), BETWEEN):
        screens += items[start : start + BETWEEN]
        if free:
            # Each notice goes on where the one before ended.
            first = start // BETWEEN * NOTICED
            names = range(first, first + min(NOTICED, len(free)))
            screens.append(tuple(free[place % len(free)] for place in names))
    return screens


def _size(name: str) -> str:
    """The class of a name's size: long ones are set smaller, so that the screen holds them."""
    if len(name) > LONGER:
        return "longer"
    return "long" if len(name) > LONG else ""


def _limit(item: catalogue_pb2.Item) -> str:
    if item.project_type == "1":
        return "当场办结"
    promised = limit(item.promise_day, item.promise_type, item.promise_explain)
    return promised or limit(item.anticipate_day, item.anticipate_type, item.anticipate_explain)
