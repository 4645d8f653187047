"""One's own account: who one is, whom one acts for, where one is signed in, the password."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route
from zhengtong.access.v1 import access_pb2
from zhengtong.identity.v1 import identity_pb2
from zhengtong.identity.v1 import identity_service_pb2 as pb

from gateway.openapi.texts import translations
from gateway.portal.desk import (
    CHANGE_FIRST,
    FINE,
    for_the_signed_in,
    go,
    required,
    said,
    trouble_of,
    while_unchanged,
)
from gateway.portal.gaps import sees_gaps
from gateway.portal.imports import has_imports
from gateway.portal.pages import page
from gateway.portal.quality import sees_quality
from gateway.portal.synonyms import sees_synonyms
from gateway.refusals import DepartmentFailed, FormForged, RequestInvalid
from services.common.errors import DomainError, Violation

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.portal.desk import Desk, Trouble
    from gateway.portal.reviews import ReviewPages
    from gateway.portal.visits import Visit

SEES: Final = "identity.mandate.read"
"""What lets an agent see the enterprise's mandates."""
FIELDS: Final = {"password": 200, "new_password": 200, "again": 200}


class AccountPages:
    """`/account` and what can be done there."""

    def __init__(self, desk: Desk, reviews: ReviewPages) -> None:
        self._desk = desk
        self._reviews = reviews

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/account", self.account, methods=["GET"]),
            Route(CHANGE_FIRST, self.password, methods=["GET"]),
            Route(CHANGE_FIRST, self.change_password, methods=["POST"]),
            Route("/account/sessions/end", self.end_session, methods=["POST"]),
            Route("/account/act", self.act, methods=["POST"]),
        ]

    @for_the_signed_in
    async def account(self, request: Request, this: Visit) -> Response:
        """Who somebody is to the platform."""
        return await self._page(request, this, FINE)

    @while_unchanged
    async def password(self, request: Request, this: Visit) -> Response:
        """The form for a new password."""
        del request
        return _password_page(this, FINE)

    @while_unchanged
    async def change_password(self, request: Request, this: Visit) -> Response:
        """Set a new password; the session's tokens say so at once."""
        try:
            form = await self._desk.form(request, FIELDS)
            required(form, *FIELDS)
            check_twice(form["new_password"], form["again"])
            asked = pb.ChangePasswordRequest(
                password=form["password"],
                new_password=form["new_password"],
                request_id=uuid.uuid4().hex,
            )
            await self._desk.ask("ChangePassword", asked, this.caller)
        except FormForged:
            raise
        except DomainError as error:
            return _password_page(this, trouble_of(error))
        # The token of until now says for some minutes that the password is to be changed.
        try:
            await self._desk.visits.act_for(this, this.caller.on_behalf_of)
        except (DomainError, DepartmentFailed):
            self._desk.visits.end(this)
            return go("/sign-in", "password")
        return go("/account", "password")

    @for_the_signed_in
    async def end_session(self, request: Request, this: Visit) -> Response:
        """End one of one's own sessions."""
        try:
            form = await self._desk.form(request, {"session_id": 100})
            asked = pb.EndMySessionRequest(
                session_id=form["session_id"], request_id=uuid.uuid4().hex
            )
            await self._desk.ask("EndMySession", asked, this.caller)
        except FormForged:
            raise
        except DomainError as error:
            return await self._page(request, this, trouble_of(error))
        if form["session_id"] == this.caller.session:
            self._desk.visits.end(this)
            return go("/sign-in", "out")
        return go("/account", "ended")

    @for_the_signed_in
    async def act(self, request: Request, this: Visit) -> Response:
        """Act for an enterprise from now on, or for oneself again."""
        try:
            form = await self._desk.form(request, {"subject_code": 18})
            await self._desk.visits.act_for(this, form["subject_code"])
        except FormForged:
            raise
        except DomainError as error:
            return await self._page(request, this, trouble_of(error))
        return go("/account", "acting")

    async def _page(self, request: Request, this: Visit, trouble: Trouble) -> Response:
        asked = pb.GetMyAccountRequest(), pb.ListMySessionsRequest()
        mine, found, waiting = await asyncio.gather(
            self._desk.ask("GetMyAccount", asked[0], this.caller),
            self._desk.ask("ListMySessions", asked[1], this.caller),
            self._reviews.waiting(this.caller),
        )
        return page(
            "account.html",
            trouble.status,
            trouble.headers,
            account=mine.account,
            roles=role_names(mine.account),
            mandates=mine.mandates,
            represents=represented(mine),
            sees=SEES in this.caller.scopes,
            sessions=found.sessions,
            waiting=waiting,
            imports=has_imports(this.caller),
            gaps=sees_gaps(this.caller),
            synonyms=sees_synonyms(this.caller),
            quality=sees_quality(this.caller),
            departments=translations()["departments"],
            acting=this.caller.on_behalf_of,
            trouble=trouble,
            said=this.told or said(request),
        )


def check_twice(password: str, again: str) -> None:
    """Raises: RequestInvalid, where a new password was typed in two ways."""
    if password != again:
        told = "两次输入的新密码不一致。"
        raise RequestInvalid(told, Violation("again", told))


def role_names(account: identity_pb2.Account) -> list[str]:
    """The names of roles as the contract has them, in lower case."""
    return [access_pb2.Role.Name(one).removeprefix("ROLE_").lower() for one in account.roles]


def represented(mine: Any) -> list[str]:
    """Enterprises that an account is the representative of."""
    return [
        one.subject_code
        for one in mine.mandates
        if one.kind == identity_pb2.MANDATE_KIND_REPRESENTATIVE
    ]


def _password_page(this: Visit, trouble: Trouble) -> Response:
    return page(
        "password.html",
        trouble.status,
        trouble.headers,
        trouble=trouble,
        first=this.must_change,
    )
