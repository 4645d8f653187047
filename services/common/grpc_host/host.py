"""The servicer process: departments come, go and come back each on its own."""

from __future__ import annotations

import logging
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from pymongo.errors import PyMongoError
from zhengtong.audit.v1 import audit_service_pb2_grpc
from zhengtong.delivery.v1 import delivery_service_pb2_grpc
from zhengtong.dossier.v1 import dossier_service_pb2_grpc
from zhengtong.eventlog.v1 import eventlog_service_pb2_grpc
from zhengtong.review.v1 import review_service_pb2_grpc

from services.common import transaction
from services.common.callers import Verifier
from services.common.delivery import parked
from services.common.eventlog.reading import EventLogServicer
from services.common.grpc_host.audit import AuditServicer
from services.common.grpc_host.department import Department
from services.common.grpc_host.door import Door
from services.common.grpc_host.dossier import DossierServicer
from services.common.grpc_host.parked import ParkedServicer
from services.common.grpc_host.review import ReviewServicer
from services.common.review import store as review_store
from services.common.turns import collect_seldom, take_turns_often

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pymongo.database import Database

    from services.common.grpc_host.department import Plan
    from services.common.settings import Settings

    Document = dict[str, Any]

CALL_THREADS = 8
WAITING_CALLS = 200
STREAMS = 16
LARGEST_MESSAGE = 8 * 1024 * 1024
LOOK_EVERY = 0.3  # seconds between looks at the control files
PING_EVERY = 2.0
GRACE = 8.0  # seconds for calls to end at a stop
SHARED_SERVICES = (
    "zhengtong.eventlog.v1.EventLogService",
    "zhengtong.delivery.v1.DeliveryService",
    "zhengtong.audit.v1.AuditService",
    "zhengtong.review.v1.ReviewService",
    reflection.SERVICE_NAME,
    health.SERVICE_NAME,
)
DOSSIER_SERVICE = "zhengtong.dossier.v1.DossierService"

logger = logging.getLogger(__name__)


class PortTaken(RuntimeError):
    """Something else listens where a department should."""


class _Remembering:
    """A server as a department's `attach` sees it: what is added to it is remembered by name.

    So each call that makes something public can be carried out after its review, and no department
    can forget to say how.
    """

    def __init__(
        self, server: grpc.Server, calls: dict[str, grpc.RpcMethodHandler[Any, Any]]
    ) -> None:
        self._server = server
        self._calls = calls

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Any) -> None:
        self._server.add_generic_rpc_handlers(generic_rpc_handlers)

    def add_registered_method_handlers(self, service_name: str, method_handlers: Any) -> None:
        for name, handler in method_handlers.items():
            self._calls[f"{service_name}.{name}"] = handler
        self._server.add_registered_method_handlers(service_name, method_handlers)


