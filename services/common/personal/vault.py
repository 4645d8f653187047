"""Sealing personal data at rest, and matching persons without showing who they are.

A sealed text is `version (1) | length of key id (1) | key id | nonce (12) | AES-256-GCM`. Its
associated data are this head and the place it was sealed for, so that it opens nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.common.identifiers import normalise_code
from services.common.personal import keys
from services.common.personal.keys import Ring

VERSION = 1
_PURPOSE = b"zhengtong personal seal 1"
_MATCH_PURPOSE = b"zhengtong personal match 1"
_NONCE_BYTES = 12
_TAG_BYTES = 16


class NotOpened(RuntimeError):
    """A sealed text was changed, or belongs to another place, or its key is another one."""


class KeyUnknown(NotOpened):
    """The key that sealed this is not in the ring; the text names its id."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed text lies: none opens in another collection, field or record.

    Args:
        record: the record's `_id` as text; a record that gets another id is sealed anew.
    """

    collection: str
    field: str
    record: str

    def encoded(self) -> bytes:
        """The three with their lengths, so that no two places are written alike."""
        parts = [part.encode() for part in (self.collection, self.field, self.record)]
        return b"".join(len(part).to_bytes(4) + part for part in parts)


class Vault:
    """Seals, opens and matches with one ring of keys; thread-safe."""

    __slots__ = ("_ciphers", "_match_keys", "_newest")

    def __init__(self, ring: Ring) -> None:
        self._ciphers: Mapping[str, AESGCM] = {
            name: AESGCM(key) for name, key in ring.sealing.items()
        }
        self._newest = next(iter(ring.sealing))
        self._match_keys = tuple(_match_key(key) for key in ring.matching)

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Vault:
        """The vault of this process.

        Raises:
            SettingMissing: as `keys.from_env`.
        """
        return cls(keys.from_env(env))

    def __repr__(self) -> str:
        return f"Vault(seals={self._newest!r}, opens={[*self._ciphers]!r})"

    def seal(self, text: str, *, place: Place) -> bytes:
        """The text, sealed for this place by the newest key (rule P-21)."""
        head = _head(self._newest)
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._ciphers[self._newest]
        return head + nonce + cipher.encrypt(nonce, text.encode(), _bound(head, place))

    def open(self, sealed: bytes, *, place: Place) -> str:
        """What was sealed for this place.

        Raises:
            KeyUnknown: its key is not in the ring (any more, or yet).
            NotOpened: it was changed, or sealed for another place.
        """
        name, head = _read_head(sealed)
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise KeyUnknown(f"no key {name!r} in the ring of {keys.FILE}")
        nonce, body = sealed[len(head) :][:_NONCE_BYTES], sealed[len(head) + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, body, _bound(head, place)).decode()
        except InvalidTag:
            raise NotOpened(f"sealed text in {place.collection}.{place.field}") from None

    def needs_resealing(self, sealed: bytes) -> bool:
        """Tell whether an older key sealed this.

        Raises:
            NotOpened: it is no sealed text.
        """
        return _read_head(sealed)[0] != self._newest

    def match(self, text: str) -> bytes:
        """What a person's number is stored and found by: 32 bytes by the newest key (rule P-22).

        However the number is typed (full width, small x, blanks, hyphens), it is the same.

        Raises:
            ValueError: nothing is left to match.
        """
        return self.matches(text)[0]

    def matches(self, text: str) -> tuple[bytes, ...]:
        """What it may be stored under, newest key first: look up with `$in`, store `match`.

        Raises:
            ValueError: nothing is left to match; all empty numbers would be one person.
        """
        number = normalise_code(text).encode()
        if not number:
            raise ValueError("nothing to match")
        return tuple(hmac.digest(key, number, hashlib.sha256) for key in self._match_keys)


def _match_key(entry: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=_MATCH_PURPOSE).derive(entry)


def _head(name: str) -> bytes:
    return bytes([VERSION, len(name)]) + name.encode("ascii")


def _read_head(sealed: bytes) -> tuple[str, bytes]:
    """The key id and the whole head."""
    size = 2 + (sealed[1] if len(sealed) > 2 else 0)
    if size == 2 or sealed[0] != VERSION or len(sealed) < size + _NONCE_BYTES + _TAG_BYTES:
        raise NotOpened("not a sealed text")
    try:
        return sealed[2:size].decode("ascii"), sealed[:size]
    except UnicodeDecodeError:
        raise NotOpened("not a sealed text") from None


def _bound(head: bytes, place: Place) -> bytes:
    return _PURPOSE + head + place.encoded()
