"""Serves the files of open data.

Over the catalogue's own call for everybody, page by page. What is long is bounded: in time, in
how much is done at once, and by how slowly a client may take it.
"""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from starlette.responses import Response
from starlette.routing import Route

from gateway.limits import WHOLE_CATALOGUE, header
from gateway.refusals import RequestInvalid
from gateway.standards.open_data.cpsv import CONTEXT, graph_of
from gateway.standards.open_data.iris import PAGE, Iris
from gateway.standards.open_data.lines import CHUNK, lines
from gateway.standards.open_data.reading import Reading
from gateway.standards.open_data.sending import Gone, Places, Streamed, Unsent, unless_gone
from gateway.standards.open_data.terms import MOST_ROWS
from gateway.standards.open_data.workbook import Workbook
from services.common.errors import Violation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from concurrent.futures import Executor

    from rdflib import Graph
    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

    from gateway.onestop.live import Calls
    from gateway.public import PublicAddress

T = TypeVar("T")


LINES, WORKBOOK = WHOLE_CATALOGUE
TURTLE, JSON_LD = f"{PAGE}/items.ttl", f"{PAGE}/items.jsonld"
LINES_AT_ONCE: Final = 4
BOOKS_AT_ONCE: Final = 2
PAGES_AT_ONCE: Final = 8
_TYPES: Final = {
    LINES: "application/x-ndjson; charset=utf-8",
    WORKBOOK: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    TURTLE: "text/turtle; charset=utf-8",
    JSON_LD: "application/ld+json",
}
_HOST: Final = re.compile(
    r"[A-Za-z0-9.\-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?"
)


class OpenData:
    """Serves the files.

    Args:
        region_name: the name of a region by its code.
        most_rows: of the workbook.
    """

    def __init__(
        self,
        calls: Calls,
        public: PublicAddress,
        region_name: Callable[[str], str],
        most_rows: int = MOST_ROWS,
    ) -> None:
        self._reading = Reading(calls)
        self._public = public
        self._region_name = region_name
        self._most_rows = most_rows
        self._lines, self._books = Places(LINES_AT_ONCE), Places(BOOKS_AT_ONCE)
        self._pages = Places(PAGES_AT_ONCE)
        # One thread for what keeps a processor busy: the requests of others come first.
        self._worker: Executor = ThreadPoolExecutor(1, "open-data")

    def routes(self) -> list[BaseRoute]:
        """Where the files are."""
        return [
            Route(LINES, self.lines),
            Route(WORKBOOK, self.workbook),
            Route(TURTLE, self.turtle),
            Route(JSON_LD, self.json_ld),
        ]

    def close(self) -> None:
        """End what works in the background."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def lines(self, request: Request) -> Response:
        """Every item as the API gives it, a line each."""
        if request.method == "HEAD":
            return _heading(LINES)
        async with AsyncExitStack() as held:
            held.enter_context(self._lines.taken())
            # The first page before the first byte: what fails now is still told by a status.
            pages = self._reading.pages(await self._reading.page())
            body = lines(pages)
            held.push_async_callback(pages.aclose)
            held.push_async_callback(body.aclose)
            return Streamed(body, held.pop_all(), _headers(LINES))

    async def workbook(self, request: Request) -> Response:
        """Every item as a row; the file is whole before its first byte leaves."""
        if request.method == "HEAD":
            return _heading(WORKBOOK)
        async with AsyncExitStack() as held:
            held.enter_context(self._books.taken())
            first = await self._reading.page()
            book = await self._aside(Workbook, self._region_name, self._most_rows)
            held.push_async_callback(self._aside, book.close)
            try:
                size = await unless_gone(request.receive, self._written(book, first))
            except Gone:
                return Unsent()
            headers = {**_headers(WORKBOOK), "content-length": str(size)}
            return Streamed(_chunks(book), held.pop_all(), headers)
        raise AssertionError  # an exit stack swallows nothing

    async def turtle(self, request: Request) -> Response:
        """A page of the catalogue as Turtle."""
        return await self._page(request, TURTLE, {"format": "turtle"})

    async def json_ld(self, request: Request) -> Response:
        """A page of the catalogue as JSON-LD."""
        written = {"format": "json-ld", "context": CONTEXT, "indent": None}
        return await self._page(request, JSON_LD, written)

    async def _page(self, request: Request, path: str, written: Mapping[str, Any]) -> Response:
        iris = Iris(self._public.origin or origin_of(request))
        token = request.query_params.get("page_token", "")
        with self._pages.taken():
            page = await self._reading.page(token)
            onward = iris.page(path, page.next_page_token) if page.next_page_token else None

            def made() -> bytes:
                this = iris.page(path, token)
                graph: Graph = graph_of(
                    page.items, iris, self._region_name, page=this, onward=onward
                )
                turned: bytes = graph.serialize(encoding="utf-8", **written)
                return turned

            try:
                body = await unless_gone(request.receive, self._aside(made))
            except Gone:
                return Unsent()
        link = {"link": f'<{onward}>; rel="next"'} if onward else {}
        return Response(body, headers={**_headers(path), **link})

    async def _written(self, book: Workbook, first: pb.ListItemsResponse) -> int:
        """Write every item; gives the size of the file."""
        async for items in self._reading.pages(first):
            if not await self._aside(book.add, items):
                break
        return await self._aside(book.finish)

    async def _aside(self, work: Callable[..., T], *args: Any) -> T:
        """Do some work in the background, one after the other."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, partial(work, *args))


def _headers(path: str) -> dict[str, str]:
    name = path.rpartition("/")[2]
    return {
        "content-type": _TYPES[path],
        "content-disposition": f'attachment; filename="{name}"',
        "cache-control": "no-store",
    }


def _heading(path: str) -> Response:
    """The head of a long answer, without what it costs."""

    async def nothing() -> AsyncIterator[bytes]:
        return
        yield b""

    return Streamed(nothing(), AsyncExitStack(), _headers(path))


async def _chunks(book: Workbook) -> AsyncIterator[bytes]:
    while chunk := await asyncio.to_thread(book.read, CHUNK):
        yield chunk


def origin_of(request: Request) -> str:
    """The address that this request was sent to, where no public one is set.

    Raises:
        RequestInvalid: its `Host` is no host.
    """
    host = header(request.scope, b"host").decode("latin-1")
    if not _HOST.fullmatch(host):
        told = "请求头 Host 有误。"
        raise RequestInvalid(told, Violation("host", told))
    return f"{request.scope['scheme']}://{host}"
