"""What utilities does: load, decide, save. No transport, no database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from services.common import access
from services.common.errors import Invalid, Violation
from services.utilities import domain
from services.utilities.domain import Institution, Outage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from services.common.access import Caller
    from services.common.rows import Report, Row
    from services.utilities.domain import Changed, Kept, Listed, Sector, Withdrawn

T = TypeVar("T", bound=Institution | Outage)

IN_A_DOSSIER = 20


class Store(Protocol[T]):
    """What a use case needs to remember things of one kind."""

    def get(self, subject: str) -> Listed[T]:
        """The thing. Raises: InstitutionNotFound, OutageNotFound."""

    def kept(self, things: Sequence[T]) -> Mapping[str, Kept]:
        """What is kept under the ids of these things; an id that is new is absent."""

    def save(self, fact: Changed[T] | Withdrawn[T]) -> Listed[T]:
        """Write a thing and tell its fact. Raises: Stale."""

    def save_all(self, facts: Sequence[Changed[T]]) -> None:
        """Write many things and tell of all in bulk. Raises: Stale."""


class Institutions(Store[Institution], Protocol):
    """The institutions, and what notices ask of them."""

    def names(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Names by 统一社会信用代码; an unknown one is absent."""

    def page(
        self, *, region_code: str, sector: Sector | None, after: str, size: int
    ) -> list[Listed[Institution]]:
        """Those that are public, in order of id, beginning after `after`."""


class Outages(Store[Outage], Protocol):
    """The notices."""

    def publish_times(self, ids: Sequence[str]) -> Mapping[str, datetime]:
        """发布时间 by number, of those that are public."""

    def page(
        self, *, region_code: str, sector: Sector | None, after: str, size: int
    ) -> list[Listed[Outage]]:
        """Those that go on or are to come, the latest start first.

        Args:
            region_code: those that stop anything there, in a part of it or in all around it.
            after: the `Outage.place` to go on from; empty: from the first.
        """

    def of_institution(self, institution_id: str, *, size: int) -> tuple[list[Listed[Outage]], int]:
        """As `page` those of one institution, and how many there are in all."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a dossier says of an institution: itself, if it is public, and its latest notices."""

    institution: Listed[Institution] | None
    outages: list[Listed[Outage]]
    outage_total: int


def publish_institution(
    institution: Institution, *, seen: int, caller: Caller, store: Institutions
) -> Listed[Institution]:
    """Publish one institution. Raises: OutOfReach (Rule P-24), Stale."""
    return _publish(institution, seen, caller, store)


def announce_outage(  # noqa: PLR0913  (what, when, by whom, and what is known)
    outage: Outage,
    *,
    seen: int,
    now: datetime,
    caller: Caller,
    store: Outages,
    institutions: Institutions,
) -> Listed[Outage]:
    """Announce one outage. Raises: OutOfReach (Rule P-24), OutageInvalid, Stale."""
    names, times = _known([outage], store, institutions)
    return _publish(_completed(outage, names, times, now), seen, caller, store)


def withdraw(subject: str, reason: str, *, seen: int, caller: Caller, store: Store[T]) -> Listed[T]:
    """Take one thing back.

    Raises: …NotFound, OutOfReach (Rule P-24), …Invalid, …AlreadyWithdrawn, Stale.
    """
    known = store.get(subject)
    _check_reach(caller, known.thing)
    domain.check_version(known.version, seen)
    return store.save(domain.withdraw(known, reason))


def get_outage(outage_id: str, *, now: datetime, store: Outages) -> Listed[Outage]:
    """One notice, once its 发布时间 has come (Rule U-7). Raises: OutageNotFound."""
    listed = store.get(outage_id)
    if not listed.thing.is_published(now):
        raise domain.OutageNotFound(f"没有编号为 {outage_id} 的公告。")
    return listed


def part_of(subject_code: str, *, store: Outages, institutions: Institutions) -> Part:
    """Rule P-30: what a dossier says of who has this code."""
    outages, total = store.of_institution(subject_code, size=IN_A_DOSSIER)
    try:
        institution = institutions.get(subject_code)
    except domain.InstitutionNotFound:
        return Part(None, outages, total)
    return Part(institution if institution.public else None, outages, total)


def import_institutions(
    rows: Iterable[Row], report: Report, *, caller: Caller, store: Institutions
) -> None:
    """Publish the good rows of an import and put each bad one into the report."""
    read = _read(rows, domain.institution_of_row)
    _save(read, report, "institution_id", caller, store)


