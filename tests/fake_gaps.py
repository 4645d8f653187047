"""Gaps of the catalogue in memory; they pass the suite of the real store."""

import hashlib

from services.catalogue.domain.gaps import count_of
from services.common.access import NATIONWIDE
from services.common.errors import Stale
from services.common.identifiers import region_ancestors


class FakeGaps:
    """services.catalogue.usecases.Gaps in memory."""

    def __init__(self, now):
        self.now = now
        self.gaps = {}
        self.days = {}

    def names(self, text, region_code):
        return [hashlib.sha256(f"{region_code}/{text}".encode()).hexdigest()]

    def find(self, gap_ids):
        return {
            gap_id: self.gaps[gap_id]
            for gap_id in gap_ids
            if gap_id in self.gaps and self.gaps[gap_id].expire_time > self.now
        }

    def begun(self, day):
        return self.days.get(day, (0, 0))[0]

    def save(self, gaps):
        self.gaps |= {one.gap_id: one for one in gaps}

    def count_day(self, day, *, begun, others):
        before = self.days.get(day, (0, 0))
        self.days[day] = (before[0] + begun, before[1] + others)

    def settle(self, gap):
        if self.gaps[gap.gap_id].version != gap.version - 1:
            raise Stale(gap.gap_id)
        self.gaps[gap.gap_id] = gap

    def page(self, regions, span, *, after, size, open_only=False):
        def place(gap):
            return -count_of(gap, span), gap.gap_id

        found = [
            gap
            for gap in self.find(self.gaps).values()
            if gap.listed
            and not (open_only and gap.outcome)
            and count_of(gap, span)
            and {gap.region_code, *region_ancestors(gap.region_code), NATIONWIDE} & {*regions}
            and (after is None or place(gap) > (-after[0], after[1]))
        ]
        return sorted(found, key=place)[:size]

    def others(self, span):
        return sum(others for day, (_, others) in self.days.items() if span.first <= day[:7])
