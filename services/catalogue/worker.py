"""What the catalogue does when a time has come: revisions take effect, classes of use fall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.catalogue import usecases
from services.catalogue.store import MongoStore, MongoUses
from services.common.delivery import by_the_clock

if TYPE_CHECKING:
    from services.catalogue.usecases import Store, Uses
    from services.common.transaction import Unit


@dataclass(frozen=True, slots=True)
class Stores:
    """What one unit of work reads and writes with."""

    items: Store
    uses: Uses

    @classmethod
    def of(cls, unit: Unit) -> Stores:
        return cls(MongoStore(unit), MongoUses(unit))


class Worker:
    name = "catalogue"
    store = Stores.of

    @by_the_clock(every=5)
    def bring_into_force(self, store: Stores) -> bool:
        return usecases.bring_into_force(store=store.items)

    @by_the_clock(every=60)
    def let_classes_fall(self, store: Stores) -> bool:
        return usecases.let_fall(now=store.items.now, uses=store.uses)
