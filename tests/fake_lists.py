"""The lists in memory; passes the suite of the real store."""

from dataclasses import replace

from services.catalogue.domain import lists
from services.common.errors import Stale
from services.common.identifiers import is_within


class FakeLists:
    """services.catalogue.usecases.ListStore in memory; `told` is what the log would have."""

    def __init__(self, now=None):
        self.now = now
        self.kept = {}
        self.adjustments = {}
        self.told = []

    def entries(self, kind, dept_code, codes):
        ids = {lists.entry_id(kind, dept_code, code): code for code in codes}
        return {code: self.kept[one] for one, code in ids.items() if one in self.kept}

    def adjusted(self, kind, dept_code):
        found = self.adjustments.values()
        return sum(one.kind == kind and one.dept_code == dept_code for one in found)

    def adjust(self, adjusted):
        adjusted = lists.timed(adjusted, self.now)
        for one in adjusted.entries:
            before = self.kept.get(one.entry.entry_id)
            if (before.version if before else 0) != one.version - 1:
                raise Stale(one.entry.entry_code)
        if adjusted.adjustment.adjustment_id in self.adjustments:
            raise Stale(adjusted.adjustment.adjustment_id)
        self.kept |= {one.entry.entry_id: one for one in adjusted.entries}
        self.adjustments[adjusted.adjustment.adjustment_id] = adjusted.adjustment
        self.told.append(adjusted)
        return adjusted.adjustment

    def adjustment(self, adjustment_id):
        if adjustment_id not in self.adjustments:
            raise lists.ListAdjustmentNotFound
        return self.adjustments[adjustment_id]

    def entry_page(self, *, kind, dept_code, region_code, after, size):
        found = [
            one
            for entry_id, one in sorted(self.kept.items())
            if entry_id > after
            and one.state is lists.EntryState.IN_FORCE
            and asked(one.entry, kind, dept_code, region_code)
        ]
        return found[:size]

    def adjustment_page(self, *, kind, dept_code, region_code, before, size):
        found = [
            replace(one, differences=tuple(replace(d, fields=()) for d in one.differences))
            for one in sorted(self.adjustments.values(), key=lists.order_of, reverse=True)
            if (not before or lists.order_of(one) < before)
            and asked(one, kind, dept_code, region_code)
        ]
        return found[:size]


def asked(one, kind, dept_code, region_code):
    """Whether a question asks for an entry or an adjustment."""
    return (
        (not kind or one.kind == kind)
        and (not dept_code or one.dept_code == dept_code)
        and (not region_code or is_within(one.region_code, region_code))
    )
