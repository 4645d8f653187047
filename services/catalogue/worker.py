"""What the catalogue does without being asked: revisions take effect when their day has come."""

from services.catalogue import usecases
from services.catalogue.store import MongoStore
from services.catalogue.usecases import Store
from services.common.delivery import by_the_clock


class Worker:
    name = "catalogue"
    store = MongoStore

    @by_the_clock(every=5)
    def bring_into_force(self, store: Store) -> bool:
        return usecases.bring_into_force(store=store)
