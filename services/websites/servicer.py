"""zhengtong.websites.v1.WebsitesService over gRPC."""

import grpc
from zhengtong.dossier.v1.dossier_service_pb2 import GetPartResponse
from zhengtong.websites.v1 import websites_service_pb2 as pb
from zhengtong.websites.v1 import websites_service_pb2_grpc as pb_grpc

from services.common.grpc_host import Department, Plan
from services.common.grpc_host.reports import report_message
from services.common.paging import page_position, page_size, page_token
from services.common.rows import Report, read_rows, shape_of
from services.common.transaction import Unit
from services.websites import domain, messages, store, usecases
from services.websites.domain import SHAPES, Question
from services.websites.store import MongoStore


class WebsitesServicer(pb_grpc.WebsitesServiceServicer):
    def __init__(self, department: Department) -> None:
        self._department = department

    def ImportRecords(
        self, request: pb.ImportRecordsRequest, context: grpc.ServicerContext
    ) -> pb.ImportRecordsResponse:
        rows = read_rows(request.file.data, request.first_row or 1)
        shape = shape_of(rows, request.shape, SHAPES)

        def work(unit: Unit) -> pb.ImportRecordsResponse:
            report = Report(shape)
            usecases.import_records(
                rows, report, now=unit.now, caller=unit.caller, store=MongoStore(unit)
            )
            return pb.ImportRecordsResponse(report=report_message(report))

        return self._department.change(request, pb.ImportRecordsResponse, work)

    def RegisterSite(
        self, request: pb.RegisterSiteRequest, context: grpc.ServicerContext
    ) -> pb.RegisterSiteResponse:
        site = messages.site_of(request.site)

        def work(unit: Unit) -> pb.RegisterSiteResponse:
            listed = usecases.register(
                site,
                seen=request.version,
                now=unit.now,
                caller=unit.caller,
                store=MongoStore(unit),
            )
            return pb.RegisterSiteResponse(site=messages.site_message(listed))

        return self._department.change(request, pb.RegisterSiteResponse, work)

    def GetSite(
        self, request: pb.GetSiteRequest, context: grpc.ServicerContext
    ) -> pb.GetSiteResponse:
        listed = MongoStore(self._department.reading()).get_site(request.site_id)
        return pb.GetSiteResponse(site=messages.site_message(listed))

    def ListSites(
        self, request: pb.ListSitesRequest, context: grpc.ServicerContext
    ) -> pb.ListSitesResponse:
        question = f"sites/{request.region_code}/{request.state}"
        size = page_size(request.page_size)
        position = page_position(question, request.page_token) or [""]
        found = MongoStore(self._department.reading()).page_sites(
            region_code=request.region_code,
            state=messages.state_of(request.state),
            after=position[0],
            size=size + 1,
        )
        more = page_token(question, [found[size - 1].thing.site_id]) if len(found) > size else ""
        sites = [messages.site_message(listed) for listed in found[:size]]
        return pb.ListSitesResponse(sites=sites, next_page_token=more)

    def AddMapping(
        self, request: pb.AddMappingRequest, context: grpc.ServicerContext
    ) -> pb.AddMappingResponse:
        mapping = messages.mapping_of(request.mapping)

        def work(unit: Unit) -> pb.AddMappingResponse:
            listed = usecases.add(
                mapping,
                seen=request.version,
                now=unit.now,
                caller=unit.caller,
                store=MongoStore(unit),
            )
            return pb.AddMappingResponse(mapping=messages.mapping_message(listed))

        return self._department.change(request, pb.AddMappingResponse, work)

    def RemoveMapping(
        self, request: pb.RemoveMappingRequest, context: grpc.ServicerContext
    ) -> pb.RemoveMappingResponse:
        def work(unit: Unit) -> pb.RemoveMappingResponse:
            listed = usecases.remove(
                request.mapping_id,
                request.reason,
                seen=request.version,
                caller=unit.caller,
                store=MongoStore(unit),
            )
            return pb.RemoveMappingResponse(mapping=messages.mapping_message(listed))

        return self._department.change(request, pb.RemoveMappingResponse, work)

    def ResolveAddress(
        self, request: pb.ResolveAddressRequest, context: grpc.ServicerContext
    ) -> pb.ResolveAddressResponse:
        listed = usecases.resolve(request.url, store=MongoStore(self._department.reading()))
        return pb.ResolveAddressResponse(mapping=messages.mapping_message(listed))

    def ListPublicationCounts(
        self, request: pb.ListPublicationCountsRequest, context: grpc.ServicerContext
    ) -> pb.ListPublicationCountsResponse:
        asked = Question(request.from_date, request.until_date, request.department, request.kind)
        domain.check_dates(asked)
        question = f"counts/{asked}"
        size = page_size(request.page_size)
        position = page_position(question, request.page_token) or [""]
        found = MongoStore(self._department.reading()).page_counts(
            asked, after=position[0], size=size + 1
        )
        more = page_token(question, [found[size - 1].place]) if len(found) > size else ""
        counts = [messages.count_message(publication) for publication in found[:size]]
        return pb.ListPublicationCountsResponse(counts=counts, next_page_token=more)


def attach(server: grpc.Server, department: Department) -> None:
    """Add the department's calls to a server."""
    pb_grpc.add_WebsitesServiceServicer_to_server(WebsitesServicer(department), server)


def part(unit: Unit, subject_code: str) -> GetPartResponse:
    """What a dossier says of a unit that has sites."""
    return messages.part_message(*usecases.part_of(subject_code, store=MongoStore(unit)))


PLAN = Plan(
    service="zhengtong.websites.v1.WebsitesService",
    ensure=store.ensure,
    snapshot=store.snapshot,
    attach=attach,
    part=part,
)
