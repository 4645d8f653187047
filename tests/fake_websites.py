"""The websites' store in memory; it passes the suite of the real one."""

from collections import Counter
from dataclasses import replace

from services.common.errors import Stale
from services.common.identifiers import is_within
from services.websites.domain import MappingNotFound, Publication, Site, SiteNotFound


class FakeWebsites:
    """services.websites.usecases.Store in memory; `told` is what the log would have."""

    def __init__(self, now=None):
        self.now = now
        self.things = {}
        self.counts = Counter()
        self.told = []

    def get_site(self, site_id):
        if site_id not in self.things:
            raise SiteNotFound(site_id)
        return self.things[site_id]

    def get_mapping(self, mapping_id):
        if mapping_id not in self.things:
            raise MappingNotFound(mapping_id)
        return self.things[mapping_id]

    def kept(self, things):
        ids = [thing.subject for thing in things]
        return {subject: self.things[subject] for subject in ids if subject in self.things}

    def regions_of(self, hosts):
        sites = [listed.thing for listed in self.things.values() if isinstance(listed.thing, Site)]
        return {
            host: {site.region_code for site in sites if host in site.hosts}
            for host in hosts
            if any(host in site.hosts for site in sites)
        }

    def save(self, fact):
        listed = replace(fact.listed, update_time=self.now)
        before = self.things.get(listed.thing.subject)
        if (before.version if before else 0) != listed.version - 1:
            raise Stale(listed.thing.subject)
        self.things[listed.thing.subject] = listed
        self.told.append(fact)
        return listed

    def save_removal(self, fact):
        return self.save(fact)

    def save_all(self, facts):
        for fact in facts:
            self.save(fact)

    def count(self, publication):
        self.counts[publication.publish_date, publication.department, publication.kind] += (
            publication.count
        )

    def page_sites(self, *, region_code, state, after, size):
        found = [
            listed
            for subject, listed in sorted(self.things.items())
            if isinstance(listed.thing, Site)
            and subject > after
            and (not region_code or is_within(listed.thing.region_code, region_code))
            and state in (None, listed.thing.state)
        ]
        return found[:size]

    def sites_of(self, unit_code, *, size):
        found = [
            listed
            for _, listed in sorted(self.things.items())
            if isinstance(listed.thing, Site) and listed.thing.unit_code == unit_code
        ]
        return found[:size], len(found)

    def page_counts(self, question, *, after, size):
        found = [Publication(*key, count) for key, count in sorted(self.counts.items())]
        return [
            one
            for one in found
            if one.place > after
            and one.publish_date >= question.from_date
            and one.publish_date <= (question.until_date or "9999-12-31")
            and question.department in ("", one.department)
            and question.kind in ("", one.kind)
        ][:size]
