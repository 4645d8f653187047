"""How facts of other departments reach a department's use cases.

```python
class Worker:
    name = "websites"
    store = MongoStore  # called with the Unit of each transaction

    @reacts(ItemPublished)
    def count_a_published_item(self, event: Event[ItemPublished], store: Store) -> None:
        usecases.count(event.fact.card.department, store=store)
```

`@reacts`: each fact acts once, whatever its order. `@projects`: a copy of the source's state; the
latest version of each subject wins, and what the source no longer has after a restore is handed to
the method that `@forgets`. The method's name is part of the queue's name: it is contract.
`@by_the_clock`: a method that hears nothing and looks every few seconds for what is due.

`subscriptions` and `topology` say who hears what, `parked` keeps what could not be handled; they,
and this face, need neither nameko nor eventlet. `host` runs the workers and is the only way in to
`consumer`, which does.
"""

from services.common.delivery.subscriptions import (
    BulkFactRefused,
    HandlerMalformed,
    by_the_clock,
    forgets,
    projects,
    reacts,
)
from services.common.envelope import Event

__all__ = [
    "BulkFactRefused",
    "Event",
    "HandlerMalformed",
    "by_the_clock",
    "forgets",
    "projects",
    "reacts",
]
