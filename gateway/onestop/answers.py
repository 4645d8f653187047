"""The answer to a query, and how it is written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from gateway.onestop.asked import Asked
    from gateway.onestop.found import Group
    from gateway.onestop.question import Question
    from gateway.onestop.sources import Source
    from gateway.onestop.window import Hit


@dataclass(slots=True)
class Answer:
    """The answer to one query.

    Args:
        question: what was answered; `corrected` says where that is not what was typed.
        elsewhere: how many other regions have what was found, by hit as stored.
        took: seconds.
        now: when, in microseconds since 1970.
    """

    asked: Asked
    question: Question
    groups: list[Group]
    sources: list[Source]
    now: int
    corrected: str | None = None
    hint: str | None = None
    suggestions: list[str] = field(default_factory=list)
    elsewhere: dict[bytes, int] = field(default_factory=dict)
    took: float = 0.0

    def json(self) -> bytes:
        """As the API gives it."""
        return orjson.dumps(
            {
                "query": self.asked.text,
                "intent": self.intent(),
                "took_ms": round(self.took * 1000, 3),
                "groups": [self._group(group) for group in self.groups],
                "sources": [source.row(self.now) for source in self.sources],
                "suggestions": self.suggestions,
            }
        )

    def intent(self) -> dict[str, Any]:
        """How the question was understood."""
        region = self.question.region
        return {
            "type": self.question.type,
            "text": self.question.exact,
            "region": {"code": region.code, "name": region.name} if region else None,
            "kind": self.question.kind,
            "read_as": self.question.read_as,
            "corrected": self.corrected,
            "hint": self.hint,
        }

    def _group(self, group: Group) -> dict[str, Any]:
        row: dict[str, Any] = {
            "kind": group.kind,
            "total": group.total,
            "hits": [orjson.Fragment(self._hit(hit)) for hit in group.hits],
        }
        if group.facets:
            row["facets"] = [
                {"name": one.name, "values": [{"value": v, "count": n} for v, n in one.values]}
                for one in group.facets
            ]
        if group.next_offset is not None:
            row["next_page_token"] = self.asked.next_page_token(group.next_offset)
        return row

    def _hit(self, hit: Hit) -> bytes:
        return b'%s,"elsewhere":%d}' % (hit.json()[:-1], self.elsewhere.get(hit.stored, 0))
