"""Signing in with an outside provider: there, back, and what to say when it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse
from starlette.routing import Route
from zhengtong.identity.v1 import identity_service_pb2 as pb

from gateway.cookies import OUTSIDE
from gateway.limits import client_address
from gateway.portal.desk import go, trouble_of
from gateway.portal.local_paths import local_path
from gateway.portal.pages import page
from gateway.portal.visits import visit
from gateway.standards.oidc import CALLBACK, UNDER_WAY
from services.common.errors import DomainError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.cookies import Cookies
    from gateway.portal.desk import Desk
    from gateway.standards.oidc import Oidc


class OutsidePages:
    """`/sign-in/outside`; there where a provider is named only."""

    def __init__(self, desk: Desk, oidc: Oidc, cookies: Cookies) -> None:
        self._desk = desk
        self._oidc = oidc
        self._cookies = cookies

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/sign-in/outside", self.start, methods=["GET"]),
            Route(CALLBACK, self.finish, methods=["GET"]),
        ]

    async def start(self, request: Request) -> Response:
        """Send the browser to the provider."""
        onward = local_path(request.query_params.get("next", ""))
        try:
            started = await self._oidc.start(onward)
        except DomainError as error:
            return self._failed(error)
        visit().cookies.append(self._cookies.put(OUTSIDE, started.cookie, seconds=UNDER_WAY))
        return RedirectResponse(started.url, 303, headers={"cache-control": "no-store"})

    async def finish(self, request: Request) -> Response:
        """Begin a session for whom the provider vouches; whatever came, the cookie is used up."""
        this = visit()
        word = self._cookies.read(request.scope, OUTSIDE)
        dropped = self._cookies.drop(OUTSIDE)
        try:
            person, onward = await self._oidc.finish(word, dict(request.query_params))
            asked = pb.SignInOutsideRequest(
                issuer=self._oidc.settings.issuer,
                subject=person.subject,
                name=person.name,
                identity_number=person.identity_number,
                phone=person.phone,
                address=client_address(request.scope),
            )
            answer = await self._desk.ask("SignInOutside", asked, self._desk.clients.own())
            self._desk.visits.begin(this, answer.ticket)
        except DomainError as error:
            return self._failed(error)
        finally:
            this.cookies.append(dropped)
        return go(local_path(onward))

    def _failed(self, error: DomainError) -> Response:
        trouble = trouble_of(error)
        return page(
            "outside.html",
            trouble.status,
            trouble.headers,
            told=trouble.told,
            name=self._oidc.settings.name,
        )
