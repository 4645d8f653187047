"""Bodies that take over the items of others."""

import grpc
from zhengtong.catalogue.v1 import catalogue_pb2
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import domain, usecases
from services.catalogue.servicer.desk import Desk
from services.catalogue.store import MongoStore
from services.common.transaction import Unit


class Successions(Desk):
    """Bodies that take over the items of others (承接)."""

    def SucceedBody(
        self, request: pb.SucceedBodyRequest, context: grpc.ServicerContext
    ) -> pb.SucceedBodyResponse:
        body = domain.body_of(request.to_dept_code, request.to_dept_name)

        def work(unit: Unit) -> pb.SucceedBodyResponse:
            found = usecases.succeed(
                request.from_dept_code,
                body,
                request.reason,
                caller=unit.caller,
                store=MongoStore(unit),
                profile=self._profile,
            )
            moved = [
                catalogue_pb2.MovedItem(item_id=before, moved_to=after)
                for before, after in found.moved
            ]
            return pb.SucceedBodyResponse(moved=moved, conflicts=found.conflicts, more=found.more)

        return self._department.change(request, pb.SucceedBodyResponse, work)
