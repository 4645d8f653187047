"""Entries and adjustments to messages and back, their fact and its card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format
from zhengtong.catalogue.v1 import catalogue_events_pb2 as events_pb
from zhengtong.catalogue.v1 import catalogue_pb2
from zhengtong.search.v1 import search_pb2

from services.catalogue.domain import lists
from services.common import fields

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from services.catalogue.domain.lists import Adjustment, EntryDifference, ListedEntry

ADJUSTMENT: Final = "adjustment"
_KIND, _ACTION, _STATE = "LIST_KIND_", "LIST_ACTION_", "LIST_ENTRY_STATE_"


def proposal_of(request: Message) -> lists.Proposal:
    """The adjustment that a request asks for. Raises: ListAdjustmentInvalid."""
    values = json_format.MessageToDict(request, preserving_proto_field_name=True)
    values["kind"] = _word(values.get("kind"), _KIND)
    for change in values.get("changes", ()):
        change["action"] = _word(change.get("action"), _ACTION)
    return lists.proposal_of(values)


def _word(name: Any, prefix: str) -> Any:
    """The domain's word for an enum's name; a number that nobody knows stays one."""
    return name.removeprefix(prefix).lower() if isinstance(name, str) else name


def kind_of(number: int) -> str:
    """The domain's word for a kind that a question names; empty: any; of another number: none."""
    known = catalogue_pb2.ListKind.DESCRIPTOR.values_by_number.get(number)
    word = str(_word(known.name, _KIND)) if known else str(number)
    return word if number else ""


def entry_message(listed: ListedEntry) -> catalogue_pb2.ListEntry:
    values = fields.plain(listed.entry)
    return catalogue_pb2.ListEntry(
        **values
        | {
            "kind": _number(_KIND, listed.entry.kind),
            "state": _number(_STATE, listed.state),
            "version": listed.version,
            "update_time": listed.update_time,
        }
    )


def adjustment_message(adjustment: Adjustment) -> catalogue_pb2.ListAdjustment:
    return catalogue_pb2.ListAdjustment(
        adjustment_id=adjustment.adjustment_id,
        number=adjustment.number,
        adjust_time=adjustment.adjust_time,
        kind=_number(_KIND, adjustment.kind),
        dept_code=adjustment.dept_code,
        dept_name=adjustment.dept_name,
        region_code=adjustment.region_code,
        reason=adjustment.reason,
        document_name=adjustment.document_name,
        document_number=adjustment.document_number,
        differences=[_difference_message(one) for one in adjustment.differences],
    )


def _difference_message(difference: EntryDifference) -> catalogue_pb2.ListDifference:
    values = fields.plain(difference) | {"action": _number(_ACTION, difference.action)}
    return catalogue_pb2.ListDifference(**values)


def _number(prefix: str, word: str) -> Any:
    """The number of an enum's value by the domain's word for it."""
    enum = {
        _KIND: catalogue_pb2.ListKind,
        _ACTION: catalogue_pb2.ListAction,
        _STATE: catalogue_pb2.ListEntryState,
    }[prefix]
    return enum.Value(f"{prefix}{word.upper()}")


def adjusted_message(adjustment: Adjustment) -> events_pb.ListAdjusted:
    return events_pb.ListAdjusted(
        card=adjustment_card(adjustment), adjustment=adjustment_message(adjustment)
    )


def adjustment_card(adjustment: Adjustment) -> search_pb2.Card:
    """What a searcher sees of an adjustment: whose list, and what came and went."""
    said = lists.LIST_NAMES[adjustment.kind]
    counts: dict[str, int] = {}
    for one in adjustment.differences:
        name = lists.ACTION_NAMES[one.action]
        counts[name] = counts.get(name, 0) + 1
    summary = [f"{name} {count} 项" for name, count in counts.items()]
    named = (one.name for one in adjustment.differences[:_NAMED])
    return search_pb2.Card(
        kind=ADJUSTMENT,
        title=f"{adjustment.dept_name}{said}调整",
        summary=" · ".join([*summary, adjustment.document_name]),
        aliases=[name for name in named if name],
        department=adjustment.dept_name,
        region_code=adjustment.region_code,
        url=f"/lists/adjustments/{adjustment.adjustment_id}",
        codes=[adjustment.document_number] if adjustment.document_number else [],
        facets={"list": adjustment.kind.value},
    )


_NAMED: Final = 20
"""Entries by whose names an adjustment is found."""
