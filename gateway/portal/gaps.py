"""The leading body sees what people did not find, and says what became of it."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.routing import Route
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb
from zhengtong.catalogue.v1 import gap_pb2

from gateway.contracts import SERVICES, permission_of, roles_of
from gateway.portal.desk import FINE, for_the_signed_in, go, said, trouble_of, whole_number
from gateway.portal.labels import GAP_OUTCOMES
from gateway.portal.pages import page
from gateway.refusals import FormForged, RequestInvalid
from services.common.access import authorise
from services.common.errors import DomainError, Violation
from services.common.identifiers import RegionLevel, is_within, region_level

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.onestop.engine import OneStop
    from gateway.onestop.regions import Region
    from gateway.portal.desk import Desk, Trouble
    from gateway.portal.visits import Visit
    from services.common.access import Caller

PATH: Final = "/desk/gaps"
SETTLE: Final = f"{PATH}/settle"
METHOD: Final = SERVICES["catalogue"].methods_by_name["ListGaps"]
ROLES: Final = roles_of(METHOD)
IN_PAGE: Final = 20
MONTHS: Final = 24
"""As many as the catalogue keeps."""
EVER: Final = "all"
FIELDS: Final = {
    "gap_id": 64,
    "version": 20,
    "request_id": 32,
    "month": 7,
    "region": 12,
    "open": 1,
    "item_id": 64,
    "note": 200,
    "outcome": 1,
}
_ZONE: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
_MONTH: Final = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])", re.ASCII)


def sees_gaps(caller: Caller) -> bool:
    """Whether somebody may see what people did not find."""
    return not ROLES.isdisjoint(caller.roles) and not caller.on_behalf_of


@dataclass(frozen=True, slots=True)
class Shown:
    """Which gaps a page shows.

    Args:
        month: YYYY-MM, or EVER.
        region: 12 digits; empty: the officer's own, and what has none.
        open: only what nobody has settled yet.
    """

    month: str
    region: str
    open: bool

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Shown:
        """As an address or a form says; not checked."""
        return cls(given.get("month", ""), given.get("region", ""), given.get("open") == "1")

    def among(self, months: Sequence[str]) -> Shown:
        """The same; in the first of these months and without a region where those are none."""
        month = self.month if self.month in (*months, EVER) else months[0]
        return Shown(month, self.region if region_level(self.region) else "", self.open)

    def request(self, token: str) -> pb.ListGapsRequest:
        """What to ask the catalogue for one page."""
        asked = pb.ListGapsRequest(
            region_code=self.region, open_only=self.open, page_size=IN_PAGE, page_token=token
        )
        if self.month != EVER:
            asked.first_day, asked.last_day = f"{self.month}-01", f"{self.month}-28"
        return asked

    def url(self, token: str = "") -> str:
        """The address of a page of them."""
        given = {"month": self.month, "region": self.region}
        given |= {"open": "1"} if self.open else {}
        given |= {"page_token": token} if token else {}
        return f"{PATH}?{urlencode(given)}"


class GapPages:
    """`/desk/gaps`: what people of a region did not find in a month, and a form for each.

    Args:
        now: aware.
    """

    def __init__(
        self, desk: Desk, onestop: OneStop, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._desk = desk
        self._regions = onestop.regions
        self._now = now

    def routes(self) -> list[BaseRoute]:
        return [
            Route(PATH, self.of_month, methods=["GET"]),
            Route(SETTLE, self.settle, methods=["POST"]),
        ]

    @for_the_signed_in
    async def of_month(self, request: Request, this: Visit) -> Response:
        """A month, the present one unless told, page by page."""
        asked = request.query_params
        return await self._page(
            this,
            Shown.of(asked),
            token=asked.get("page_token", ""),
            told=said(request),
        )

    @for_the_signed_in
    async def settle(self, request: Request, this: Visit) -> Response:
        """Take what became of a gap; sent twice, it acts once."""
        authorise(this.caller, permission_of(METHOD), ROLES)
        form: Mapping[str, str] = {}
        try:
            form = await self._desk.form(request, FIELDS, optional=["outcome", "open"])
            asked = pb.SettleGapRequest(
                gap_id=form["gap_id"],
                outcome=_outcome(form),
                item_id=form["item_id"],
                note=form["note"],
                request_id=form["request_id"],
                version=whole_number(form, "version"),
            )
            await self._ask("SettleGap", asked, this)
        except FormForged:
            raise
        except DomainError as error:
            shown = Shown.of(form)
            return await self._page(this, shown, trouble=trouble_of(error), form=form)
        return go(Shown.of(form).url(), "settled")

    async def _page(  # noqa: PLR0913  (which, and what was said there)
        self,
        this: Visit,
        wanted: Shown,
        *,
        token: str = "",
        trouble: Trouble = FINE,
        told: str = "",
        form: Mapping[str, str] | None = None,
    ) -> Response:
        months = self._months()
        shown = wanted.among(months)
        found = await self._ask("ListGaps", shown.request(token), this)
        return page(
            "gaps.html",
            trouble.status,
            trouble.headers,
            gaps=found.gaps,
            others=found.others,
            shown=shown,
            months=months,
            regions=self._choices(this.caller, shown.region),
            named=self._regions.name_of,
            onward=shown.url(found.next_page_token) if found.next_page_token else "",
            trouble=trouble,
            said=told,
            form=form or {},
            new_id=lambda: uuid.uuid4().hex,
        )

    async def _ask(self, method: str, asked: Any, this: Visit) -> Any:
        return await self._desk.clients.call("catalogue", method, asked, caller=this.caller)

    def _months(self) -> list[str]:
        """Those that are kept, YYYY-MM, the newest first."""
        today = self._now().astimezone(_ZONE)
        last = today.year * 12 + today.month - 1
        return [f"{one // 12:04}-{one % 12 + 1:02}" for one in range(last, last - MONTHS, -1)]

    def _choices(self, caller: Caller, chosen: str) -> list[Region]:
        """The prefectures and counties below the officer's region, and itself."""
        lower = (RegionLevel.PROVINCE, RegionLevel.PREFECTURE, RegionLevel.COUNTY)
        return [
            region
            for code, region in self._regions.by_code.items()
            if code == chosen or (region_level(code) in lower and is_within(code, caller.region))
        ]


def _outcome(form: Mapping[str, str]) -> str:
    """The name of what was chosen. Raises: RequestInvalid."""
    chosen = form.get("outcome", "")
    if not chosen.isdecimal() or int(chosen) not in GAP_OUTCOMES:
        told = "请选择处理结果。"
        raise RequestInvalid(told, Violation("outcome", told))
    return gap_pb2.GapOutcome.Name(int(chosen))
