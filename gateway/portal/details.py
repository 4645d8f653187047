"""Detail pages, read live from the departments."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import RedirectResponse
from starlette.routing import Route
from zhengtong.catalogue.v1 import catalogue_pb2, catalogue_service_pb2
from zhengtong.credit.v1 import credit_service_pb2
from zhengtong.utilities.v1 import utilities_pb2, utilities_service_pb2
from zhengtong.websites.v1 import websites_service_pb2

from gateway.limits import client_address
from gateway.portal.contents import line_of
from gateway.portal.labels import BY_DUTY, DEPARTMENTS, STOPS
from gateway.portal.pages import page, refused
from gateway.portal.writing import BEIJING, day, instant, limit, near, span
from gateway.refusals import DepartmentFailed
from services.common.errors import DomainError, Unavailable

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.onestop.engine import OneStop
    from gateway.onestop.live import Calls
    from gateway.portal.contents import Line

DEADLINE = 5.0  # seconds
ITEM: Any = catalogue_pb2.Item.DESCRIPTOR
_DEFAULT_STOP = "停供"


class Details:
    """A page for each kind of thing that a card leads to."""

    def __init__(self, onestop: OneStop, calls: Calls) -> None:
        self._calls = calls
        self._opened = onestop.opened
        self._region_name = onestop.regions.name_of

    def routes(self) -> list[BaseRoute]:
        """Where the pages are; cards of the departments lead there."""
        return [
            Route("/items/{item_id:path}/versions", self.versions),
            Route("/items/{item_id:path}", self.item),
            Route("/credit/{subject_code}", self.subject),
            Route("/utilities/institutions/{institution_id}", self.institution),
            Route("/utilities/outages/{outage_id:path}", self.outage),
            Route("/websites/{site_id}", self.site),
        ]

    async def item(self, request: Request) -> Response:
        """办事指南, as it is now or as an earlier version had it."""
        version = version_of(request.query_params.get("version", ""))
        asked = catalogue_service_pb2.GetItemRequest(
            item_id=request.path_params["item_id"], version=version
        )
        answer, asks = await asyncio.gather(
            self._ask("catalogue", "GetItem", asked), self._asks(asked.item_id)
        )
        item = answer.item
        if not version and item.item_id != asked.item_id:
            return RedirectResponse(f"/items/{quote(item.item_id, safe='')}", 301)
        if not version and (why := gone(item, datetime.now(BEIJING))):
            return refused(request, 410, why)
        if request.method == "GET" and not version:
            self._opened(item.item_id, client_address(request.scope))
        return page(
            "item.html",
            item=item,
            earlier=bool(version),
            scheduled=answer.scheduled,
            asks=asks,
            on_application=item.task_type not in BY_DUTY,
            also=[name for name, offered in offers(item).items() if offered],
            region=self._region_name(item.region_code),
            promised=limit(item.promise_day, item.promise_type, item.promise_explain),
            statutory=limit(item.anticipate_day, item.anticipate_type, item.anticipate_explain),
        )

    async def _asks(self, item_id: str) -> bool:
        """Whether the item has a questionnaire; the page goes without where nobody can say."""
        asked = catalogue_service_pb2.AnswerQuestionnaireRequest(item_id=item_id)
        try:
            await self._calls.call("catalogue", "AnswerQuestionnaire", asked, timeout=DEADLINE)
        except (DomainError, DepartmentFailed):
            return False
        return True

    async def versions(self, request: Request) -> Response:
        """Every version of an item, and what each changed (权责清单动态调整)."""
        item_id = request.path_params["item_id"]
        asked = catalogue_service_pb2.ListItemVersionsRequest(
            item_id=item_id, page_token=request.query_params.get("page_token", "")
        )
        found = await self._ask("catalogue", "ListItemVersions", asked)
        newest = catalogue_service_pb2.GetItemRequest(item_id=item_id)
        answer = await self._ask("catalogue", "GetItem", newest)
        shown = [(one, [_changed(part) for part in one.differences]) for one in found.versions]
        return page(
            "versions.html",
            item=answer.item,
            begins=answer.scheduled.plan_effective_date,
            coming=[_changed(part) for part in found.scheduled.differences],
            versions=shown,
            onward=found.next_page_token,
        )

    async def subject(self, request: Request) -> Response:
        """Public credit of one subject."""
        code = request.path_params["subject_code"]
        asked = credit_service_pb2.GetCreditRequest(subject_code=code)
        credit = await self._ask("credit", "GetCredit", asked)
        region = self._region_name(credit.subject.region_code)
        return page("subject.html", credit=credit, subject=credit.subject, region=region)

    async def institution(self, request: Request) -> Response:
        """A public institution and where it serves people."""
        asked = utilities_service_pb2.GetInstitutionRequest(
            institution_id=request.path_params["institution_id"]
        )
        institution = (await self._ask("utilities", "GetInstitution", asked)).institution
        if institution.state == utilities_pb2.PUBLIC_STATE_WITHDRAWN:
            return refused(request, 410, f"“{institution.name}”的信息已撤下。")
        region = self._region_name(institution.region_code)
        return page("institution.html", institution=institution, region=region)

    async def outage(self, request: Request) -> Response:
        """A notice that supply stops."""
        asked = utilities_service_pb2.GetOutageRequest(outage_id=request.path_params["outage_id"])
        outage = (await self._ask("utilities", "GetOutage", asked)).outage
        if outage.state == utilities_pb2.PUBLIC_STATE_WITHDRAWN:
            return refused(request, 410, "这条公告已经撤回。")
        now = datetime.now(UTC)
        stage, left = _stage(outage, now)
        restored = outage.expected_restore_time
        return page(
            "outage.html",
            outage=outage,
            stop=STOPS.get(outage.sector, _DEFAULT_STOP),
            regions=[self._region_name(code) for code in outage.area_region_codes],
            stage=stage,
            left=left,
            start=near(instant(outage.start_time), now),
            restore=near(instant(restored), now) if restored.seconds else "",
        )

    async def site(self, request: Request) -> Response:
        """A government website of the inventory."""
        asked = websites_service_pb2.GetSiteRequest(site_id=request.path_params["site_id"])
        site = (await self._ask("websites", "GetSite", asked)).site
        return page("site.html", site=site, region=self._region_name(site.region_code))

    async def _ask(self, department: str, method: str, request: Any) -> Any:
        try:
            return await self._calls.call(department, method, request, timeout=DEADLINE)
        except Unavailable as refusal:
            raise type(refusal)(f"{DEPARTMENTS[department]}暂不可用，请稍后再试。") from refusal


def gone(item: catalogue_pb2.Item, now: datetime) -> str:
    """Why an item is no longer to be had; empty while it is."""
    if item.state == catalogue_pb2.ITEM_STATE_WITHDRAWN:
        why = f"原因：{item.state_reason}" if item.state_reason else ""
        return f"“{item.task_name}”已经取消，不再受理。{why}"
    ended = item.plan_cancel_date
    if ended and ended <= now.astimezone(BEIJING).date().isoformat():
        return f"“{item.task_name}”已于{day(ended)}取消，不再受理。"
    return ""


def version_of(text: str) -> int:
    """The version that an address names; 0: none, or what is no version."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _changed(part: catalogue_pb2.ItemDifference) -> tuple[str, Line | None, Line | None]:
    """A field's name, and what it said before and after."""
    before, after = (line_of(ITEM, part.field, said) for said in (part.before, part.after))
    shown = after or before
    return shown.name if shown else part.field, before, after


def offers(item: catalogue_pb2.Item) -> dict[str, bool]:
    """What else makes an item easier to get done, and whether its department offers it."""
    return {
        "预约办理": item.is_schedule,
        "政务大厅办理": item.is_entry_center,
        "网上支付": item.is_pay_online,
        "物流快递": item.is_express,
        "自助终端办理": item.is_service_terminals,
    }


def _stage(outage: utilities_pb2.Outage, now: datetime) -> tuple[str, str]:
    """Where a notice stands by the clock, and how long until that changes."""
    start = instant(outage.start_time)
    restored = (
        instant(outage.expected_restore_time) if outage.expected_restore_time.seconds else None
    )
    if now < start:
        return "预告", f"距开始还有 {span(now, start)}"
    if restored is None:
        return "进行中", "恢复时间另行通知"
    if now < restored:
        return "进行中", f"预计 {span(now, restored)}后恢复"
    return "已到预计恢复时间", "如仍未恢复，请拨打联系电话"
