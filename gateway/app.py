"""The gateway: what is served where, and the process that serves it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from starlette.routing import Router

from gateway import health, portal, quota
from gateway.clients import Clients
from gateway.cookies import Cookies
from gateway.csrf import FormGuard, derived_key
from gateway.handbook.pages import Handbooks
from gateway.identity import Identity
from gateway.limits import Limited, Limits, RateLimiter
from gateway.observe import Observed
from gateway.onestop import OneStop
from gateway.onestop.dossier import Dossiers
from gateway.onestop.gaps import Gaps
from gateway.onestop.uses import Uses
from gateway.outbound import Allowed
from gateway.portal import api_docs
from gateway.portal.visits import Carrying, Visits
from gateway.problems import Refusals, for_machines
from gateway.public import VARIABLE, PublicAddress
from gateway.server import serve
from gateway.standards import atom
from gateway.standards.oidc import Oidc
from gateway.standards.oidc_settings import OidcSettings
from gateway.standards.open_data.files import OpenData
from gateway.tls import context_of
from gateway.transcode import Transcoder
from services.common import telemetry
from services.common.callers import Signer
from services.common.settings import SettingMissing, Settings
from services.common.turns import collect_seldom, take_turns_often

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

NAME = "gateway"


def create_app(settings: Settings, limits: Limits) -> ASGIApp:
    """The whole application; nothing connects before the first request.

    Raises:
        SettingMissing: the public address is none.
    """
    public = PublicAddress.read(settings.public_url)
    clients = Clients(settings, Signer.load(settings.keys_dir, NAME))
    identity = Identity(settings.keys_dir, clients)
    limiter = RateLimiter(limits)
    gaps, uses = Gaps(clients), Uses(clients)
    onestop = OneStop.open(settings, clients, gaps, uses)
    exports = OpenData(clients, public, onestop.regions.name_of)
    cookies, guard = Cookies(secure=public.secure), FormGuard.load(settings.keys_dir, public)
    visits = Visits(clients, identity, cookies, guard)
    oidc = _provider(settings, public)
    name = oidc.settings.name if oidc else ""
    desk = portal.Desk(clients, visits, limits, demo=settings.demo, outside=name)
    outside = portal.OutsidePages(desk, oidc, cookies) if oidc else None
    reviews = portal.ReviewPages(desk, settings.public_departments())

    doors = Doors(
        exact={
            "/api/v1/query": onestop.endpoint,
            "/api/v1/suggest": onestop.suggest_endpoint,
            quota.PATH: quota.QuotaEndpoint(identity, limiter),
        },
        calls=Transcoder(clients, identity, limits),
        others=Router(
            [
                *health.routes(clients, onestop),
                *exports.routes(),
                *_public_routes(settings, onestop, clients, public),
                *portal.routes(onestop, clients, desk, reviews, outside),
            ],
            redirect_slashes=False,
            lifespan=_lifespan(identity, exports, onestop, [gaps, uses], clients),
        ),
        visits=visits,
    )
    answering = Refusals(Limited(doors, limits, identity, limiter), page=_page)
    return Observed(Carrying(answering), by_tls=public.secure)


def _public_routes(
    settings: Settings, onestop: OneStop, clients: Clients, public: PublicAddress
) -> Sequence[BaseRoute]:
    """What is for anybody beside the pages: dossiers, feeds, books, screens, the API's document."""
    dossiers = Dossiers(settings.public_departments(), clients)
    return [
        dossiers.route,
        portal.DossierPage(dossiers).route,
        *api_docs.routes(),
        *atom.routes(clients, public.origin),
        *Handbooks(onestop, clients, public).routes(),
        *portal.HallPages(onestop, clients, public).routes(),
    ]


def _lifespan(
    identity: Identity,
    exports: OpenData,
    onestop: OneStop,
    counting: Sequence[Gaps | Uses],
    clients: Clients,
) -> Callable[[object], contextlib.AbstractAsyncContextManager[None]]:
    """Follow identity and the index and report what is counted while it runs; let go at its end."""

    @contextlib.asynccontextmanager
    async def running(_: object) -> AsyncIterator[None]:
        following = [asyncio.create_task(one.follow()) for one in (identity, onestop)]
        reporting = [asyncio.create_task(one.deliver()) for one in counting]
        yield
        for task in (*following, *reporting):
            task.cancel()
        await asyncio.wait(reporting)
        await asyncio.gather(*(one.close() for one in counting))
        exports.close()
        await onestop.close()
        await clients.close()

    return running


def _provider(settings: Settings, public: PublicAddress) -> Oidc | None:
    """The outside provider that people may sign in with.

    Raises:
        SettingMissing: a part of its settings, or the address it sends people back to.
    """
    found = OidcSettings.from_env()
    if found is None:
        return None
    if not public.origin:
        raise SettingMissing(VARIABLE)
    key = derived_key(settings.keys_dir, b"zhengtong outside sign-in 1")
    return Oidc(found, Allowed.from_env(), key, public.origin)


class Doors:
    """Hands each request to what serves its path; the busiest doors come first."""

    def __init__(
        self, exact: Mapping[str, ASGIApp], calls: Transcoder, others: Router, visits: Visits
    ) -> None:
        self._visits = visits
        self._exact = exact
        self._calls = calls
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if path in self._exact:
                scope["route_name"] = path
                await self._exact[path](scope, receive, send)
                return
            if path.startswith("/api/") and (serving := self._calls.find(scope)):
                await serving(scope, receive, send)
                return
            if not for_machines(path) and not path.startswith("/static/"):
                await self._visits.recognise(scope)
        scope["app"] = self  # makes Starlette's router raise what Refusals answers
        await self._others(scope, receive, send)


def _page(request: Request, status: int, detail: str) -> Response:
    if request.url.path.startswith(portal.HALL):
        return portal.hall_trouble(request, status, detail)
    if status == 404:
        return portal.not_found(request)
    return portal.refused(request, status, detail)


def main() -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SettingMissing: a needed variable is not set, or a file that one names is not fit.
    """
    telemetry.configure(NAME, PrometheusMetricReader())
    take_turns_often()
    collect_seldom()
    settings = Settings.from_env()
    settings.need("grpc_addresses")
    limits = Limits.from_env()
    tls = context_of(settings)
    serve(lambda: create_app(settings, limits), settings.http_host, settings.http_port, tls)


if __name__ == "__main__":
    main()
