"""What must stand in the broker before a fact is published, made from the workers' decorators.

`python -m services.common.delivery.topology` prints it; `infra/rabbitmq/topology.json` keeps it, so
that a relay declares every queue without loading a worker, and knows which facts somebody awaits.
"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.common.delivery.subscriptions import Reading, subscriptions
from services.common.eventlog.redaction import REDACTED
from services.common.settings import DEPARTMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aio_pika.abc import AbstractChannel

FILE = Path(__file__).parents[3] / "infra" / "rabbitmq" / "topology.json"


@dataclass(frozen=True, slots=True, order=True)
class Exchange:
    """A durable exchange: `<source>.events` (topic) or `<department>.retry` (direct)."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, order=True)
class Queue:
    """A durable queue without arguments: of one handler, or of a source's redactions.

    Args:
        reading: `reacts` or `projects`; `redacted` for a source's redactions.
        copy: which copy of the source a projector keeps.
    """

    name: str
    source: str
    type: str
    department: str
    reading: str
    copy: str = ""

    @property
    def reads_facts(self) -> bool:
        """Whether a handler's method is behind it."""
        return self.reading != REDACTED


@dataclass(frozen=True, slots=True, order=True)
class Binding:
    """What reaches a queue: a type of fact, and its own name from the retry exchange."""

    exchange: str
    queue: str
    routing_key: str


@dataclass(frozen=True, slots=True)
class Topology:
    """All exchanges, queues and bindings, each list in order."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]


def events_exchange(source: str) -> str:
    """Where a department's relay publishes its facts, with the type as routing key."""
    return f"{source}.events"


def retry_exchange(department: str) -> str:
    """Where a department's relay puts parked messages back, with the queue as routing key."""
    return f"{department}.retry"


def redaction_queue(source: str, department: str) -> str:
    """Where a department hears what a source has redacted; its relay takes that up."""
    return f"{REDACTED}-{source}--{department}"


def topology_of(workers: Iterable[type[Any]]) -> Topology:
    """What these workers need, and the two exchanges of each."""
    exchanges, queues, bindings = set(), set(), set()
    for worker in workers:
        exchanges.add(Exchange(events_exchange(worker.name), "topic"))
        exchanges.add(Exchange(retry_exchange(worker.name), "direct"))
        for one in subscriptions(worker):
            exchanges.add(Exchange(events_exchange(one.source), "topic"))
            queues.add(
                Queue(one.queue, one.source, one.type, one.department, one.reading, one.copy)
            )
            bindings.add(Binding(events_exchange(one.source), one.queue, one.type))
            bindings.add(Binding(retry_exchange(one.department), one.queue, one.queue))
            heard = redaction_queue(one.source, one.department)
            queues.add(Queue(heard, one.source, REDACTED, one.department, REDACTED))
            bindings.add(Binding(events_exchange(one.source), heard, REDACTED))
    return Topology(tuple(sorted(exchanges)), tuple(sorted(queues)), tuple(sorted(bindings)))


def worker_of(department: str) -> type[Any]:
    """The worker class of a department, found by the house's shape."""
    worker: type[Any] = importlib.import_module(f"services.{department}.worker").Worker
    return worker


def subscribers(topology: Topology, source: str) -> frozenset[str]:
    """The types of a department's facts that somebody has a queue for; these must be routable."""
    return frozenset(queue.type for queue in topology.queues if queue.source == source)


def redactions_heard(topology: Topology, department: str) -> list[str]:
    """The queues in which a department hears what its sources have redacted."""
    of_mine = (queue for queue in topology.queues if queue.department == department)
    return [queue.name for queue in of_mine if queue.type == REDACTED]


def copies_kept(topology: Topology, department: str) -> dict[tuple[str, str], dict[str, str]]:
    """The copies a department keeps, by (source, copy): the queue for each type of fact."""
    kept: dict[tuple[str, str], dict[str, str]] = {}
    for queue in topology.queues:
        if queue.department == department and queue.reading == Reading.PROJECTS:
            kept.setdefault((queue.source, queue.copy), {})[queue.type] = queue.name
    return kept


def owned(topology: Topology, department: str) -> Topology:
    """What a department may declare: its two exchanges, its queues and what reaches them."""
    exchanges = {events_exchange(department), retry_exchange(department)}
    queues = tuple(queue for queue in topology.queues if queue.department == department)
    names = {queue.name for queue in queues}
    return Topology(
        tuple(exchange for exchange in topology.exchanges if exchange.name in exchanges),
        queues,
        tuple(binding for binding in topology.bindings if binding.queue in names),
    )


async def lay(channel: AbstractChannel, topology: Topology, department: str) -> None:
    """Declare what is the department's own, and see that the queues of its listeners stand.

    What is published before a queue stands never comes into it. To look needs no right.

    Raises:
        ChannelNotFoundEntity: a queue or an exchange of another department does not stand (yet).
    """
    await declare(channel, owned(topology, department))
    for queue in topology.queues:
        if queue.source == department != queue.department:
            await channel.declare_queue(queue.name, passive=True)


async def declare(channel: AbstractChannel, topology: Topology) -> None:
    """Declare all of a topology; what stands already is left as it is."""
    for exchange in topology.exchanges:
        await channel.declare_exchange(exchange.name, exchange.type, durable=True)
    for queue in topology.queues:
        declared = await channel.declare_queue(queue.name, durable=True)
        for binding in topology.bindings:
            if binding.queue == queue.name:
                await declared.bind(binding.exchange, binding.routing_key)


def load(path: Path = FILE) -> Topology:
    """The topology a file keeps."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    return Topology(
        tuple(Exchange(**row) for row in kept["exchanges"]),
        tuple(Queue(**row) for row in kept["queues"]),
        tuple(Binding(**row) for row in kept["bindings"]),
    )


def dump(topology: Topology) -> str:
    """The text of the file, always the same for the same topology."""
    return json.dumps(asdict(topology), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(dump(topology_of(worker_of(department) for department in DEPARTMENTS)))
