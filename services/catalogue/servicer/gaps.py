"""Gaps of the catalogue: reported by the gateway, listed and settled by the leading body."""

import grpc
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages, usecases
from services.catalogue.domain import CodeProfile
from services.catalogue.domain.gaps import Span, count_of, span_of
from services.catalogue.servicer.desk import Desk
from services.catalogue.store import MongoGaps, MongoStore
from services.common.grpc_host import Department
from services.common.paging import page_position, page_size, page_token, token_invalid
from services.common.personal.vault import Vault
from services.common.transaction import Unit


class Gaps(Desk):
    """What people asked for and did not find (目录缺口)."""

    def __init__(self, department: Department, profile: CodeProfile, vault: Vault) -> None:
        super().__init__(department, profile)
        self._vault = vault

    def ReportGaps(
        self, request: pb.ReportGapsRequest, context: grpc.ServicerContext
    ) -> pb.ReportGapsResponse:
        def work(unit: Unit) -> pb.ReportGapsResponse:
            reported = messages.reported_of(request, unit.now)
            counted = usecases.report_gaps(
                reported, now=unit.now, gaps=MongoGaps(unit, self._vault)
            )
            return pb.ReportGapsResponse(
                kept=counted.kept,
                others=counted.others,
                dropped=len(request.gaps) - len(reported),
            )

        # Not even a digest of what was asked is kept beside the request id.
        return self._department.change(request, pb.ReportGapsResponse, work, secret=("gaps",))

    def ListGaps(
        self, request: pb.ListGapsRequest, context: grpc.ServicerContext
    ) -> pb.ListGapsResponse:
        span, size = span_of(request.first_day, request.last_day), page_size(request.page_size)
        question = f"gaps/{request.region_code}/{span.first}/{span.last}"
        if request.open_only:
            question += "/open"
        unit = self._department.reading()
        gaps = MongoGaps(unit, self._vault)
        found = usecases.list_gaps(
            request.region_code,
            span,
            after=_after(question, request.page_token),
            size=size + 1,
            caller=unit.caller,
            gaps=gaps,
            open_only=request.open_only,
        )
        last = found[size - 1] if len(found) > size else None
        more = page_token(question, [count_of(last, span), last.gap_id]) if last else ""
        shown = [messages.gap_message(one, span) for one in found[:size]]
        return pb.ListGapsResponse(gaps=shown, next_page_token=more, others=gaps.others(span))

    def SettleGap(
        self, request: pb.SettleGapRequest, context: grpc.ServicerContext
    ) -> pb.SettleGapResponse:
        def work(unit: Unit) -> pb.SettleGapResponse:
            settled = usecases.settle_gap(
                request.gap_id,
                request.outcome,
                request.item_id,
                request.note,
                seen=request.version,
                now=unit.now,
                caller=unit.caller,
                gaps=MongoGaps(unit, self._vault),
                store=MongoStore(unit),
            )
            return pb.SettleGapResponse(gap=messages.gap_message(settled, Span()))

        return self._department.change(request, pb.SettleGapResponse, work)


def _after(question: str, token: str) -> tuple[int, str] | None:
    """Count and id of the gap before. Raises: PageTokenInvalid."""
    position = page_position(question, token, 2)
    if position is None:
        return None
    count, gap_id = position
    if not isinstance(count, int) or not isinstance(gap_id, str):
        raise token_invalid()
    return count, gap_id
