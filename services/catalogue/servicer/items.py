"""Items: publish, suspend, resume, withdraw, get, list, and what they were."""

import grpc
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages, usecases
from services.catalogue.servicer.desk import Desk
from services.catalogue.store import MongoDrafts, MongoStore
from services.common.paging import page_position, page_size, page_token
from services.common.transaction import Unit


class Items(Desk):
    """Items, and what the quality rules say of them."""

    def PublishItem(
        self, request: pb.PublishItemRequest, context: grpc.ServicerContext
    ) -> pb.PublishItemResponse:
        item = messages.item_of(request.item, self._profile)

        def work(unit: Unit) -> pb.PublishItemResponse:
            reviewed = unit.approved is not None
            listed = usecases.publish_from(
                usecases.Origin(request.draft_id, request.draft_version, reviewed),
                item,
                seen=request.version,
                caller=unit.caller,
                store=MongoStore(unit),
                drafts=MongoDrafts(unit),
            )
            return pb.PublishItemResponse(
                item=messages.item_message(listed), scheduled=messages.scheduled_message(listed)
            )

        return self._department.change(request, pb.PublishItemResponse, work)

    def WithdrawItem(
        self, request: pb.WithdrawItemRequest, context: grpc.ServicerContext
    ) -> pb.WithdrawItemResponse:
        def work(unit: Unit) -> pb.WithdrawItemResponse:
            listed = usecases.withdraw(
                request.item_id,
                request.reason,
                seen=request.version,
                caller=unit.caller,
                store=MongoStore(unit),
            )
            return pb.WithdrawItemResponse(item=messages.item_message(listed))

        return self._department.change(request, pb.WithdrawItemResponse, work)

    def SuspendItem(
        self, request: pb.SuspendItemRequest, context: grpc.ServicerContext
    ) -> pb.SuspendItemResponse:
        def work(unit: Unit) -> pb.SuspendItemResponse:
            listed = usecases.suspend(
                request.item_id,
                request.reason,
                seen=request.version,
                caller=unit.caller,
                store=MongoStore(unit),
            )
            return pb.SuspendItemResponse(item=messages.item_message(listed))

        return self._department.change(request, pb.SuspendItemResponse, work)

    def ResumeItem(
        self, request: pb.ResumeItemRequest, context: grpc.ServicerContext
    ) -> pb.ResumeItemResponse:
        def work(unit: Unit) -> pb.ResumeItemResponse:
            listed = usecases.resume(
                request.item_id,
                seen=request.version,
                caller=unit.caller,
                store=MongoStore(unit),
            )
            return pb.ResumeItemResponse(item=messages.item_message(listed))

        return self._department.change(request, pb.ResumeItemResponse, work)

    def CheckItem(
        self, request: pb.CheckItemRequest, context: grpc.ServicerContext
    ) -> pb.CheckItemResponse:
        item = messages.item_of(request.item, self._profile)
        return messages.check_message(
            usecases.check(item, store=MongoStore(self._department.reading()))
        )

    def ListQualityReports(
        self, request: pb.ListQualityReportsRequest, context: grpc.ServicerContext
    ) -> pb.ListQualityReportsResponse:
        question = f"quality/{request.region_code}/{request.dept_code}"
        size = page_size(request.page_size)
        position = page_position(question, request.page_token) or [""]
        found = usecases.list_quality(
            region_code=request.region_code,
            after=position[0],
            size=size + 1,
            store=MongoStore(self._department.reading()),
            dept_code=request.dept_code,
        )
        more = page_token(question, [found[size - 1][0]]) if len(found) > size else ""
        reports = [messages.report_message(*one) for one in found[:size]]
        return pb.ListQualityReportsResponse(reports=reports, next_page_token=more)

    def UnscheduleItem(
        self, request: pb.UnscheduleItemRequest, context: grpc.ServicerContext
    ) -> pb.UnscheduleItemResponse:
        def work(unit: Unit) -> pb.UnscheduleItemResponse:
            listed = usecases.unschedule(
                request.item_id,
                seen=request.version,
                caller=unit.caller,
                store=MongoStore(unit),
            )
            return pb.UnscheduleItemResponse(item=messages.item_message(listed))

        return self._department.change(request, pb.UnscheduleItemResponse, work)

    def GetItem(
        self, request: pb.GetItemRequest, context: grpc.ServicerContext
    ) -> pb.GetItemResponse:
        unit = self._department.reading()
        listed = usecases.get(
            request.item_id, version=request.version, now=unit.now, store=MongoStore(unit)
        )
        return pb.GetItemResponse(
            item=messages.item_message(listed), scheduled=messages.scheduled_message(listed)
        )

    def ListItemVersions(
        self, request: pb.ListItemVersionsRequest, context: grpc.ServicerContext
    ) -> pb.ListItemVersionsResponse:
        question, unit = f"versions/{request.item_id}", self._department.reading()
        size = page_size(request.page_size)
        position = page_position(question, request.page_token) or [0]
        found = usecases.list_versions(
            request.item_id,
            before=position[0],
            size=size + 1,
            now=unit.now,
            store=MongoStore(unit),
        )
        more = page_token(question, [found[size - 1][0].version]) if len(found) > size else ""
        versions = [messages.version_message(*pair) for pair in found[:size]]
        first = [] if request.page_token else found[:1]
        return pb.ListItemVersionsResponse(
            versions=versions,
            next_page_token=more,
            scheduled=messages.scheduled_version_message(first[0][0]) if first else None,
        )

    def ListItems(
        self, request: pb.ListItemsRequest, context: grpc.ServicerContext
    ) -> pb.ListItemsResponse:
        asked = messages.asked_of(request)
        question, size = messages.question_of(asked), page_size(request.page_size)
        position = page_position(question, request.page_token) or [""]
        found, onward = MongoStore(self._department.reading()).page(
            asked, after=position[0], size=size
        )
        more = page_token(question, [onward]) if onward else ""
        items = [messages.item_message(listed) for listed in found]
        return pb.ListItemsResponse(items=items, next_page_token=more)
