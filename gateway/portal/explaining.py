"""Officers who keep items see why each stands where it stands in an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from gateway.onestop.asked import HITS_IN_PAGE, QueryHasResidentId, read_given
from gateway.portal.desk import for_the_signed_in
from gateway.portal.pages import page, refused
from gateway.portal.quality import sees_quality
from services.common.errors import Invalid

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.onestop.engine import OneStop
    from gateway.portal.desk import Desk
    from gateway.portal.visits import Visit

PATH: Final = "/desk/search"


class ExplainingPages:
    """`/desk/search`: the items of an answer with the parts of their scores."""

    def __init__(self, desk: Desk, onestop: OneStop) -> None:
        self._desk = desk
        self._onestop = onestop

    def routes(self) -> list[BaseRoute]:
        return [Route(PATH, self.show, methods=["GET"])]

    @for_the_signed_in
    async def show(self, request: Request, this: Visit) -> Response:
        """The box, and below it what was found and why."""
        if not sees_quality(this.caller):
            return refused(request, 403, "只有事项编辑和清单发布人员可以查看排序说明。")
        typed = request.query_params.get("q", "")
        region = request.query_params.get("region", "")
        if not typed.strip():
            return page("explaining.html", typed="", told="", answer=None, explained=())
        try:
            asked = read_given(
                {"q": typed, "region": region, "kind": "item", "page_size": str(HITS_IN_PAGE)}
            )
        except Invalid as refusal:
            shown = "" if isinstance(refusal, QueryHasResidentId) else typed[:200]
            return page(
                "explaining.html", 400, typed=shown, told=str(refusal), answer=None, explained=()
            )
        answer, found = await self._onestop.explain(asked)
        return page("explaining.html", typed=asked.text, told="", answer=answer, explained=found)
