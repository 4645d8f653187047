"""The portal: pages for people, in Chinese, usable without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from gateway.portal import item_sheet
from gateway.portal.account import AccountPages
from gateway.portal.basic_items import BasicItemPages
from gateway.portal.desk import Desk
from gateway.portal.details import Details
from gateway.portal.dossier import DossierPage
from gateway.portal.explaining import ExplainingPages
from gateway.portal.gaps import GapPages
from gateway.portal.hall import PATH as HALL
from gateway.portal.hall import HallPages, hall_trouble
from gateway.portal.imports import ImportPages
from gateway.portal.life_events import LifeEventPages
from gateway.portal.lists import ListPages
from gateway.portal.mandates import MandatePages
from gateway.portal.open_data import OPEN_DATA
from gateway.portal.outside import OutsidePages
from gateway.portal.pages import ROUTES, not_found, refused
from gateway.portal.quality import QualityPages
from gateway.portal.questionnaires import QuestionnairePages
from gateway.portal.register import RegisterPages
from gateway.portal.reviews import ReviewPages
from gateway.portal.search import SearchPage
from gateway.portal.sign_in import SignInPages
from gateway.portal.synonyms import SynonymPages

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

    from gateway.clients import Clients
    from gateway.onestop.engine import OneStop

__all__ = [
    "HALL",
    "Desk",
    "DossierPage",
    "HallPages",
    "OutsidePages",
    "ReviewPages",
    "hall_trouble",
    "not_found",
    "refused",
    "routes",
]


def routes(
    onestop: OneStop,
    calls: Clients,
    desk: Desk,
    reviews: ReviewPages,
    outside: OutsidePages | None = None,
) -> list[BaseRoute]:
    """The search page, the pages its hits lead to, those of accounts, and their style."""
    home = Route("/", SearchPage(onestop).__call__)
    own = [*SignInPages(desk).routes(), *AccountPages(desk, reviews).routes()]
    own += outside.routes() if outside else []
    own += [*MandatePages(desk).routes(), *RegisterPages(desk).routes(), *reviews.routes()]
    own += [*ImportPages(desk).routes(), *QualityPages(desk, onestop).routes()]
    own += ExplainingPages(desk, onestop).routes()
    own += [*GapPages(desk, onestop).routes(), *SynonymPages(desk, onestop).routes()]
    open_pages = [
        *QuestionnairePages(calls).routes(),
        *Details(onestop, calls).routes(),
        *BasicItemPages(onestop, calls).routes(),
        *LifeEventPages(onestop, calls).routes(),
        *ListPages(onestop, calls).routes(),
        *item_sheet.ROUTES,
        OPEN_DATA,
    ]
    return [home, *open_pages, *own, *ROUTES]
