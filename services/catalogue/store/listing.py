"""Lists of items: which shelves an item stands on, and a page of what was asked for.

Each item stands on shelves: one for everything, for its 基本编码, for its body, and for each of its
regions alone and with each of its other facets. A question reads the narrowest shelf that holds all
its answers, in order of id, and looks through so many at most (docs/adr/0013).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.catalogue.domain.listing import SOME
from services.catalogue.store.documents import COLLECTION
from services.common.identifiers import region_ancestors

if TYPE_CHECKING:
    from datetime import datetime

    from services.catalogue.domain import Item
    from services.catalogue.domain.listing import Asked
    from services.common.transaction import Unit

    Document = dict[str, Any]

LOOKED_THROUGH: Final = 1000
"""Items that a call looks at; a page is shorter where fewer of them are what was asked for."""
ALONE: Final = ("catalog_code", "dept_code")
WITH_REGION: Final = (
    "corp_topic_type",
    "user_topic_type",
    "project_type",
    "use_level",
    "server_type",
    "task_type",
    "is_online",
)
"""Facets by how few items one value has, as a rule: the first that is asked for is the shelf."""


def shelves(item: Item) -> list[str]:
    """Where an item stands."""
    regions = ["", item.region_code, *region_ancestors(item.region_code)]
    facets = [
        (name, value)
        for name in WITH_REGION
        for value in (getattr(item, name) if name in SOME else [getattr(item, name)])
        if value != ""
    ]
    codes = [(name, getattr(item, name)) for name in ALONE if getattr(item, name)]
    return [
        *(_shelf("", name, value) for name, value in codes),
        *(_shelf(region) for region in regions),
        *(_shelf(region, name, value) for region in regions for name, value in facets),
    ]


def shelf_of(asked: Asked) -> str:
    """The narrowest shelf that holds all that is asked for."""
    parts = asked.parts()
    for name in ALONE:
        if name in parts:
            return _shelf("", name, parts[name])
    for name in WITH_REGION:
        if name in parts:
            return _shelf(asked.region_code, name, parts[name])
    return _shelf(asked.region_code)


def page(unit: Unit, asked: Asked, *, after: str, size: int) -> tuple[list[Document], str]:
    """A page in order of id, and the id to go on after; blank where the list ends.

    How far to look is settled first, so that what comes and goes meanwhile makes no page leave out
    or repeat an item that stays.
    """
    items, session = unit.database[COLLECTION], unit.session
    shelf = {"shelves": shelf_of(asked), "_id": {"$gt": after}}
    ids = items.find(shelf, {"_id": 1}, session=session).sort("_id", 1)
    edge = [document["_id"] for document in ids.skip(LOOKED_THROUGH - 1).limit(2)]
    end = edge[0] if len(edge) > 1 else ""
    reach = {"$gt": after, **({"$lte": end} if end else {})}
    wanted = shelf | {"_id": reach} | _wanted(asked, unit.now)
    found = list(items.find(wanted, session=session).sort("_id", 1).limit(size + 1))
    if len(found) > size:
        return found[:size], found[size - 1]["_id"]
    return found, end


def _shelf(region: str, name: str = "", value: Any = "") -> str:
    return f"{region}/{name}/{value}"


def _wanted(asked: Asked, now: datetime) -> Document:
    """All that is asked for: what the shelf has settled is looked at again, which costs nothing."""
    wanted: Document = {"visible_from": {"$lte": now}, "visible_until": {"$gt": now}}
    wanted |= {f"item.{name}": value for name, value in asked.parts().items()}
    wanted |= {"regions": asked.region_code} if asked.region_code else {}
    # What is blank is not kept.
    return wanted | ({"item.is_online": {"$ne": True}} if asked.is_online is False else {})
