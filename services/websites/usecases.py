"""What the websites department does: load, decide, save. No transport, no database."""

from __future__ import annotations

from collections import abc
from datetime import datetime
from typing import Any, Protocol

from services.common import access
from services.common.access import NATIONWIDE, Caller, OutOfReach
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

IN_A_DOSSIER = 20


class Store(Protocol):
    """What a use case needs to remember things."""

    def get_site(self, site_id: str) -> Listed[Site]:
        """The site. Raises: SiteNotFound."""

    def get_mapping(self, mapping_id: str) -> Listed[Mapping]:
        """The mapping, also one that was taken back. Raises: MappingNotFound."""

    def kept(self, things: abc.Sequence[T]) -> abc.Mapping[str, Listed[T]]:
        """What is kept under the ids of these things, all of one kind; a new id is absent."""

    def regions_of(self, hosts: abc.Collection[str]) -> abc.Mapping[str, abc.Set[str]]:
        """Regions of the sites that have each of these hosts; a host of no site is absent."""

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

    def sites_of(self, unit_code: str, *, size: int) -> tuple[list[Listed[Site]], int]:
        """Sites of the unit with this code, in order of id, and how many there are in all."""

    def page_counts(self, question: Question, *, after: str, size: int) -> list[Publication]:
        """Counts in order of day, department and kind, beginning after the place `after`."""


def register(site: Site, *, seen: int, now: datetime, caller: Caller, store: Store) -> Listed[Site]:
    """Enter one site into the inventory. Raises: OutOfReach (Rule P-23), Stale."""
    known = store.kept([site]).get(site.site_id)
    for one in (site, *([known.thing] if known else [])):
        access.check_region(caller, one.region_code)
    _check_claim(caller, site, _holders(caller, [site], store))
    return _publish(site, known, domain.SITE, seen=seen, now=now, store=store)


def add(
    mapping: Mapping, *, seen: int, now: datetime, caller: Caller, store: Store
) -> Listed[Mapping]:
    """Say where one old address leads. Raises: OutOfReach (Rule P-23), Stale."""
    _check_host(caller, mapping, _regions(caller, [mapping], store))
    known = store.kept([mapping]).get(mapping.mapping_id)
    return _publish(mapping, known, domain.MAPPING, seen=seen, now=now, store=store)


def _publish(  # noqa: PLR0913  (what, what is known, when)
    thing: T, known: Listed[T] | None, kind: str, *, seen: int, now: datetime, store: Store
) -> Listed[T]:
    domain.check_version(known.version if known else 0, seen)
    changed = domain.publish(known, thing)
    if changed is None:
        assert known is not None  # only what is known can be said already
        return known
    listed = store.save(changed)
    if changed.newly:
        store.count(Publication(domain.legal_day(now), domain.OWN, kind))
    return listed


def remove(
    mapping_id: str, reason: str, *, seen: int, caller: Caller, store: Store
) -> Listed[Mapping]:
    """Take one mapping back.

    Raises:
        MappingNotFound, OutOfReach (Rule P-23), MappingAlreadyWithdrawn, MappingInvalid, Stale.
    """
    known = store.get_mapping(mapping_id)
    _check_host(caller, known.thing, _regions(caller, [known.thing], store))
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


def import_records(
    rows: abc.Iterable[Row], report: Report, *, now: datetime, caller: Caller, store: Store
) -> None:
    """Publish the good rows of an import and put each bad one into the report.

    Rule P-23: a row that is not the caller's to publish is a bad one.
    """
    if report.shape == "sites":
        sites, origins = _read(
            rows,
            domain.site_of_row,
            report,
            beyond=lambda site: _said(access.check_region, caller, site.region_code),
        )
        kept = store.kept(list(sites.values()))
        for subject, held in kept.items():
            if said := _said(access.check_region, caller, held.thing.region_code):
                _drop(subject, said, "region_code", sites, origins, report)
        holders = _holders(caller, sites.values(), store)
        for subject, site in list(sites.items()):
            if said := _said(_check_claim, caller, site, holders):
                _drop(subject, said, "hosts", sites, origins, report)
        _save(sites, kept, origins, domain.SITE, report, now=now, store=store)
    else:
        mappings, origins = _read(rows, domain.mapping_of_row, report)
        regions = _regions(caller, mappings.values(), store)
        for subject, mapping in list(mappings.items()):
            if said := _said(_check_host, caller, mapping, regions):
                _drop(subject, said, "old_url", mappings, origins, report)
        known = store.kept(list(mappings.values()))
        _save(mappings, known, origins, domain.MAPPING, report, now=now, store=store)


