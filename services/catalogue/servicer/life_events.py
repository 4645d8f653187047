"""Life events: what one occasion needs."""

import grpc
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages, usecases
from services.catalogue.servicer.desk import Desk
from services.catalogue.store import MongoEvents, MongoStore
from services.common.paging import page_position, page_size, page_token
from services.common.transaction import Unit


class LifeEvents(Desk):
    """Life events (一件事)."""

    def PublishLifeEvent(
        self, request: pb.PublishLifeEventRequest, context: grpc.ServicerContext
    ) -> pb.PublishLifeEventResponse:
        event = messages.event_of(request.event)

        def work(unit: Unit) -> pb.PublishLifeEventResponse:
            kept = usecases.publish_event(
                event, seen=request.version, caller=unit.caller, events=MongoEvents(unit)
            )
            return pb.PublishLifeEventResponse(event=messages.event_message(kept))

        return self._department.change(request, pb.PublishLifeEventResponse, work)

    def WithdrawLifeEvent(
        self, request: pb.WithdrawLifeEventRequest, context: grpc.ServicerContext
    ) -> pb.WithdrawLifeEventResponse:
        def work(unit: Unit) -> pb.WithdrawLifeEventResponse:
            kept = usecases.withdraw_event(
                request.event_id,
                request.reason,
                seen=request.version,
                caller=unit.caller,
                events=MongoEvents(unit),
            )
            return pb.WithdrawLifeEventResponse(event=messages.event_message(kept))

        return self._department.change(request, pb.WithdrawLifeEventResponse, work)

    def GetLifeEvent(
        self, request: pb.GetLifeEventRequest, context: grpc.ServicerContext
    ) -> pb.GetLifeEventResponse:
        unit = self._department.reading()
        found = usecases.get_event(
            request.event_id,
            region_code=request.region_code,
            now=unit.now,
            events=MongoEvents(unit),
            items=MongoStore(unit),
        )
        return pb.GetLifeEventResponse(occasion=messages.occasion_message(found))

    def ListLifeEvents(
        self, request: pb.ListLifeEventsRequest, context: grpc.ServicerContext
    ) -> pb.ListLifeEventsResponse:
        question, size = f"life-events/{request.region_code}", page_size(request.page_size)
        position = page_position(question, request.page_token) or [""]
        found = MongoEvents(self._department.reading()).page(
            region_code=request.region_code, after=position[0], size=size + 1
        )
        more = page_token(question, [found[size - 1].event.event_id]) if len(found) > size else ""
        events = [messages.event_message(kept) for kept in found[:size]]
        return pb.ListLifeEventsResponse(events=events, next_page_token=more)
