"""How fast an import is: rows validated, saved and told, against bare `insert_many`.

Ours are rows as `read_rows` gives them, in calls of 500, each one transaction with its facts, its
audit row and the answer to its request id. Bare is pymongo alone: the very same documents in
batches of 500, with the same write concern, into collections with the same indexes.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message
from zhengtong.credit.v1 import credit_service_pb2 as pb

from infra.local.stack import Stack
from infra.sample.enterprises import Enterprises, penalties, permits
from services.common import transaction
from services.common.grpc_host.reports import report_message
from services.common.rows import Report, Row
from services.common.transaction import Request
from services.common.transaction.changes import Changes
from services.credit import store, usecases
from services.credit.store import COLLECTIONS, MongoStore
from tests.callers import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymongo import MongoClient
    from pymongo.database import Database

    from services.common.transaction import Unit

    Document = dict[str, Any]

SUBJECTS, PERMITS, PENALTIES = 2000, 4000, 2000
ROWS_A_CALL = 500
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def run(rounds: int) -> list[dict[str, Any]]:
    """Rows a second through the import, and its ratio to bare inserts; median of the rounds."""
    files = _files()
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), only=["mongo"]) as stack:
        client = transaction.connect(stack.env["MONGODB_URI"])
        pairs = [_round(client, files) for _ in range(rounds + 1)][1:]  # the first warms up
        client.close()
    ours, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
    return [
        {
            "name": "import_vs_insert_many",
            "figure": round(ours, 1),
            "unit": "rows/s",
            "baseline": round(bare, 1),
            "ratio": round(statistics.median(one / other for one, other in pairs), 3),
        }
    ]


def _files() -> list[tuple[str, list[Row]]]:
    enterprises = Enterprises(SUBJECTS)
    shapes = {
        "subjects": enterprises,
        "permits_2018": permits(PERMITS, 0, enterprises),
        "penalties_2018": penalties(PENALTIES, 0, enterprises),
    }
    return [
        (shape, [Row(number, values) for number, values in enumerate(rows, 1)])
        for shape, rows in shapes.items()
    ]


def _round(
    client: MongoClient[Document], files: Sequence[tuple[str, Sequence[Row]]]
) -> tuple[float, float]:
    """Rows a second through the import, then documents a second through bare inserts."""
    ours, bare = client["zt_ours"], client["zt_bare"]
    transaction.ensure(ours)
    for database in (ours, bare):
        store.ensure(database)
    begun = time.perf_counter()
    for shape, rows in files:
        for start in range(0, len(rows), ROWS_A_CALL):
            _call(ours, shape, rows[start : start + ROWS_A_CALL])
    seconds = time.perf_counter() - begun
    documents = [(name, list(ours[name].find())) for name in COLLECTIONS.values()]
    count = sum(len(rows) for _, rows in files)
    if sum(len(found) for _, found in documents) != count:
        raise AssertionError("not every row of the generator became a document")
    begun = time.perf_counter()
    for name, found in documents:
        for start in range(0, len(found), ROWS_A_CALL):
            bare[name].insert_many(found[start : start + ROWS_A_CALL], ordered=False)
    alone = time.perf_counter() - begun
    for database in (ours, bare):
        client.drop_database(database.name)
    return count / seconds, count / alone


def _call(database: Database[Document], shape: str, rows: Sequence[Row]) -> None:
    """One call of ImportRecords as its servicer makes it, without the wire."""

    def work(unit: Unit) -> Message:
        report = Report(shape)
        usecases.import_records(rows, report, caller=SYSTEM, store=MongoStore(unit))
        return pb.ImportRecordsResponse(report=report_message(report))

    request_id = f"{shape}/{rows[0].number}"
    asked = Request(SYSTEM, "ImportRecords", request_id, request_id.encode(), NOW, "")
    Changes(database).make(asked, pb.ImportRecordsResponse, work, retry_stale=True)
