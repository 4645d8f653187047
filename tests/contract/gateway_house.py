"""The whole gateway over HTTP, with a catalogue of our own behind it that passes the real door."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import httpx
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2_grpc
from joserfc import jwt
from joserfc.jwk import OKPKey
from zhengtong.catalogue.v1 import (
    basic_item_pb2,
    catalogue_pb2,
    catalogue_service_pb2_grpc,
    life_event_pb2,
)
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb
from zhengtong.identity.v1 import identity_pb2, identity_service_pb2_grpc
from zhengtong.identity.v1 import identity_service_pb2 as identity_pb

from gateway.app import create_app
from gateway.clients import LARGEST_MESSAGE
from gateway.contracts import SERVICES, SHARED
from gateway.limits import Limits
from infra.local.keys import make_pair
from services.catalogue.domain import questionnaires
from services.catalogue.domain.basic_items import BasicItemNotFound
from services.catalogue.domain.lists import ListAdjustmentNotFound
from services.catalogue.domain.questionnaires import KeptQuestionnaire, Questionnaire
from services.catalogue.messages import answer_message
from services.common.callers import Verifier
from services.common.errors import Unauthenticated, Unavailable
from services.common.grpc_host.door import CALL, Door
from services.common.settings import Settings
from tests.callers import SYSTEM

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

TOKEN = "zt_system_the-key-of-a-departmental-system"
SYSTEM_KEY = {"authorization": f"Bearer {TOKEN}"}
UNLIMITED = Limits(rate_per_second=0)
OPTIONS = [("grpc.max_receive_message_length", LARGEST_MESSAGE)]


def _set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class FakeCatalogue(catalogue_service_pb2_grpc.CatalogueServiceServicer):
    """Remembers what it was asked, by whom, and answers with what it was told to.

    While `hold` is not set its answers wait.
    """

    asked: list[Any] = field(default_factory=list)
    callers: list[Any] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None
    hold: threading.Event = field(default_factory=_set_event)
    item: catalogue_pb2.Item = field(default_factory=catalogue_pb2.Item)
    scheduled: catalogue_pb2.Item | None = None
    versions: list[catalogue_pb2.ItemVersion] = field(default_factory=list)
    coming: catalogue_pb2.ItemVersion | None = None
    questionnaire: Questionnaire | None = None
    occasion: life_event_pb2.Occasion = field(default_factory=life_event_pb2.Occasion)
    basic_item: basic_item_pb2.BasicItem | None = None
    adjustments: list[catalogue_pb2.ListAdjustment] = field(default_factory=list)
    entries: list[catalogue_pb2.ListEntry] = field(default_factory=list)
    listed: list[catalogue_pb2.Item] | None = None

    def _hear(self, request, context):
        self.asked.append(request)
        self.callers.append(CALL.get().caller)
        self.metadata = dict(context.invocation_metadata())
        self.hold.wait(10)
        if self.error is not None:
            raise self.error

    def ImportItems(self, request, context):  # noqa: N802
        self._hear(request, context)
        return pb.ImportItemsResponse(report={"read": 3})

    def PreviewImport(self, request, context):  # noqa: N802
        self._hear(request, context)
        return pb.PreviewImportResponse(rows=[{"row": 1, "outcome": 2}])

    def PublishItem(self, request, context):  # noqa: N802
        self._hear(request, context)
        return pb.PublishItemResponse(item=request.item)

    def WithdrawItem(self, request, context):  # noqa: N802
        self._hear(request, context)
        return pb.WithdrawItemResponse(item={"item_id": request.item_id})

    def GetItem(self, request, context):  # noqa: N802
        self._hear(request, context)
        item = catalogue_pb2.Item()
        item.CopyFrom(self.item)
        item.item_id = item.item_id or request.item_id
        return pb.GetItemResponse(item=item, scheduled=self.scheduled)

    def ListItemVersions(self, request, context):  # noqa: N802
        self._hear(request, context)
        return pb.ListItemVersionsResponse(
            versions=self.versions, next_page_token="next", scheduled=self.coming
        )

    def AnswerQuestionnaire(self, request, context):  # noqa: N802
        if self.questionnaire is None:
            raise questionnaires.QuestionnaireNotFound
        found = questionnaires.reached(self.questionnaire, request.answers)
        return answer_message(KeptQuestionnaire(self.questionnaire, 1), found)

    def GetLifeEvent(self, request, context):  # noqa: N802
        self._hear(request, context)
        return pb.GetLifeEventResponse(occasion=self.occasion)

    def ListLifeEvents(self, request, context):  # noqa: N802
        self._hear(request, context)
        return pb.ListLifeEventsResponse(events=[self.occasion.event], next_page_token="next")

    def GetBasicItem(self, request, context):  # noqa: N802
        self._hear(request, context)
        if self.basic_item is None:
            raise BasicItemNotFound
        return pb.GetBasicItemResponse(basic_item=self.basic_item)

    def ListBasicItems(self, request, context):  # noqa: N802
        self._hear(request, context)
        return pb.ListBasicItemsResponse(
            basic_items=[self.basic_item] if self.basic_item else [], next_page_token="next"
        )

    def ListAdjustments(self, request, context):  # noqa: N802
        self._hear(request, context)
        return pb.ListAdjustmentsResponse(adjustments=self.adjustments, next_page_token="next")

    def GetAdjustment(self, request, context):  # noqa: N802
        self._hear(request, context)
        if not self.adjustments:
            raise ListAdjustmentNotFound
        return pb.GetAdjustmentResponse(adjustment=self.adjustments[0])

    def ListEntries(self, request, context):  # noqa: N802
        self._hear(request, context)
        return pb.ListEntriesResponse(entries=self.entries, next_page_token="next")

    def ListItems(self, request, context):  # noqa: N802
        self._hear(request, context)
        return pb.ListItemsResponse(items=[self.item] if self.listed is None else self.listed)


def _answer_with_nothing(name, answer):
    """A call that hears and answers with an empty message."""

    def call(self, request, context):
        self._hear(request, context)
        return answer()

    return call


for _method in SERVICES["catalogue"].methods:
    if _method.name not in vars(FakeCatalogue):
        setattr(
            FakeCatalogue,
            _method.name,
            _answer_with_nothing(_method.name, GetMessageClass(_method.output_type)),
        )


@dataclass
class FakeIdentity(identity_service_pb2_grpc.IdentityServiceServicer):
    """Knows one departmental system, by its key."""

    away: bool = False

    def ResolveClient(self, request, context):  # noqa: N802
        if self.away:
            raise IdentityAway("身份服务暂时没有应答。")
        if request.key != TOKEN:
            raise KeyNobodys("接口密钥不正确。")
        return identity_pb.ResolveClientResponse(client=SYSTEM_CLIENT)


def _answer_nothing(answer):
    """A call that answers with an empty message, unless identity is away."""

    def call(self, request, context):
        if self.away:
            raise IdentityAway("身份服务暂时没有应答。")
        return answer()

    return call


for _method in SERVICES["identity"].methods:
    if _method.name not in vars(FakeIdentity):
        setattr(FakeIdentity, _method.name, _answer_nothing(GetMessageClass(_method.output_type)))


class IdentityAway(Unavailable):
    reason = "STORE_UNAVAILABLE"


class KeyNobodys(Unauthenticated):
    reason = "KEY_UNKNOWN"


SYSTEM_CLIENT = identity_pb2.Client(
    client_id=SYSTEM.principal,
    region_code=SYSTEM.region,
    leads=SYSTEM.leads,
    rights=SYSTEM.rights,
)


@dataclass
class House:
    """What a test of the gateway needs to ask and to look at."""

    http: httpx.AsyncClient
    catalogue: FakeCatalogue
    settings: Settings
    identity: FakeIdentity

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.http.request(method, path, **more)

    async def change(self, path: str, body: Any, **more: Any) -> httpx.Response:
        """POST as a departmental system; `body` is JSON, or bytes as they are."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json", **SYSTEM_KEY, **more}
        return await self.http.post(path, content=raw, headers=headers)


