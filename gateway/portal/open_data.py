"""The page that says which files of open data there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from gateway.portal.pages import page
from gateway.standards.open_data.terms import LICENCE, MOST_ROWS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PATH: Final = "/open-data"


async def _files(request: Request) -> Response:
    del request
    return page("open_data.html", licence=LICENCE, most_rows=MOST_ROWS)


OPEN_DATA: Final = Route(PATH, _files)