def _read(
    rows: abc.Iterable[Row],
    read: abc.Callable[[Any], T],
    report: Report,
    *,
    beyond: abc.Callable[[T], str] = lambda _: "",
) -> tuple[dict[str, T], dict[str, list[Row]]]:
    """The things of the good rows, and the rows that say each.

    Args:
        beyond: why the region that a thing names is out of the caller's reach; empty: it is not.
    """
    things: dict[str, T] = {}
    origins: dict[str, list[Row]] = {}
    for row in rows:
        report.read += 1
        try:
            thing = read(row.values)
        except Invalid as refusal:
            report.reject(row, refusal.violations)
            continue
        if said := beyond(thing):
            report.reject(row, [Violation(domain.field_in(row.values, "region_code"), said)])
            continue
        first = things.setdefault(thing.subject, thing)
        if first is thing or first.statement == thing.statement:
            origins.setdefault(thing.subject, []).append(row)
        else:
            _contradicted(row, thing, report)
    return things, origins


def _save(  # noqa: PLR0913  (each thing is judged, reported and counted)
    things: abc.Mapping[str, T],
    known: abc.Mapping[str, Listed[T]],
    origins: abc.Mapping[str, list[Row]],
    kind: str,
    report: Report,
    *,
    now: datetime,
    store: Store,
) -> None:
    facts = [
        changed
        for subject, thing in things.items()
        if (changed := domain.publish(known.get(subject), thing)) is not None
    ]
    created = sum(fact.listed.version == 1 for fact in facts)
    report.created += created
    report.changed += len(facts) - created
    report.unchanged += sum(map(len, origins.values())) - len(facts)
    report.rejections.sort(key=lambda rejection: rejection.row)
    store.save_all(facts)
    if newly := sum(fact.newly for fact in facts):
        store.count(Publication(domain.legal_day(now), domain.OWN, kind, newly))


def _contradicted(row: Row, thing: Thing, report: Report) -> None:
    """Rule W-6: two different sayings of one id in one file; said twice alike is harmless."""
    if isinstance(thing, Site):
        said = "与本文件前面的一行标识码相同而内容不同"
        report.reject(row, [Violation("site_id", said)])
    else:
        said = "与本文件前面的一行是同一网址而去向不同"
        report.reject(row, [Violation(domain.field_in(row.values, "old_url"), said)])


def _regions(
    caller: Caller, mappings: abc.Iterable[Mapping], store: Store
) -> abc.Mapping[str, abc.Set[str]]:
    """Regions by host of old addresses; who answers for every host needs no look-up."""
    if _is_everywhere(caller):
        return {}
    hosts = {domain.host_of(mapping.old_url) for mapping in mappings}
    return store.regions_of(sorted(hosts)) if hosts else {}


def _holders(
    caller: Caller, sites: abc.Iterable[Site], store: Store
) -> abc.Mapping[str, abc.Set[str]]:
    """Regions of the sites that have the hosts already, as `_regions`."""
    hosts = set() if _is_everywhere(caller) else {host for site in sites for host in site.hosts}
    return store.regions_of(sorted(hosts)) if hosts else {}


def _check_claim(caller: Caller, site: Site, holders: abc.Mapping[str, abc.Set[str]]) -> None:
    """Rule P-23: nobody takes a host that a site of another region has.

    Raises:
        OutOfReach
    """
    for host in site.hosts:
        for region in sorted(holders.get(host, ())):
            if said := _said(access.check_region, caller, region):
                raise OutOfReach(f"域名 {host[:100]} 属于其他地区的网站。{said}")


def _is_everywhere(caller: Caller) -> bool:
    return caller.kind == "service" or (caller.leads and caller.region == NATIONWIDE)


def _check_host(caller: Caller, mapping: Mapping, regions: abc.Mapping[str, abc.Set[str]]) -> None:
    """Rule P-23: an old address belongs to the sites that have its host.

    All spellings of an address have one host, so what is kept under the id is judged as well.

    Raises:
        OutOfReach
    """
    if _is_everywhere(caller):
        return
    known = regions.get(domain.host_of(mapping.old_url), set())
    if not known:
        raise OutOfReach("网站名录中没有这个域名，请先登记网站。")
    for region in sorted(known):
        access.check_region(caller, region)


def _said(check: abc.Callable[..., None], *asked: Any) -> str:
    """What a check of the caller's reach says, empty where it lets pass."""
    try:
        check(*asked)
    except OutOfReach as refusal:
        return str(refusal)
    return ""


def _drop(  # noqa: PLR0913  (a thing, why, and where it stands)
    subject: str,
    said: str,
    field: str,
    things: dict[str, T],
    origins: dict[str, list[Row]],
    report: Report,
) -> None:
    """Take a thing out of an import and put each row that says it into the report."""
    del things[subject]
    for row in origins.pop(subject):
        report.reject(row, [Violation(domain.field_in(row.values, field), said)])


def part_of(subject_code: str, *, store: Store) -> tuple[list[Listed[Site]], int]:
    """Rules P-30, W-9: what a dossier says of a unit: its sites, and how many."""
    return store.sites_of(subject_code, size=IN_A_DOSSIER) if subject_code else ([], 0)


def count(publication: Publication, *, store: Store) -> None:
    """Count what another department made public."""
    store.count(publication)
