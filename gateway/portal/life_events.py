"""Pages of life events (一件事): what one occasion needs, in the reader's region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from gateway.portal.details import DEADLINE
from gateway.portal.pages import page
from gateway.portal.writing import limit

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.onestop.engine import OneStop
    from gateway.onestop.live import Calls

LISTED: Final = 100
REGION_LENGTH: Final = 12


class LifeEventPages:
    """`/life-events` and each of them."""

    def __init__(self, onestop: OneStop, calls: Calls) -> None:
        self._calls = calls
        self._regions = onestop.regions

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/life-events", self.overview, methods=["GET"]),
            Route("/life-events/{event_id}", self.event, methods=["GET"]),
        ]

    async def overview(self, request: Request) -> Response:
        """All life events that are offered."""
        asked = pb.ListLifeEventsRequest(
            page_size=LISTED, page_token=request.query_params.get("page_token", "")
        )
        found = await self._ask("ListLifeEvents", asked)
        return page(
            "life_events.html",
            events=found.events,
            onward=found.next_page_token,
            region_of=self._regions.name_of,
        )

    async def event(self, request: Request) -> Response:
        """One life event, in a region: which items, what to bring, how long."""
        region = region_of(request.query_params.get("region", ""))
        asked = pb.GetLifeEventRequest(event_id=request.path_params["event_id"], region_code=region)
        found = (await self._ask("GetLifeEvent", asked)).occasion
        return page(
            "life_event.html",
            found=found,
            event=found.event,
            region=region or found.event.region_code,
            region_of=self._regions.name_of,
            named={one.item_id: one.task_name for one in found.steps if one.task_name},
            needed=[one for one in found.materials if not one.waived],
            waived=[one for one in found.materials if one.waived],
            promised=limit(found.joint_day, found.joint_type, ""),
        )

    async def _ask(self, method: str, request: Any) -> Any:
        return await self._calls.call("catalogue", method, request, timeout=DEADLINE)


def region_of(text: str) -> str:
    """The region that an address names, 12 digits; empty where it names none."""
    digits = text.isascii() and text.isdecimal() and 2 <= len(text) <= REGION_LENGTH
    return text.ljust(REGION_LENGTH, "0") if digits else ""
