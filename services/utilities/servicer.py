"""zhengtong.utilities.v1.UtilitiesService over gRPC."""

import grpc
from zhengtong.dossier.v1.dossier_service_pb2 import GetPartResponse
from zhengtong.utilities.v1 import utilities_service_pb2 as pb
from zhengtong.utilities.v1 import utilities_service_pb2_grpc as pb_grpc

from services.common.grpc_host import Department, Plan
from services.common.grpc_host.reports import report_message
from services.common.paging import page_position, page_size, page_token
from services.common.rows import Report, read_rows, shape_of
from services.common.transaction import Unit
from services.utilities import messages, store, usecases
from services.utilities.domain import SHAPES
from services.utilities.store import MongoInstitutions, MongoOutages


class UtilitiesServicer(pb_grpc.UtilitiesServiceServicer):
    def __init__(self, department: Department) -> None:
        self._department = department

    def ImportRecords(
        self, request: pb.ImportRecordsRequest, context: grpc.ServicerContext
    ) -> pb.ImportRecordsResponse:
        rows = read_rows(request.file.data, request.first_row or 1)
        shape = shape_of(rows, request.shape, SHAPES)

        def work(unit: Unit) -> pb.ImportRecordsResponse:
            report = Report(shape)
            institutions, outages = MongoInstitutions(unit), MongoOutages(unit)
            if shape == "institutions":
                usecases.import_institutions(rows, report, caller=unit.caller, store=institutions)
            else:
                usecases.import_outages(
                    rows,
                    report,
                    now=unit.now,
                    caller=unit.caller,
                    store=outages,
                    institutions=institutions,
                )
            return pb.ImportRecordsResponse(report=report_message(report))

        return self._department.change(request, pb.ImportRecordsResponse, work)

    def PublishInstitution(
        self, request: pb.PublishInstitutionRequest, context: grpc.ServicerContext
    ) -> pb.PublishInstitutionResponse:
        institution = messages.institution_of(request.institution)

        def work(unit: Unit) -> pb.PublishInstitutionResponse:
            listed = usecases.publish_institution(
                institution,
                seen=request.version,
                caller=unit.caller,
                store=MongoInstitutions(unit),
            )
            return pb.PublishInstitutionResponse(institution=messages.institution_message(listed))

        return self._department.change(request, pb.PublishInstitutionResponse, work)

    def WithdrawInstitution(
        self, request: pb.WithdrawInstitutionRequest, context: grpc.ServicerContext
    ) -> pb.WithdrawInstitutionResponse:
        def work(unit: Unit) -> pb.WithdrawInstitutionResponse:
            listed = usecases.withdraw(
                request.institution_id,
                request.reason,
                seen=request.version,
                caller=unit.caller,
                store=MongoInstitutions(unit),
            )
            return pb.WithdrawInstitutionResponse(institution=messages.institution_message(listed))

        return self._department.change(request, pb.WithdrawInstitutionResponse, work)

    def GetInstitution(
        self, request: pb.GetInstitutionRequest, context: grpc.ServicerContext
    ) -> pb.GetInstitutionResponse:
        listed = MongoInstitutions(self._department.reading()).get(request.institution_id)
        return pb.GetInstitutionResponse(institution=messages.institution_message(listed))

    def ListInstitutions(
        self, request: pb.ListInstitutionsRequest, context: grpc.ServicerContext
    ) -> pb.ListInstitutionsResponse:
        question = f"institutions/{request.region_code}/{request.sector}"
        size = page_size(request.page_size)
        position = page_position(question, request.page_token) or [""]
        found = MongoInstitutions(self._department.reading()).page(
            region_code=request.region_code,
            sector=messages.sector_of(request.sector),
            after=str(position[0]),
            size=size + 1,
        )
        more = page_token(question, [found[size - 1].thing.subject]) if len(found) > size else ""
        institutions = [messages.institution_message(listed) for listed in found[:size]]
        return pb.ListInstitutionsResponse(institutions=institutions, next_page_token=more)

    def AnnounceOutage(
        self, request: pb.AnnounceOutageRequest, context: grpc.ServicerContext
    ) -> pb.AnnounceOutageResponse:
        outage = messages.outage_of(request.outage)

        def work(unit: Unit) -> pb.AnnounceOutageResponse:
            listed = usecases.announce_outage(
                outage,
                seen=request.version,
                now=unit.now,
                caller=unit.caller,
                store=MongoOutages(unit),
                institutions=MongoInstitutions(unit),
            )
            return pb.AnnounceOutageResponse(outage=messages.outage_message(listed))

        return self._department.change(request, pb.AnnounceOutageResponse, work)

    def WithdrawOutage(
        self, request: pb.WithdrawOutageRequest, context: grpc.ServicerContext
    ) -> pb.WithdrawOutageResponse:
        def work(unit: Unit) -> pb.WithdrawOutageResponse:
            listed = usecases.withdraw(
                request.outage_id,
                request.reason,
                seen=request.version,
                caller=unit.caller,
                store=MongoOutages(unit),
            )
            return pb.WithdrawOutageResponse(outage=messages.outage_message(listed))

        return self._department.change(request, pb.WithdrawOutageResponse, work)

    def GetOutage(
        self, request: pb.GetOutageRequest, context: grpc.ServicerContext
    ) -> pb.GetOutageResponse:
        unit = self._department.reading()
        listed = usecases.get_outage(request.outage_id, now=unit.now, store=MongoOutages(unit))
        return pb.GetOutageResponse(outage=messages.outage_message(listed))

    def ListOutages(
        self, request: pb.ListOutagesRequest, context: grpc.ServicerContext
    ) -> pb.ListOutagesResponse:
        question = f"outages/{request.region_code}/{request.sector}"
        size = page_size(request.page_size)
        position = page_position(question, request.page_token) or [""]
        found = MongoOutages(self._department.reading()).page(
            region_code=request.region_code,
            sector=messages.sector_of(request.sector),
            after=str(position[0]),
            size=size + 1,
        )
        more = page_token(question, [found[size - 1].thing.place]) if len(found) > size else ""
        outages = [messages.outage_message(listed) for listed in found[:size]]
        return pb.ListOutagesResponse(outages=outages, next_page_token=more)


def attach(server: grpc.Server, department: Department) -> None:
    """Add the department's calls to a server."""
    pb_grpc.add_UtilitiesServiceServicer_to_server(UtilitiesServicer(department), server)


def part(unit: Unit, subject_code: str) -> GetPartResponse:
    """What a dossier says of a public institution."""
    found = usecases.part_of(
        subject_code, store=MongoOutages(unit), institutions=MongoInstitutions(unit)
    )
    return messages.part_message(found)


PLAN = Plan(
    service="zhengtong.utilities.v1.UtilitiesService",
    ensure=store.ensure,
    snapshot=store.snapshot,
    attach=attach,
    part=part,
)
