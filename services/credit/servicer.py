"""zhengtong.credit.v1.CreditService over gRPC."""

import grpc
from zhengtong.credit.v1 import credit_service_pb2 as pb
from zhengtong.credit.v1 import credit_service_pb2_grpc as pb_grpc
from zhengtong.dossier.v1.dossier_service_pb2 import GetPartResponse

from services.common.grpc_host import Department, Plan
from services.common.grpc_host.reports import report_message
from services.common.paging import page_position, page_size, page_token
from services.common.rows import Report, read_rows, shape_of
from services.common.transaction import Unit
from services.credit import domain, messages, store, usecases
from services.credit.domain import D, Listed, Penalty, Permit, Subject
from services.credit.store import MongoStore


class CreditServicer(pb_grpc.CreditServiceServicer):
    def __init__(self, department: Department) -> None:
        self._department = department

    def ImportRecords(
        self, request: pb.ImportRecordsRequest, context: grpc.ServicerContext
    ) -> pb.ImportRecordsResponse:
        rows = read_rows(request.file.data, request.first_row or 1)
        shape = shape_of(rows, request.shape or domain.recognise(rows), domain.SHAPES)

        def work(unit: Unit) -> pb.ImportRecordsResponse:
            report = Report(shape)
            usecases.import_records(rows, report, caller=unit.caller, store=MongoStore(unit))
            return pb.ImportRecordsResponse(report=report_message(report))

        def kept(tried: pb.ImportRecordsResponse) -> pb.ImportRecordsRequest:
            refused = {rejection.row for rejection in tried.report.rejections}
            return messages.import_to_keep(rows, refused, shape)

        return self._department.change(request, pb.ImportRecordsResponse, work, kept=kept)

    def RegisterSubject(
        self, request: pb.RegisterSubjectRequest, context: grpc.ServicerContext
    ) -> pb.RegisterSubjectResponse:
        subject = messages.record_of(Subject, request.subject)

        def work(unit: Unit) -> pb.RegisterSubjectResponse:
            listed = usecases.register(
                subject, seen=request.version, caller=unit.caller, store=MongoStore(unit)
            )
            return pb.RegisterSubjectResponse(subject=messages.subject_message(listed))

        return self._department.change(request, pb.RegisterSubjectResponse, work)

    def DisclosePermit(
        self, request: pb.DisclosePermitRequest, context: grpc.ServicerContext
    ) -> pb.DisclosePermitResponse:
        permit = messages.record_of(Permit, request.permit)

        def work(unit: Unit) -> pb.DisclosePermitResponse:
            listed = usecases.disclose(
                permit, seen=request.version, caller=unit.caller, store=MongoStore(unit)
            )
            return pb.DisclosePermitResponse(permit=messages.permit_message(listed))

        return self._department.change(request, pb.DisclosePermitResponse, work)

    def WithdrawPermit(
        self, request: pb.WithdrawPermitRequest, context: grpc.ServicerContext
    ) -> pb.WithdrawPermitResponse:
        def work(unit: Unit) -> pb.WithdrawPermitResponse:
            listed = usecases.withdraw(
                Permit,
                request.permit_id,
                request.reason,
                seen=request.version,
                caller=unit.caller,
                store=MongoStore(unit),
            )
            return pb.WithdrawPermitResponse(permit=messages.permit_message(listed))

        return self._department.change(request, pb.WithdrawPermitResponse, work)

    def DisclosePenalty(
        self, request: pb.DisclosePenaltyRequest, context: grpc.ServicerContext
    ) -> pb.DisclosePenaltyResponse:
        penalty = messages.record_of(Penalty, request.penalty)

        def work(unit: Unit) -> pb.DisclosePenaltyResponse:
            listed = usecases.disclose(
                penalty, seen=request.version, caller=unit.caller, store=MongoStore(unit)
            )
            return pb.DisclosePenaltyResponse(penalty=messages.penalty_message(listed))

        return self._department.change(request, pb.DisclosePenaltyResponse, work)

    def WithdrawPenalty(
        self, request: pb.WithdrawPenaltyRequest, context: grpc.ServicerContext
    ) -> pb.WithdrawPenaltyResponse:
        def work(unit: Unit) -> pb.WithdrawPenaltyResponse:
            listed = usecases.withdraw(
                Penalty,
                request.penalty_id,
                request.reason,
                seen=request.version,
                caller=unit.caller,
                store=MongoStore(unit),
            )
            return pb.WithdrawPenaltyResponse(penalty=messages.penalty_message(listed))

        return self._department.change(request, pb.WithdrawPenaltyResponse, work)

    def GetCredit(
        self, request: pb.GetCreditRequest, context: grpc.ServicerContext
    ) -> pb.GetCreditResponse:
        unit = self._department.reading()
        credit = usecases.look_up(request.subject_code, store=MongoStore(unit))
        return messages.credit_message(credit, unit.now)

    def ListPermits(
        self, request: pb.ListPermitsRequest, context: grpc.ServicerContext
    ) -> pb.ListPermitsResponse:
        found, more = self._page(Permit, request)
        permits = map(messages.permit_message, found)
        return pb.ListPermitsResponse(permits=permits, next_page_token=more)

    def ListPenalties(
        self, request: pb.ListPenaltiesRequest, context: grpc.ServicerContext
    ) -> pb.ListPenaltiesResponse:
        found, more = self._page(Penalty, request)
        penalties = map(messages.penalty_message, found)
        return pb.ListPenaltiesResponse(penalties=penalties, next_page_token=more)

    def _page(
        self, kind: type[D], request: pb.ListPermitsRequest | pb.ListPenaltiesRequest
    ) -> tuple[list[Listed[D]], str]:
        code = domain.typed_code(request.subject_code) if request.subject_code else ""
        question = f"{kind.__name__}/{code}"
        size = page_size(request.page_size)
        position = page_position(question, request.page_token, 2)
        found = MongoStore(self._department.reading()).page(
            kind,
            subject_code=code,
            after=(str(position[0]), str(position[1])) if position else None,
            size=size + 1,
        )
        if len(found) <= size:
            return found, ""
        last = found[size - 1].record
        return found[:size], page_token(question, [last.decision_date, last.record_id])


def attach(server: grpc.Server, department: Department) -> None:
    """Add the department's calls to a server."""
    pb_grpc.add_CreditServiceServicer_to_server(CreditServicer(department), server)


def part(unit: Unit, subject_code: str) -> GetPartResponse:
    """What a dossier says of a subject."""
    return messages.part_message(usecases.part_of(subject_code, store=MongoStore(unit)))


PLAN = Plan(
    service="zhengtong.credit.v1.CreditService",
    ensure=store.ensure,
    snapshot=store.snapshot,
    attach=attach,
    part=part,
)
