"""Drafts kept in memory; they pass the suite of the real store."""

from services.catalogue.domain.drafts import MOST_OF_BODY
from services.common.errors import Stale
from services.common.identifiers import is_within


class FakeDrafts:
    """services.catalogue.usecases.Drafts in memory; `noted` is what the audit would name."""

    def __init__(self, now):
        self.now = now
        self.rows = {}
        self.noted = []

    def find(self, draft_id):
        draft = self.rows.get(draft_id)
        return draft if draft and draft.expire_time > self.now else None

    def _alive(self):
        return [draft for draft in self.rows.values() if draft.expire_time > self.now]

    def count(self, dept_code):
        mine = [draft for draft in self._alive() if draft.content.dept_code == dept_code]
        return min(len(mine), MOST_OF_BODY)

    def save(self, draft):
        before = self.rows.get(draft.draft_id)
        if (before.version if before else 0) != draft.version - 1:
            raise Stale(draft.draft_id)
        self.rows[draft.draft_id] = draft
        self.noted.append(f"draft/{draft.draft_id}")

    def remove(self, draft):
        before = self.rows.get(draft.draft_id)
        if before is None or before.version != draft.version:
            raise Stale(draft.draft_id)
        del self.rows[draft.draft_id]
        self.noted.append(f"draft/{draft.draft_id}")

    def page(self, scope, *, before, size):
        found = [
            draft
            for draft in self._alive()
            if scope.department in ("", draft.content.dept_code)
            and (not scope.region or is_within(draft.content.region_code, scope.region))
            and (not before or draft.place < before)
        ]
        return sorted(found, key=lambda draft: draft.place, reverse=True)[:size]
