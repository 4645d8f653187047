"""Who is at a page: read from cookies, kept up to date while the session lasts.

Only pages look here. The API looks at `Authorization` alone.
"""

from __future__ import annotations

import logging
import secrets
from collections import OrderedDict
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from zhengtong.identity.v1 import identity_service_pb2 as pb

from gateway.cookies import REFRESH, SESSION, VISIT, Cookies
from gateway.csrf import FIELD, FormGuard
from gateway.refusals import DepartmentFailed
from services.common.access import ANONYMOUS, Caller
from services.common.errors import Denied, DomainError, Unauthenticated

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from zhengtong.identity.v1 import identity_pb2

    from gateway.clients import Clients
    from gateway.identity import Identity, Pass
    from gateway.safety import Header

DEPARTMENT: Final = "identity"
RENEW_BEFORE: Final = 60.0  # seconds
NAME_SECONDS: Final = 2.0
NAMES: Final = 10_000
ENDED: Final = "登录已失效（长时间未操作、在别处退出，或登录信息被重复使用），请重新登录。"
MANDATE_OVER: Final = "所代表企业的授权已到期或被收回，已切换为本人办事。"

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Visit:
    """Who is at the page that one request asks for.

    Args:
        asked: cookies were looked at; pages of the API's address never do.
        name: as the header shows it; empty where identity did not tell in time.
        login: what goes with the password in the browser's own list.
        must_change: somebody else set the password.
        refresh: the refresh token.
        dormant: a session is there, but what prolongs it does not come along from other sites.
        told: what happened to the session, for the page to say.
        trouble: why the session could not be prolonged, where that is not the session's fault.
        form_token: what forms of the signed-in carry.
        cookies: headers that the answer gives to the browser.
    """

    asked: bool = False
    caller: Caller = ANONYMOUS
    name: str = ""
    login: str = ""
    must_change: bool = False
    refresh: str = ""
    dormant: bool = False
    told: str = ""
    trouble: Exception | None = None
    form_token: str = ""
    cookies: list[Header] = field(default_factory=list)

    @property
    def signed_in(self) -> bool:
        return self.caller is not ANONYMOUS


_VISIT: ContextVar[Visit | None] = ContextVar("visit", default=None)


def visit() -> Visit:
    """Who is at the page of the request under way."""
    return _VISIT.get() or Visit()


