"""What must be fresh: the credit of one subject, asked while the index is read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import orjson
from zhengtong.credit.v1 import credit_pb2
from zhengtong.credit.v1 import credit_service_pb2 as pb

from gateway.onestop.cards import rfc3339
from gateway.onestop.ranking import CODE
from gateway.onestop.window import Hit
from gateway.refusals import DepartmentFailed
from services.common.errors import DomainError, NotFound

if TYPE_CHECKING:
    from google.protobuf.message import Message

DEPARTMENT = "credit"
DEADLINE = 0.3  # seconds
_DIRECT = 2 * CODE  # a live answer stands above all that the index knows
_STATUS = {
    credit_pb2.SUBJECT_STATUS_ACTIVE: "存续",
    credit_pb2.SUBJECT_STATUS_DEREGISTERED: "注销",
    credit_pb2.SUBJECT_STATUS_REVOKED: "吊销",
}


class Calls(Protocol):
    """What calls the departments; gateway.clients.Clients is one."""

    async def call(  # the deadline travels with the call
        self,
        department: str,
        method: str,
        request: Message,
        *,
        timeout: float,  # noqa: ASYNC109
    ) -> Any:
        """The answer, or a DomainError."""


@dataclass(frozen=True, slots=True)
class Credit:
    """What became of the question.

    Args:
        hit: the subject; None: the department knows none, or did not answer.
        answered: the department answered in time.
    """

    hit: Hit | None
    answered: bool


async def credit_of(calls: Calls, subject_code: str) -> Credit:
    """Ask for a subject's credit; never raises, and waits 0.3 s at most."""
    request = pb.GetCreditRequest(subject_code=subject_code)
    try:
        async with asyncio.timeout(DEADLINE * 1.5):  # the deadline travels; this bounds the way
            answer = await calls.call(DEPARTMENT, "GetCredit", request, timeout=DEADLINE)
    except NotFound:
        return Credit(None, answered=True)
    except (DomainError, DepartmentFailed, TimeoutError):
        return Credit(None, answered=False)
    return Credit(_hit(answer), answered=True)


def _hit(answer: pb.GetCreditResponse) -> Hit:
    subject = answer.subject
    status = _STATUS.get(subject.status, "状态不详")
    told = f"行政许可 {answer.permit_total} 项 · 行政处罚 {answer.penalty_total} 项"
    as_of = answer.as_of_time
    card = {
        "id": f"{DEPARTMENT}/{subject.subject_code}",
        "kind": "credit",
        "title": subject.name,
        "summary": f"{status} · {subject.subject_code} · {told}",
        "department": subject.registration_authority,
        "region": subject.region_code,
        "url": f"/credit/{subject.subject_code}",
        "as_of": rfc3339(as_of.seconds * 1_000_000 + as_of.nanos // 1000),
        "version": subject.version,
        "aliases": [],
        "facets": {},
        "family": "",
    }
    return Hit(orjson.dumps(card), _DIRECT)
