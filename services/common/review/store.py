"""Submissions in a department's database.

A submission and its request lie apart: the record of who reviewed what stays, while MongoDB itself
deletes whole documents only, by their time.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from bson.binary import Binary
from bson.int64 import Int64
from pymongo import ASCENDING, DESCENDING, IndexModel

from services.common.access import NATIONWIDE, Caller
from services.common.errors import Stale
from services.common.identifiers import region_ancestors
from services.common.review import Effect, State, Submission, SubmissionNotFound

if TYPE_CHECKING:
    from pymongo.database import Database

    from services.common.review import Scope
    from services.common.transaction import Unit

    Document = dict[str, Any]

COLLECTION: Final = "submissions"
REQUESTS: Final = "submission_requests"
REQUESTS_KEPT: Final = timedelta(days=90)

_AUTHOR = ("author.principal", ASCENDING)
_DEPARTMENT = ("author.department", ASCENDING)
_REGION = ("regions", ASCENDING)
_STATE = ("state", ASCENDING)
_PLACE = ("place", DESCENDING)
# The outline of an import is long, and nobody reads it in a list.
_LISTED: Final = {"effect.outline": 0}
INDEXES = [
    IndexModel([_AUTHOR, _PLACE], name="authors"),
    IndexModel([_AUTHOR, _STATE, _PLACE], name="authors_state"),
    IndexModel([_DEPARTMENT, _REGION, _PLACE], name="departments"),
    IndexModel([_DEPARTMENT, _REGION, _STATE, _PLACE], name="departments_state"),
    IndexModel([_REGION, _PLACE], name="regions"),
    IndexModel([_REGION, _STATE, _PLACE], name="regions_state"),
]


def ensure(database: Database[Document]) -> None:
    """Make the collections' indexes."""
    database[COLLECTION].create_indexes(INDEXES)
    # Requests that wait have no such time, and are never deleted.
    expiry = IndexModel([("expire_time", ASCENDING)], name="kept", expireAfterSeconds=0)
    database[REQUESTS].create_indexes([expiry])


class Submissions:
    """The submissions of one unit of work."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._submissions = unit.database[COLLECTION]
        self._requests = unit.database[REQUESTS]

    def get(self, submission_id: str) -> Submission:
        """The submission. Raises: SubmissionNotFound."""
        found = self._submissions.find_one({"_id": submission_id}, session=self._unit.session)
        if found is None:
            raise SubmissionNotFound("没有这个编号的送审内容。")
        return _submission(found)

    def request_of(self, submission_id: str) -> bytes:
        """The request as it was submitted; empty once it is deleted (Rule P-29)."""
        found = self._requests.find_one({"_id": submission_id}, session=self._unit.session)
        return bytes(found["request"]) if found else b""

    def keep(self, submission: Submission, request: bytes) -> None:
        """Write a new submission with its request."""
        session = self._unit.session
        self._submissions.insert_one(_document(submission), session=session)
        kept = {"_id": submission.submission_id, "request": Binary(request)}
        self._requests.insert_one(kept, session=session)

    def settle(self, submission: Submission) -> None:
        """Write what became of a submission; its request is kept for 90 days more (Rule P-29).

        Raises:
            Stale: somebody was faster.
        """
        session, key = self._unit.session, submission.submission_id
        before = {"_id": key, "version": submission.version - 1}
        settled = self._submissions.replace_one(before, _document(submission), session=session)
        if not settled.matched_count:
            raise Stale("该送审内容刚被他人审结，请重新读取。")
        expiry = {"expire_time": self._unit.now + REQUESTS_KEPT}
        self._requests.update_one({"_id": key}, {"$set": expiry}, session=session)

    def page(
        self, scope: Scope, *, state: State | None, after: str, size: int
    ) -> list[tuple[str, Submission]]:
        """Submissions with their places, newest first, beginning after the place `after`."""
        wanted: Document = {"author.principal": scope.author} if scope.author else {}
        wanted |= {"author.department": scope.department} if scope.department else {}
        wanted |= {} if scope.author else {"regions": scope.region}
        wanted |= {"state": state.value} if state else {}
        wanted |= {"place": {"$lt": after}} if after else {}
        found = self._submissions.find(wanted, _LISTED, session=self._unit.session)
        found = found.sort("place", -1)
        return [(document["place"], _submission(document)) for document in found.limit(size)]


def _document(submission: Submission) -> Document:
    region = submission.author.region
    above = [region, *region_ancestors(region), NATIONWIDE]
    return {
        "_id": submission.submission_id,
        "call": submission.call,
        "effect": asdict(submission.effect),
        "author": asdict(submission.author),
        "regions": list(dict.fromkeys(above)),
        "place": f"{submission.submit_time.isoformat()}/{submission.submission_id}",
        "submit_time": submission.submit_time,
        "state": submission.state.value,
        "reviewer": submission.reviewer,
        "opinion": submission.opinion,
        "decide_time": submission.decide_time,
        "version": Int64(submission.version),
    }


def _submission(document: Document) -> Submission:
    effect = {"outline": b""} | document["effect"]
    author: Document = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in document["author"].items()
    }
    return Submission(
        submission_id=document["_id"],
        call=document["call"],
        effect=Effect(**effect | {"subjects": tuple(effect["subjects"])}),
        author=Caller(**author),
        submit_time=document["submit_time"],
        state=State(document["state"]),
        reviewer=document["reviewer"],
        opinion=document["opinion"],
        decide_time=document["decide_time"],
        version=int(document["version"]),
    )