def import_outages(  # noqa: PLR0913  (rows, report, when, by whom, and what is known)
    rows: Iterable[Row],
    report: Report,
    *,
    now: datetime,
    caller: Caller,
    store: Outages,
    institutions: Institutions,
) -> None:
    """Announce the good rows of an import and put each bad one into the report."""
    read = _read(rows, domain.outage_of_row)
    good = [outage for _, outage in read if isinstance(outage, Outage)]
    names, times = _known(good, store, institutions)
    completed: list[tuple[Row, Outage | Invalid]] = []
    for row, outage in read:
        try:
            done = _completed(outage, names, times, now) if isinstance(outage, Outage) else outage
        except domain.OutageInvalid as refusal:
            done = refusal
        completed.append((row, done))
    _save(completed, report, "outage_id", caller, store)


def _publish(thing: T, seen: int, caller: Caller, store: Store[T]) -> Listed[T]:
    kept = store.kept([thing]).get(thing.subject)
    _check_reach(caller, thing, kept)
    domain.check_version(kept.version if kept else 0, seen)
    changed = domain.publish(kept, thing)
    return store.get(thing.subject) if changed is None else store.save(changed)


def _known(
    outages: Sequence[Outage], store: Outages, institutions: Institutions
) -> tuple[Mapping[str, str], Mapping[str, datetime]]:
    """What is known of the notices that leave something open: names and 发布时间."""
    unnamed = {one.institution_id for one in outages if not one.institution_name} - {""}
    undated = [one.outage_id for one in outages if one.publish_time is None]
    names = institutions.names(sorted(unnamed)) if unnamed else {}
    times = store.publish_times(undated) if undated else {}
    return names, times


def _completed(
    outage: Outage, names: Mapping[str, str], times: Mapping[str, datetime], now: datetime
) -> Outage:
    return domain.complete(
        outage,
        known_name=names.get(outage.institution_id, ""),
        published=times.get(outage.outage_id),
        now=now,
    )


def _read(rows: Iterable[Row], thing_of: Callable[[Any], T]) -> list[tuple[Row, T | Invalid]]:
    """What each row holds, or why it is refused."""
    found: list[tuple[Row, T | Invalid]] = []
    for row in rows:
        try:
            found.append((row, thing_of(row.values)))
        except Invalid as refusal:
            found.append((row, refusal))
    return found


def _sorted_out(
    found: Iterable[tuple[Row, T | Invalid]], report: Report, key: str, caller: Caller
) -> tuple[dict[str, T], dict[str, list[Row]]]:
    """The things in the good rows by id, and the rows that say each; the bad are in the report.

    Said twice in one file is harmless; two different things under one id are not.
    """
    things: dict[str, T] = {}
    origins: dict[str, list[Row]] = {}
    for row, thing in found:
        report.read += 1
        if isinstance(thing, Invalid):
            report.reject(row, thing.violations)
        elif beyond := _beyond(caller, thing):
            report.reject(row, [beyond])
        elif things.setdefault(thing.subject, thing) == thing:
            origins.setdefault(thing.subject, []).append(row)
        else:
            report.reject(row, [Violation(key, "与本文件前面的一行编号相同而内容不同")])
    return things, origins


def _save(
    found: Iterable[tuple[Row, T | Invalid]],
    report: Report,
    key: str,
    caller: Caller,
    store: Store[T],
) -> None:
    things, origins = _sorted_out(found, report, key, caller)
    kept = store.kept(list(things.values()))
    for subject, held in kept.items():
        if beyond := _beyond(caller, things[subject], held):
            del things[subject]
            for row in origins.pop(subject):
                report.reject(row, [beyond])
    facts = [
        changed
        for subject, thing in things.items()
        if (changed := domain.publish(kept.get(subject), thing)) is not None
    ]
    created = sum(fact.listed.version == 1 for fact in facts)
    report.created += created
    report.changed += len(facts) - created
    report.unchanged += sum(map(len, origins.values())) - len(facts)
    store.save_all(facts)
    report.rejections.sort(key=lambda rejection: rejection.row)


def _check_reach(caller: Caller, thing: Institution | Outage, kept: Kept | None = None) -> None:
    """Rule P-24: whose a thing is, as it is to be and as it is kept.

    A system that gathers for all institutions of a region does so in each region of the thing.

    Raises:
        OutOfReach
    """
    regions = thing.area_region_codes if isinstance(thing, Outage) else (thing.region_code,)
    wholes = [(thing.institution_id, tuple(regions))]
    wholes += [(kept.institution_id, kept.regions)] if kept else []
    for institution, places in wholes:
        for region in places or ("",):
            access.check_institution(caller, institution, region=region)


def _beyond(
    caller: Caller, thing: Institution | Outage, kept: Kept | None = None
) -> Violation | None:
    """Why a thing is out of the caller's reach."""
    try:
        _check_reach(caller, thing, kept)
    except access.OutOfReach as refusal:
        gathers = caller.kind == "client" and caller.leads
        region = "area_region_codes" if isinstance(thing, Outage) else "region_code"
        return Violation(region if gathers else "institution_id", str(refusal))
    return None
