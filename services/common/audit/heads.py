"""Signed heads of a department's tree: what the tree was at a time, by the relay's own key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from bson.int64 import Int64
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from services.common.audit import HEADS, TREE, TREE_ID
from services.common.audit.records import time_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pymongo.asynchronous.database import AsyncDatabase

    Document = dict[str, Any]

PRINCIPAL: Final = "relay"
# A head of a tree that does not grow is signed anew: its age tells that somebody looks after it,
# and the newest is never among those that have grown old enough to go.
SIGNED_AGAIN: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=90)
KEPT_OF_AN_HOUR: Final = timedelta(days=1)
_PURPOSE: Final = "zhengtong audit tree head v1"


@dataclass(frozen=True, slots=True)
class Head:
    """A signed head.

    Args:
        time: RFC 3339, as it is signed.
        public_key: Ed25519, raw; it is to be compared with one that came another way.
    """

    department: str
    size: int
    root: bytes
    time: str
    public_key: bytes
    signature: bytes

    @property
    def key_id(self) -> str:
        """A short name of the key, for people to compare."""
        return key_id(self.public_key)

    def is_signed(self) -> bool:
        """Whether the signature is that of `public_key` over all the rest."""
        try:
            key = Ed25519PublicKey.from_public_bytes(self.public_key)
            key.verify(
                self.signature, signed_bytes(self.department, self.size, self.root, self.time)
            )
        except (InvalidSignature, ValueError):
            return False
        return True


def key_id(public_key: bytes) -> str:
    """16 hexadecimal digits of the key's SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def signed_bytes(department: str, size: int, root: bytes, time: str) -> bytes:
    """What is signed: five lines. The first keeps it from ever passing for a token of a call."""
    return "\n".join([_PURPOSE, department, str(size), root.hex(), time]).encode()


def sign(key: Ed25519PrivateKey, department: str, size: int, root: bytes, now: datetime) -> Head:
    """The head of a tree, signed now."""
    time = time_text(now)
    signature = key.sign(signed_bytes(department, size, root, time))
    return Head(department, size, root, time, key.public_key().public_bytes_raw(), signature)


def load_key(keys_dir: Path) -> Ed25519PrivateKey | None:
    """The key that heads are signed with; None: there is none in `keys_dir`."""
    try:
        key = load_pem_private_key((keys_dir / f"{PRINCIPAL}.key").read_bytes(), password=None)
    except FileNotFoundError:
        return None
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{PRINCIPAL}.key is not an Ed25519 key")
    return key


def load_public_key(keys_dir: Path) -> bytes | None:
    """The raw public half of that key, as this machine has it; None: it has none."""
    try:
        key = load_pem_public_key((keys_dir / f"{PRINCIPAL}.pub").read_bytes())
    except FileNotFoundError:
        return None
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else None


async def sign_newest(
    database: AsyncDatabase[Document], department: str, key: Ed25519PrivateKey, now: datetime
) -> bool:
    """Sign the tree as it is now, unless that was done within the hour; whether it was signed.

    It is kept for 90 days, unless a later one of the same hour takes its place in that.
    """
    tree = await database[TREE].find_one({"_id": TREE_ID})
    if tree is None:
        return False
    known = await database[HEADS].find_one({"_id": tree["size"]})
    if (
        known is not None
        and bytes(known["public_key"]) == key.public_key().public_bytes_raw()
        and now - known["time"] < SIGNED_AGAIN
    ):
        return False
    head = sign(key, department, int(tree["size"]), bytes(tree["root"]), now)
    await database[HEADS].replace_one({"_id": tree["size"]}, _document(head, now), upsert=True)
    await _shorten_others_of_the_hour(database, int(tree["size"]), now)
    return True


async def _shorten_others_of_the_hour(
    database: AsyncDatabase[Document], size: int, now: datetime
) -> None:
    """Let the heads of smaller trees that were signed in this hour go after a day.

    The last of an hour stays and not the first: the newest must never go, though the relay is away
    for long, or a tree that somebody has seen would seem to have shrunk.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    after_a_day = {"$add": ["$time", KEPT_OF_AN_HOUR // timedelta(milliseconds=1)]}
    await database[HEADS].update_many(
        {"expire_time": {"$gte": hour + KEPT}, "_id": {"$lt": size}},
        [{"$set": {"expire_time": after_a_day}}],
    )


def _document(head: Head, now: datetime) -> Document:
    return {
        "_id": Int64(head.size),
        "department": head.department,
        "root": head.root,
        "time": now,
        "expire_time": now + KEPT,
        "signed_time": head.time,
        "public_key": head.public_key,
        "signature": head.signature,
    }


def head_in(document: Mapping[str, Any]) -> Head:
    """The head that a document of HEADS holds."""
    return Head(
        department=document["department"],
        size=int(document["_id"]),
        root=bytes(document["root"]),
        time=document["signed_time"],
        public_key=bytes(document["public_key"]),
        signature=bytes(document["signature"]),
    )


def head_time(head: Head) -> datetime:
    """When it was signed."""
    return datetime.fromisoformat(head.time).astimezone(UTC)
