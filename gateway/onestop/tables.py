"""Tables for the one-stop query itself: what the catalogue tells as cards that are never shown.

A card whose kind begins with a dot is one row. It comes into the index like any other, so every
gateway has the same tables as its index has things, also after a copy was made anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from gateway.onestop.ranking import all_of, scored, term
from gateway.onestop.schema import stored_bytes

if TYPE_CHECKING:
    import tantivy
    from tantivy import DocAddress

SYNONYMS = ".synonyms"
USE = ".use"
SOURCE = "catalogue"
"""Who tells tables; what others tell is not asked for."""
MOST_GROUPS = 5000
MOST_USED = 200_000


def synonym_groups(searcher: tantivy.Searcher) -> dict[str, tuple[str, ...]]:
    """The edited groups of synonyms by their names; one without words takes a group away."""
    found = _rows(searcher, SYNONYMS, MOST_GROUPS)
    rows = (orjson.loads(stored_bytes(searcher.doc(one), "hit")) for one in found)
    return {row["title"]: tuple(row["aliases"]) for row in rows}


def uses(searcher: tantivy.Searcher) -> dict[int, int]:
    """How much things are used, in classes from 1, by the number of their family or their own."""
    rows = _rows(searcher, USE, MOST_USED)
    numbers, classes = (searcher.fast_field_values(name, rows) for name in ("use_number", "use"))
    return {int(n or 0): int(c or 0) for n, c in zip(numbers, classes, strict=True)}


def _rows(searcher: tantivy.Searcher, table: str, most: int) -> list[DocAddress]:
    query = scored(all_of([term("table", table), term("source", SOURCE)]), 0.0)
    return [address for _, address in searcher.search(query, most, count=False).hits]
