"""Stores of utilities that keep things in memory; they pass the suite of the real ones."""

from dataclasses import replace

from services.common.errors import Stale
from services.common.identifiers import is_within
from services.utilities.domain import InstitutionNotFound, Kept, OutageNotFound


class FakeStore:
    """services.utilities.usecases.Store in memory; `told` is what the log would have."""

    not_found = None

    def __init__(self, now=None):
        self.now = now
        self.things = {}
        self.told = []

    def get(self, subject):
        if subject not in self.things:
            raise self.not_found(subject)
        return self.things[subject]

    def kept(self, things):
        return {
            thing.subject: Kept(
                known.version,
                known.public,
                known.thing == thing,
                institution_id=known.thing.institution_id,
                regions=regions_of(known.thing),
            )
            for thing in things
            if (known := self.things.get(thing.subject))
        }

    def save(self, fact):
        listed = replace(fact.listed, update_time=self.now)
        before = self.things.get(listed.thing.subject)
        if (before.version if before else 0) != listed.version - 1:
            raise Stale(listed.thing.subject)
        self.things[listed.thing.subject] = listed
        self.told.append(fact)
        return listed

    def save_all(self, facts):
        for fact in facts:
            self.save(fact)

    def public(self):
        return [listed for _, listed in sorted(self.things.items()) if listed.public]


class FakeInstitutions(FakeStore):
    not_found = InstitutionNotFound

    def names(self, ids):
        return {one: self.things[one].thing.name for one in ids if one in self.things}

    def page(self, *, region_code, sector, after, size):
        found = [
            listed
            for listed in self.public()
            if listed.thing.subject > after
            and (not region_code or is_within(listed.thing.region_code, region_code))
            and sector in (None, listed.thing.sector)
        ]
        return found[:size]


class FakeOutages(FakeStore):
    not_found = OutageNotFound

    def publish_times(self, ids):
        return {
            listed.thing.subject: listed.thing.publish_time
            for listed in self.public()
            if listed.thing.subject in ids
        }

    def page(self, *, region_code, sector, after, size):
        found = [
            listed
            for listed in self.public()
            if listed.thing.is_listed(self.now)
            and (not after or listed.thing.place < after)
            and (not region_code or touches(listed.thing, region_code))
            and sector in (None, listed.thing.sector)
        ]
        return sorted(found, key=lambda listed: listed.thing.place, reverse=True)[:size]

    def of_institution(self, institution_id, *, size):
        shown = self.page(region_code="", sector=None, after="", size=None)
        found = [listed for listed in shown if listed.thing.institution_id == institution_id]
        return found[:size], len(found)


def regions_of(thing):
    """Where a thing is: an institution in one region, a notice in several."""
    return tuple(getattr(thing, "area_region_codes", None) or [thing.region_code])


def touches(outage, region):
    return any(
        is_within(area, region) or is_within(region, area) for area in outage.area_region_codes
    )
