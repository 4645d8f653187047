"""What the decorators refuse when a module is loaded, and what they say together."""

import subprocess
import sys

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from zhengtong.catalogue.v1.catalogue_events_pb2 import ItemPublished, ItemRevised, ItemsImported

from services.common.delivery import BulkFactRefused, HandlerMalformed, forgets, projects, reacts
from services.common.delivery.subscriptions import Reading, subscriptions


def test_nothing_may_react_to_a_fact_about_many_aggregates():
    with pytest.raises(BulkFactRefused):
        reacts(ItemsImported)


def test_a_copy_may_be_fed_by_a_fact_about_many_aggregates():
    class Worker:
        name = "ledger"
        store = object

        @forgets("catalogue")
        def drop(self, event, store):
            """Forgets."""

        @projects(ItemsImported)
        def copy_items(self, event, store):
            """Copies."""

    (one,) = subscriptions(Worker)
    assert one.bulk
    assert one.reading is Reading.PROJECTS
    assert one.forgets == "drop"


def test_a_copy_needs_a_method_that_forgets_what_its_source_no_longer_has():
    class Worker:
        name = "ledger"
        store = object

        @projects(ItemsImported, copy="names")
        def copy_items(self, event, store):
            """Copies."""

        @forgets("catalogue")
        def drop(self, event, store):
            """Forgets in another copy."""

    with pytest.raises(HandlerMalformed, match="names"):
        subscriptions(Worker)


def test_a_method_that_forgets_takes_an_event_and_a_store():
    with pytest.raises(HandlerMalformed):

        @forgets("catalogue")
        def drop(self, subject):
            """One argument is missing."""


def test_only_facts_of_departments_are_heard():
    with pytest.raises(HandlerMalformed):
        projects(Timestamp)


def test_a_handler_takes_an_event_and_a_store():
    with pytest.raises(HandlerMalformed):

        class Worker:
            @reacts(ItemPublished)
            def count(self, event):
                """Lacks the store."""


def test_a_worker_with_handlers_says_what_their_store_is():
    class Worker:
        name = "ledger"

        @reacts(ItemPublished)
        def count(self, event, store):
            """Counts."""

    with pytest.raises(HandlerMalformed):
        subscriptions(Worker)


def test_a_worker_without_handlers_needs_a_name_only():
    class Worker:
        name = "ledger"

    assert subscriptions(Worker) == []
    with pytest.raises(HandlerMalformed):
        subscriptions(type("Nameless", (), {}))


def test_two_projectors_of_one_copy_would_starve_each_other():
    class Worker:
        name = "ledger"
        store = object

        @forgets("catalogue")
        def drop(self, event, store):
            """Forgets."""

        @projects(ItemPublished)
        def copy_names(self, event, store):
            """Copies."""

        @projects(ItemPublished)
        def copy_regions(self, event, store):
            """Finds every version there already."""

    with pytest.raises(HandlerMalformed):
        subscriptions(Worker)


def test_one_fact_may_feed_two_copies_and_several_reactions():
    class Worker:
        name = "ledger"
        store = object

        @forgets("catalogue", copy="names")
        @forgets("catalogue", copy="regions")
        def drop(self, event, store):
            """Forgets in both."""

        @projects(ItemPublished, copy="names")
        def copy_names(self, event, store):
            """Copies."""

        @projects(ItemPublished, copy="regions")
        def copy_regions(self, event, store):
            """Copies elsewhere."""

        @reacts(ItemPublished)
        @reacts(ItemRevised)
        def count(self, event, store):
            """Counts."""

    assert [(one.method, one.fact) for one in subscriptions(Worker)] == [
        ("copy_names", ItemPublished),
        ("copy_regions", ItemPublished),
        ("count", ItemPublished),
        ("count", ItemRevised),
    ]


NAMEKO_SAYS = """
from nameko.containers import ServiceContainer
from nameko.events import EventHandler

service = type("Service", (), {"name": "ledger", "count": lambda self: None})
container = ServiceContainer(service, {})
handler = EventHandler("catalogue", "zhengtong.catalogue.v1.ItemPublished").bind(container, "count")
handler.setup()
print(handler.queue.name, handler.queue.durable, handler.queue.queue_arguments)
"""


def test_a_queue_is_what_nameko_would_declare():
    class Worker:
        name = "ledger"
        store = object

        @reacts(ItemPublished)
        def count(self, event, store):
            """Counts."""

    (one,) = subscriptions(Worker)
    command = [sys.executable, "-W", "ignore", "-c", NAMEKO_SAYS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.split() == [one.queue, "True", "None"]
