"""What credit does: load, decide, save. No transport, no database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from services.common import access, identifiers
from services.common.access import NATIONWIDE
from services.common.errors import Violation
from services.credit import domain
from services.credit.domain import Decision, Penalty, Permit, RecordInvalid, Subject

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from services.common.access import Caller
    from services.common.rows import Report, Row
    from services.credit.domain import Changed, D, Kept, Listed, R, Record, Withdrawn

    Position = tuple[str, str]
    Decided = tuple[Listed[Subject], list[Listed[Permit]], list[Listed[Penalty]]]

SHOWN = 50
IN_A_DOSSIER = 20


class Store(Protocol):
    """What a use case needs to remember things."""

    def get(self, kind: type[R], record_id: str) -> Listed[R]:
        """The record, public or not. Raises: SubjectNotFound, PermitNotFound, PenaltyNotFound."""

    def kept(self, records: Sequence[Record]) -> Mapping[str, Kept]:
        """What is kept under the ids of these records, all of one kind; a new id is absent."""

    def known_subjects(self, codes: Collection[str]) -> set[str]:
        """Which of these codes have a subject."""

    def save(self, fact: Changed[R] | Withdrawn[R]) -> Listed[R]:
        """Write a record and tell its fact. Raises: Stale."""

    def save_all(self, facts: Sequence[Changed[Any]]) -> None:
        """Write many records and tell of all in bulk. Raises: Stale."""

    def page(
        self, kind: type[D], *, subject_code: str, after: Position | None, size: int
    ) -> list[Listed[D]]:
        """Decisions that are public now, newest first, beginning after a date and id.

        Args:
            subject_code: only those of this subject; empty: of all.
        """

    def decided(self, subject_code: str, *, size: int) -> Decided:
        """A subject with its latest decisions that are public now. Raises: SubjectNotFound."""

    def count(self, kind: type[Decision], subject_code: str) -> int:
        """How many decisions about a subject are public now."""


@dataclass(frozen=True, slots=True)
class Credit:
    """The public credit of one subject: its latest decisions, and how many there are."""

    subject: Listed[Subject]
    permits: list[Listed[Permit]]
    permit_total: int
    penalties: list[Listed[Penalty]]
    penalty_total: int


def register(subject: Subject, *, seen: int, caller: Caller, store: Store) -> Listed[Subject]:
    """Register one subject. Raises: OutOfReach (Rule P-23), Stale."""
    return _publish(subject, seen, caller, store)


def disclose(decision: D, *, seen: int, caller: Caller, store: Store) -> Listed[D]:
    """Disclose one decision, and its subject if nobody knew it.

    Raises: OutOfReach (Rule P-23), Stale.
    """
    listed = _publish(decision, seen, caller, store)
    for subject in _unknown_subjects([decision], store):
        store.save(subject)
    return listed


def withdraw(  # noqa: PLR0913  (what, why, and by whom)
    kind: type[D], record_id: str, reason: str, *, seen: int, caller: Caller, store: Store
) -> Listed[D]:
    """Take one decision out of the public's sight.

    Raises:
        OutOfReach (Rule P-23).
        PermitNotFound, PenaltyNotFound, PermitAlreadyWithdrawn, PenaltyAlreadyWithdrawn,
        PermitInvalid, PenaltyInvalid, Stale.
    """
    known = store.get(kind, record_id)
    _check_reach(caller, known.record)
    domain.check_version(known.version, seen)
    return store.save(domain.withdraw(known, reason))


def look_up(text: str, *, store: Store) -> Credit:
    """The public credit of the subject whose code somebody typed.

    Raises:
        SubjectCodeInvalid, SubjectCodeIsPersonal, SubjectNotFound.
    """
    return _credit_of(domain.typed_code(text), SHOWN, store)


def part_of(subject_code: str, *, store: Store) -> Credit | None:
    """Rule P-30: what a dossier says of a subject; None: nobody has this code."""
    try:
        return _credit_of(subject_code, IN_A_DOSSIER, store)
    except domain.SubjectNotFound:
        return None


def _credit_of(code: str, shown: int, store: Store) -> Credit:
    subject, permits, penalties = store.decided(code, size=shown)

    def total(kind: type[Decision], found: Sequence[Any]) -> int:
        """Most subjects have few decisions, which need not be counted."""
        return len(found) if len(found) < shown else store.count(kind, code)

    return Credit(subject, permits, total(Permit, permits), penalties, total(Penalty, penalties))


def import_records(rows: Iterable[Row], report: Report, *, caller: Caller, store: Store) -> None:
    """Publish the good rows of an import and put each bad one into the report.

    Rule P-23: a row that is not the caller's to publish is a bad one. Rule K-12: a decision that
    was withdrawn does not come back by a file.
    """
    records, origins = _read(rows, report, caller)
    kept = store.kept(list(records.values()))
    for record_id, held in kept.items():
        said, field = _beyond(caller, records[record_id], held)
        if said or not held.public:
            record = records.pop(record_id)
            for row in origins.pop(record_id):
                _refuse(row, record, said or domain.WITHDRAWN_BEFORE, report, field)
    facts = [
        changed
        for record_id, record in records.items()
        if (changed := domain.publish(kept.get(record_id), record)) is not None
    ]
    created = sum(fact.listed.version == 1 for fact in facts)
    report.created += created
    report.changed += len(facts) - created
    report.unchanged += sum(map(len, origins.values())) - len(facts)
    decisions = [fact.listed.record for fact in facts]
    store.save_all([*_unknown_subjects(decisions, store), *facts])
    report.rejections.sort(key=lambda rejection: rejection.row)


def _read(
    rows: Iterable[Row], report: Report, caller: Caller
) -> tuple[dict[str, Record], dict[str, list[Row]]]:
    """The records of the good rows, and the rows that say each.

    Rule K-13: the same record may come twice in one file, but not with other contents.
    """
    records: dict[str, Record] = {}
    origins: dict[str, list[Row]] = {}
    for row in rows:
        report.read += 1
        try:
            record = domain.record_of_row(row.values, report.shape)
        except RecordInvalid as refusal:
            report.reject(row, refusal.violations)
            continue
        said, field = _beyond(caller, record)
        if said:
            _refuse(row, record, said, report, field)
        elif records.setdefault(record.record_id, record) == record:
            origins.setdefault(record.record_id, []).append(row)
        else:
            _refuse(row, record, "与本文件前面的一行是同一记录而内容不同", report)
    return records, origins


def _publish(record: R, seen: int, caller: Caller, store: Store) -> Listed[R]:
    kept = store.kept([record]).get(record.record_id)
    _check_reach(caller, record, kept)
    domain.check_version(kept.version if kept else 0, seen)
    changed = domain.publish(kept, record)
    return store.get(type(record), record.record_id) if changed is None else store.save(changed)


def _unknown_subjects(records: Iterable[Record], store: Store) -> list[Changed[Subject]]:
    """Rule K-7: the subjects of decisions that nobody has registered yet, as new ones."""
    decisions = {one.subject_code: one for one in records if isinstance(one, Decision)}
    if not decisions:
        return []
    unknown = decisions.keys() - store.known_subjects(decisions)
    subjects = (domain.minimal_subject(decisions[code]) for code in sorted(unknown))
    return [changed for one in subjects if (changed := domain.publish(None, one)) is not None]


def _check_reach(caller: Caller, record: Record, kept: Kept | None = None) -> None:
    """Rule P-23: a subject is of its region; a decision of its authority and who handed it in.

    Who leads answers for the authorities of its region, which the authority's code tells. What is
    kept under the id counts as well, so that nobody takes over another's record.

    Raises:
        OutOfReach
    """
    if isinstance(record, Subject):
        access.check_region(caller, record.region_code)
        access.check_region(caller, kept.region if kept else "")
    elif isinstance(record, Decision):
        known = [kept.departments] if kept else []
        for departments in [(record.authority_code, record.source_code), *known]:
            _check_departments(caller, departments)


def _check_departments(caller: Caller, departments: tuple[str, ...]) -> None:
    """Raises: OutOfReach."""
    if caller.department and caller.department in departments:
        return
    authority = next(filter(None, departments), "")
    region = identifiers.region_of_uscc(authority) or NATIONWIDE
    access.check_reach(caller, region=region)


def _beyond(caller: Caller, record: Record, kept: Kept | None = None) -> tuple[str, str]:
    """Why a record is out of the caller's reach and the field that says so, or two empty texts."""
    try:
        _check_reach(caller, record, kept)
    except access.OutOfReach as refusal:
        return str(refusal), "region_code" if isinstance(record, Subject) else "authority_code"
    return "", ""


def _refuse(row: Row, record: Record, said: str, report: Report, field: str = "") -> None:
    column = domain.column_of(record, row.values, report.shape, field)
    report.reject(row, [Violation(column, said)])
