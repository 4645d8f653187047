"""A representative authorises agents for the enterprise, and takes it back (企业授权)."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Route
from zhengtong.identity.v1 import identity_service_pb2 as pb
from zhengtong.identity.v1.identity_pb2 import GRANT_STATE_ACTIVE

from gateway.contracts import SERVICES, permission_of
from gateway.openapi.texts import translations
from gateway.portal.account import SEES, represented
from gateway.portal.desk import (
    FINE,
    for_the_signed_in,
    go,
    required,
    said,
    trouble_of,
    whole_number,
)
from gateway.portal.pages import page
from gateway.portal.writing import BEIJING
from gateway.refusals import FormForged
from services.common.errors import DomainError
from services.common.permissions import transferable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from gateway.portal.desk import Desk, Trouble
    from gateway.portal.visits import Visit
    from services.common.access import Caller

PATH: Final = "/account/mandates"
SCOPE: Final = "scope."
FIELDS: Final = {"subject_code": 18, "agent_login": 64, "expire_date": 10}
LONGEST: Final = timedelta(days=731)
MOST_SHOWN: Final = 200


class MandatePages:
    """`/account/mandates`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._scopes = scope_names()

    def routes(self) -> list[BaseRoute]:
        return [
            Route(PATH, self.mandates, methods=["GET"]),
            Route(f"{PATH}/grant", self.grant, methods=["POST"]),
            Route(f"{PATH}/end", self.end, methods=["POST"]),
        ]

    @for_the_signed_in
    async def mandates(self, request: Request, this: Visit) -> Response:
        """The mandates of the enterprises that somebody represents."""
        return await self._page(request, this, FINE, {})

    @for_the_signed_in
    async def grant(self, request: Request, this: Visit) -> Response:
        """Authorise an agent."""
        boxes = {f"{SCOPE}{one}": 2 for one in self._scopes}
        form: dict[str, str] = {}
        try:
            form = await self._desk.form(request, {**FIELDS, **boxes}, boxes)
            required(form, *FIELDS)
            asked = pb.GrantMandateRequest(
                subject_code=form["subject_code"],
                agent_login=form["agent_login"].strip(),
                scopes=_ticked(form),
                expire_date=form["expire_date"],
                request_id=uuid.uuid4().hex,
            )
            await self._desk.ask("GrantMandate", asked, this.caller)
        except FormForged:
            raise
        except DomainError as error:
            return await self._page(request, this, trouble_of(error), form)
        return go(PATH, "granted")

    @for_the_signed_in
    async def end(self, request: Request, this: Visit) -> Response:
        """Take a mandate back."""
        try:
            form = await self._desk.form(request, {"mandate_id": 100, "version": 18})
            asked = pb.EndMandateRequest(
                mandate_id=form["mandate_id"],
                version=whole_number(form, "version"),
                request_id=uuid.uuid4().hex,
            )
            await self._desk.ask("EndMandate", asked, this.caller)
        except FormForged:
            raise
        except DomainError as error:
            return await self._page(request, this, trouble_of(error), {})
        return go(PATH, "taken")

    async def _page(
        self, request: Request, this: Visit, trouble: Trouble, form: Mapping[str, str]
    ) -> Response:
        mine = await self._desk.ask("GetMyAccount", pb.GetMyAccountRequest(), this.caller)
        codes = represented(mine)
        today = datetime.now(BEIJING).date()
        return page(
            "mandates.html",
            trouble.status,
            trouble.headers,
            codes=codes,
            own=this.caller.principal,
            # Whoever acts for an enterprise may see at most: to give and to take is never given.
            acting=this.caller.on_behalf_of,
            given=[await self._given(code, this) for code in _seen(this.caller, codes)],
            scopes=self._scopes,
            ticked=_ticked(form),
            form=form,
            today=today.isoformat(),
            latest=(today + LONGEST).isoformat(),
            trouble=trouble,
            said=said(request),
        )

    async def _given(self, code: str, this: Visit) -> tuple[str, list[Any], bool]:
        """An enterprise, the mandates in force for it, and whether there are more to show."""
        asked = pb.ListMandatesRequest(
            subject_code=code, page_size=MOST_SHOWN, state=GRANT_STATE_ACTIVE
        )
        answer = await self._desk.ask("ListMandates", asked, this.caller)
        return code, list(answer.mandates), bool(answer.next_page_token)


def scope_names() -> dict[str, str]:
    """What an agent can be authorised for, in Chinese: the titles of the calls."""
    titles = translations()["calls"]
    named: dict[str, list[str]] = {}
    for service in SERVICES.values():
        for method in service.methods:
            title = titles.get(f"{service.name}.{method.name}", "")
            named.setdefault(permission_of(method), []).append(title)
    return {
        one: "、".join(filter(None, named.get(one, ()))) or one for one in transferable("person")
    }


def _seen(caller: Caller, represented: Sequence[str]) -> Sequence[str]:
    """Enterprises whose mandates somebody sees now."""
    if not caller.on_behalf_of:
        return represented
    return [caller.on_behalf_of] if SEES in caller.scopes else []


def _ticked(form: Mapping[str, str]) -> list[str]:
    return [name.removeprefix(SCOPE) for name, on in form.items() if name.startswith(SCOPE) and on]
