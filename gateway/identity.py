"""Who stands at the door: by an access token, by the key of a machine client, or nobody."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from google.protobuf.timestamp_pb2 import Timestamp
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from zhengtong.identity.v1 import identity_pb2
from zhengtong.identity.v1 import identity_service_pb2 as pb

from gateway.refusals import DepartmentFailed, PurposeInvalid, TokenWrong
from services.common.access import ANONYMOUS, Caller
from services.common.errors import DomainError, Unauthenticated, Unavailable, Violation
from services.common.permissions import transferable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from starlette.types import Scope

    from gateway.clients import Clients

DEPARTMENT: Final = "identity"
KEY_PREFIX: Final = b"zt_"
CERTIFICATE: Final = "zhengtong.client_certificate"
"""In a scope's extensions: SHA-256 of the certificate that the caller showed, hexadecimal."""
REMEMBERED: Final = 10_000
ENDED_SECONDS: Final = 600.0
"""How long an ending is remembered: twice as long as an access token is believed."""
ENDED_AT_MOST: Final = 200_000
"""Endings remembered, some 40 MB: more than can end in that time unless something is wrong."""
BELIEVED_SECONDS: Final = 60.0
"""How long a client is known without asking identity again."""
OUTAGE_SECONDS: Final = 300.0
"""How much longer it is known while identity does not answer."""
ASK_SECONDS: Final = 3.0
"""For identity to tell whose a key is; a request has other things to wait for."""
LOOK_EVERY: Final = 1.0
OVERLAP: Final = timedelta(seconds=30)
"""Endings are told by the clocks of several processes and appear when they are committed."""
LONGEST_PURPOSE: Final = 200
_SCHEME = b"bearer "
_ALGORITHMS = ["Ed25519"]
_KEY = re.compile(rb"zt_[\w-]{1,200}")
_BROKEN_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_OF_BROWSERS = (b"origin", b"sec-fetch-site")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody whose token or key was seen before.

    Args:
        until: seconds since the epoch; after it the token is refused, a key asked for again.
        at_last: when nothing of it is believed any more, even if identity does not answer.
        ends_with: session or client that makes it worthless when it ends.
        rate: requests a second that a client may make; 0: the usual number.
    """

    caller: Caller
    until: float
    at_last: float
    ends_with: str
    rate: int = 0


@dataclass(frozen=True, slots=True)
class Pass:
    """What an access token says.

    Args:
        until: seconds since the epoch.
        must_change: somebody else set the password; nothing else may be done before.
    """

    caller: Caller
    until: float
    must_change: bool


NOBODY: Final = Known(ANONYMOUS, 0.0, 0.0, "")


class Identity:
    """Tells who makes a request.

    Args:
        clock: seconds since the epoch.
    """

    def __init__(
        self, keys_dir: Path, clients: Clients, clock: Callable[[], float] = time.time
    ) -> None:
        self._key_file = keys_dir / f"{DEPARTMENT}.pub"
        self._clients = clients
        self._clock = clock
        self._key: OKPKey | None = None
        self._known: OrderedDict[bytes, Known] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Known]] = {}
        self._ended: OrderedDict[str, float] = OrderedDict()

    def seen(self, scope: Scope) -> Known | None:
        """Who it is, if that is known without asking anybody; None: it has to be found out."""
        known = self.lately(scope)
        if known is NOBODY or known is None or known.until > self._clock():
            return known
        return None

    def lately(self, scope: Scope) -> Known | None:
        """The same, with clients about whom identity has to be asked again: it counts as theirs."""
        proof = _proof(scope)
        if not proof:
            return NOBODY
        known = self._known.get(_remembered_as(proof))
        if known is None or known.at_last <= self._clock() or known.ends_with in self._ended:
            return None
        return known

    async def find(self, scope: Scope) -> Known:
        """Who makes the request of this ASGI scope.

        Raises:
            TokenWrong: a token or key came that is nobody's (any more); not let through as nobody.
            DepartmentUnavailable: identity does not answer, and the key was not seen lately.
        """
        known = self.seen(scope)
        if known is not None:
            return known
        proof = _proof(scope) or (b"", "")
        remembered = _remembered_as(proof)
        if not proof[0] or proof[0].startswith(KEY_PREFIX):
            return await self._ask_once(proof, remembered)
        found = self._account(proof[0])
        self._remember(remembered, found)
        return found

    def _account(self, token: bytes) -> Known:
        """Rule A-4: an access token is believed until it expires, or its session has ended."""
        found = self.read(token.decode("latin-1"))
        if found is None or not self.believes(found):
            raise TokenWrong("身份凭证不正确或已过期，请重新登录。")
        return Known(found.caller, found.until, found.until, found.caller.session)

    def read(self, token: str) -> Pass | None:
        """What an access token says, also after its time; None: identity did not sign it."""
        try:
            decoded = jwt.decode(token, self._verifying(), algorithms=_ALGORITHMS)
            claims = decoded.claims
            typed = decoded.header.get("typ") == "at+jwt" and isinstance(claims["sid"], str)
            if not typed or claims["iss"] != DEPARTMENT or claims["aud"] != "gateway":
                return None
            must_change = bool(claims.get("must_change"))
            return Pass(_caller_of(claims), float(claims["exp"]), must_change)
        # A header is read before its signature: it may be nested without an end.
        except (JoseError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def believes(self, one: Pass) -> bool:
        """Whether a token is in its time and its session has not ended."""
        return one.until > self._clock() and one.caller.session not in self._ended

    def left(self, one: Pass) -> float:
        """For how many seconds a token is still good."""
        return one.until - self._clock() if self.believes(one) else 0.0

    def _verifying(self) -> OKPKey:
        if self._key is None:
            self._key = OKPKey.import_key(self._key_file.read_bytes())
        return self._key

    async def _ask_once(self, proof: tuple[bytes, str], remembered: bytes) -> Known:
        """Requests that come while identity is asked wait for the same answer."""
        asking = self._asking.get(remembered)
        if asking is None:
            asking = asyncio.create_task(self._client(*proof, remembered))
            self._asking[remembered] = asking
            asking.add_done_callback(lambda done: self._asked(remembered, done))
        # Whoever goes away takes the answer from nobody else.
        return await asyncio.shield(asking)

    def _asked(self, remembered: bytes, done: asyncio.Task[Known]) -> None:
        del self._asking[remembered]
        if not done.cancelled() and done.exception() is None:
            self._remember(remembered, done.result())

    async def _client(self, key: bytes, certificate: str, remembered: bytes) -> Known:
        if key and not _KEY.fullmatch(key):
            raise TokenWrong("接口密钥不正确，或已停用。")
        request = pb.ResolveClientRequest(key=key.decode("ascii"), certificate=certificate)
        try:
            answer = await self._clients.call(
                DEPARTMENT,
                "ResolveClient",
                request,
                caller=self._clients.own(),
                timeout=ASK_SECONDS,
            )
        except Unauthenticated:
            raise TokenWrong("接口密钥或证书不正确，或已停用。") from None
        except (Unavailable, DepartmentFailed):
            before = self._known.get(remembered)
            if before is None or before.at_last <= self._clock():
                raise
            return replace(before, until=self._clock() + LOOK_EVERY)
        client = answer.client
        until = self._clock() + BELIEVED_SECONDS
        self._ended.pop(client.client_id, None)
        at_last = until + OUTAGE_SECONDS
        caller = _caller_of_client(client)
        return Known(caller, until, at_last, client.client_id, client.rate_per_second)

    def _remember(self, key: bytes, known: Known) -> None:
        self._known[key] = known
        self._known.move_to_end(key)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def follow(self) -> None:
        """Learn, each second, which sessions and clients have ended; until cancelled."""
        after = datetime.fromtimestamp(self._clock() - ENDED_SECONDS, UTC)
        while True:
            try:
                after = await self._look(after)
            except (DomainError, DepartmentFailed) as error:
                logger.debug("identity tells no endings: %s", error)
            except Exception:  # without it, who has signed out would be let in until a restart
                logger.exception("endings could not be read")
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self, after: datetime) -> datetime:
        """Learn what has ended from a moment on, page by page; the moment to go on from."""
        since = Timestamp()
        since.FromDatetime(after)
        asked = pb.ListEndingsRequest(after_time=since)
        answer = await self._endings(asked)
        told: datetime = answer.as_of_time.ToDatetime(UTC)
        while answer.next_page_token:
            asked.page_token = answer.next_page_token
            answer = await self._endings(asked)
        return told - OVERLAP

    async def _endings(self, asked: pb.ListEndingsRequest) -> pb.ListEndingsResponse:
        answer: pb.ListEndingsResponse = await self._clients.call(
            DEPARTMENT, "ListEndings", asked, caller=self._clients.own()
        )
        self._end(answer.ids)
        self._forget_endings()
        return answer

    def _forget_endings(self) -> None:
        """Forget those that no token can be of any more; beyond all measure, the oldest."""
        past = self._clock() - ENDED_SECONDS
        while self._ended and next(iter(self._ended.values())) <= past:
            self._ended.popitem(last=False)
        if len(self._ended) > ENDED_AT_MOST:
            logger.error("more than %d endings: the oldest are forgotten", ENDED_AT_MOST)
        while len(self._ended) > ENDED_AT_MOST:
            self._ended.popitem(last=False)

    def _end(self, told: Iterable[str]) -> None:
        """Believe nothing more of what these sessions and clients gave; what is new is asked for.

        Told of thousands at once, one walk over who is known has to do.
        """
        ended = {one for one in told if one not in self._ended}
        if not ended:
            return
        self._ended.update(dict.fromkeys(ended, self._clock()))
        for key in [key for key, known in self._known.items() if known.ends_with in ended]:
            del self._known[key]


def with_purpose(caller: Caller, purpose: bytes) -> Caller:
    """The caller, and why it asks: the header `Purpose`, percent-encoded UTF-8.

    Raises:
        PurposeInvalid: longer than 200 characters, or no text.
    """
    if not purpose or caller is ANONYMOUS:
        return caller
    try:
        text = unquote(purpose.decode("ascii"), errors="strict").strip()
    except ValueError:
        text = ""
    if _BROKEN_PERCENT.search(purpose):
        text = ""
    if not text or len(text) > LONGEST_PURPOSE or not text.isprintable():
        told = f"用途（Purpose）应为百分号编码的文字，不超过 {LONGEST_PURPOSE} 个字。"
        raise PurposeInvalid(told, Violation("purpose", told))
    return replace(caller, purpose=text)


def _proof(scope: Scope) -> tuple[bytes, str] | None:
    """What came to show who it is: a token or key, and the hash of a certificate.

    Raises:
        TokenWrong: the header is there and not of the form `Bearer <token>`.
    """
    authorization = next((v for k, v in scope["headers"] if k == b"authorization"), None)
    certificate = "" if _asks_a_browser(scope) else _certificate(scope)
    if authorization is None:
        return (b"", certificate) if certificate else None
    token = authorization[len(_SCHEME) :].strip()
    if authorization[: len(_SCHEME)].lower() != _SCHEME or not token:
        raise TokenWrong("身份凭证应写作 Authorization: Bearer <凭证>。")
    return token, certificate


def _certificate(scope: Scope) -> str:
    shown: str = scope.get("extensions", {}).get(CERTIFICATE, "")
    return shown


def _asks_a_browser(scope: Scope) -> bool:
    """Browsers show certificates by themselves, also when another site's page makes them ask."""
    return any(name in _OF_BROWSERS for name, _ in scope["headers"])


def _remembered_as(proof: tuple[bytes, str]) -> bytes:
    """Keys are not kept in memory longer than a request."""
    return hashlib.sha256(proof[0] + b"\n" + proof[1].encode()).digest()


def _caller_of(claims: dict[str, Any]) -> Caller:
    """The account that an access token tells of.

    Whoever signed in with a password that somebody else set may do nothing but change it.
    """
    represents = claims.get("represents", False)
    return Caller(
        principal=claims["sub"],
        kind="account",
        roles=() if claims.get("must_change") else tuple(claims["roles"]),
        department=claims.get("department", ""),
        region=claims.get("region", ""),
        institution=claims.get("institution", ""),
        on_behalf_of=claims.get("on_behalf_of", ""),
        scopes=transferable("person") if represents else tuple(claims.get("scopes", ())),
        session=claims["sid"],
    )


def _caller_of_client(client: identity_pb2.Client) -> Caller:
    return Caller(
        principal=client.client_id,
        kind="client",
        department=client.dept_code,
        region=client.region_code,
        institution=client.institution_id,
        leads=client.leads,
        rights=tuple(client.rights),
    )
