"""Signing in with an outside provider: OpenID Connect Core 1.0, code flow with PKCE (RFC 7636).

Nothing of a sign-in under way is kept here: `state`, `nonce` and the code verifier all follow from
the word in the browser's cookie by a key that the gateways share. Whoever has no such cookie, or
another one, has another `state`; whoever has stolen one still has no verifier.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import re
import secrets
import time
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.outbound import Outbound, client
from gateway.public import is_this_machine
from gateway.refusals import ProviderAnswerWrong, ProviderDown, ProviderRefused, SignInStale
from gateway.standards.oauth_client import AsyncOAuth2Client, OAuthError
from services.common.errors import DomainError, Invalid, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.outbound import Allowed
    from gateway.standards.oidc_settings import OidcSettings

CALLBACK: Final = "/sign-in/outside/callback"
SCOPE: Final = "openid profile phone"
WELL_KNOWN: Final = "/.well-known/openid-configuration"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "ES256", "ES384", "Ed25519")
"""Signatures with a key of the provider's own; `none` and HS* could be made by anybody."""
UNDER_WAY: Final = 600
"""Seconds that somebody has for signing in at the provider."""
KNOWN_SECONDS: Final = 3600.0
KEYS_AGAIN: Final = 30.0
AGAIN_SECONDS: Final = 5.0
"""How long a provider that did not answer is not asked again."""
"""Seconds between two looks at the provider's keys because of a key that is not among them."""
LEEWAY: Final = 60.0
LONGEST_SUBJECT: Final = 255
LONGEST_TOKEN: Final = 16 * 1024
_MOBILE: Final = re.compile("1[0-9]{10}", re.ASCII)
_KEY_TYPES: Final = ("RSA", "EC", "OKP")
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Started:
    """A sign-in that begins.

    Args:
        url: where the browser goes.
        cookie: what it keeps until it comes back.
    """

    url: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the provider vouches for."""

    subject: str
    name: str
    identity_number: str
    phone: str


@dataclass(frozen=True, slots=True)
class _Provider:
    """What the provider says of itself."""

    endpoints: Mapping[str, str]
    keys: KeySet
    known: float


class Oidc:
    """One provider, whose discovery document and keys are remembered for an hour.

    Args:
        key: 32 secret bytes that all gateways share.
        home: the platform's own origin.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        settings: OidcSettings,
        allowed: Allowed,
        key: bytes,
        home: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self._allowed = allowed
        self._key = key
        self._redirect = home + CALLBACK
        self._clock = clock
        self._provider: _Provider | None = None
        self._asking = asyncio.Lock()
        self._failed: tuple[float, DomainError] | None = None

    async def start(self, onward: str) -> Started:
        """Send somebody to the provider.

        Args:
            onward: the local path to go on to afterwards.

        Raises:
            ProviderDown, ProviderAnswerWrong.
        """
        provider = await self._known()
        word = f"{int(self._clock())}.{secrets.token_urlsafe(24)}.{_encode(onward.encode())}"
        async with self._client() as asking:
            url, _ = asking.create_authorization_url(
                provider.endpoints["authorization_endpoint"],
                state=self._from(word, "state"),
                nonce=self._from(word, "nonce"),
                code_verifier=self._from(word, "verifier"),
            )
        return Started(url, word)

    async def finish(self, word: str, answer: Mapping[str, str]) -> tuple[Person, str]:
        """Who came back, and the local path to go on to.

        Args:
            word: the cookie's value; empty where none came.
            answer: the parameters that the browser came back with.

        Raises:
            SignInStale: this browser did not begin it here, or too long ago.
            ProviderRefused: the person gave up, or the provider did.
            ProviderDown, ProviderAnswerWrong.
        """
        onward = self._check_begun(word, answer.get("state", ""))
        # RFC 9207: an answer of another provider is told by its name.
        if answer.get("iss", self.settings.issuer) != self.settings.issuer:
            raise ProviderAnswerWrong
        if "error" in answer or not answer.get("code"):
            raise ProviderRefused(cancelled=answer.get("error") == "access_denied")
        token = await self._redeem(answer["code"], self._from(word, "verifier"))
        claims = await self._claims(token)
        self._check(claims, self._from(word, "nonce"))
        return _person(claims), onward

    def _check_begun(self, word: str, state: str) -> str:
        expected = self._from(word, "state").encode()
        same = hmac.compare_digest(expected, state.encode("utf-8", "replace"))
        begun, _, rest = word.partition(".")
        encoded = rest.partition(".")[2]
        if not word or not same or int(begun) + UNDER_WAY < self._clock():
            raise SignInStale
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()

    def _from(self, word: str, purpose: str) -> str:
        said = f"{purpose}\0{word}".encode()
        return _encode(hmac.digest(self._key, said, sha256))

    async def _redeem(self, code: str, verifier: str) -> str:
        """The ID token for a code, which is good once."""
        endpoint = (await self._known()).endpoints["token_endpoint"]
        try:
            async with self._client() as asking:
                told = await asking.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                )
        except OAuthError:
            raise ProviderRefused from None
        except (httpx.HTTPError, Unavailable, Invalid):
            raise ProviderDown from None
        except (ValueError, TypeError, AttributeError):
            raise ProviderAnswerWrong from None
        token = told.get("id_token") if isinstance(told, dict) else None
        if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
            raise ProviderAnswerWrong
        return token

    async def _claims(self, token: str) -> dict[str, Any]:
        """What an ID token says, its signature checked with the provider's own keys."""
        provider = await self._known()
        try:
            return _decoded(token, provider.keys)
        except (JoseError, ValueError, KeyError, TypeError):
            if provider.known + KEYS_AGAIN > self._clock():
                raise ProviderAnswerWrong from None
        # A provider changes its keys without notice.
        self._provider = None
        provider = await self._known()
        try:
            return _decoded(token, provider.keys)
        except (JoseError, ValueError, KeyError, TypeError):
            raise ProviderAnswerWrong from None

    def _check(self, claims: Mapping[str, Any], nonce: str) -> None:
        """OpenID Connect Core 1.0, 3.1.3.7: for us, from them, now, and for this very sign-in."""
        audience, now = claims.get("aud"), self._clock()
        audiences = [audience] if isinstance(audience, str) else audience
        said = claims.get("nonce")
        good = (
            claims.get("iss") == self.settings.issuer
            and isinstance(audiences, list)
            and self.settings.client_id in audiences
            and (len(audiences) == 1 or claims.get("azp") is not None)
            and claims.get("azp", self.settings.client_id) == self.settings.client_id
            and _is_number(claims.get("exp"))
            and claims["exp"] + LEEWAY > now
            and _is_number(claims.get("iat"))
            and claims["iat"] - LEEWAY < now
            and isinstance(said, str)
            and hmac.compare_digest(said.encode("utf-8", "replace"), nonce.encode())
            and isinstance(claims.get("sub"), str)
            and 0 < len(claims["sub"]) <= LONGEST_SUBJECT
        )
        if not good:
            raise ProviderAnswerWrong

    async def _known(self) -> _Provider:
        """The provider; whoever waited for an answer that failed is told the same, at once."""
        async with self._asking:
            found = self._provider
            if found is not None and found.known + KNOWN_SECONDS >= self._clock():
                return found
            if self._failed and self._failed[0] + AGAIN_SECONDS > self._clock():
                raise self._failed[1]
            try:
                found = self._provider = await self._discover()
            except DomainError as error:
                self._failed = self._clock(), error
                raise
            self._failed = None
            return found

    async def _discover(self) -> _Provider:
        """Raises: ProviderDown, ProviderAnswerWrong."""
        told = await self._get(self.settings.issuer.rstrip("/") + WELL_KNOWN)
        if told.get("issuer") != self.settings.issuer:
            raise ProviderAnswerWrong
        endpoints = {name: str(told.get(name, "")) for name in _ENDPOINTS}
        if not all(is_safe(url) for url in endpoints.values()):
            raise ProviderAnswerWrong
        keys = (await self._get(endpoints["jwks_uri"])).get("keys")
        fit = [key for key in keys if _is_for_signing(key)] if isinstance(keys, list) else []
        try:
            return _Provider(endpoints, KeySet.import_key_set({"keys": fit}), self._clock())
        except (JoseError, ValueError, KeyError, TypeError):
            raise ProviderAnswerWrong from None

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            async with client(self._allowed) as asking:
                answer = await asking.get(url)
            answer.raise_for_status()
            told = json.loads(answer.content)
        except (httpx.HTTPError, Unavailable, Invalid):
            raise ProviderDown from None
        except ValueError:
            raise ProviderAnswerWrong from None
        if not isinstance(told, dict):
            raise ProviderAnswerWrong
        return told

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret or None,
            token_endpoint_auth_method=(
                "client_secret_basic" if self.settings.client_secret else "none"
            ),
            scope=SCOPE,
            redirect_uri=self._redirect,
            code_challenge_method="S256",
            transport=Outbound(self._allowed),
            trust_env=False,
            follow_redirects=False,
        )


def is_safe(url: str) -> bool:
    """Whether secrets may go there: by TLS, or to this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not host or not url.isprintable() or "@" in parts.netloc or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(host))


def _decoded(token: str, keys: KeySet) -> dict[str, Any]:
    return dict(jwt.decode(token, keys, algorithms=[*ALGORITHMS]).claims)


def _is_for_signing(key: Any) -> bool:
    return isinstance(key, dict) and key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _person(claims: Mapping[str, Any]) -> Person:
    def text(name: str) -> str:
        value = claims.get(name, "")
        return value if isinstance(value, str) and value.isprintable() else ""

    phone = text("phone_number").removeprefix("+86").replace("-", "").replace(" ", "")
    # Of another country, or none: the person can go without, and could not correct it here.
    known = phone if _MOBILE.fullmatch(phone) else ""
    return Person(claims["sub"], text("name")[:50], text("identity_number")[:18], known)


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
