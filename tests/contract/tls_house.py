"""A gateway process that speaks TLS, certificates of all kinds, and an identity behind it."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from concurrent import futures
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from zhengtong.identity.v1 import identity_service_pb2 as pb
from zhengtong.identity.v1 import identity_service_pb2_grpc

from infra.local.keys import make_pair
from services.common.callers import Verifier
from services.common.grpc_host.door import Door
from services.identity import messages, usecases

if TYPE_CHECKING:
    from pathlib import Path

    from services.identity.domain import Client

DAY = timedelta(days=1)


class Authority:
    """Signs certificates, and keeps them as files in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = self._builder(self._name, self._key, DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(made.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def certificate(
        self, name: str, ends: timedelta = DAY, use: x509.ObjectIdentifier | None = None
    ) -> Certificate:
        """A certificate and its key; `ends` from now, and may be past."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        here = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
        made = (
            self._builder(subject, key, ends)
            .add_extension(here, critical=False)
            .add_extension(
                x509.ExtendedKeyUsage([use or ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
            )
            .sign(self._key, SHA256())
        )
        cert, key_file = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        cert.write_bytes(made.public_bytes(Encoding.PEM))
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        der = made.public_bytes(Encoding.DER)
        return Certificate(cert, key_file, hashlib.sha256(der).hexdigest())

    def server(self, name: str) -> Certificate:
        return self.certificate(name, use=ExtendedKeyUsageOID.SERVER_AUTH)

    def _builder(self, subject, key, ends):
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * DAY)
            .not_valid_after(now + ends)
        )


@dataclass(frozen=True)
class Certificate:
    """The files of one, and how identity knows it."""

    cert: Path
    key: Path
    fingerprint: str


@dataclass
class FakeClients:
    """Clients by their keys; what identity's store finds."""

    by: dict[str, Client] = field(default_factory=dict)

    def by_key(self, key):
        return self.by.get(key)

    def by_certificate(self, certificate):
        return next((one for one in self.by.values() if certificate in one.certificates), None)


class FakeIdentity(identity_service_pb2_grpc.IdentityServiceServicer):
    """Resolves clients by identity's own rule."""

    def __init__(self, clients: FakeClients) -> None:
        self._clients = clients

    def ResolveClient(self, request, context):  # noqa: N802
        found = usecases.resolve(request.key, request.certificate, store=self._clients)
        return pb.ResolveClientResponse(client=messages.client_message(found))

    def ListEndings(self, request, context):  # noqa: N802
        answer = pb.ListEndingsResponse()
        answer.as_of_time.FromDatetime(datetime.now(UTC))
        return answer


@contextlib.contextmanager
def identity_serving(clients: FakeClients, keys: Path):
    """An identity with the door every department has; gives its address."""
    with futures.ThreadPoolExecutor(4) as pool, futures.ThreadPoolExecutor(1) as streams:
        door = Door(Verifier.load(keys, "identity"), streams, 1)
        server = grpc.server(pool, interceptors=[door])
        identity_service_pb2_grpc.add_IdentityServiceServicer_to_server(
            FakeIdentity(clients), server
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What a gateway process needs; its keys are made in `folder`."""
    keys = folder / "keys"
    if not keys.exists():
        keys.mkdir()
        make_pair(keys, "gateway")
    return {
        **os.environ,
        "ZHENGTONG_HTTP_PORT": str(free_port()),
        "ZHENGTONG_KEYS_DIR": str(keys),
        "ZHENGTONG_INDEX_DIR": str(folder / "index"),
        "ZHENGTONG_GRPC_ADDRESSES": "identity=127.0.0.1:1",
        **more,
    }


COMMAND = [sys.executable, "-m", "gateway.app"]


class Gateway:
    """A gateway process and the authority that its own certificate is from."""

    def __init__(self, env: dict[str, str], authority: Path) -> None:
        self.port = int(env["ZHENGTONG_HTTP_PORT"])
        self.lines: list[str] = []
        self._authority = authority
        self._ready = threading.Event()
        self.process = subprocess.Popen(COMMAND, env=env, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, daemon=True).start()
        assert self._ready.wait(40), self.lines
        assert self.process.poll() is None, self.lines

    def _listen(self) -> None:
        for line in self.process.stderr:
            self.lines.append(line)
            if "ready gateway" in line:
                self._ready.set()
        self._ready.set()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(12)
        self.process.stderr.close()
        return code

    def context(self, shows: Certificate | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._authority))
        if shows:
            context.load_cert_chain(shows.cert, shows.key)
        return context

    def get(self, path: str, shows: Certificate | None = None, key: str = ""):
        """Status, headers and body."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        link = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=self.context(shows), timeout=15
        )
        with contextlib.closing(link):
            link.request("GET", path, headers=headers)
            answer = link.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def quota(self, shows: Certificate | None = None, key: str = ""):
        """Status, and the rate of who was recognised or the reason of the refusal."""
        status, _, body = self.get("/api/v1/quota", shows, key)
        told = json.loads(body)
        return status, told["rate_per_second"] if status == 200 else told["reason"]
