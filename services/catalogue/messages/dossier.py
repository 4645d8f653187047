"""What a dossier says of a body's items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zhengtong.dossier.v1 import dossier_pb2
from zhengtong.dossier.v1.dossier_service_pb2 import GetPartResponse

from services.catalogue.messages.cards import KIND, card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.catalogue.domain import Item, Listed


def part_message(items: Sequence[Listed], total: int) -> GetPartResponse:
    """A part of a dossier; without sections where the body implements nothing."""
    if not items:
        return GetPartResponse()
    section = dossier_pb2.Section(
        kind=KIND, title="政务服务事项", total=total, entries=[_entry(one.item) for one in items]
    )
    return GetPartResponse(sections=[section], subject_name=items[0].item.dept_name)


def _entry(item: Item) -> dossier_pb2.Entry:
    """As searchers see it."""
    shown = card(item)
    return dossier_pb2.Entry(
        title=shown["title"],
        summary=shown["summary"],
        url=shown["url"],
        code=item.item_id,
        entry_date=item.plan_effective_date,
    )
