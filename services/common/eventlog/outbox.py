"""Facts, written in the transaction of the change they tell of."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from bson.int64 import Int64

from services.common.envelope import fact_json

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from google.protobuf.message import Message

RECORDS_IN_A_FACT = 500
BYTES_IN_A_FACT = 1_000_000


@dataclass(frozen=True, slots=True)
class Told:
    """One fact on its way into the log.

    Args:
        kind: full protobuf name of the fact.
        data: the fact as protobuf JSON.
        tick: the aggregate's clock after the change, see `next_tick`.
        subjects: every aggregate the fact tells of.
        removal: it takes its subject out of the public's sight.
        bulk: it has a list of records, each with a subject and a version of its own.
    """

    kind: str
    subject: str
    version: int
    data: bytes
    tick: int
    subjects: tuple[str, ...]
    removal: bool = False
    bulk: bool = False


def next_tick(last: int) -> int:
    """Microseconds of now, or just after `last`, the clock of the aggregate so far.

    Facts are stamped in order of their tick. An aggregate hands its clock on from version to
    version, so an earlier version always has the lower tick, whatever the clocks of machines say.
    """
    return max(time.time_ns() // 1000, last + 1)


def last_tick(first: int, records: int) -> int:
    """The clock of aggregates whose changes are told in bulk, in facts from tick `first` on.

    It lies after all those facts, of which there are at most two for each record, so that the next
    change of any of them is stamped later even if the machine's clock is set back meanwhile.
    """
    return first + 2 * records


def tell(fact: Message, *, subject: str, version: int, tick: int, removal: bool = False) -> Told:
    """A fact about one aggregate."""
    return Told(
        kind=fact.DESCRIPTOR.full_name,
        subject=subject,
        version=version,
        data=orjson.dumps(fact_json(fact)),
        tick=tick,
        subjects=(subject,),
        removal=removal,
    )


def tell_records(
    kind: str, records: Iterable[tuple[str, bytes]], *, batch: str, tick: int
) -> list[Told]:
    """Facts about many aggregates, at most 500 and 1 MB in each.

    Args:
        kind: full protobuf name of a fact with a list `records`.
        records: subject and protobuf JSON of each record, in order.
        batch: subject of the facts themselves.
        tick: of the first fact; the aggregates keep `last_tick`.
    """
    told: list[Told] = []
    subjects: list[str] = []
    parts: list[bytes] = []
    size = 0
    for subject, record in records:
        if parts and (len(parts) == RECORDS_IN_A_FACT or size + len(record) > BYTES_IN_A_FACT):
            told.append(_bulk(kind, batch, len(told), tick, subjects, parts))
            subjects, parts, size = [], [], 0
        subjects.append(subject)
        parts.append(record)
        size += len(record) + 1
    if parts:
        told.append(_bulk(kind, batch, len(told), tick, subjects, parts))
    return told


def _bulk(  # noqa: PLR0913  (plain data)
    kind: str, batch: str, before: int, tick: int, subjects: list[str], parts: list[bytes]
) -> Told:
    return Told(
        kind=kind,
        subject=batch,
        version=before + 1,
        data=b'{"records":[' + b",".join(parts) + b"]}",
        tick=tick + before,
        subjects=tuple(subjects),
        bulk=True,
    )


def documents(told: Iterable[Told], *, now: datetime, traceparent: str) -> list[dict[str, Any]]:
    """The log's documents for these facts, not yet stamped."""
    return [
        {
            "_id": uuid.uuid4().hex,
            "type": fact.kind,
            "subject": fact.subject,
            "version": Int64(fact.version),
            "time": now,
            "traceparent": traceparent,
            "data": fact.data.decode(),
            "tick": Int64(fact.tick),
            "subjects": list(fact.subjects),
            "bulk": fact.bulk,
            "removal": fact.removal,
            "fresh": True,
        }
        for fact in told
    ]
