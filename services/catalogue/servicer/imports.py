"""Imports: publish the rows of a file, or say what that would do."""

import grpc
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages, usecases
from services.catalogue.domain import SHAPES
from services.catalogue.servicer.desk import Desk
from services.catalogue.store import MongoStore
from services.common.grpc_host.reports import report_message
from services.common.rows import Report, read_rows, shape_of
from services.common.transaction import Unit


class Imports(Desk):
    """Files of items."""

    def ImportItems(
        self, request: pb.ImportItemsRequest, context: grpc.ServicerContext
    ) -> pb.ImportItemsResponse:
        rows = read_rows(request.file.data, request.first_row or 1)
        shape, mode = shape_of(rows, request.shape, SHAPES), messages.mode_of(request.mode)

        def work(unit: Unit) -> pb.ImportItemsResponse:
            report, store = Report(shape), MongoStore(unit)
            usecases.import_items(
                rows, report, mode=mode, caller=unit.caller, store=store, profile=self._profile
            )
            return pb.ImportItemsResponse(report=report_message(report))

        return self._department.change(request, pb.ImportItemsResponse, work)

    def PreviewImport(
        self, request: pb.PreviewImportRequest, context: grpc.ServicerContext
    ) -> pb.PreviewImportResponse:
        rows = read_rows(request.file.data, request.first_row or 1)
        report, unit = Report(shape_of(rows, request.shape, SHAPES)), self._department.reading()
        previewed = usecases.preview_import(
            rows,
            report,
            mode=messages.mode_of(request.mode),
            caller=unit.caller,
            store=MongoStore(unit),
            profile=self._profile,
        )
        return messages.preview_message(report_message(report), previewed)
