"""Serves the books: one item's guide, and the handbook of a body in volumes."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import orjson
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from gateway.handbook.press import Press, digest
from gateway.handbook.sheets import book_of, clean, guide_of
from gateway.limits import header
from gateway.portal.details import DEADLINE, gone, version_of
from gateway.portal.pages import page, refused
from gateway.portal.writing import BEIJING
from gateway.standards.open_data.files import origin_of
from gateway.standards.open_data.reading import PAGE_SIZE
from gateway.standards.open_data.sending import Gone, Unsent, unless_gone

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from zhengtong.catalogue.v1 import catalogue_pb2

    from gateway.onestop.engine import OneStop
    from gateway.onestop.live import Calls
    from gateway.public import PublicAddress

VOLUME: Final = 100
"""Items in a volume: about two hundred pages, and a few seconds of work."""
MOST_ITEMS: Final = 20_000
LONGEST_CODE: Final = 64


class Handbooks:
    """`/items/{id}/guide.pdf` and `/bodies/{dept_code}/handbook.pdf`."""

    def __init__(self, onestop: OneStop, calls: Calls, public: PublicAddress) -> None:
        self._calls = calls
        self._public = public
        self._region_name = onestop.regions.name_of
        self._press = Press()

    def routes(self) -> list[BaseRoute]:
        """Where the books are; before the pages of items, whose ids may hold slashes."""
        return [
            Route("/items/{item_id:path}/guide.pdf", self.guide, methods=["GET"]),
            Route("/bodies/{dept_code}/handbook.pdf", self.handbook, methods=["GET"]),
        ]

    async def guide(self, request: Request) -> Response:
        """Rule I-21: one item, as its page shows it, now or in an earlier version."""
        item_id = request.path_params["item_id"]
        version = version_of(request.query_params.get("version", ""))
        asked = pb.GetItemRequest(item_id=item_id, version=version)
        answer = await self._calls.call("catalogue", "GetItem", asked, timeout=DEADLINE)
        item = answer.item
        if not version and item.item_id != item_id:
            return RedirectResponse(f"/items/{quote(item.item_id, safe='')}/guide.pdf", 301)
        now = datetime.now(BEIJING)
        if not version and (why := gone(item, now)):
            return refused(request, 410, why)
        sheet = self._sheet(request, item, earlier=bool(version))
        book = book_of([sheet], item.dept_name, now)
        return await self._sent(request, book, f"{item.task_name}办事指南.pdf")

    async def handbook(self, request: Request) -> Response:
        """Rule I-21: all public items of a body, a volume at a time."""
        code = request.path_params["dept_code"]
        now = datetime.now(BEIJING)
        found, whole = await self._items(code)
        items = [one for one in found if not gone(one, now)]
        parts = -(-len(items) // VOLUME)
        part = version_of(request.query_params.get("part", "1"))
        if not items or not 1 <= part <= parts:
            return _nothing(len(items), parts)
        publisher = items[0].dept_name or code
        volume = items[(part - 1) * VOLUME : part * VOLUME]
        sheets = [self._sheet(request, one, earlier=False) for one in volume]
        left = "" if whole else f"只收入前 {len(items)} 项，其余请上网查询"
        book = book_of(sheets, publisher, now, part=part, parts=parts, left=left)
        which = f"第{part}册" if parts > 1 else ""
        return await self._sent(request, book, f"{publisher}办事指南{which}.pdf")

    async def _items(self, code: str) -> tuple[list[catalogue_pb2.Item], bool]:
        """The public items of a body, and whether these are all."""
        found: list[catalogue_pb2.Item] = []
        token = ""
        while len(code) <= LONGEST_CODE and len(found) < MOST_ITEMS:
            asked = pb.ListItemsRequest(dept_code=code, page_size=PAGE_SIZE, page_token=token)
            told = await self._calls.call("catalogue", "ListItems", asked, timeout=DEADLINE)
            found += told.items
            token = told.next_page_token
            if not token:
                break
        return found, not token

    def _sheet(
        self, request: Request, item: catalogue_pb2.Item, *, earlier: bool
    ) -> dict[str, Any]:
        origin = self._public.origin or origin_of(request)
        version = f"?version={item.version}" if earlier else ""
        url = f"{origin}/items/{quote(item.item_id, safe='')}{version}"
        return guide_of(item, self._region_name(item.region_code), url, earlier=earlier)

    async def _sent(self, request: Request, told: dict[str, Any], name: str) -> Response:
        book = await asyncio.to_thread(orjson.dumps, told)
        etag = f'"{digest(book)}"'
        headers = {
            "content-type": "application/pdf",
            "content-disposition": f"inline; filename=\"guide.pdf\"; filename*=UTF-8''"
            f"{quote(clean(name).replace('/', '／'), safe='')}",
            "cache-control": "no-cache",
            "etag": etag,
        }
        if etag in header(request.scope, b"if-none-match").decode("latin-1"):
            return Response(status_code=304, headers=headers)
        if request.method == "HEAD":
            return _head(headers)
        try:
            pdf = await unless_gone(request.receive, self._press.pdf(book))
        except Gone:
            return Unsent()
        return Response(pdf, headers=headers)


def _head(headers: dict[str, str]) -> Response:
    """The head of a book that is not set for it: its length is not known."""
    answer = Response(headers=headers)
    del answer.headers["content-length"]
    return answer


def _nothing(count: int, parts: int) -> Response:
    if count:
        detail = f"这本办事指南共 {parts} 册，请用 ?part=1 到 ?part={parts} 下载。"
    else:
        detail = "这个部门没有公开的事项。请核对地址里的统一社会信用代码，或在首页查询事项名称。"
    return page("notice.html", 404, title="没有这一册办事指南", detail=detail)
