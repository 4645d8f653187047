"""How much items are used, reported by the gateway."""

import grpc
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages, usecases
from services.catalogue.servicer.desk import Desk
from services.catalogue.store import MongoUses
from services.common.transaction import Unit


class Uses(Desk):
    """Openings of items' guides (热度)."""

    def ReportUses(
        self, request: pb.ReportUsesRequest, context: grpc.ServicerContext
    ) -> pb.ReportUsesResponse:
        opened = messages.opened_of(request)

        def work(unit: Unit) -> pb.ReportUsesResponse:
            counted = usecases.report_uses(opened, now=unit.now, uses=MongoUses(unit))
            return pb.ReportUsesResponse(counted=counted)

        return self._department.change(request, pb.ReportUsesResponse, work)
