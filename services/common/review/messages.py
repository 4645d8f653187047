"""Submissions as messages, and what a stored request says, for the reviewer to read."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format
from google.protobuf.descriptor_pool import Default as DefaultPool
from google.protobuf.message_factory import GetMessageClass
from zhengtong.review.v1 import review_pb2

from services.common.errors import Invalid
from services.common.review import State
from services.common.rows import is_workbook, read_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.common.review import Submission
    from services.common.rows import Row

LARGEST_CONTENT: Final = 7_000_000  # bytes; an answer holds 8 MB
FILE: Final = "file"
HTTP_BODY: Final = "google.api.HttpBody"


def submission_message(submission: Submission) -> review_pb2.Submission:
    return review_pb2.Submission(
        submission_id=submission.submission_id,
        state=submission.state.value,
        call=submission.call,
        title=submission.effect.title,
        subjects=submission.effect.subjects,
        subject_count=submission.effect.subject_count,
        author=submission.author.principal,
        author_department=submission.author.department,
        author_region=submission.author.region,
        submit_time=submission.submit_time,
        reviewer=submission.reviewer,
        opinion=submission.opinion,
        decide_time=submission.decide_time,
        version=submission.version,
    )


def state_of(value: int) -> State | None:
    """The state that a list is asked for; None: any."""
    name = review_pb2.SubmissionState.Name(value) if value in _STATES else ""
    return State(name) if name else None


_STATES: Final = frozenset(review_pb2.SubmissionState.values()) - {0}


def content_of(call: str, request: bytes) -> str:
    """The request as JSON, a file by its rows; empty where the request is no longer kept.

    Args:
        call: full method name.
    """
    if not request:
        return ""
    message: Any = GetMessageClass(DefaultPool().FindMethodByName(call).input_type)()
    message.ParseFromString(request)
    message.ClearField("request_id")
    rows = _rows_in(message)
    said: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    if rows is not None:
        del said[FILE]["data"]
        said["rows"] = rows
    # Half a surrogate is lawful in JSON, and in a row that was refused, but in no message.
    content = json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")
    if rows is not None and len(content) > LARGEST_CONTENT:
        del said[
            "rows"
        ]  # a table says the names of its columns once, rows say them again and again
        content = json.dumps(said | {"text": _text(message.file.data)}, ensure_ascii=False).encode()
    return content.decode()


def _rows_in(message: Any) -> list[dict[str, Any]] | None:
    """The rows of the request's file; None: it has none, or its file has no rows."""
    field = message.DESCRIPTOR.fields_by_name.get(FILE)
    if field is None or field.message_type.full_name != HTTP_BODY or not message.file.data:
        return None
    try:
        rows = read_rows(message.file.data, getattr(message, "first_row", 0) or 1)
    except Invalid:
        return None
    return [{"row": row.number, "values": row.values} for row in rows]


def _text(data: bytes) -> str:
    if is_workbook(data):
        return _table(read_rows(data))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", errors="replace")


def _table(rows: Sequence[Row]) -> str:
    """The rows of a workbook, which all have the same columns, as lines of a table."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(rows[0].values)
    table.writerows(row.values.values() for row in rows)
    return text.getvalue()
