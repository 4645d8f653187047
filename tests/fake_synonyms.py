"""Groups of synonyms in memory; they pass the suite of the real store."""

from dataclasses import replace

from services.common.errors import Stale


class FakeSynonyms:
    """services.catalogue.usecases.Synonyms in memory."""

    def __init__(self, now):
        self.now = now
        self.groups = {}

    def find(self, name):
        return self.groups.get(name)

    def count(self):
        return sum(one.active for one in self.groups.values())

    def save(self, fact):
        kept = replace(fact.kept, update_time=self.now)
        before = self.groups.get(kept.group.name)
        if kept.version != (before.version if before else 0) + 1:
            raise Stale(kept.group.name)
        self.groups[kept.group.name] = kept
        return kept

    def page(self, *, after, size):
        names = sorted(name for name in self.groups if name > after and self.groups[name].active)
        return [self.groups[name] for name in names[:size]]
