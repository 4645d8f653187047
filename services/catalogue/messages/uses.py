"""How much items are used, as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from zhengtong.catalogue.v1 import catalogue_events_pb2 as events_pb
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue.domain import uses as domain
from services.common.errors import Violation

if TYPE_CHECKING:
    from services.catalogue.domain.uses import UseClassChanged

USE_KIND: Final = ".use"
"""A row for the one-stop query itself, which is never shown."""


def opened_of(request: pb.ReportUsesRequest) -> dict[str, int]:
    """Openings by item. Raises: UseReportInvalid, where there are too many."""
    if len(request.uses) > domain.MOST_IN_REPORT:
        told = f"一次最多报告 {domain.MOST_IN_REPORT} 个事项。"
        raise domain.UseReportInvalid(told, Violation("uses", told))
    opened: dict[str, int] = {}
    for one in request.uses:
        if one.count > 0:
            opened[one.item_id] = opened.get(one.item_id, 0) + one.count
    return opened


def use_fact(fact: UseClassChanged) -> events_pb.UseClassChanged:
    """The row that the one-stop query reads, or word that there is none."""
    told = events_pb.UseClassChanged(family=fact.family)
    if fact.use_class:
        told.card.kind, told.card.title = USE_KIND, fact.family
        told.card.facets["use"] = str(fact.use_class)
    else:
        told.removal.kind = USE_KIND
    return told
