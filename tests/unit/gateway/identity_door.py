"""What tests of the gateway's door share: an identity that can fail, tokens, requests."""

from __future__ import annotations

from datetime import UTC, datetime

from joserfc import jwt
from zhengtong.identity.v1 import identity_pb2
from zhengtong.identity.v1 import identity_service_pb2 as pb

from gateway.identity import CERTIFICATE
from services.common.access import Caller
from services.common.errors import Unauthenticated

NOW = 1_800_000_000.0
KEY = "zt_c1_" + "k" * 43
CLAIMS = {
    "iss": "identity",
    "aud": "gateway",
    "iat": int(NOW),
    "exp": int(NOW) + 300,
    "jti": "j",
    "sub": "a1",
    "sid": "s1",
    "roles": ["officer", "person"],
}
HEADER = {"alg": "Ed25519", "typ": "at+jwt"}


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


class FakeClients:
    """Identity as the gateway calls it: clients by key and certificate, endings, and failures."""

    def __init__(self):
        self.by = {KEY: identity_pb2.Client(client_id="c1", rights=["r"], rate_per_second=7)}
        self.endings = []
        self.page = 100_000
        self.asked = []
        self.looked = 0
        self.error = None
        self.held = None

    def own(self):
        return Caller("gateway", "service")

    async def call(self, department, method, request, *, caller, timeout=10.0):  # noqa: ASYNC109
        assert department == "identity"
        assert caller.principal == "gateway"
        if method == "ListEndings":
            self.looked += 1
        else:
            self.asked.append((request.key, request.certificate))
        if self.held:
            await self.held.wait()
        if self.error:
            raise self.error
        if method == "ListEndings":
            at = int(request.page_token or 0)
            answer = pb.ListEndingsResponse(ids=self.endings[at : at + self.page])
            if at + self.page < len(self.endings):
                answer.next_page_token = str(at + self.page)
            answer.as_of_time.FromDatetime(datetime.fromtimestamp(NOW, UTC))
            return answer
        found = self.by.get(request.key or request.certificate)
        if found is None:
            raise Unauthenticated("nobody")
        return pb.ResolveClientResponse(client=found)


def scope(token="", certificate="", **headers):
    fields = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    if token:
        raw = token if isinstance(token, bytes) else token.encode()
        fields.append((b"authorization", b"Bearer " + raw))
    shown = {CERTIFICATE: certificate} if certificate else {}
    return {"type": "http", "headers": fields, "extensions": shown, "client": ("192.0.2.1", 1)}


def signed(key, header=HEADER, **claims):
    algorithm = header["alg"]
    return jwt.encode(header, {**CLAIMS, **claims}, key, algorithms=[algorithm])
