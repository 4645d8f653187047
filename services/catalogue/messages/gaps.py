"""Gaps of the catalogue, as messages."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb
from zhengtong.catalogue.v1 import gap_pb2

from services.catalogue.domain import gaps as domain
from services.common.errors import Violation

if TYPE_CHECKING:
    from services.catalogue.domain.gaps import Asked, Gap, Span


def reported_of(request: pb.ReportGapsRequest, now: datetime) -> list[Asked]:
    """What of a report may be kept. Raises: GapInvalid, where it is too long."""
    if len(request.gaps) > domain.MOST_IN_REPORT:
        told = f"一次最多报告 {domain.MOST_IN_REPORT} 条。"
        raise domain.GapInvalid(told, Violation("gaps", told))
    read = (
        domain.fit(domain.Asked(one.text, one.region_code, one.day, one.count, one.askers), now=now)
        for one in request.gaps
    )
    return [one for one in read if one]


def gap_message(gap: Gap, span: Span) -> gap_pb2.Gap:
    """A gap with how often it was asked for in these months."""
    return gap_pb2.Gap(
        gap_id=gap.gap_id,
        text=gap.text,
        region_code=gap.region_code,
        count=domain.count_of(gap, span),
        first_day=gap.first_day,
        last_day=gap.last_day,
        outcome=gap_pb2.GapOutcome.Name(gap.outcome),
        item_id=gap.item_id,
        note=gap.note,
        settle_time=gap.settle_time,
        version=gap.version,
    )
