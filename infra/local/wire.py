"""MongoDB's wire protocol, as little of it as a start needs: commands and a login.

Without a driver, because pymongo would triple what the supervisor holds in memory.
"""

import base64
import hashlib
import hmac
import secrets
import socket
import struct
from collections.abc import Mapping
from typing import Any, Self

OP_MSG = 2013


class LoginRefused(ValueError):
    """The server does not know this user by this password."""


class Link:
    """One connection to a mongod.

    Raises:
        OSError: nobody answers.
    """

    def __init__(self, host: str, port: int, seconds: float = 2.0) -> None:
        self._socket = socket.create_connection((host, port), seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, question: Mapping[str, Any], database: str = "admin") -> dict[str, Any]:
        """One command; its answer, which may be an error.

        Raises:
            OSError: nobody answers.
            ValueError: the answer is not MongoDB's.
        """
        import bson  # noqa: PLC0415  (only a supervisor with an embedded MongoDB needs it)

        body = bson.encode({**question, "$db": database})
        self._socket.sendall(struct.pack("<iiiiIB", 21 + len(body), 1, 0, OP_MSG, 0, 0) + body)
        length = struct.unpack("<i", self._exactly(16)[:4])[0] - 16
        answer: dict[str, Any] = bson.decode(self._exactly(length)[5:])
        return answer

    def login(self, user: str, password: str, database: str) -> None:
        """Log in with SCRAM-SHA-256; user and password are plain ASCII without `,` and `=`.

        Raises:
            LoginRefused: the server does not know them; the text never holds the password.
            OSError: nobody answers.
        """
        nonce = secrets.token_urlsafe(18)
        bare = f"n={user},r={nonce}"
        start = {"mechanism": "SCRAM-SHA-256", "payload": f"n,,{bare}".encode()}
        options = {"skipEmptyExchange": True}
        first = self._sasl({"saslStart": 1, **start, "options": options}, database)
        challenge = bytes(first["payload"]).decode()
        told = dict(part.split("=", 1) for part in challenge.split(","))
        without_proof = f"c=biws,r={told['r']}"
        salt, rounds = base64.b64decode(told["s"]), int(told["i"])
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
        client = _sign(salted, b"Client Key")
        agreed = f"{bare},{challenge},{without_proof}".encode()
        signed = _sign(hashlib.sha256(client).digest(), agreed)
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(client, signed, strict=True)))
        payload = f"{without_proof},p={proof.decode()}".encode()
        talk = {"saslContinue": 1, "conversationId": first["conversationId"], "payload": payload}
        self._sasl(talk, database)

    def _sasl(self, question: Mapping[str, Any], database: str) -> dict[str, Any]:
        answer = self.ask(question, database)
        if answer.get("ok") != 1:
            raise LoginRefused(str(answer.get("errmsg")))
        return answer

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            part = self._socket.recv(count - len(parts))
            if not part:
                raise ConnectionError("the server closed the connection")
            parts += part
        return bytes(parts)


def _sign(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")
