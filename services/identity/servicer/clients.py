"""Departmental systems: registered, changed, found by what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from zhengtong.identity.v1 import identity_service_pb2 as pb

from services.common.paging import page_size, page_token
from services.common.permissions import transferable
from services.identity import messages, store, usecases
from services.identity.servicer.desk import Desk, new_id, place_after
from services.identity.store import (
    MongoClients,
    MongoSessions,
)

if TYPE_CHECKING:
    from services.common.transaction import Unit


class Clients(Desk):
    """Departmental systems: registered, changed, found by what they show."""

    def RegisterClient(
        self, request: pb.RegisterClientRequest, context: grpc.ServicerContext
    ) -> pb.RegisterClientResponse:
        answer: pb.RegisterClientResponse = self._register_client(
            request, pb.RegisterClientResponse
        )
        return answer

    def _register_client(self, request: Any, answer: type[Any]) -> Any:
        client = messages.client_of(request.client, new_id("c"))
        key, hashed = store.client_key(client.client_id)

        def work(unit: Unit) -> Any:
            kept = usecases.register_client(
                client,
                hashed,
                grantable=transferable("client"),
                caller=unit.caller,
                store=MongoClients(unit),
            )
            return answer(client=messages.client_message(kept), key=key)

        return self._department.change(request, answer, work, secret=("key",))

    def ReviseClient(
        self, request: pb.ReviseClientRequest, context: grpc.ServicerContext
    ) -> pb.ReviseClientResponse:
        client = messages.client_of(request.client, request.client_id)

        def work(unit: Unit) -> pb.ReviseClientResponse:
            kept = usecases.revise_client(
                client,
                grantable=transferable("client"),
                caller=unit.caller,
                seen=request.version,
                store=MongoClients(unit),
                open_sessions=MongoSessions(unit),
            )
            return pb.ReviseClientResponse(client=messages.client_message(kept))

        return self._department.change(request, pb.ReviseClientResponse, work)

    def ReplaceClientKey(
        self, request: pb.ReplaceClientKeyRequest, context: grpc.ServicerContext
    ) -> pb.ReplaceClientKeyResponse:
        key, hashed = store.client_key(request.client_id)

        def work(unit: Unit) -> pb.ReplaceClientKeyResponse:
            kept = usecases.replace_key(
                request.client_id,
                hashed,
                caller=unit.caller,
                seen=request.version,
                store=MongoClients(unit),
                open_sessions=MongoSessions(unit),
            )
            return pb.ReplaceClientKeyResponse(client=messages.client_message(kept), key=key)

        return self._department.change(request, pb.ReplaceClientKeyResponse, work, secret=("key",))

    def EndClient(
        self, request: pb.EndClientRequest, context: grpc.ServicerContext
    ) -> pb.EndClientResponse:
        def work(unit: Unit) -> pb.EndClientResponse:
            kept = usecases.end_client(
                request.client_id,
                caller=unit.caller,
                seen=request.version,
                store=MongoClients(unit),
                open_sessions=MongoSessions(unit),
            )
            return pb.EndClientResponse(client=messages.client_message(kept))

        return self._department.change(request, pb.EndClientResponse, work)

    def ListClients(
        self, request: pb.ListClientsRequest, context: grpc.ServicerContext
    ) -> pb.ListClientsResponse:
        unit = self._department.reading()
        size, question = page_size(request.page_size), f"clients/{unit.caller.region}"
        after = place_after(question, request.page_token)
        found = MongoClients(unit).page(region=unit.caller.region, after=after, size=size + 1)
        more = page_token(question, [found[size - 1].client_id]) if len(found) > size else ""
        clients = [messages.client_message(one) for one in found[:size]]
        return pb.ListClientsResponse(clients=clients, next_page_token=more)

    def ResolveClient(
        self, request: pb.ResolveClientRequest, context: grpc.ServicerContext
    ) -> pb.ResolveClientResponse:
        found = MongoClients(self._department.reading())
        client = usecases.resolve(request.key, request.certificate, store=found)
        return pb.ResolveClientResponse(client=messages.client_message(client))

    def MakeClient(
        self, request: pb.MakeClientRequest, context: grpc.ServicerContext
    ) -> pb.MakeClientResponse:
        answer: pb.MakeClientResponse = self._register_client(request, pb.MakeClientResponse)
        return answer
