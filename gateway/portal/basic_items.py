"""Pages of the basic catalogue (基本目录): what is done at all, and who does it where."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from gateway.portal.details import DEADLINE
from gateway.portal.labels import TASK_TYPES
from gateway.portal.life_events import region_of
from gateway.portal.pages import not_found, page
from services.common.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.onestop.engine import OneStop
    from gateway.onestop.live import Calls

LISTED: Final = 100
LONGEST_CODE: Final = 64


class BasicItemPages:
    """`/basic-items` and each of them, with those that carry it out."""

    def __init__(self, onestop: OneStop, calls: Calls) -> None:
        self._calls = calls
        self._regions = onestop.regions

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/basic-items", self.overview, methods=["GET"]),
            Route("/basic-items/{catalog_code}", self.basic_item, methods=["GET"]),
        ]

    async def overview(self, request: Request) -> Response:
        """The basic catalogue, of one 事项类型 or of all."""
        kind = request.query_params.get("type", "")
        kind = kind if kind in TASK_TYPES else ""
        asked = pb.ListBasicItemsRequest(
            task_type=kind,
            page_size=LISTED,
            page_token=request.query_params.get("page_token", ""),
        )
        found = await self._ask("ListBasicItems", asked)
        return page(
            "basic_items.html", found=found.basic_items, kind=kind, onward=found.next_page_token
        )

    async def basic_item(self, request: Request) -> Response:
        """One 基本编码: what it is, and who carries it out in a region and those below."""
        code = request.path_params["catalog_code"]
        if len(code) > LONGEST_CODE:
            return not_found(request)
        region = region_of(request.query_params.get("region", ""))
        asked = pb.ListItemsRequest(
            catalog_code=code,
            region_code=region,
            page_size=LISTED,
            page_token=request.query_params.get("page_token", ""),
        )
        basic, found = await asyncio.gather(self._basic(code), self._ask("ListItems", asked))
        if basic is None and not found.items and not found.next_page_token and not region:
            return not_found(request)
        return page(
            "basic_item.html",
            code=code,
            basic=basic,
            name=_name_of(basic, found.items) or code,
            items=found.items,
            region=region,
            onward=found.next_page_token,
            region_of=self._regions.name_of,
        )

    async def _basic(self, code: str) -> Any:
        """The item of the basic catalogue; None: it has none of this code."""
        try:
            found = await self._ask("GetBasicItem", pb.GetBasicItemRequest(catalog_code=code))
        except NotFound:
            return None
        return found.basic_item if found.basic_item.catalog_code else None

    async def _ask(self, method: str, request: Any) -> Any:
        return await self._calls.call("catalogue", method, request, timeout=DEADLINE)


def _name_of(basic: Any, items: Sequence[Any]) -> str:
    """What the catalogue calls it, else what one of its bodies does."""
    return str(basic.catalog_name) if basic else next((one.task_name for one in items), "")
