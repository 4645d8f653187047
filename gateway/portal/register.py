"""A person's own account (实名注册), and what is told before it (个人信息保护法 17)."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from starlette.routing import Route
from zhengtong.identity.v1 import identity_service_pb2 as pb

from gateway.limits import client_address
from gateway.portal.account import check_twice
from gateway.portal.desk import FINE, go, required, trouble_of
from gateway.portal.pages import page
from gateway.portal.visits import visit
from gateway.refusals import FormForged, RequestInvalid
from services.common.access import ANONYMOUS
from services.common.errors import DomainError, Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.portal.desk import Desk, Trouble

NEEDED: Final = ("name", "identity_number", "login", "password", "again")
FIELDS: Final = {
    "name": 50,
    "identity_number": 30,
    "phone": 20,
    "login": 64,
    "password": 200,
    "again": 200,
    "consent": 2,
}
KEPT: Final = ("name", "phone", "login")
"""Fields that a refused form comes back with: neither passwords nor the identity number."""


class RegisterPages:
    """`/register` and `/privacy`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/register", self.form, methods=["GET"]),
            Route("/register", self.register, methods=["POST"]),
            Route("/privacy", self.privacy, methods=["GET"]),
        ]

    async def form(self, request: Request) -> Response:
        """The form; whoever is signed in has an account."""
        return go("/account") if visit().signed_in else self._page(request, FINE, {})

    async def register(self, request: Request) -> Response:
        """Open the account."""
        form: dict[str, str] = {}
        try:
            form = await self._desk.strangers_form(request, FIELDS, ["consent"])
            required(form, *NEEDED)
            check_twice(form["password"], form["again"])
            _check_consent(form)
            asked = pb.RegisterAccountRequest(
                login=form["login"].strip(),
                password=form["password"],
                name=form["name"].strip(),
                identity_number=form["identity_number"].strip(),
                phone=form["phone"].strip(),
                request_id=uuid.uuid4().hex,
            )
            caller = replace(ANONYMOUS, address=client_address(request.scope))
            await self._desk.ask("RegisterAccount", asked, caller)
        except FormForged:
            raise
        except DomainError as error:
            return self._page(request, trouble_of(error), form)
        return go("/sign-in", "registered")

    async def privacy(self, request: Request) -> Response:
        """What is kept of a person, why, how long, and which rights there are."""
        del request
        return page("privacy.html")

    def _page(self, request: Request, trouble: Trouble, form: Mapping[str, str]) -> Response:
        return page(
            "register.html",
            trouble.status,
            trouble.headers,
            trouble=trouble,
            form={name: form.get(name, "") for name in KEPT},
            token=self._desk.visits.word(request.scope, visit()),
        )


def _check_consent(form: Mapping[str, str]) -> None:
    """Rule A-1 (个人信息保护法 13, 14): nothing of a person is kept before they agreed."""
    if not form.get("consent"):
        told = "请阅读个人信息处理说明，同意后再提交。"
        raise RequestInvalid(told, Violation("consent", told))
