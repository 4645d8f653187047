"""nameko, made safe: no message is acked before it was dealt with, and none is lost at a stop.

By itself nameko 2.14 acks and forgets what fails, loses the acks of handlers that finish during a
stop, dies of an ack on a lost connection, and hangs when it is stopped without a broker.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from amqp.exceptions import AMQPError
from kombu.entity import Exchange, Queue, binding
from nameko.events import EventHandler
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import ProviderCollector, register_entrypoint
from nameko.messaging import QueueConsumer

from services.common.delivery.desk import BATCH, Abandoned, Desk
from services.common.delivery.parked import Message
from services.common.delivery.readers import Department
from services.common.delivery.subscriptions import subscriptions
from services.common.delivery.topology import events_exchange, retry_exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kombu.transport.base import Message as Delivery

    from services.common.delivery.subscriptions import Subscription

BATCH_BYTES = 1_000_000
PREFETCH = 2 * BATCH  # while one batch is applied, the next is on its way
PREFETCH_BULK = 4  # each may be of 1 MB
HEARTBEAT = 20  # seconds
DEFECT_PAUSE = 1.0  # seconds
LOOK_EVERY = 0.2  # seconds between looks at whether to stop
RECONNECT = {"interval_start": 0.2, "interval_step": 0.2, "interval_max": 1}  # seconds

logger = logging.getLogger(__name__)


class Stopped(Exception):
    """The consumer is to stop while it looks for the broker."""


class SafeQueueConsumer(QueueConsumer):
    """One connection for all queues of a department; stops after the last ack, not before."""

    def __init__(self) -> None:
        super().__init__()
        self.stopping = False
        self._lanes: frozenset[Lane] = frozenset()

    def run(self) -> None:
        """Consume until stopped; a broker that is away is waited for."""
        try:
            super().run(safety_interval=LOOK_EVERY)
        except Stopped:
            logger.info("stopped while the broker was away")
        if not self._consumers_ready.ready():
            self._consumers_ready.send(None)

    @contextmanager
    def establish_connection(self) -> Iterator[Any]:
        """Connect, and look for the broker again at short intervals only."""
        with self.create_connection() as connection:
            connection.ensure_connection(self.on_connection_error, **RECONNECT)
            yield connection

    def on_connection_error(self, exc: Exception, interval: float) -> None:
        """Called at each attempt in vain."""
        logger.warning("waits for the broker, %.1f s: %s", interval, exc)
        if self.stopping:
            raise Stopped

    def get_consumers(self, consumer_cls: Any, channel: Any) -> list[Any]:  # noqa: ARG002
        """A consumer a queue, at each (re)connection; bodies are left as they are."""
        self._consumers = {}
        for lane in self._providers:
            lane.forget()  # what came over the old connection comes again
            consumer = consumer_cls(
                queues=[lane.queue],
                on_message=lane.take,
                on_decode_error=lambda delivery, _error, lane=lane: lane.take(delivery),
            )
            consumer.qos(prefetch_count=PREFETCH_BULK if lane.subscription.bulk else PREFETCH)
            self._consumers[lane] = consumer
        return list(self._consumers.values())

    def on_iteration(self) -> None:
        """Called several times a second: at a stop, take no more, and go after the last ack."""
        if not self.stopping:
            return
        for consumer in self._consumers.values():
            consumer.cancel()
        self._consumers = {}
        if not any(lane.busy for lane in self._lanes):
            self.should_stop = True

    def register_provider(self, provider: Lane) -> None:
        """Add a queue."""
        super().register_provider(provider)
        self._lanes = frozenset(self._providers)

    def unregister_provider(self, provider: Lane) -> None:
        """Stop; queues of one department always stop together."""
        self.stopping = True
        ProviderCollector.unregister_provider(self, provider)

    def stop(self) -> None:
        """Wait for the last ack and the end of the connection."""
        self.wait_for_providers()
        self.stopping = True
        if self._gt is not None:
            self._gt.wait()

    def kill(self) -> None:
        """Go without waiting for acks; the broker delivers again."""
        self.stopping = self.should_stop = True
        if self._gt is not None and not self._gt.dead:
            self._gt.wait()


class Lane(EventHandler):
    """The entry point of one subscription: batches of its queue, one after the other.

    One at a time, because concurrent transactions of one handler often meet in one document (a
    counter) and then all but one are for nothing; many messages in each, because commits cost.
    """

    queue_consumer = SafeQueueConsumer()

    def __init__(self, subscription: Subscription, **options: Any) -> None:
        self.subscription = subscription
        super().__init__(subscription.source, subscription.type, **options)
        self.busy = False
        self._waiting: deque[Delivery] = deque()
        self._batch: list[Delivery] = []

    def setup(self) -> None:
        """Called with the container known: make the desk, name the queue."""
        super().setup()
        one = self.subscription
        # Its source declares it; a department may read another's exchange, not make it.
        others = one.source != one.department
        events = Exchange(events_exchange(one.source), "topic", durable=True, no_declare=others)
        retry = Exchange(retry_exchange(one.department), "direct", durable=True)
        bindings = [binding(events, one.type), binding(retry, one.queue)]
        self.queue = Queue(one.queue, bindings=bindings, durable=True)
        self.desk = Desk(self.container.config["department"], one, self._wanted)

    def _wanted(self) -> bool:
        """Whether it is still of use to wait with a batch: its messages can be acked later."""
        connected = all(delivery.channel.connection for delivery in self._batch)
        return connected and not self.queue_consumer.stopping

    def take(self, delivery: Delivery) -> None:
        """Called for each message that arrives."""
        self._waiting.append(delivery)
        self._go_on()

    def forget(self) -> None:
        """Drop what waits."""
        self._waiting.clear()

    def _go_on(self) -> None:
        if self.busy or not self._waiting or self.queue_consumer.stopping:
            return
        self.busy = True
        try:
            self.container.spawn_worker(self, (self,), {}, handle_result=self._dealt)
        except ContainerBeingKilled:
            self.busy = False

    def work(self) -> None:
        """Deal with the next batch; called in a nameko worker."""
        self._batch = list(self._next_batch())
        fresh: list[Message] = []
        suspects: list[Message] = []
        for delivery in self._batch:
            again = delivery.delivery_info.get("redelivered")
            (suspects if again else fresh).append(self._message(delivery))
        try:
            self.desk.deal(fresh, suspects)
        except Abandoned:
            logger.info("%s: the broker delivers again what was not dealt with", self.queue.name)
            self._batch = []

    def _next_batch(self) -> Iterator[Delivery]:
        size = 0
        for _ in range(min(self.desk.appetite, len(self._waiting))):
            size += len(self._waiting[0].body)
            yield self._waiting.popleft()
            if size >= BATCH_BYTES:
                return

    def _message(self, delivery: Delivery) -> Message:
        body = delivery.body
        return Message(
            queue=self.subscription.queue,
            body=body.encode() if isinstance(body, str) else bytes(body),
            headers=delivery.headers,
            message_id=delivery.properties.get("message_id") or "",
            content_type=delivery.content_type or "",
            content_encoding=delivery.content_encoding or "",
        )

    def _dealt(self, _context: Any, result: Any = None, failure: Any = None) -> tuple[Any, Any]:
        """Settle the batch; called when the worker is done with it, in whatever way."""
        if failure is not None:
            # A defect of ours, or a database that refuses to keep anything: again, and counted.
            logger.error("%s: messages go back", self.queue.name, exc_info=failure)
            time.sleep(DEFECT_PAUSE)
        for delivery in self._batch:
            settle(delivery, again=failure is not None)
        self._batch = []
        self.busy = False
        self._go_on()
        return result, None


def settle(delivery: Delivery, *, again: bool) -> None:
    """Ack, or give back; on a connection that is gone the broker delivers again anyway."""
    try:
        if delivery.channel.connection:
            delivery.requeue() if again else delivery.ack()
    except (AMQPError, OSError):
        logger.info("an ack was lost with the connection")


def service_of(worker: type[Any]) -> type[Any]:
    """The nameko service class of a worker: each subscribed method becomes an entry point."""
    entries: dict[str, Any] = {}
    for one in subscriptions(worker):
        entry = entries.setdefault(one.method, entry_point(one.method))
        register_entrypoint(entry, Lane(one))
    return type(worker.__name__, (), {"name": worker.name, **entries})


def entry_point(name: str) -> Any:
    """A method that lets a lane deal with its next batch."""

    def work(_service: object, lane: Lane) -> None:
        lane.work()

    work.__name__ = name
    return work


def config(amqp_uri: str, department: Department) -> dict[str, Any]:
    """The configuration of a department's nameko container."""
    lanes = len(subscriptions(type(department.worker)))
    return {
        "AMQP_URI": amqp_uri,
        "HEARTBEAT": HEARTBEAT,
        # A lane asks for its next nameko worker while it is in the last one.
        "max_workers": 2 * lanes + 1,
        "department": department,
    }
