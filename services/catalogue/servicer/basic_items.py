"""The basic catalogue."""

import grpc
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages, usecases
from services.catalogue.servicer.desk import Desk
from services.catalogue.store import MongoBasics
from services.common.paging import page_position, page_size, page_token
from services.common.transaction import Unit


class BasicItems(Desk):
    """The basic catalogue (基本目录)."""

    def PublishBasicItem(
        self, request: pb.PublishBasicItemRequest, context: grpc.ServicerContext
    ) -> pb.PublishBasicItemResponse:
        basic = messages.basic_item_of(request.basic_item, self._profile)

        def work(unit: Unit) -> pb.PublishBasicItemResponse:
            kept = usecases.publish_basic(
                basic, seen=request.version, caller=unit.caller, basics=MongoBasics(unit)
            )
            return pb.PublishBasicItemResponse(basic_item=messages.basic_message(kept))

        return self._department.change(request, pb.PublishBasicItemResponse, work)

    def WithdrawBasicItem(
        self, request: pb.WithdrawBasicItemRequest, context: grpc.ServicerContext
    ) -> pb.WithdrawBasicItemResponse:
        def work(unit: Unit) -> pb.WithdrawBasicItemResponse:
            kept = usecases.withdraw_basic(
                request.catalog_code,
                request.reason,
                seen=request.version,
                caller=unit.caller,
                basics=MongoBasics(unit),
            )
            return pb.WithdrawBasicItemResponse(basic_item=messages.basic_message(kept))

        return self._department.change(request, pb.WithdrawBasicItemResponse, work)

    def GetBasicItem(
        self, request: pb.GetBasicItemRequest, context: grpc.ServicerContext
    ) -> pb.GetBasicItemResponse:
        basics = MongoBasics(self._department.reading())
        kept = usecases.get_basic(request.catalog_code, basics=basics)
        return pb.GetBasicItemResponse(basic_item=messages.basic_message(kept))

    def ListBasicItems(
        self, request: pb.ListBasicItemsRequest, context: grpc.ServicerContext
    ) -> pb.ListBasicItemsResponse:
        question, size = f"basic-items/{request.task_type}", page_size(request.page_size)
        position = page_position(question, request.page_token) or [""]
        found = MongoBasics(self._department.reading()).page(
            task_type=request.task_type, after=position[0], size=size + 1
        )
        more = (
            page_token(question, [found[size - 1].basic.catalog_code]) if len(found) > size else ""
        )
        shown = [messages.basic_message(kept) for kept in found[:size]]
        return pb.ListBasicItemsResponse(basic_items=shown, next_page_token=more)
