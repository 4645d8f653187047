"""The whole gateway over HTTP, with an identity of our own behind it that passes the real door."""

from __future__ import annotations

import contextlib
import re
from concurrent import futures
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import grpc
import httpx
from zhengtong.access.v1 import access_pb2
from zhengtong.identity.v1 import identity_service_pb2 as pb
from zhengtong.identity.v1 import identity_service_pb2_grpc

from gateway.app import create_app
from infra.local.keys import make_pair
from services.common.callers import Verifier
from services.common.errors import DomainError
from services.common.grpc_host.door import CALL, Door
from services.identity import domain
from services.identity.domain import Account, Mandate, Session
from services.identity.messages import account_message, mandate_message, session_message
from services.identity.store.secrets import Tokens
from services.identity.usecases import Signed
from tests.contract.gateway_house import UNLIMITED, settings_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

LOGIN, PASSWORD = "li.lei", "a-Very-0wn-pass"
ENTERPRISE = "91530100010090011J"
PERSON = Account(
    "a1", LOGIN, "李雷", ("person",), identity_number="11010519491231002X", phone="13800138000"
)


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class FakeIdentity(identity_service_pb2_grpc.IdentityServiceServicer):
    """One account whose sessions follow the real rules; remembers what it was asked, by whom."""

    tokens: Tokens
    account: Account = PERSON
    mandates: list[Mandate] = field(default_factory=list)
    sessions: dict[str, Session] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)
    callers: list[Any] = field(default_factory=list)
    errors: dict[str, DomainError] = field(default_factory=dict)
    access: timedelta = domain.sessions.ACCESS
    ended: list[str] = field(default_factory=list)

    def _hear(self, request: Any) -> None:
        self.asked.append(request)
        self.callers.append(CALL.get().caller)
        name = type(request).__name__.removesuffix("Request")
        if name in self.errors:
            raise self.errors[name]

    def calls(self, kind: type) -> list[Any]:
        return [one for one in self.asked if isinstance(one, kind)]

    def _ticket(self, session: Session, mandate: Mandate | None = None) -> pb.Ticket:
        signed = Signed(session, self.account, mandate)
        # The token's own time is the domain's; a shorter one is one that was signed before.
        moment = now() - (domain.sessions.ACCESS - self.access)
        return pb.Ticket(
            access_token=self.tokens.access(signed, moment),
            refresh_token=self.tokens.refresh(session.session_id, session.generation),
            account=account_message(self.account, own=True),
        )

    def _begin(self) -> pb.Ticket:
        session = Session(f"s{len(self.sessions) + 1}", "a1", now(), now(), "127.0.0.*")
        self.sessions[session.session_id] = session
        return self._ticket(session)

    def SignIn(self, request, context):  # noqa: N802
        self._hear(request)
        if (request.login, request.password) != (LOGIN, PASSWORD):
            raise domain.SignInRefused
        return pb.SignInResponse(ticket=self._begin())

    def SignInOutside(self, request, context):  # noqa: N802
        self._hear(request)
        return pb.SignInOutsideResponse(ticket=self._begin())

    def RenewSession(self, request, context):  # noqa: N802
        self._hear(request)
        named = self.tokens.read_refresh(request.refresh_token)
        session = self.sessions.get(named[0]) if named else None
        if session is None:
            raise domain.SessionEnded
        code = request.on_behalf_of
        mandate = next((one for one in self.mandates if one.subject_code == code), None)
        if code and mandate is None:
            raise domain.OutOfReach("您没有代表该企业办事的有效授权。")
        after = domain.sessions.renewed(session, named[1], on_behalf_of=code, now=now())
        if after is None:
            del self.sessions[session.session_id]
            raise domain.SessionEnded
        self.sessions[session.session_id] = after
        return pb.RenewSessionResponse(ticket=self._ticket(after, mandate))

    def SignOut(self, request, context):  # noqa: N802
        self._hear(request)
        named = self.tokens.read_refresh(request.refresh_token)
        if named:
            self.sessions.pop(named[0], None)
        return pb.SignOutResponse()

    def GetMyAccount(self, request, context):  # noqa: N802
        self._hear(request)
        mandates = [mandate_message(one) for one in self.mandates]
        return pb.GetMyAccountResponse(
            account=account_message(self.account, own=True), mandates=mandates
        )

    def ListMySessions(self, request, context):  # noqa: N802
        self._hear(request)
        current = CALL.get().caller.session
        found = [session_message(one, current=current) for one in self.sessions.values()]
        return pb.ListMySessionsResponse(sessions=found)

    def EndMySession(self, request, context):  # noqa: N802
        self._hear(request)
        if self.sessions.pop(request.session_id, None) is None:
            raise domain.SessionNotFound
        return pb.EndMySessionResponse()

    def ChangePassword(self, request, context):  # noqa: N802
        self._hear(request)
        return pb.ChangePasswordResponse()

    def RegisterAccount(self, request, context):  # noqa: N802
        self._hear(request)
        return pb.RegisterAccountResponse()

    def ListMandates(self, request, context):  # noqa: N802
        self._hear(request)
        return pb.ListMandatesResponse(mandates=[mandate_message(one) for one in self.mandates])

    def GrantMandate(self, request, context):  # noqa: N802
        self._hear(request)
        return pb.GrantMandateResponse()

    def EndMandate(self, request, context):  # noqa: N802
        self._hear(request)
        return pb.EndMandateResponse()

    def ListEndings(self, request, context):  # noqa: N802
        return pb.ListEndingsResponse(ids=self.ended, as_of_time=now())


