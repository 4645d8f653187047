"""How much items are used, in memory; it passes the suite of the real store."""

from dataclasses import replace


class FakeUses:
    """services.catalogue.usecases.Uses in memory; `told` is what the log would have."""

    def __init__(self, items):
        self.items = items
        self.uses = {}
        self.told = []

    def families(self, item_ids):
        return {one: self.items[one].family for one in item_ids if one in self.items}

    def find(self, families):
        return {one: self.uses[one] for one in families if one in self.uses}

    def due(self, today, *, size):
        waiting = [one for one in self.uses.values() if "" < one.falls_on <= today]
        return sorted(waiting, key=lambda one: one.falls_on)[:size]

    def save(self, uses, facts):
        self.uses |= {one.family: one for one in uses}
        for fact in facts:
            version = self.uses[fact.family].version + 1
            self.uses[fact.family] = replace(self.uses[fact.family], version=version)
            self.told.append((fact.family, fact.use_class))
