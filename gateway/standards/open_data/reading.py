"""The catalogue, page by page: what is told of it was never in memory as a whole."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from gateway.refusals import DepartmentUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from zhengtong.catalogue.v1 import catalogue_pb2

    from gateway.onestop.live import Calls

PAGE_SIZE: Final = 200
FEWER: Final = 10
"""A page of very long items is larger than an answer may be; fewer of them are not."""
DEADLINE: Final = 10.0  # seconds, for a page


class Reading:
    """Reads the public items in order of their id, as anybody may."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def page(self, token: str = "") -> pb.ListItemsResponse:
        """The page that a token stands for; the first one unless told.

        Raises:
            Invalid: the token is none.
            Unavailable: the catalogue does not answer.
        """
        with suppress(DepartmentUnavailable):
            return await self._ask(token, PAGE_SIZE)
        return await self._ask(token, FEWER)

    async def pages(
        self, first: pb.ListItemsResponse
    ) -> AsyncGenerator[Sequence[catalogue_pb2.Item], None]:
        """The items of a page and of all that follow; the next is asked for when it is wanted."""
        page = first
        while True:
            yield page.items
            if not page.next_page_token:
                return
            page = await self.page(page.next_page_token)

    async def _ask(self, token: str, size: int) -> pb.ListItemsResponse:
        asked = pb.ListItemsRequest(page_size=size, page_token=token)
        told: pb.ListItemsResponse = await self._calls.call(
            "catalogue", "ListItems", asked, timeout=DEADLINE
        )
        return told
