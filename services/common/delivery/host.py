"""The worker process: one nameko container a department, stopped and started alone.

Import this before anything that makes threads, locks or sockets: it makes them cooperative.
"""

import eventlet

eventlet.monkey_patch()

import contextlib  # noqa: E402
import logging  # noqa: E402
import signal  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from eventlet.event import Event  # noqa: E402
from nameko.containers import ServiceContainer  # noqa: E402
from pymongo.errors import PyMongoError  # noqa: E402

from services.common.delivery import clock, desk, parked, queues, readers, redactions  # noqa: E402
from services.common.delivery.consumer import config, service_of  # noqa: E402
from services.common.delivery.subscriptions import Clocked, clocked, subscriptions  # noqa: E402
from services.common.delivery.topology import worker_of  # noqa: E402
from services.common.settings import Settings  # noqa: E402
from services.common.transaction import connect, is_primary  # noqa: E402

LOOK_EVERY = 0.25  # seconds between looks at the control files
START_AGAIN_AFTER = 1.0  # seconds after a container died
STOP_WITHIN = 9.0  # seconds; what is not done by then is delivered again
POOL = 16  # database connections of a department, at most

logger = logging.getLogger(__name__)


def serve(settings: Settings, departments: Sequence[str]) -> None:
    """Host the workers of these departments until SIGTERM or SIGINT.

    Raises:
        SettingMissing: no database or no broker is named.
        HandlerMalformed: a worker says something that cannot be.
    """
    run(settings, [worker_of(department) for department in departments])


def run(settings: Settings, workers: Sequence[type[Any]]) -> None:
    """Host these worker classes until SIGTERM or SIGINT.

    Raises:
        SettingMissing: no database or no broker is named.
        HandlerMalformed: a worker says something that cannot be.
    """
    settings.need("mongodb_uri", "amqp_uri")
    for uri in dict.fromkeys(settings.mongodb_of(worker.name) for worker in workers):
        while not is_primary(uri):
            eventlet.sleep(LOOK_EVERY)
    with contextlib.ExitStack() as clients:
        _keep([_hosted(clients, settings, worker) for worker in workers])
    logger.info("stopped worker")


def _hosted(clients: contextlib.ExitStack, settings: Settings, worker: type[Any]) -> "Hosted":
    client = clients.enter_context(connect(settings.mongodb_of(worker.name), pool=POOL))
    department = readers.Department(client[f"zt_{worker.name}"], worker(), utc_now)
    stopped_by = settings.control_dir / f"{worker.name}.stopped"
    return Hosted(department, settings.amqp_of(worker.name), stopped_by)


def utc_now() -> datetime:
    """Now, aware; milliseconds, which is what the database keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _keep(hosted: Sequence["Hosted"]) -> None:
    """Keep all of them running until a signal, then let what they handle end."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.ready() or stop.send(None))
    threads = [eventlet.spawn(one.keep, stop) for one in hosted]
    eventlet.spawn(_say_ready, hosted)
    stop.wait()
    with eventlet.Timeout(STOP_WITHIN, exception=False):
        for thread in threads:
            thread.wait()


def _say_ready(hosted: Sequence["Hosted"]) -> None:
    for one in hosted:
        one.ready.wait()
    logger.info("ready worker")


class Hosted:
    """One department's worker in this process."""

    def __init__(self, department: readers.Department, amqp_uri: str, stopped_by: Path) -> None:
        self.ready = Event()
        self._department = department
        self._amqp_uri = amqp_uri
        self._stopped_by = stopped_by
        self._name = department.worker.name
        self._subscribed = subscriptions(type(department.worker))
        self._container: ServiceContainer | None = None
        self._died = False

    def keep(self, stop: Event) -> None:
        """Run the container whenever the control file is not there, until `stop`."""
        while not stop.ready():
            wanted = not self._stopped_by.exists()
            if wanted and self._container is None:
                self._start()
            elif self._died or (not wanted and self._container is not None):
                self._stop()
            self._look_ready(wanted=wanted)
            eventlet.sleep(START_AGAIN_AFTER if self._died else LOOK_EVERY)
        self._stop()

    def _look_ready(self, *, wanted: bool) -> None:
        settled = not wanted or (self._container is not None and self._started.ready())
        if settled and not self.ready.ready():
            self.ready.send(None)

    def _start(self) -> None:
        try:
            self._prepare()
        except PyMongoError as error:
            logger.warning("%s: waits for the database: %s", self._name, error)
            return
        worker = type(self._department.worker)
        self._died = False
        self._container = ServiceContainer(
            service_of(worker), config(self._amqp_uri, self._department)
        )
        self._started = Event()
        eventlet.spawn(self._run, self._container, self._started)
        for one in clocked(worker):
            eventlet.spawn(self._look_at_the_clock, self._container, one)

    def _prepare(self) -> None:
        database = self._department.database
        for module in (parked, readers, desk, redactions):
            module.ensure(database)
        queues.remember(database, self._subscribed)

    def _run(self, container: ServiceContainer, started: Event) -> None:
        """Start a container, which waits for the broker, and see it end."""
        try:
            container.start()
            started.send(None)
            if self._container is container:
                logger.info("%s: worker started", self._name)
            container.wait()
        except Exception:
            # One department's defect must not end the others.
            logger.exception("%s: worker died", self._name)
            self._died = True

    def _look_at_the_clock(self, container: ServiceContainer, one: Clocked) -> None:
        """Do what is due as long as this container is the one that runs."""
        while self._container is container:
            clock.look(self._department, one)
            eventlet.sleep(one.every)

    def _stop(self) -> None:
        container, self._container = self._container, None
        if container is None:
            return
        with contextlib.suppress(Exception):  # why it died was said when it did
            container.stop()
        logger.info("%s: worker stopped", self._name)
