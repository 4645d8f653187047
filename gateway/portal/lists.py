"""Pages of the lists of powers, duties and prohibitions (权责清单), and how they were adjusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.routing import Route
from zhengtong.catalogue.v1 import catalogue_pb2
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from gateway.portal.contents import line_of
from gateway.portal.labels import DEPARTMENTS
from gateway.portal.pages import not_found, page
from services.common.errors import Unavailable

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.onestop.engine import OneStop
    from gateway.onestop.live import Calls
    from gateway.portal.contents import Line

DEADLINE: Final = 5.0  # seconds
IN_PAGE: Final = 20
FEED: Final = "/feeds/list-adjustments.atom"
KINDS: Final = {
    "power": catalogue_pb2.LIST_KIND_POWER,
    "duty": catalogue_pb2.LIST_KIND_DUTY,
    "negative": catalogue_pb2.LIST_KIND_NEGATIVE,
}
"""The lists by their names in addresses."""
ENTRY: Any = catalogue_pb2.ListEntry.DESCRIPTOR


class ListPages:
    """What anybody may see of the lists."""

    def __init__(self, onestop: OneStop, calls: Calls) -> None:
        self._calls = calls
        self._region_name = onestop.regions.name_of

    def routes(self) -> list[BaseRoute]:
        """Where the pages are; cards of adjustments lead there."""
        return [
            Route("/lists", self.adjustments),
            Route("/lists/adjustments/{adjustment_id}", self.adjustment),
            Route("/lists/{kind}/{dept_code}", self.entries),
        ]

    async def adjustments(self, request: Request) -> Response:
        """The latest adjustments, of one list or one body where the address names them."""
        asked = request.query_params
        kind, dept_code = asked.get("kind", ""), asked.get("dept_code", "")
        if kind and kind not in KINDS:
            return not_found(request)
        question = pb.ListAdjustmentsRequest(
            kind=KINDS.get(kind, catalogue_pb2.LIST_KIND_UNSPECIFIED),
            dept_code=dept_code,
            page_size=IN_PAGE,
            page_token=asked.get("page_token", ""),
        )
        found = await self._ask("ListAdjustments", question)
        return page(
            "lists.html",
            adjustments=found.adjustments,
            kinds=KINDS,
            kind=kind,
            dept_code=dept_code,
            feed=FEED,
            address=_address,
            region_name=self._region_name,
            onward=found.next_page_token,
        )

    async def adjustment(self, request: Request) -> Response:
        """What one adjustment changed, why, and on what basis."""
        asked = pb.GetAdjustmentRequest(adjustment_id=request.path_params["adjustment_id"])
        adjustment = (await self._ask("GetAdjustment", asked)).adjustment
        return page(
            "adjustment.html",
            adjustment=adjustment,
            differences=[
                (one, [_changed(part) for part in one.fields]) for one in adjustment.differences
            ],
            slug=_slug(adjustment.kind),
            region=self._region_name(adjustment.region_code),
        )

    async def entries(self, request: Request) -> Response:
        """The entries in force on one list of one body."""
        kind, dept_code = request.path_params["kind"], request.path_params["dept_code"]
        if kind not in KINDS:
            return not_found(request)
        question = pb.ListEntriesRequest(
            kind=KINDS[kind],
            dept_code=dept_code,
            page_token=request.query_params.get("page_token", ""),
        )
        found = await self._ask("ListEntries", question)
        first = found.entries[0] if found.entries else catalogue_pb2.ListEntry()
        return page(
            "list_entries.html",
            entries=found.entries,
            kind=kind,
            number=KINDS[kind],
            dept_code=dept_code,
            dept_name=first.dept_name or dept_code,
            region=self._region_name(first.region_code),
            history=_address(kind, dept_code),
            onward=found.next_page_token,
        )

    async def _ask(self, method: str, request: Any) -> Any:
        try:
            return await self._calls.call("catalogue", method, request, timeout=DEADLINE)
        except Unavailable as refusal:
            said = f"{DEPARTMENTS['catalogue']}暂不可用，请稍后再试。"
            raise type(refusal)(said) from refusal


def _address(kind: str = "", dept_code: str = "", page_token: str = "") -> str:
    """Where the adjustments of a list and a body are."""
    asked = {"kind": kind, "dept_code": dept_code, "page_token": page_token}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"/lists?{query}" if query else "/lists"


def _slug(kind: int) -> str:
    return next((slug for slug, number in KINDS.items() if number == kind), "")


def _changed(part: catalogue_pb2.ListFieldChange) -> tuple[str, Line | None, Line | None]:
    """A field's name, and what it said before and after."""
    before, after = (line_of(ENTRY, part.field, said) for said in (part.before, part.after))
    shown = after or before
    return shown.name if shown else part.field, before, after
