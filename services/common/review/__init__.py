"""Review before publication (公开前保密审查): who decides about whose submission, and what it was.

What an officer asks to make public is tried, taken back and kept as a `Submission`; another one
approves it, and only then it is done. `store` keeps submissions, `messages` shows them; the calls
are those of zhengtong.review.v1 on every department.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.common.access import PUBLICATION_REVIEWER, Caller, OutOfReach, check_reach
from services.common.errors import Invalid, NotFound, Refused, Stale, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from services.common.eventlog.outbox import Told

OPINION_LIMIT: Final = 500
APPROVED_SILENTLY: Final = "同意公开"
SUBJECTS_SHOWN: Final = 20
TITLE_LIMIT: Final = 100
DIGEST: Final = 8
NO_OFFICERS: Final = frozenset({"person", "institution_user"})
"""Roles of people who speak for themselves or for an institution, not for a department."""


class SubmissionNotFound(NotFound):
    """No submission has this id."""

    reason = "SUBMISSION_NOT_FOUND"


class ReviewByAuthor(Refused):
    """Who submitted it would review it."""

    reason = "REVIEW_BY_AUTHOR"


class OpinionInvalid(Invalid):
    """The opinion is missing where one is needed, or too long."""

    reason = "OPINION_INVALID"


class SubmissionDecided(Refused):
    """The submission was approved, rejected or taken back before."""

    reason = "SUBMISSION_DECIDED"


class SubmissionOutdated(Refused):
    """What it would change has changed since it was submitted."""

    reason = "SUBMISSION_OUTDATED"


class State(StrEnum):
    """What became of a submission; the values are the names of the contract."""

    PENDING = "SUBMISSION_STATE_PENDING"
    APPROVED = "SUBMISSION_STATE_APPROVED"
    REJECTED = "SUBMISSION_STATE_REJECTED"
    WITHDRAWN = "SUBMISSION_STATE_WITHDRAWN"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a request would make public, in so far as a reviewer and a later check need it.

    Args:
        title: the first thing's name, and how many there are.
        subjects: the first ids.
        outline: digests of `DIGEST` bytes of each id with the version it would get, in order.
    """

    title: str
    subjects: tuple[str, ...]
    subject_count: int
    outline: bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """A request that waits for a reviewer, or did.

    Args:
        call: full method name.
        author: with the rights of that moment; the request is carried out with these.
        version: rises by one with each change, from 1.
    """

    submission_id: str
    call: str
    effect: Effect
    author: Caller
    submit_time: datetime
    state: State = State.PENDING
    reviewer: str = ""
    opinion: str = ""
    decide_time: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose submissions somebody sees: those of an author, or of a department in a region.

    Args:
        department: empty: every one.
    """

    author: str = ""
    department: str = ""
    region: str = ""


def waits(caller: Caller, *, publishes: bool) -> bool:
    """Rule P-25: whatever an officer makes public passes a reviewer before.

    Systems of departments send what their department has reviewed, and public institutions answer
    for their own notices: both publish at once.

    Args:
        publishes: the call's contract says that it makes something public.
    """
    officer = bool(caller.department) or not NO_OFFICERS.issuperset(caller.roles)
    return publishes and caller.kind == "account" and officer


def submit(call: str, author: Caller, told: Sequence[Told], *, now: datetime) -> Submission:
    """A new submission.

    Args:
        told: what the request told when it was tried.
    """
    return Submission(
        submission_id=uuid.uuid4().hex,
        call=call,
        effect=effect_of(told),
        author=replace(author, session=""),
        submit_time=now,
    )


def check_version(submission: Submission, seen: int) -> None:
    """Hold the version the caller has seen against the one there is; 0: the caller does not mind.

    Raises:
        Stale
    """
    if seen and seen != submission.version:
        raise Stale("该送审内容已有变化，请重新读取后再提交。")


def approve(submission: Submission, reviewer: Caller, opinion: str, now: datetime) -> Submission:
    """Approve a submission; carrying it out is its department's.

    Raises:
        ReviewByAuthor, OutOfReach, SubmissionDecided, OpinionInvalid.
    """
    said = _opinion(opinion) or APPROVED_SILENTLY
    return _decided(submission, State.APPROVED, reviewer, said, now)


def reject(submission: Submission, reviewer: Caller, opinion: str, now: datetime) -> Submission:
    """Reject a submission.

    Rule P-27: its author is told why.

    Raises:
        ReviewByAuthor, OutOfReach, SubmissionDecided, OpinionInvalid.
    """
    said = _opinion(opinion)
    if not said:
        raise _opinion_invalid("请写明不同意公开的理由")
    return _decided(submission, State.REJECTED, reviewer, said, now)


def withdraw(submission: Submission, author: Caller, now: datetime) -> Submission:
    """Take back one's own submission. Raises: OutOfReach, SubmissionDecided."""
    if author.principal != submission.author.principal:
        raise OutOfReach("只有送审人可以撤回送审。")
    return _changed(submission, State.WITHDRAWN, now)


