"""What identity keeps secret: slow hashes of passwords, keys of clients, tokens of sessions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from typing import TYPE_CHECKING, Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc import jwt
from joserfc.jwk import OKPKey

from services.common.personal.vault import Vault
from services.identity.domain import sessions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from services.identity.usecases import Signed

ISSUER: Final = "identity"
AUDIENCE: Final = "gateway"
KEY_PREFIX: Final = "zt"
AT_ONCE: Final = 2
"""Passwords hashed at one moment: each takes 19 MB and a core for some 20 ms."""
_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXY34679"


class Passwords:
    """Argon2id with the parameters that OWASP names for 19 MB (RFC 9106)."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(32))

    def hash(self, password: str) -> str:
        """What is kept of a password."""
        with self._places:
            return self._hasher.hash(password)

    def fits(self, hashed: str, password: str) -> bool:
        """Whether it is the password; as slow where `hashed` is empty, and then False."""
        with self._places:
            try:
                return self._hasher.verify(hashed or self._nobodys, password) and bool(hashed)
            except (VerificationError, InvalidHashError):
                return False

    @staticmethod
    def first() -> str:
        """A password for a first sign-in: 16 characters that nobody mistakes for others."""
        return "".join(secrets.choice(_ALPHABET) for _ in range(16))


class Tokens:
    """Access tokens (JWT, Ed25519 by RFC 9864), refresh tokens and keys of clients.

    A refresh token is `<session>.<generation>.<proof>`: the proof is made with a key that follows
    from the signing key, so that nothing in the database lets anybody make one.
    """

    def __init__(self, pem: bytes) -> None:
        self._key = OKPKey.import_key(pem)
        key = load_pem_private_key(pem, password=None)
        raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        self._proof_key = HKDF(SHA256(), 32, None, b"zhengtong refresh 1").derive(raw)

    @classmethod
    def load(cls, keys_dir: Path) -> Tokens:
        """Those signed with the key of the principal `identity`."""
        return cls((keys_dir / f"{ISSUER}.key").read_bytes())

    def access(self, signed: Signed, now: datetime) -> str:
        """A token that says who signed in, for five minutes."""
        issued = int(now.timestamp())
        expiry = min(now + sessions.ACCESS, signed.session.expire_time)
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": issued,
            "exp": int(expiry.timestamp()),
            "jti": secrets.token_urlsafe(9),
            **_about(signed),
        }
        header = {"alg": "Ed25519", "typ": "at+jwt"}
        return jwt.encode(header, claims, self._key, algorithms=["Ed25519"])

    def refresh(self, session_id: str, generation: int) -> str:
        """The refresh token of a session, of this generation."""
        return f"{session_id}.{generation}.{self._proof(session_id, generation)}"

    def read_refresh(self, token: str) -> tuple[str, int] | None:
        """Session and generation of a refresh token; None: nobody here made it."""
        parts = token.split(".")
        if len(parts) != 3 or not (parts[1].isascii() and parts[1].isdigit() and len(parts[1]) < 9):
            return None
        session_id, generation = parts[0], int(parts[1])
        proof = self._proof(session_id, generation).encode()
        return (session_id, generation) if hmac.compare_digest(proof, parts[2].encode()) else None

    def _proof(self, session_id: str, generation: int) -> str:
        said = f"{session_id}.{generation}".encode()
        return _encode(hmac.digest(self._proof_key, said, hashlib.sha256))


class Secrets:
    """All of them together, as the servicer holds them."""

    def __init__(self, tokens: Tokens, vault: Vault) -> None:
        self.tokens = tokens
        self.vault = vault
        self.passwords = Passwords()


def client_key(client_id: str) -> tuple[str, str]:
    """A new key of a client, and the hash that is kept of it.

    256 random bits cannot be guessed, so that a fast hash is enough.
    """
    key = f"{KEY_PREFIX}_{client_id}_{secrets.token_urlsafe(32)}"
    return key, key_hash(key)


def key_hash(key: str) -> str:
    """What is kept of a client's key."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _about(signed: Signed) -> Mapping[str, Any]:
    """What a token says: the fields of a caller that are not empty."""
    account, mandate = signed.account, signed.mandate
    about = {
        "sub": account.account_id,
        "sid": signed.session.session_id,
        "roles": ["person"] if mandate else list(account.roles),
        "department": account.department,
        "region": account.region,
        "institution": account.institution,
        "on_behalf_of": mandate.subject_code if mandate else "",
        "scopes": list(mandate.scopes) if mandate else [],
        "represents": bool(mandate and mandate.representative),
        "must_change": account.password_expired,
    }
    return {name: value for name, value in about.items() if value}


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
