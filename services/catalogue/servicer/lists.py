"""Lists of powers, duties and prohibitions: adjust them, their entries, and all adjustments."""

import grpc
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages, usecases
from services.catalogue.domain.lists import order_of
from services.catalogue.servicer.desk import Desk
from services.catalogue.store import MongoListStore
from services.common.paging import page_position, page_size, page_token
from services.common.transaction import Unit


class Lists(Desk):
    """The lists and how they were adjusted."""

    def AdjustList(
        self, request: pb.AdjustListRequest, context: grpc.ServicerContext
    ) -> pb.AdjustListResponse:
        proposal = messages.proposal_of(request)

        def work(unit: Unit) -> pb.AdjustListResponse:
            adjustment = usecases.adjust(
                proposal,
                caller=unit.caller,
                store=MongoListStore(unit),
            )
            return pb.AdjustListResponse(adjustment=messages.adjustment_message(adjustment))

        return self._department.change(request, pb.AdjustListResponse, work)

    def ListEntries(
        self, request: pb.ListEntriesRequest, context: grpc.ServicerContext
    ) -> pb.ListEntriesResponse:
        question = f"entries/{request.kind}/{request.dept_code}/{request.region_code}"
        size = page_size(request.page_size)
        position = page_position(question, request.page_token) or [""]
        found = MongoListStore(self._department.reading()).entry_page(
            kind=messages.kind_of(request.kind),
            dept_code=request.dept_code,
            region_code=request.region_code,
            after=position[0],
            size=size + 1,
        )
        more = page_token(question, [found[size - 1].entry.entry_id]) if len(found) > size else ""
        entries = [messages.entry_message(listed) for listed in found[:size]]
        return pb.ListEntriesResponse(entries=entries, next_page_token=more)

    def ListAdjustments(
        self, request: pb.ListAdjustmentsRequest, context: grpc.ServicerContext
    ) -> pb.ListAdjustmentsResponse:
        question = f"adjustments/{request.kind}/{request.dept_code}/{request.region_code}"
        size = page_size(request.page_size)
        position = page_position(question, request.page_token) or [""]
        found = MongoListStore(self._department.reading()).adjustment_page(
            kind=messages.kind_of(request.kind),
            dept_code=request.dept_code,
            region_code=request.region_code,
            before=position[0],
            size=size + 1,
        )
        more = page_token(question, [order_of(found[size - 1])]) if len(found) > size else ""
        adjustments = [messages.adjustment_message(one) for one in found[:size]]
        return pb.ListAdjustmentsResponse(adjustments=adjustments, next_page_token=more)

    def GetAdjustment(
        self, request: pb.GetAdjustmentRequest, context: grpc.ServicerContext
    ) -> pb.GetAdjustmentResponse:
        store = MongoListStore(self._department.reading())
        adjustment = store.adjustment(request.adjustment_id)
        return pb.GetAdjustmentResponse(adjustment=messages.adjustment_message(adjustment))
