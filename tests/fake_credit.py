"""The store of credit in memory; it passes the suite of the real one."""

from dataclasses import replace

from services.common.errors import Stale
from services.credit import domain
from services.credit.domain import Kept, Penalty, Permit, Subject


class FakeCredit:
    """services.credit.usecases.Store in memory; `told` is what the log would have."""

    def __init__(self, now=None):
        self.now = now
        self.records = {}
        self.told = []

    def get(self, kind, record_id):
        known = self.records.get(record_id)
        if known is None or not isinstance(known.record, kind):
            raise domain.not_found(kind)
        return known

    def kept(self, records):
        return {
            record.record_id: Kept(
                known.version,
                known.public,
                known.record == record,
                departments=(
                    getattr(known.record, "authority_code", ""),
                    getattr(known.record, "source_code", ""),
                ),
                region=getattr(known.record, "region_code", ""),
            )
            for record in records
            if (known := self.records.get(record.record_id))
        }

    def known_subjects(self, codes):
        return {code for code in codes if code in self.records}

    def save(self, fact):
        listed = replace(fact.listed, update_time=self.now)
        record_id = listed.record.record_id
        before = self.records.get(record_id)
        if (before.version if before else 0) != listed.version - 1:
            raise Stale(record_id)
        self.records[record_id] = listed
        self.told.append(fact)
        return listed

    def save_all(self, facts):
        for fact in facts:
            self.save(fact)

    def page(self, kind, *, subject_code, after, size):
        found = [
            listed
            for listed in self.shown(kind)
            if subject_code in ("", listed.record.subject_code)
            and (after is None or place_of(listed) < after)
        ]
        return sorted(found, key=place_of, reverse=True)[:size]

    def decided(self, subject_code, *, size):
        about = {"subject_code": subject_code, "after": None, "size": size}
        subject = self.get(Subject, subject_code)
        return subject, self.page(Permit, **about), self.page(Penalty, **about)

    def count(self, kind, subject_code):
        return sum(listed.record.subject_code == subject_code for listed in self.shown(kind))

    def subjects(self):
        return [one.record for one in self.records.values() if isinstance(one.record, Subject)]

    def shown(self, kind):
        """What is public now."""
        return [
            listed
            for listed in self.records.values()
            if isinstance(listed.record, kind)
            and listed.public
            and (listed.record.visible_until is None or listed.record.visible_until > self.now)
        ]


def place_of(listed):
    return (listed.record.decision_date, listed.record.record_id)