@dataclass
class IdentityHouse:
    """A browser at a gateway, and the identity behind it."""

    http: httpx.AsyncClient
    identity: FakeIdentity

    async def open(self, path: str, status: int = 200, **headers: str) -> str:
        reply = await self.http.get(path, headers=headers)
        assert reply.status_code == status, reply.text
        return reply.text

    async def send(self, page: str, path: str, **fields: str) -> httpx.Response:
        """Send a form as the page gives it out."""
        token = token_in(await self.open(page))
        return await self.http.post(path, data={"form_token": token, **fields})

    async def sign_in(self, onward: str = "", password: str = PASSWORD) -> httpx.Response:
        return await self.send("/sign-in", "/sign-in", login=LOGIN, password=password, next=onward)


def token_in(text: str) -> str:
    found = re.findall(r'name="form_token" value="([^"]+)"', text)
    assert found, "the page has a form"
    return found[-1]


def person_with(*roles: str, **more: Any) -> Account:
    assert all(f"ROLE_{role.upper()}" in [*access_pb2.Role.keys()] for role in roles)
    return Account("a1", LOGIN, "李雷", roles, **more)


def representative() -> Mandate:
    return Mandate(
        "m1",
        representative=True,
        subject_code=ENTERPRISE,
        account_id="a1",
        login=LOGIN,
        granted_by="a9",
    )


@contextlib.contextmanager
def serving(department: str, keys: Path, attach: Callable[[grpc.Server], None]):
    """A gRPC server with the door every department has; gives its address."""
    with futures.ThreadPoolExecutor(4) as pool, futures.ThreadPoolExecutor(1) as streams:
        door = Door(Verifier.load(keys, department), streams, 1)
        server = grpc.server(pool, interceptors=[door])
        attach(server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()


@contextlib.asynccontextmanager
async def identity_house(
    folder: Path,
    limits: Any = UNLIMITED,
    departments: Mapping[str, str] | None = None,
    **more: Any,
) -> AsyncIterator[IdentityHouse]:
    """A gateway with identity, and other departments by their addresses.

    `more` are fields of its settings.
    """
    keys = settings_in(folder).keys_dir
    make_pair(keys, "identity")
    identity = FakeIdentity(Tokens.load(keys))
    attach = identity_service_pb2_grpc.add_IdentityServiceServicer_to_server
    with serving("identity", keys, lambda server: attach(identity, server)) as address:
        settings = replace(settings_in(folder, identity=address, **departments or {}), **more)
        host = urlsplit(settings.public_url).netloc or "gateway"
        app = create_app(settings, limits)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as http:
            yield IdentityHouse(http, identity)
