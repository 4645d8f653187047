"""The portal: pages for people, in Chinese, usable without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from gateway.portal.details import Details
from gateway.portal.pages import ROUTES, not_found, refused
from gateway.portal.search import SearchPage

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from gateway.onestop.engine import OneStop
    from gateway.onestop.live import Calls

__all__ = ["not_found", "refused", "routes"]


def routes(onestop: OneStop, calls: Calls) -> list[BaseRoute]:
    """The search page, the pages its hits lead to, and their style."""
    home = Route("/", SearchPage(onestop).__call__)
    return [home, *Details(onestop, calls).routes(), *ROUTES]
