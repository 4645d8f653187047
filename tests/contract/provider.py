"""An OpenID Connect provider of the tests' own, on loopback, which can be told to misbehave."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from infra.local.ports import PortClaims

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

CLIENT, SECRET = "zhengtong-portal", "s3cret-of-the-client"
SUBJECT = "person-77"


@dataclass
class Provider:
    """Gives codes to tests, and tokens for codes.

    Args:
        claims: what an ID token says otherwise than it should.
        sign: makes the ID token out of its claims; None: as it should.
        discovery: what the discovery document says otherwise than it should.
    """

    issuer: str
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    claims: dict[str, Any] = field(default_factory=dict)
    sign: Any = None
    discovery: dict[str, Any] = field(default_factory=dict)
    answer: Any = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    looks: list[str] = field(default_factory=list)

    def approve(self, asked: dict[str, str]) -> str:
        """A person signs in and agrees: the code that the browser goes back with."""
        code = secrets.token_urlsafe(12)
        self.codes[code] = asked
        return code

    async def configuration(self, request: Request) -> JSONResponse:
        self.looks.append("discovery")
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return JSONResponse(told | self.discovery)

    async def keys(self, request: Request) -> JSONResponse:
        self.looks.append("keys")
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def token(self, request: Request) -> JSONResponse:
        if self.answer is not None:
            return self.answer
        form = {name: one[0] for name, one in parse_qs((await request.body()).decode()).items()}
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(
            hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        ).rstrip(b"=")
        if request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, 401)
        if asked is None or asked["code_challenge"] != challenge.decode():
            return JSONResponse({"error": "invalid_grant"}, 400)
        if asked["redirect_uri"] != form.get("redirect_uri"):
            return JSONResponse({"error": "invalid_grant"}, 400)
        token = (self.sign or self.signed)(self.said(asked))
        told = {"access_token": "x", "token_type": "Bearer", "id_token": token}
        return JSONResponse(told)

    def said(self, asked: dict[str, str]) -> dict[str, Any]:
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "aud": asked["client_id"],
            "sub": SUBJECT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "name": "韩梅梅",
            "phone_number": "+86 138-0013-8000",
            "identity_number": "11010519491231002X",
        }
        found = usual | self.claims
        return {name: value for name, value in found.items() if value is not None}

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)

    def unsigned(self, claims: dict[str, Any]) -> str:
        return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."

    def by_public_key(self, claims: dict[str, Any]) -> str:
        """HS256 with the text of the public key as its secret, which everybody has."""
        head = {"alg": "HS256", "kid": "one"}
        secret = OctKey.import_key(base64.b64encode(self.key.as_pem(private=False)).decode())
        return jwt.encode(head, claims, secret, algorithms=["HS256"])

    def by_another_key(self, claims: dict[str, Any]) -> str:
        other = RSAKey.generate_key(2048, {"kid": "one"})
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, other)

    def with_own_key(self, claims: dict[str, Any]) -> str:
        """The key that is to be believed comes along in the token's own head."""
        other = RSAKey.generate_key(2048, {"kid": "one"})
        head = {"alg": "RS256", "jwk": other.as_dict(private=False)}
        return jwt.encode(head, claims, other)


def _part(said: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


@contextlib.contextmanager
def providing() -> Iterator[Provider]:
    """A provider while it runs, in a thread and a loop of its own."""
    claims = PortClaims()
    port = claims.claim()
    provider = Provider(f"http://127.0.0.1:{port}")
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", provider.configuration),
            Route("/keys", provider.keys),
            Route("/token", provider.token, methods=["POST"]),
        ]
    )
    options = {"port": port, "log_config": None, "lifespan": "off", "ws": "none"}
    server = uvicorn.Server(uvicorn.Config(app, **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join()
        claims.release()
