"""zhengtong.delivery.v1.DeliveryService over gRPC: deferred and dead messages of one department."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from zhengtong.delivery.v1 import delivery_pb2
from zhengtong.delivery.v1 import delivery_service_pb2 as pb
from zhengtong.delivery.v1 import delivery_service_pb2_grpc as pb_grpc

from services.common.delivery.parked import (
    Kind,
    Parked,
    count_parked,
    list_parked,
    replay,
)
from services.common.paging import page_position, page_size, page_token

if TYPE_CHECKING:
    import grpc

    from services.common.grpc_host.department import Department
    from services.common.transaction import Unit

_KINDS = {
    pb.PARKED_KIND_UNSPECIFIED: Kind.ALL,
    pb.PARKED_KIND_DEFERRED: Kind.DEFERRED,
    pb.PARKED_KIND_DEAD: Kind.DEAD,
}


class ParkedServicer(pb_grpc.DeliveryServiceServicer):
    def __init__(self, department: Department) -> None:
        self._department = department

    def ListParkedMessages(  # noqa: N802  (named by the proto)
        self, request: pb.ListParkedMessagesRequest, context: grpc.ServicerContext
    ) -> pb.ListParkedMessagesResponse:
        kind = _KINDS.get(request.kind, Kind.ALL)
        size = page_size(request.page_size)
        question = f"parked/{kind}"
        position = page_position(question, request.page_token, 2)
        after = (datetime.fromisoformat(position[0]), position[1]) if position else None
        found = list_parked(self._department.database, kind, limit=size + 1, after=after)
        more = ""
        if len(found) > size:
            last = found[size - 1]
            more = page_token(question, [last.parked_time.isoformat(), last.id])
        return pb.ListParkedMessagesResponse(
            messages=[_message(parked) for parked in found[:size]],
            next_page_token=more,
            total=count_parked(self._department.database, kind),
        )

    def ReplayParkedMessages(  # noqa: N802  (named by the proto)
        self, request: pb.ReplayParkedMessagesRequest, context: grpc.ServicerContext
    ) -> pb.ReplayParkedMessagesResponse:
        def work(unit: Unit) -> pb.ReplayParkedMessagesResponse:
            ids = list(request.parked_ids)
            replayed = replay(unit.database, ids, unit.now, session=unit.session)
            unit.note(*replayed)
            return pb.ReplayParkedMessagesResponse(replayed=len(replayed))

        return self._department.change(request, pb.ReplayParkedMessagesResponse, work, alone=True)


def _message(parked: Parked) -> delivery_pb2.ParkedMessage:
    return delivery_pb2.ParkedMessage(
        parked_id=parked.id,
        queue=parked.message.queue,
        source=parked.source,
        type=parked.type,
        event_id=parked.event_id,
        subject=parked.subject,
        attempt=parked.attempt,
        reason=parked.reason,
        detail=parked.detail,
        parked_time=parked.parked_time,
        due_time=parked.due,
    )