@contextlib.contextmanager
def serving(catalogue: FakeCatalogue, keys: Path, port: int = 0) -> Iterator[str]:
    """A gRPC server with the door every department has; gives its address."""
    with futures.ThreadPoolExecutor(4) as pool, futures.ThreadPoolExecutor(1) as streams:
        door = Door(Verifier.load(keys, "catalogue"), streams, 1)
        server = grpc.server(pool, interceptors=[door], options=OPTIONS)
        catalogue_service_pb2_grpc.add_CatalogueServiceServicer_to_server(catalogue, server)
        health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
        port = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()


@contextlib.contextmanager
def serving_identity(identity: FakeIdentity, keys: Path) -> Iterator[str]:
    """The department that knows who calls; gives its address."""
    with futures.ThreadPoolExecutor(4) as pool, futures.ThreadPoolExecutor(1) as streams:
        door = Door(Verifier.load(keys, "identity"), streams, 1)
        server = grpc.server(pool, interceptors=[door], options=OPTIONS)
        identity_service_pb2_grpc.add_IdentityServiceServicer_to_server(identity, server)
        server.add_generic_rpc_handlers(tuple(map(_hollow, SHARED.values())))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()


def _empty(method: MethodDescriptor) -> grpc.RpcMethodHandler:
    answer = GetMessageClass(method.output_type)
    return grpc.unary_unary_rpc_method_handler(
        lambda request, context: answer(),
        GetMessageClass(method.input_type).FromString,
        answer.SerializeToString,
    )


