"""What an import does, and would do, as messages."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from zhengtong.catalogue.v1 import catalogue_service_pb2 as service_pb
from zhengtong.imports.v1 import imports_pb2

from services.catalogue.domain.importing import Mode, Outcome, Previewed

if TYPE_CHECKING:
    from collections.abc import Iterable

_OUTCOMES = {
    Outcome.CREATED: imports_pb2.ROW_OUTCOME_CREATED,
    Outcome.CHANGED: imports_pb2.ROW_OUTCOME_CHANGED,
    Outcome.UNCHANGED: imports_pb2.ROW_OUTCOME_UNCHANGED,
    Outcome.KEPT: imports_pb2.ROW_OUTCOME_KEPT,
    Outcome.REJECTED: imports_pb2.ROW_OUTCOME_REJECTED,
}


def mode_of(mode: int) -> Mode:
    """The mode a caller chose; overwrite where none, or one that is not known."""
    return Mode.KEEP if mode == imports_pb2.IMPORT_MODE_KEEP else Mode.OVERWRITE


def preview_message(
    report: imports_pb2.Report, previewed: Iterable[Previewed]
) -> service_pb.PreviewImportResponse:
    """A preview; what its report says of single rows stands with the rows instead.

    Args:
        report: the report of the import that was not made.
    """
    refused: dict[int, list[imports_pb2.Rejection]] = defaultdict(list)
    for rejection in report.rejections:
        refused[rejection.row].append(rejection)
    rows = [
        imports_pb2.RowPreview(
            row=one.row,
            outcome=_OUTCOMES[one.outcome],
            subject=one.item_id,
            changed_fields=one.fields,
            rejections=refused[one.row],
            note=one.note,
        )
        for one in previewed
    ]
    answer = service_pb.PreviewImportResponse(report=report, rows=rows)
    answer.report.ClearField("rejections")
    answer.report.ClearField("notes")
    return answer