def _decided(
    submission: Submission, state: State, reviewer: Caller, opinion: str, now: datetime
) -> Submission:
    """Rule P-26: the author is never the reviewer, and the reviewer is of the author's department.

    Who leads a region reviews what any department of it submits.
    """
    if reviewer.principal == submission.author.principal:
        raise ReviewByAuthor("送审人不能审查自己送审的内容，请由另一名审查员审查。")
    author = submission.author
    check_reach(reviewer, department=author.department, region=author.region)
    decided = _changed(submission, state, now)
    return replace(decided, reviewer=reviewer.principal, opinion=opinion)


def _changed(submission: Submission, state: State, now: datetime) -> Submission:
    if submission.state is not State.PENDING:
        raise SubmissionDecided("该送审内容已经审结或撤回。")
    return replace(submission, state=state, decide_time=now, version=submission.version + 1)


def check_unchanged(submission: Submission, told: Sequence[Told]) -> None:
    """Rule P-28: what is done was submitted, and nothing has changed under it since.

    It may be less than was submitted: what is public by now in the same words changes nothing.

    Args:
        told: what carrying it out told.

    Raises:
        SubmissionOutdated
    """
    done = _digests(effect_of(told).outline)
    if not done or not done <= _digests(submission.effect.outline):
        raise outdated()


def outdated() -> SubmissionOutdated:
    """The refusal of what can no longer be done as it was submitted."""
    return SubmissionOutdated("送审之后有关内容已有变化，请退回送审人重新送审。")


def scope_of(caller: Caller) -> Scope:
    """Whose submissions the caller sees in a list: Rule P-26, as `check_seen_by` for one."""
    if PUBLICATION_REVIEWER in caller.roles and (caller.leads or caller.department):
        return Scope(department="" if caller.leads else caller.department, region=caller.region)
    return Scope(author=caller.principal)


def check_seen_by(caller: Caller, submission: Submission) -> None:
    """A submission is seen by its author and by those who may review it. Raises: OutOfReach."""
    author = submission.author
    if caller.principal == author.principal:
        return
    if PUBLICATION_REVIEWER not in caller.roles:
        raise OutOfReach("您只能查看自己送审的内容。")
    check_reach(caller, department=author.department, region=author.region)


def effect_of(told: Sequence[Told]) -> Effect:
    """What facts would change, in short."""
    title, changes = "", list[tuple[str, int]]()
    for subject, version, named in _changes(told):
        title = title or named
        changes.append((subject, version))
    ids = [subject for subject, _ in changes]
    more = f" 等 {len(ids)} 项" if len(ids) > 1 else ""
    return Effect(
        title=f"{(title or ids[0])[:TITLE_LIMIT]}{more}" if ids else "",
        subjects=tuple(ids[:SUBJECTS_SHOWN]),
        subject_count=len(ids),
        outline=b"".join(sorted({_digest(*change) for change in changes})),
    )


def _digest(subject: str, version: int) -> bytes:
    return hashlib.blake2b(f"{version} {subject}".encode(), digest_size=DIGEST).digest()


def _digests(outline: bytes) -> set[bytes]:
    return {outline[start : start + DIGEST] for start in range(0, len(outline), DIGEST)}


def _changes(told: Sequence[Told]) -> Iterator[tuple[str, int, str]]:
    """Each thing with its version and name; facts that only count what others tell are none."""
    batches = {fact.subject for fact in told if fact.bulk}
    for fact in told:
        data: Any = orjson.loads(fact.data)
        if fact.bulk:
            for record in data["records"]:
                yield record["subject"], int(record["version"]), _name(record)
        elif fact.subject not in batches:
            yield fact.subject, fact.version, _name(data)


def _name(record: Any) -> str:
    return str(record.get("card", {}).get("title") or record.get("title", ""))


def _opinion(text: str) -> str:
    said = text.strip()
    if len(said) > OPINION_LIMIT:
        raise _opinion_invalid(f"审查意见不得超过 {OPINION_LIMIT} 个字")
    if any(not (letter.isprintable() or letter in "\n\t") for letter in said):
        raise _opinion_invalid("审查意见不得含有控制字符")
    return said


def _opinion_invalid(text: str) -> OpinionInvalid:
    return OpinionInvalid(f"{text}。", Violation("opinion", text))
