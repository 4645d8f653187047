"""A record as MongoDB keeps it, and back."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
from bson.int64 import Int64

from services.common import fields
from services.credit.domain import Listed, R, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    Document = dict[str, Any]

NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
FOR_EVER: Final = datetime(9999, 12, 31, tzinfo=UTC)


def digest(plain: Mapping[str, Any]) -> bytes:
    """16 bytes that are the same for the same record only."""
    sorted_json = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(sorted_json, digest_size=16).digest()


def place_of(decision_date: str, record_id: str) -> str:
    return f"{decision_date}/{record_id}"


def document_of(listed: Listed[Any], plain: dict[str, Any], tick: int) -> Document:
    record = listed.record
    document = {
        "_id": record.record_id,
        "version": Int64(listed.version),
        "tick": Int64(tick),
        "public": listed.public,
        "update_time": listed.update_time,
        "digest": digest(plain),
        "record": plain,
    }
    if not isinstance(record, Subject):
        document["place"] = place_of(record.decision_date, record.record_id)
        until = record.visible_until or FOR_EVER
        document["visible_until"] = until if listed.public else NEVER
    return document


def listed_of(kind: type[R], document: Document) -> Listed[R]:
    return Listed(
        record=fields.restore(kind, document["record"]),
        version=int(document["version"]),
        public=document["public"],
        update_time=document["update_time"],
    )
