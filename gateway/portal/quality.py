"""Officers see what the quality rules say of the items that bodies have made public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.routing import Route
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from gateway.contracts import SERVICES, roles_of
from gateway.portal.desk import for_the_signed_in
from gateway.portal.pages import page
from services.common.identifiers import RegionLevel, region_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.onestop.engine import OneStop
    from gateway.onestop.regions import Region
    from gateway.portal.desk import Desk
    from gateway.portal.visits import Visit
    from services.common.access import Caller

PATH: Final = "/desk/quality"
ROLES: Final = roles_of(SERVICES["catalogue"].methods_by_name["ListQualityReports"])
IN_PAGE: Final = 20


def sees_quality(caller: Caller) -> bool:
    """Whether somebody may see how good the items are."""
    return not ROLES.isdisjoint(caller.roles) and not caller.on_behalf_of


class QualityPages:
    """`/desk/quality`: the bodies of a region, and each of them."""

    def __init__(self, desk: Desk, onestop: OneStop) -> None:
        self._desk = desk
        self._regions = onestop.regions

    def routes(self) -> list[BaseRoute]:
        return [
            Route(PATH, self.of_region, methods=["GET"]),
            Route(f"{PATH}/{{dept_code}}", self.of_body, methods=["GET"]),
        ]

    @for_the_signed_in
    async def of_region(self, request: Request, this: Visit) -> Response:
        """The bodies of a region, that of the officer unless told, page by page."""
        region = request.query_params.get("region", this.caller.region)
        asked = pb.ListQualityReportsRequest(
            region_code=region,
            page_size=IN_PAGE,
            page_token=request.query_params.get("page_token", ""),
        )
        found = await self._ask(asked, this)
        onward = {"region": region, "page_token": found.next_page_token}
        return self._page(
            found.reports,
            region,
            onward=f"{PATH}?{urlencode(onward)}" if found.next_page_token else "",
        )

    @for_the_signed_in
    async def of_body(self, request: Request, this: Visit) -> Response:
        """One body, with all its items."""
        code = request.path_params["dept_code"]
        found = await self._ask(pb.ListQualityReportsRequest(dept_code=code), this)
        return self._page(found.reports, "", alone=code)

    async def _ask(self, asked: pb.ListQualityReportsRequest, this: Visit) -> Any:
        return await self._desk.clients.call(
            "catalogue", "ListQualityReports", asked, caller=this.caller
        )

    def _page(
        self, reports: Sequence[Any], region: str, *, alone: str = "", onward: str = ""
    ) -> Response:
        return page(
            "quality.html",
            200 if reports or not alone else 404,
            reports=reports,
            region=region,
            regions=self._choices(region),
            alone=alone,
            onward=onward,
        )

    def _choices(self, chosen: str) -> list[Region]:
        """The province and its prefectures, and what is chosen, were it a county."""
        upper = (RegionLevel.PROVINCE, RegionLevel.PREFECTURE)
        return [
            region
            for code, region in self._regions.by_code.items()
            if code == chosen or region_level(code) in upper
        ]
