"""What the websites department does: load, decide, save. No transport, no database."""

from __future__ import annotations

from collections import abc
from datetime import datetime
from typing import Any, Protocol

from services.common.errors import Invalid, Violation
from services.common.rows import Report, Row
from services.websites import domain
from services.websites.domain import (
    Changed,
    Listed,
    Mapping,
    Publication,
    Question,
    Removed,
    Site,
    SiteState,
    T,
    Thing,
)


class Store(Protocol):
    """What a use case needs to remember things."""

    def get_site(self, site_id: str) -> Listed[Site]:
        """The site. Raises: SiteNotFound."""

    def get_mapping(self, mapping_id: str) -> Listed[Mapping]:
        """The mapping, also one that was taken back. Raises: MappingNotFound."""

    def kept(self, things: abc.Sequence[T]) -> abc.Mapping[str, Listed[T]]:
        """What is kept under the ids of these things, all of one kind; a new id is absent."""

    def save(self, fact: Changed[T]) -> Listed[T]:
        """Write a thing and tell its fact. Raises: Stale."""

    def save_removal(self, fact: Removed) -> Listed[Mapping]:
        """Write a mapping that was taken back and tell it. Raises: Stale."""

    def save_all(self, facts: abc.Sequence[Changed[T]]) -> None:
        """Write many things of one kind and tell of all in bulk. Raises: Stale."""

    def count(self, publication: Publication) -> None:
        """Raise the count of its day, department and kind."""

    def page_sites(
        self, *, region_code: str, state: SiteState | None, after: str, size: int
    ) -> list[Listed[Site]]:
        """Sites in order of id, beginning after `after`."""

    def page_counts(self, question: Question, *, after: str, size: int) -> list[Publication]:
        """Counts in order of day, department and kind, beginning after the place `after`."""


def register(site: Site, *, seen: int, now: datetime, store: Store) -> Listed[Site]:
    """Enter one site into the inventory. Raises: Stale."""
    return _publish(site, domain.SITE, seen=seen, now=now, store=store)


def add(mapping: Mapping, *, seen: int, now: datetime, store: Store) -> Listed[Mapping]:
    """Say where one old address leads. Raises: Stale."""
    return _publish(mapping, domain.MAPPING, seen=seen, now=now, store=store)


def _publish(thing: T, kind: str, *, seen: int, now: datetime, store: Store) -> Listed[T]:
    known = store.kept([thing]).get(thing.subject)
    domain.check_version(known.version if known else 0, seen)
    changed = domain.publish(known, thing)
    if changed is None:
        assert known is not None  # only what is known can be said already
        return known
    listed = store.save(changed)
    if changed.newly:
        store.count(Publication(domain.legal_day(now), domain.OWN, kind))
    return listed


def remove(mapping_id: str, reason: str, *, seen: int, store: Store) -> Listed[Mapping]:
    """Take one mapping back.

    Raises:
        MappingNotFound, MappingAlreadyWithdrawn, MappingInvalid, Stale.
    """
    known = store.get_mapping(mapping_id)
    domain.check_version(known.version, seen)
    return store.save_removal(domain.remove(known, reason))


def resolve(address: str, *, store: Store) -> Listed[Mapping]:
    """Where an old address, however it is spelled, leads now.

    Raises:
        AddressInvalid, MappingNotFound.
    """
    found = store.get_mapping(domain.mapping_id(address))
    if not found.active:
        raise domain.MappingNotFound("该网址的映射已经撤回。")
    return found


def import_records(rows: abc.Iterable[Row], report: Report, *, now: datetime, store: Store) -> None:
    """Publish the good rows of an import and put each bad one into the report."""
    if report.shape == "sites":
        _import(rows, domain.site_of_row, domain.SITE, report, now=now, store=store)
    else:
        _import(rows, domain.mapping_of_row, domain.MAPPING, report, now=now, store=store)


def _import(  # noqa: PLR0913  (each row is read, judged, reported and counted)
    rows: abc.Iterable[Row],
    read: abc.Callable[[Any], T],
    kind: str,
    report: Report,
    *,
    now: datetime,
    store: Store,
) -> None:
    things: dict[str, T] = {}
    for row in rows:
        report.read += 1
        try:
            thing = read(row.values)
        except Invalid as refusal:
            report.reject(row, refusal.violations)
            continue
        first = things.setdefault(thing.subject, thing)
        if first is not thing:
            _repeated(row, first, thing, report)
    known = store.kept(list(things.values()))
    facts = [
        changed
        for subject, thing in things.items()
        if (changed := domain.publish(known.get(subject), thing)) is not None
    ]
    created = sum(fact.listed.version == 1 for fact in facts)
    report.created += created
    report.changed += len(facts) - created
    report.unchanged += len(things) - len(facts)
    store.save_all(facts)
    if newly := sum(fact.newly for fact in facts):
        store.count(Publication(domain.legal_day(now), domain.OWN, kind, newly))


def _repeated(row: Row, first: Thing, thing: Thing, report: Report) -> None:
    """Rule W-6: said twice in one file is harmless, two different sayings of one id are not."""
    if first.statement == thing.statement:
        report.unchanged += 1
    elif isinstance(thing, Site):
        said = "与本文件前面的一行标识码相同而内容不同"
        report.reject(row, [Violation("site_id", said)])
    else:
        said = "与本文件前面的一行是同一网址而去向不同"
        report.reject(row, [Violation(domain.field_in(row.values, "old_url"), said)])


def count(publication: Publication, *, store: Store) -> None:
    """Count what another department made public."""
    store.count(publication)
