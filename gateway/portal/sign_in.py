"""Signing in and out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from starlette.routing import Route
from zhengtong.identity.v1 import identity_service_pb2 as pb

from gateway.limits import client_address
from gateway.portal import demo
from gateway.portal.desk import CHANGE_FIRST, FINE, go, required, said, trouble_of
from gateway.portal.local_paths import LONGEST, local_path
from gateway.portal.pages import page
from gateway.portal.visits import visit
from gateway.refusals import DepartmentFailed, FormForged
from services.common.access import ANONYMOUS
from services.common.errors import DomainError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.portal.desk import Desk, Trouble

FIELDS: Final = {"login": 100, "password": 200, "next": LONGEST}


class SignInPages:
    """`/sign-in` and `/sign-out`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/sign-in", self.form, methods=["GET"]),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    async def form(self, request: Request) -> Response:
        """The form; whoever is signed in goes on."""
        onward = local_path(request.query_params.get("next", ""))
        if visit().signed_in:
            return go(onward)
        return self._page(request, FINE, "", onward)

    async def sign_in(self, request: Request) -> Response:
        """Begin a session, and go on to where the form says."""
        form: dict[str, str] = {}
        try:
            form = await self._desk.strangers_form(request, FIELDS, ["next"])
            required(form, "login", "password")
            asked = pb.SignInRequest(login=form["login"].strip(), password=form["password"])
            caller = replace(ANONYMOUS, address=client_address(request.scope))
            answer = await self._desk.ask("SignIn", asked, caller)
        except FormForged:
            raise
        except DomainError as error:
            onward = local_path(form.get("next", ""))
            return self._page(request, trouble_of(error), form.get("login", ""), onward)
        self._desk.visits.begin(visit(), answer.ticket)
        first = answer.ticket.account.password_expired
        return go(CHANGE_FIRST if first else local_path(form.get("next", "")))

    async def sign_out(self, request: Request) -> Response:
        """End the session, here and at identity; another site's form finds none to end."""
        this = visit()
        if this.signed_in:
            await self._desk.form(request, {})
            try:
                asked = pb.SignOutRequest(refresh_token=this.refresh)
                await self._desk.ask("SignOut", asked, ANONYMOUS)
            except (DomainError, DepartmentFailed):
                pass  # the browser forgets it all the same; unused, the session ends by itself
            self._desk.visits.end(this)
        return go("/sign-in", "out")

    def _page(self, request: Request, trouble: Trouble, login: str, onward: str) -> Response:
        this = visit()
        return page(
            "sign_in.html",
            trouble.status,
            trouble.headers,
            trouble=trouble,
            login=login,
            onward=onward,
            said=this.told or said(request),
            token=self._desk.visits.word(request.scope, this),
            demo=demo.ACCOUNTS if self._desk.demo else (),
            outside=self._desk.outside,
        )
