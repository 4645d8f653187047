"""The broker's topology is made from the workers' decorators, and the kept file is current."""

import subprocess
import sys

from zhengtong.catalogue.v1.catalogue_events_pb2 import ItemPublished, ItemWithdrawn
from zhengtong.credit.v1.credit_events_pb2 import PermitDisclosed

from services.common.delivery import forgets, projects, reacts, topology
from services.common.delivery.topology import Binding, Exchange, Queue
from services.common.eventlog.redaction import REDACTED
from services.common.settings import DEPARTMENTS


class Worker:
    name = "ledger"
    store = object

    @reacts(ItemPublished)
    @reacts(PermitDisclosed)
    def count(self, event, store):
        """Counts."""


def test_every_handler_has_a_queue_bound_to_its_fact_and_to_the_retries():
    made = topology.topology_of([Worker])
    queue = "evt-catalogue-zhengtong.catalogue.v1.ItemPublished--ledger.count"
    kind = "zhengtong.catalogue.v1.ItemPublished"

    assert Queue(queue, "catalogue", kind, "ledger", "reacts") in made.queues
    assert Binding("catalogue.events", queue, kind) in made.bindings
    assert Binding("ledger.retry", queue, queue) in made.bindings
    assert len([queue for queue in made.queues if queue.type != REDACTED]) == 2
    assert set(made.exchanges) == {
        Exchange("catalogue.events", "topic"),
        Exchange("credit.events", "topic"),
        Exchange("ledger.events", "topic"),
        Exchange("ledger.retry", "direct"),
    }


def test_a_department_hears_what_each_of_its_sources_has_redacted():
    made = topology.topology_of([Worker])
    heard = topology.redactions_heard(made, "ledger")
    assert heard == ["redacted-catalogue--ledger", "redacted-credit--ledger"]
    assert Binding("credit.events", "redacted-credit--ledger", REDACTED) in made.bindings
    assert topology.redactions_heard(made, "credit") == []


def test_a_relay_knows_which_facts_somebody_awaits():
    made = topology.topology_of([Worker])
    assert topology.subscribers(made, "credit") == {
        PermitDisclosed.DESCRIPTOR.full_name,
        REDACTED,
    }
    assert ItemWithdrawn.DESCRIPTOR.full_name not in topology.subscribers(made, "catalogue")


class Copying:
    name = "ledger"
    store = object

    @projects(ItemPublished)
    @projects(ItemWithdrawn)
    def copy(self, event, store):
        """Copies."""

    @forgets("catalogue")
    def drop(self, event, store):
        """Forgets."""


def test_a_copy_has_the_queue_of_each_type_it_is_kept_by():
    made = topology.topology_of([Worker, Copying])
    queue = "evt-catalogue-{}--ledger.copy".format
    types = [fact.DESCRIPTOR.full_name for fact in (ItemPublished, ItemWithdrawn)]
    kept = topology.copies_kept(made, "ledger")
    assert kept == {("catalogue", ""): {kind: queue(kind) for kind in types}}
    assert topology.copies_kept(made, "credit") == {}


def test_what_is_kept_is_what_was_made(tmp_path):
    made = topology.topology_of([Worker])
    file = tmp_path / "topology.json"
    file.write_text(topology.dump(made))
    assert topology.load(file) == made


def test_the_kept_file_is_current():
    workers = [topology.worker_of(department) for department in DEPARTMENTS]
    assert topology.load() == topology.topology_of(workers), "run `make topology`"


def test_whoever_declares_and_puts_back_needs_neither_nameko_nor_eventlet():
    look = (
        "import sys\n"
        "import services.common.delivery.topology, services.common.delivery.parked\n"
        "print({'nameko', 'eventlet', 'kombu', 'grpc'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
