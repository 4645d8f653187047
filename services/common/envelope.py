"""The envelope every fact travels in: CloudEvents 1.0 as JSON, one protobuf message inside."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

Fact = TypeVar("Fact", bound=Message)


@dataclass(frozen=True, slots=True)
class Event(Generic[Fact]):
    """One fact, and what is needed to deliver it once and to put it in order."""

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    traceparent: str
    epoch: str
    sequence: int
    version: int
    fact: Fact


def pack(event: Event[Fact]) -> dict[str, Any]:
    """The JSON-ready dict that goes on the wire."""
    return attributes(
        event_id=event.id,
        source=event.source,
        kind=event.type,
        subject=event.subject,
        time=event.time,
        traceparent=event.traceparent,
        epoch=event.epoch,
        sequence=event.sequence,
        version=event.version,
    ) | {"data": fact_json(event.fact)}


def attributes(  # noqa: PLR0913  (the attributes are the interface)
    *,
    event_id: str,
    source: str,
    kind: str,
    subject: str,
    time: datetime,
    traceparent: str,
    epoch: str,
    sequence: int,
    version: int,
) -> dict[str, Any]:
    """All of the envelope but its data."""
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": kind,
        "subject": subject,
        "time": time.isoformat(),
        "datacontenttype": "application/json",
        "epoch": epoch,
        "sequence": sequence,
        "version": version,
    }
    if traceparent:
        envelope["traceparent"] = traceparent
    return envelope


def fact_json(fact: Message) -> dict[str, Any]:
    """A fact as protobuf JSON with the names of the proto file."""
    return json_format.MessageToDict(fact, preserving_proto_field_name=True)


def unpack(payload: dict[str, Any], kind: type[Fact]) -> Event[Fact]:
    """The event in `payload`; unknown fields are ignored, so producers may add some.

    Raises:
        ValueError: `payload` is no envelope, or carries another type than `kind`.
    """
    try:
        if payload["type"] != kind.DESCRIPTOR.full_name:
            raise ValueError(f"expected {kind.DESCRIPTOR.full_name}, got {payload['type']}")
        return Event(
            id=payload["id"],
            source=payload["source"],
            type=payload["type"],
            subject=payload["subject"],
            time=datetime.fromisoformat(payload["time"]),
            traceparent=payload.get("traceparent", ""),
            epoch=payload["epoch"],
            sequence=payload["sequence"],
            version=payload["version"],
            fact=json_format.ParseDict(payload["data"], kind(), ignore_unknown_fields=True),
        )
    except (KeyError, TypeError, json_format.ParseError) as error:
        raise ValueError(f"not an event: {error!r}") from error
