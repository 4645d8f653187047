"""The gateway: what is served where, and the process that serves it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from starlette.routing import Router

from gateway import health, portal
from gateway.clients import Clients
from gateway.identity import Identity
from gateway.limits import Limited, Limits
from gateway.observe import Observed
from gateway.onestop import OneStop
from gateway.portal import api_docs
from gateway.problems import Refusals
from gateway.server import serve
from gateway.transcode import Transcoder
from services.common import telemetry
from services.common.callers import Signer
from services.common.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

NAME = "gateway"


def create_app(settings: Settings, limits: Limits) -> ASGIApp:
    """The whole application; nothing connects before the first request."""
    clients = Clients(settings, Signer.load(settings.keys_dir, NAME))
    identity = Identity(settings.operator_token_file)
    onestop = OneStop.open(settings, clients)

    @contextlib.asynccontextmanager
    async def running(_: object) -> AsyncIterator[None]:
        yield
        await onestop.close()
        await clients.close()

    doors = Doors(
        exact={"/api/v1/query": onestop.endpoint},
        calls=Transcoder(clients, identity, limits),
        others=Router(
            [
                *health.routes(clients, onestop),
                *api_docs.routes(),
                *portal.routes(onestop, clients),
            ],
            redirect_slashes=False,
            lifespan=running,
        ),
    )
    return Observed(Refusals(Limited(doors, limits, identity), page=_page))


class Doors:
    """Hands each request to what serves its path; the busiest doors come first."""

    def __init__(self, exact: Mapping[str, ASGIApp], calls: Transcoder, others: Router) -> None:
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
        scope["app"] = self  # makes Starlette's router raise what Refusals answers
        await self._others(scope, receive, send)


def _page(request: Request, status: int, detail: str) -> Response:
    if status == 404:
        return portal.not_found(request)
    return portal.refused(request, status, detail)


def main() -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SettingMissing: a needed variable is not set.
    """
    telemetry.configure(NAME, PrometheusMetricReader())
    settings = Settings.from_env()
    settings.need("grpc_addresses")
    limits = Limits.from_env()
    serve(lambda: create_app(settings, limits), settings.http_host, settings.http_port)


if __name__ == "__main__":
    main()
