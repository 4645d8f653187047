"""Forms that change something: only those that a page of ours gave to the same browser count.

Two checks, because each has browsers it does not reach: a token in the form, bound to a cookie of
the browser, and what the browser says of where the request comes from. The API needs neither: it
looks at `Authorization` alone, which no browser adds by itself.
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.limits import header
from gateway.refusals import FormForged

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Scope

    from gateway.cookies import Cookie
    from gateway.public import PublicAddress

FIELD: Final = "form_token"
"""The form's hidden field."""
_NONCE: Final = 22  # characters: 128 bits, so that the token of a page is never the same twice
_PURPOSE: Final = b"zhengtong form tokens 1"
_FROM_HERE: Final = (b"same-origin", b"none")


class FormGuard:
    """Gives tokens to forms and checks what comes back.

    Args:
        key: 32 secret bytes.
        public: where browsers reach the platform.
    """

    def __init__(self, key: bytes, public: PublicAddress) -> None:
        self._key = key
        self._public = public

    @classmethod
    def load(cls, keys_dir: Path, public: PublicAddress) -> FormGuard:
        """A guard with a key that follows from the gateway's own.

        A form stays good when the gateway starts again, and for every gateway with the same key.

        Raises:
            TypeError: `gateway.key` is not an Ed25519 key.
        """
        return cls(derived_key(keys_dir, _PURPOSE), public)

    def token(self, cookie: Cookie, value: str) -> str:
        """What a form carries in `form_token`.

        Args:
            cookie: SESSION, or VISIT for one who has not signed in yet.
            value: the cookie's value, as it came or as it is given with the same answer.
        """
        return self._token(secrets.token_urlsafe(16), cookie, value)

    def check(self, scope: Scope, token: str, cookie: Cookie, value: str) -> None:
        """Let a form pass that a page of ours gave to the browser with this cookie.

        Raises:
            FormForged: the token is not this browser's, or the request comes from another site.
        """
        if self._is_from_elsewhere(scope):
            raise FormForged
        expected = self._token(token[:_NONCE], cookie, value)
        # Encoded because compare_digest takes ASCII only of texts.
        same = hmac.compare_digest(
            token.encode("utf-8", "replace"), expected.encode("utf-8", "replace")
        )
        if not value or not same:
            raise FormForged

    def _token(self, nonce: str, cookie: Cookie, value: str) -> str:
        # The kind of cookie is part of it: a visitor's word is never good for a session.
        bound = f"{nonce}\0{cookie.name}\0{value}"
        return nonce + hmac.new(self._key, bound.encode("utf-8", "replace"), sha256).hexdigest()

    def _is_from_elsewhere(self, scope: Scope) -> bool:
        """Whether the browser itself says that another site sends this.

        Our pages ask for `Referrer-Policy: no-referrer`, under which browsers write `Origin: null`
        for our own forms as well: `null` says nothing.
        """
        site = header(scope, b"sec-fetch-site")
        if site and site not in _FROM_HERE:
            return True
        origin = header(scope, b"origin")
        return origin not in (b"", b"null") and origin != self._origin(scope)

    def _origin(self, scope: Scope) -> bytes:
        if self._public.origin:
            return self._public.origin.encode()
        scheme: str = scope.get("scheme", "http")
        return scheme.encode() + b"://" + header(scope, b"host").lower()


def derived_key(keys_dir: Path, purpose: bytes) -> bytes:
    """32 secret bytes for one purpose, the same for every gateway with the same key.

    Raises:
        TypeError: `gateway.key` is not an Ed25519 key.
    """
    key = load_pem_private_key((keys_dir / "gateway.key").read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("gateway.key is not an Ed25519 key")
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose)
    return derived.derive(key.private_bytes_raw())