class Running:
    """One department while it serves."""

    def __init__(self, department: Department, plan: Plan, settings: Settings) -> None:
        self._database = department.database
        self._service = plan.service
        self._streams = ThreadPoolExecutor(STREAMS, f"{department.name}-stream")
        door = Door(Verifier.load(settings.keys_dir, department.name), self._streams, STREAMS)
        self._server = grpc.server(
            ThreadPoolExecutor(CALL_THREADS, f"{department.name}-call"),
            interceptors=[door],
            maximum_concurrent_rpcs=WAITING_CALLS,
            options=[
                ("grpc.max_receive_message_length", LARGEST_MESSAGE),
                ("grpc.max_send_message_length", LARGEST_MESSAGE),
                ("grpc.so_reuseport", 0),
            ],
        )
        self._log = EventLogServicer(
            department.database, department.name, plan.snapshot, department.clock
        )
        self._health = health.HealthServicer()
        self._attach(department, plan)
        address = settings.grpc_listen[department.name]
        try:
            bound = self._server.add_insecure_port(address)
        except RuntimeError:
            bound = 0
        if not bound:
            raise PortTaken(
                f"{department.name}: {address} 已被占用，请修改 ZHENGTONG_GRPC_LISTEN。"
            )
        self._server.start()

    def _attach(self, department: Department, plan: Plan) -> None:
        remembering: Any = _Remembering(self._server, department.calls)
        plan.attach(remembering, department)
        eventlog_service_pb2_grpc.add_EventLogServiceServicer_to_server(self._log, self._server)
        delivery_service_pb2_grpc.add_DeliveryServiceServicer_to_server(
            ParkedServicer(department), self._server
        )
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(
            AuditServicer(department), self._server
        )
        review_service_pb2_grpc.add_ReviewServiceServicer_to_server(
            ReviewServicer(department), self._server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        served = [plan.service, *SHARED_SERVICES]
        if plan.part is not None:
            dossier_service_pb2_grpc.add_DossierServiceServicer_to_server(
                DossierServicer(department, plan.part), self._server
            )
            served.append(DOSSIER_SERVICE)
        reflection.enable_server_reflection(served, self._server)

    def look(self) -> None:
        """Say in the health service whether the database answers."""
        try:
            self._database.command("ping")
        except PyMongoError:
            state = health_pb2.HealthCheckResponse.NOT_SERVING
        else:
            state = health_pb2.HealthCheckResponse.SERVING
        for name in ("", self._service):
            self._health.set(name, state)

    def stop(self) -> None:
        """Let calls end, end streams, free the port."""
        self._health.enter_graceful_shutdown()
        self._log.head.end()
        self._server.stop(GRACE).wait()
        self._streams.shutdown(wait=False, cancel_futures=True)


class Keeper(threading.Thread):
    """Keeps one department as its control file wants it: running, or stopped."""

    def __init__(
        self, name: str, plan: Plan, settings: Settings, database: Database[Document]
    ) -> None:
        super().__init__(name=f"{name}-keeper")
        self._plan = plan
        self._settings = settings
        self._department = Department(name, database)
        self._control: Path = settings.control_dir / f"{name}.stopped"
        self._end = threading.Event()
        self.ready = threading.Event()
        self.failure: Exception | None = None

    def run(self) -> None:
        """Serve until told to end; a database that is away is waited for."""
        running: Running | None = None
        since_ping = 0.0
        try:
            while not self._end.wait(LOOK_EVERY if self.ready.is_set() else 0.05):
                wanted = not self._control.exists()
                if wanted and running is None:
                    running = self._start()
                elif not wanted and running is not None:
                    logger.info("%s is stopped by its control file", self._department.name)
                    running.stop()
                    running = None
                since_ping += LOOK_EVERY
                if running is not None and since_ping >= PING_EVERY:
                    running.look()
                    since_ping = 0.0
        except Exception as error:  # noqa: BLE001  (the main thread tells it and ends the process)
            self.failure = error
        finally:
            if running is not None:
                running.stop()

    def _start(self) -> Running | None:
        try:
            transaction.ensure(self._department.database)
            parked.ensure(self._department.database)
            review_store.ensure(self._department.database)
            self._plan.ensure(self._department.database)
        except PyMongoError as error:
            logger.warning("%s waits for its database: %s", self._department.name, error)
            return None
        running = Running(self._department, self._plan, self._settings)
        running.look()
        logger.info("%s serves", self._department.name)
        self.ready.set()
        return running

    def end(self) -> None:
        """Ask it to stop; join() waits."""
        self._end.set()


def serve(settings: Settings, plans: Mapping[str, Plan]) -> None:
    """Serve departments until SIGTERM or SIGINT.

    Raises:
        PortTaken: somebody else listens on a department's address.
        SettingMissing: a needed variable is not set.
    """
    settings.need("mongodb_uri", "grpc_listen")
    take_turns_often()
    collect_seldom()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    addresses = {name: settings.mongodb_of(name) for name in plans}
    for uri in dict.fromkeys(addresses.values()):
        while not transaction.is_primary(uri):
            if stop.wait(0.2):
                return
    # Each department over its own user's connections: none can reach what is another's.
    clients = {name: transaction.connect(uri) for name, uri in addresses.items()}
    keepers = [
        Keeper(name, plan, settings, clients[name][f"zt_{name}"]) for name, plan in plans.items()
    ]
    _keep(keepers, stop)
    for client in clients.values():
        client.close()
    for keeper in keepers:
        if keeper.failure:
            raise keeper.failure


def _keep(keepers: Sequence[Keeper], stop: threading.Event) -> None:
    """Run the keepers until a stop is asked for or one of them fails; all have ended then."""
    for keeper in keepers:
        keeper.start()
    told = False
    while not stop.wait(0.1) and not any(keeper.failure for keeper in keepers):
        if not told and all(keeper.ready.is_set() for keeper in keepers):
            told = True
            logger.info("ready servicer")
    for keeper in keepers:
        keeper.end()
    for keeper in keepers:
        keeper.join()