def _hollow(service: ServiceDescriptor) -> grpc.GenericRpcHandler:
    """All calls of a service, with empty answers."""
    calls = {method.name: _empty(method) for method in service.methods}
    return grpc.method_handlers_generic_handler(service.full_name, calls)


@contextlib.contextmanager
def serving_nothing(department: str, keys: Path) -> Iterator[str]:
    """A department that answers every call with an empty answer; gives its address."""
    handlers = map(_hollow, (SERVICES[department], *SHARED.values()))
    with futures.ThreadPoolExecutor(4) as pool, futures.ThreadPoolExecutor(1) as streams:
        door = Door(Verifier.load(keys, department), streams, 1)
        server = grpc.server(pool, interceptors=[door], options=OPTIONS)
        server.add_generic_rpc_handlers(tuple(handlers))
        health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()


def settings_in(folder: Path, **addresses: str) -> Settings:
    """Settings of a gateway whose keys and token are made in `folder`."""
    keys = folder / "keys"
    keys.mkdir(exist_ok=True)
    for principal in ("gateway", "identity"):
        make_pair(keys, principal)
    return Settings.from_env(
        {
            "ZHENGTONG_KEYS_DIR": str(keys),
            "ZHENGTONG_INDEX_DIR": str(folder / "index"),
            "ZHENGTONG_GRPC_ADDRESSES": ",".join(f"{n}={a}" for n, a in addresses.items()),
        }
    )


def signed_in(keys: Path, *roles: str, **more: Any) -> dict[str, str]:
    """The header of an account with these roles, as identity would have signed it."""
    now = int(time.time())
    claims = {"iss": "identity", "aud": "gateway", "iat": now, "exp": now + 300, "sid": "s1"}
    key = OKPKey.import_key((keys / "identity.key").read_bytes())
    about = {"sub": "a1", "roles": list(roles), **more}
    header = {"alg": "Ed25519", "typ": "at+jwt"}
    token = jwt.encode(header, {**claims, **about}, key, algorithms=["Ed25519"])
    return {"authorization": f"Bearer {token}"}


@contextlib.asynccontextmanager
async def house(folder: Path, limits: Limits = UNLIMITED) -> AsyncIterator[House]:
    """A gateway with one department; the others have addresses where nobody listens."""
    catalogue, identity = FakeCatalogue(), FakeIdentity()
    keys = settings_in(folder).keys_dir
    with serving(catalogue, keys) as address, serving_identity(identity, keys) as known_by:
        addresses = {"catalogue": address, "identity": known_by, "credit": "127.0.0.1:1"}
        settings = settings_in(folder, **addresses)
        app = create_app(settings, limits)
        # A defect must show as the 500 it is for callers, not as an exception in the test.
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield House(http, catalogue, settings, identity)
