"""Stores that keep things in memory; each passes the suite of the real one."""

from dataclasses import replace

from services.catalogue.domain import ItemNotFound, ItemVersionNotFound, Kept, State, quality
from services.catalogue.usecases import Marks
from services.common.errors import Stale
from services.common.identifiers import is_within


class FakeCatalogue:
    """services.catalogue.usecases.Store in memory; `told` is what the log would have."""

    def __init__(self, now=None):
        self.now = now
        self.items = {}
        self.earlier = {}
        self.basic_items = {}
        self.told = []

    def get(self, item_id):
        if item_id not in self.items:
            raise ItemNotFound
        return self.items[item_id]

    def listed(self, item_ids):
        return {item_id: self.items[item_id] for item_id in item_ids if item_id in self.items}

    def version(self, item_id, version):
        for listed in self.earlier.get(item_id, ()):
            if listed.version == version:
                return listed
        raise ItemVersionNotFound

    def versions(self, item_id, *, before, size):
        found = [one for one in self.earlier.get(item_id, ()) if one.version < before]
        return sorted(found, key=lambda one: -one.version)[:size]

    def of_body(self, dept_code, *, after, size):
        found = [
            listed
            for item_id, listed in sorted(self.items.items())
            if item_id > after
            and listed.item.dept_code == dept_code
            and listed.state is not State.WITHDRAWN
        ]
        return found[:size]

    def kept(self, items):
        return {
            item.item_id: Kept(
                known.version,
                known.state,
                known.item == item,
                department=known.item.dept_code,
                region=known.item.region_code,
                moved_to=known.moved_to,
                in_effect=self._is_shown(known.item),
                plan=known.plan,
            )
            for item in items
            if (known := self.items.get(item.item_id))
        }

    def basics(self, codes):
        return {code: self.basic_items[code] for code in codes if code in self.basic_items}

    def save(self, fact):
        listed = replace(fact.listed, update_time=self.now)
        before = self.items.get(listed.item.item_id)
        if (before.version if before else 0) != listed.version - 1:
            raise Stale(listed.item.item_id)
        if before:
            self.earlier.setdefault(listed.item.item_id, []).append(before)
        self.items[listed.item.item_id] = listed
        self.told.append(fact)
        return listed

    def save_all(self, facts):
        for fact in facts:
            self.save(fact)

    def schedule(self, revisions):
        for one in revisions:
            known = self.items.get(one.item_id)
            if known is None or known.version != one.seen:
                raise Stale(one.item_id)
            self.items[one.item_id] = replace(known, plan=one.plan)
            self.told.append(one)

    def due(self, *, size):
        waiting = [one for one in self.items.values() if one.plan.item]
        waiting.sort(key=lambda one: one.plan.item.visibility()[0])
        return [one for one in waiting if one.plan.item.visibility()[0] <= self.now][:size]

    def bodies(self, *, region_code, after, size):
        shown = self._of(region_code)
        return sorted({one.item.body for one in shown if one.item.body > after})[:size]

    def marks(self, bodies, *, region_code):
        shown = self._of(region_code)
        found = {body: [one for one in shown if one.item.body == body] for body in bodies}
        return {body: marks_of(listed) for body, listed in found.items() if listed}

    def _of(self, region_code):
        return [
            one
            for _, one in sorted(self.items.items())
            if one.state is State.PUBLISHED
            and (not region_code or is_within(one.item.region_code, region_code))
        ]

    def count_of_body(self, dept_code):
        return sum(
            listed.item.dept_code == dept_code and self._is_shown(listed.item)
            for listed in self._of("")
        )

    def page(self, asked, *, after, size):
        found = [
            listed
            for item_id, listed in sorted(self.items.items())
            if item_id > after
            and listed.state is State.PUBLISHED
            and self._is_shown(listed.item)
            and asked.matches(listed.item)
        ]
        return found[:size], found[size - 1].item.item_id if len(found) > size else ""

    def _is_shown(self, item):
        start, end = item.visibility()
        return (start is None or start <= self.now) and (end is None or self.now < end)


def marks_of(listed):
    """What the quality rules say of some items of one body."""
    found = {one.item.item_id: quality.check(one.item) for one in listed}
    failed = {}
    for item_id, marks in found.items():
        for finding in marks.findings:
            failed.setdefault(finding.rule.number, []).append(item_id)
    return Marks(
        name=listed[0].item.dept_name,
        items=len(found),
        score=sum(one.score for one in found.values()) / len(found),
        failing={number: len(items) for number, items in failed.items()},
        examples={number: items[:5] for number, items in failed.items()},
    )
