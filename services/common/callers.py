"""Who calls: a short-lived signed token with every call, never plain metadata.

The token is a JWS in compact form (RFC 7515) signed with Ed25519 (RFC 8037). Each principal of the
platform (gateway, indexer, relay, cli, identity) has a key of its own, and identity signs with its
own who signed in; only the gateway may speak for others.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from services.common.access import Caller
from services.common.errors import Unauthenticated

LIFETIME = 60  # seconds
RENEW_BEFORE = 20  # seconds left at which a cached token is signed anew
CLOCK_SKEW = 5  # seconds
CACHED_TOKENS = 4096
SPOKESMAN = "gateway"
_CLAIMS = tuple(one.name for one in fields(Caller))
_LISTS = {"roles", "rights", "scopes"}
_HEADER = base64.urlsafe_b64encode(b'{"alg":"EdDSA","typ":"JWT"}').rstrip(b"=").decode()


class TokenRefused(Unauthenticated):
    """The call's token is absent, forged, expired or for another department."""

    reason = "TOKEN_REFUSED"


class Signer:
    """Signs the calls of one principal; tokens are used again while they are fresh."""

    def __init__(
        self, issuer: str, key: Ed25519PrivateKey, clock: Callable[[], float] = time.time
    ) -> None:
        self._issuer = issuer
        self._key = key
        self._clock = clock
        self._fresh: dict[tuple[Caller, str], tuple[float, str]] = {}

    @classmethod
    def load(cls, keys_dir: Path, issuer: str) -> Signer:
        """The signer of `issuer`, from `<issuer>.key` in `keys_dir`."""
        key = load_pem_private_key((keys_dir / f"{issuer}.key").read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError(f"{issuer}.key is not an Ed25519 key")
        return cls(issuer, key)

    def own(self) -> Caller:
        """The caller that this principal is itself."""
        return Caller(self._issuer, "service")

    def token(self, caller: Caller, audience: str) -> str:
        """A token for calls to the department `audience`, valid for a minute at most."""
        now = self._clock()
        known = self._fresh.get((caller, audience))
        if known and known[0] - now > RENEW_BEFORE:
            return known[1]
        expiry = now + LIFETIME
        token = self._sign(caller, audience, int(expiry))
        if len(self._fresh) >= CACHED_TOKENS:
            self._fresh.clear()
        self._fresh[caller, audience] = (expiry, token)
        return token

    def _sign(self, caller: Caller, audience: str, expiry: int) -> str:
        about = {name: value for name in _CLAIMS if (value := getattr(caller, name))}
        claims = {"iss": self._issuer, "aud": audience, "exp": expiry, **about}
        body = f"{_HEADER}.{_encode(json.dumps(claims, ensure_ascii=False).encode())}"
        return f"{body}.{_encode(self._key.sign(body.encode()))}"


class Verifier:
    """Tells who calls one department, from the token of the call."""

    def __init__(
        self,
        audience: str,
        keys: Mapping[str, Ed25519PublicKey],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._audience = audience
        self._keys = keys
        self._clock = clock
        self._known: dict[str, tuple[float, Caller]] = {}

    @classmethod
    def load(cls, keys_dir: Path, audience: str) -> Verifier:
        """The verifier of a department, trusting each `<principal>.pub` in `keys_dir`."""
        keys = {
            path.stem: load_pem_public_key(path.read_bytes()) for path in keys_dir.glob("*.pub")
        }
        return cls(audience, {n: k for n, k in keys.items() if isinstance(k, Ed25519PublicKey)})

    def verify(self, token: str) -> Caller:
        """Who signed, or whom the gateway speaks for.

        Raises:
            TokenRefused: absent, malformed, forged, expired, or meant for another department.
        """
        now = self._clock()
        known = self._known.get(token)
        if known is None:
            known = self._read(token)
            if len(self._known) >= CACHED_TOKENS:
                self._known.clear()
            self._known[token] = known
        expiry, caller = known
        if expiry + CLOCK_SKEW < now:
            self._known.pop(token, None)
            raise TokenRefused("调用凭证已过期。")
        return caller

    def _read(self, token: str) -> tuple[float, Caller]:
        claims = self._claims(token)
        if claims.get("aud") != self._audience:
            raise TokenRefused("调用凭证不是签发给本部门的。")
        caller = _caller_of(claims)
        issuer = claims["iss"]
        itself = Caller(issuer, "service", on_behalf_of=caller.on_behalf_of, purpose=caller.purpose)
        if issuer != SPOKESMAN and caller != itself:
            raise TokenRefused("签发者不得代他人签发调用凭证。")
        if issuer == SPOKESMAN and caller.kind == "service" and caller.principal != SPOKESMAN:
            raise TokenRefused("签发者不得代他人签发调用凭证。")
        expiry = claims.get("exp")
        if not isinstance(expiry, int | float):
            raise TokenRefused("调用凭证缺少有效期。")
        return float(expiry), caller

    def _claims(self, token: str) -> dict[str, Any]:
        header, _, rest = token.partition(".")
        payload, _, signature = rest.partition(".")
        if header != _HEADER:
            raise TokenRefused("缺少有效的调用凭证。")
        try:
            claims = json.loads(_decode(payload))
            self._keys[claims["iss"]].verify(
                _decode(signature), f"{header}.{payload}".encode("ascii")
            )
        except (ValueError, KeyError, TypeError, InvalidSignature):
            raise TokenRefused("调用凭证无效。") from None
        return dict(claims)


def _caller_of(claims: Mapping[str, Any]) -> Caller:
    """The caller that signed claims tell of.

    Raises:
        TokenRefused: a claim is of another type than the field it is for.
    """
    known = {name: claims[name] for name in _CLAIMS if name in claims}
    for name in _LISTS & known.keys():
        known[name] = tuple(known[name]) if isinstance(known[name], list) else known[name]
    caller = Caller(**{"principal": "", "kind": "", **known})
    for name in _CLAIMS:
        value = getattr(caller, name)
        good = (
            isinstance(value, tuple) and all(isinstance(one, str) for one in value)
            if name in _LISTS
            else isinstance(value, bool if name == "leads" else str)
        )
        if not good:
            raise TokenRefused("调用凭证无效。")
    return caller


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
