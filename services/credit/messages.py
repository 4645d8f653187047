"""Domain values to protobuf messages and back. The only file that knows both shapes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
from google.api import httpbody_pb2
from google.protobuf import json_format
from zhengtong.credit.v1 import credit_events_pb2 as events_pb
from zhengtong.credit.v1 import credit_pb2
from zhengtong.credit.v1 import credit_service_pb2 as service_pb
from zhengtong.dossier.v1 import dossier_pb2
from zhengtong.dossier.v1.dossier_service_pb2 import GetPartResponse
from zhengtong.search.v1 import search_pb2

from services.common import fields
from services.common.rows import written
from services.credit import domain
from services.credit.domain import (
    STATUS_NAMES,
    VALIDITY_NAMES,
    Changed,
    Listed,
    Penalty,
    Permit,
    R,
    Record,
    Subject,
    Withdrawn,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from google.protobuf.message import Message

    from services.common.rows import Row
    from services.credit.usecases import Credit

KIND = "credit"
LINE = 100
IMPORTED = events_pb.RecordsImported.DESCRIPTOR.full_name
# For those who count: the word for each kind in ImportPublished.
COUNTED: dict[type[Record], str] = {Subject: "subject", Permit: "permit", Penalty: "penalty"}
# Where each kind stands in a CreditRecord.
_PLACES: dict[type[Record], str] = {
    Subject: "credit_subject",
    Permit: "permit",
    Penalty: "penalty",
}
_STATES = {True: "DECISION_STATE_DISCLOSED", False: "DECISION_STATE_WITHDRAWN"}


def record_of(kind: type[R], message: Message) -> R:
    """The record a caller hands in. Raises: SubjectInvalid, PermitInvalid, PenaltyInvalid."""
    said = type(message)()
    said.CopyFrom(message)
    said.ClearField("update_time")  # only the server writes it, and it may hold no time at all
    values = json_format.MessageToDict(said, preserving_proto_field_name=True)
    return domain.record_of(kind, values)


def subject_message(listed: Listed[Subject]) -> credit_pb2.Subject:
    return credit_pb2.Subject(**_values(listed))


def permit_message(listed: Listed[Permit]) -> credit_pb2.Permit:
    return credit_pb2.Permit(**_values(listed))


def penalty_message(listed: Listed[Penalty]) -> credit_pb2.Penalty:
    return credit_pb2.Penalty(**_values(listed))


def credit_message(credit: Credit, as_of: datetime) -> service_pb.GetCreditResponse:
    return service_pb.GetCreditResponse(
        subject=subject_message(credit.subject),
        permits=map(permit_message, credit.permits),
        permit_total=credit.permit_total,
        penalties=map(penalty_message, credit.penalties),
        penalty_total=credit.penalty_total,
        as_of_time=as_of,
    )


def part_message(credit: Credit | None) -> GetPartResponse:
    """A part of a dossier: who the subject is, then its decisions, though there be none."""
    if credit is None:
        return GetPartResponse()
    subject = credit.subject.record
    url = f"/credit/{subject.subject_code}"
    registered = dossier_pb2.Entry(
        title=subject.name,
        summary=_joined(subject.kind_name or subject.subject_type, subject.registration_authority),
        url=url,
        code=subject.subject_code,
        status=STATUS_NAMES[subject.status] if subject.status else "",
        entry_date=subject.establish_date,
    )
    permits = [_permit_entry(listed.record, url) for listed in credit.permits]
    penalties = [_penalty_entry(listed.record, url) for listed in credit.penalties]
    sections = [
        (KIND, "登记信息", 1, [registered]),
        ("permit", "行政许可", credit.permit_total, permits),
        ("penalty", "行政处罚", credit.penalty_total, penalties),
    ]
    return GetPartResponse(
        subject_name=subject.name,
        sections=[
            dossier_pb2.Section(kind=kind, title=title, total=total, entries=entries, url=url)
            for kind, title, total, entries in sections
        ],
    )


def _permit_entry(permit: Permit, url: str) -> dossier_pb2.Entry:
    return dossier_pb2.Entry(
        title=permit.certificate_name or permit.document_name or permit.category or "行政许可",
        summary=_joined(permit.authority_name, _shortened(permit.content)),
        url=url,
        code=permit.document_number or permit.certificate_number,
        status=VALIDITY_NAMES.get(permit.validity, ""),
        entry_date=permit.decision_date,
    )


def _penalty_entry(penalty: Penalty, url: str) -> dossier_pb2.Entry:
    return dossier_pb2.Entry(
        title=_shortened(penalty.offence) or penalty.category or "行政处罚",
        summary=_joined(penalty.authority_name, _shortened(penalty.content)),
        url=url,
        code=penalty.document_number,
        entry_date=penalty.decision_date,
    )


def fact_message(fact: Changed[Any] | Withdrawn[Any]) -> Message:
    listed = fact.listed
    if isinstance(fact, Withdrawn):
        if isinstance(listed.record, Permit):
            return events_pb.PermitWithdrawn(permit_id=listed.record.record_id, reason=fact.reason)
        return events_pb.PenaltyWithdrawn(penalty_id=listed.record.record_id, reason=fact.reason)
    if isinstance(listed.record, Subject):
        of_subject = events_pb.SubjectRegistered if fact.newly else events_pb.SubjectRevised
        return of_subject(card=card_message(listed.record), subject=subject_message(listed))
    if isinstance(listed.record, Permit):
        of_permit = events_pb.PermitDisclosed if fact.newly else events_pb.PermitRevised
        return of_permit(permit=permit_message(listed))
    of_penalty = events_pb.PenaltyDisclosed if fact.newly else events_pb.PenaltyRevised
    return of_penalty(penalty=penalty_message(listed))


def import_message(kind: type[Record], count: int) -> events_pb.ImportPublished:
    return events_pb.ImportPublished(kind=COUNTED[kind], count=count)


def card_message(subject: Subject) -> search_pb2.Card:
    return search_pb2.Card(**card(subject))


def card(subject: Subject) -> dict[str, Any]:
    """The card of a subject, as the JSON form of its message.

    Rule K-10: decisions are not counted in it, because they leave the public's sight by the clock.
    """
    values: dict[str, Any] = {
        "kind": KIND,
        "title": subject.name,
        "summary": _summary(subject),
        "url": f"/credit/{subject.subject_code}",
        "codes": [subject.subject_code],
    }
    if subject.registration_authority:
        values["department"] = subject.registration_authority
    if subject.home_region:
        values["region_code"] = subject.home_region
    facets = {"subject_type": subject.kind_name or subject.subject_type}
    if subject.status:
        facets["status"] = STATUS_NAMES[subject.status]
    values["facets"] = {name: value for name, value in facets.items() if value}
    return {name: value for name, value in values.items() if value}


def _summary(subject: Subject) -> str:
    """What a searcher wants to know first: what it is, whether it lives, who registered it."""
    status = STATUS_NAMES[subject.status] if subject.status else ""
    kind = subject.kind_name or subject.subject_type
    return _joined(kind, status, subject.registration_authority)


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LINE else f"{text[: LINE - 1]}…"


def record_json(listed: Listed[Any], plain: dict[str, Any], updated: str) -> bytes:
    """One CreditRecord as protobuf JSON, without the detour by a message.

    Args:
        plain: `fields.plain` of the record, which the store has made already.
        updated: its update_time, RFC 3339.
    """
    record = listed.record
    version = str(listed.version)
    said: dict[str, Any] = {"subject": record.record_id, "version": version}
    own: dict[str, Any] = {"version": version, "update_time": updated}
    if isinstance(record, Subject):
        said["card"] = card(record)
        if record.check_digit_exception:
            own["check_digit_exception"] = True
    else:
        own["state"] = _STATES[listed.public]
    said[_PLACES[type(record)]] = own | plain
    return orjson.dumps(said)


def _values(listed: Listed[Any]) -> dict[str, Any]:
    """The fields of a record's message."""
    values = fields.plain(listed.record)
    values |= {"version": listed.version, "update_time": listed.update_time}
    if isinstance(listed.record, Subject):
        return values | {"check_digit_exception": listed.record.check_digit_exception}
    return values | {"state": _STATES[listed.public]}


def import_to_keep(
    rows: Sequence[Row], refused: Collection[int], shape: str
) -> service_pb.ImportRecordsRequest:
    """An import as it may be kept until it is reviewed.

    Rules K-2, K-3: without rows that were refused, which may be about natural persons, and without
    the columns that are never read.

    Raises:
        ImportTooLarge
    """
    taken = [domain.columns_read(row.values, shape) for row in rows if row.number not in refused]
    file = httpbody_pb2.HttpBody(data=written(taken))
    return service_pb.ImportRecordsRequest(file=file, shape=shape)