class Carrying:
    """Middleware, outside of what answers refusals: cookies reach the browser with any answer.

    A renewed session whose cookies were lost with an error page would look like a stolen one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        this = Visit()
        _VISIT.set(this)

        async def carrying(message: Message) -> None:
            if message["type"] == "http.response.start" and this.cookies:
                message = {**message, "headers": [*message.get("headers", ()), *this.cookies]}
            await send(message)

        await self._app(scope, receive, carrying)


class Visits:
    """Recognises who comes, begins and ends what their browser keeps, and guards forms."""

    def __init__(
        self, clients: Clients, identity: Identity, cookies: Cookies, guard: FormGuard
    ) -> None:
        self._clients = clients
        self._identity = identity
        self._cookies = cookies
        self._guard = guard
        self._names: OrderedDict[str, tuple[str, str]] = OrderedDict()

    async def recognise(self, scope: Scope) -> None:
        """Find out who is at the page of this request."""
        this = visit()
        this.asked = True
        token = self._cookies.read(scope, SESSION)
        this.refresh = self._cookies.read(scope, REFRESH)
        if not token and not this.refresh:
            return
        known = self._read(token) if token else None
        if known and self._identity.left(known) > RENEW_BEFORE:
            self._enter(this, known)
        elif this.refresh:
            await self._renew(this, known)
        elif known and self._identity.believes(known):
            self._enter(this, known)
        else:
            this.dormant = known is not None
        if this.signed_in and not this.name:
            await self._learn_name(this)

    async def act_for(self, this: Visit, subject_code: str) -> None:
        """Renew the session, acting for an enterprise from now on; for oneself where it is empty.

        Raises:
            SessionEnded, OutOfReach, Unavailable.
        """
        asked = pb.RenewSessionRequest(refresh_token=this.refresh, on_behalf_of=subject_code)
        answer = await self._clients.call(DEPARTMENT, "RenewSession", asked)
        self.begin(this, answer.ticket)

    def begin(self, this: Visit, ticket: pb.Ticket) -> None:
        """Give the browser a session, or its session's next tokens."""
        this.cookies = [
            self._cookies.put(SESSION, ticket.access_token),
            self._cookies.put(REFRESH, ticket.refresh_token),
        ]
        this.refresh = ticket.refresh_token
        known = self._identity.read(ticket.access_token)
        if known is None:
            raise DepartmentFailed("identity gave a token that it did not sign")
        self._remember(known.caller.session, ticket.account)
        self._enter(this, known)

    def end(self, this: Visit, told: str = "") -> None:
        """Take the session from the browser."""
        this.cookies = [self._cookies.drop(one) for one in (SESSION, REFRESH, VISIT)]
        this.caller, this.name, this.refresh = ANONYMOUS, "", ""
        this.form_token, this.told = "", told

    def word(self, scope: Scope, this: Visit) -> str:
        """A token for a form of somebody who has not signed in."""
        value = self._cookies.read(scope, VISIT)
        if not value:
            value = secrets.token_urlsafe(24)
            this.cookies.append(self._cookies.put(VISIT, value))
        return self._guard.token(VISIT, value)

    def check(self, scope: Scope, form: dict[str, str], this: Visit | None = None) -> None:
        """Let a form pass that a page of ours gave to this browser.

        Forms of the signed-in are bound to the session, which stays the same when its tokens
        change: a page may be open for longer than a token is good.

        Args:
            this: who sends it; None: a form for those who have not signed in.

        Raises:
            FormForged
        """
        if this is None:
            self._guard.check(scope, form[FIELD], VISIT, self._cookies.read(scope, VISIT))
        else:
            self._guard.check(scope, form[FIELD], SESSION, this.caller.session)

    def _read(self, token: str) -> Pass | None:
        try:
            return self._identity.read(token)
        except FileNotFoundError:
            logger.warning("a cookie of a session came, and identity's public key is not here")
            return None

    async def _renew(self, this: Visit, known: Pass | None) -> None:
        acting = known.caller.on_behalf_of if known else ""
        try:
            await self.act_for(this, acting)
        except Denied as error:
            if not acting:
                this.trouble = error
                return
            # The mandate is over, not the session.
            await self._renew(this, None)
            this.told = this.told or MANDATE_OVER
        except Unauthenticated:
            self.end(this, ENDED)
        except (DomainError, DepartmentFailed) as error:
            if known and self._identity.believes(known):
                self._enter(this, known)
            else:
                this.trouble = error

    def _enter(self, this: Visit, known: Pass) -> None:
        this.caller, this.must_change = known.caller, known.must_change
        this.name, this.login = self._names.get(known.caller.session, ("", ""))
        this.form_token = self._guard.token(SESSION, known.caller.session)

    async def _learn_name(self, this: Visit) -> None:
        """Another gateway began the session, or this one has forgotten."""
        asked = pb.GetMyAccountRequest()
        try:
            answer = await self._clients.call(
                DEPARTMENT, "GetMyAccount", asked, caller=this.caller, timeout=NAME_SECONDS
            )
        except (DomainError, DepartmentFailed) as error:
            logger.debug("identity tells no name: %s", error)
            return
        this.name, this.login = self._remember(this.caller.session, answer.account)

    def _remember(self, session: str, account: identity_pb2.Account) -> tuple[str, str]:
        self._names[session] = account.name, account.login
        self._names.move_to_end(session)
        if len(self._names) > NAMES:
            self._names.popitem(last=False)
        return account.name, account.login
