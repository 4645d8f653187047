"""What a page of items costs at 100,000 items against 1,000, and how long a real import takes.

Both catalogues are served over gRPC by the same process and asked in turn: the same questions, each
of which fills its page in both, and some that hardly anything matches. The real items are the 1,135
that 广安区 published; where that file is not at hand, their figures are left out.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from google.api import httpbody_pb2

from infra.local.stack import Stack
from services.common import transaction
from services.common.access import ANONYMOUS
from tests import whole_province
from tests.callers import SYSTEM
from tests.integration.house import made_keys, serving

SERVICE = "zhengtong.catalogue.v1.CatalogueService"
MANY, FEW = 100_000, 1_000
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "service_items_guangan.json"
QUESTIONS: list[dict[str, Any]] = [
    {},
    {"page_size": 5, "region_code": "530102000000"},
    {"page_size": 20, "region_code": "530100000000"},
    {"task_type": "01"},
    {"server_type": "1"},
    {"page_size": 20, "region_code": "530100000000", "task_type": "01"},
    {"task_type": "01", "server_type": "2"},
    {"is_online": True, "project_type": "2", "server_type": "1"},
    {"user_topic_type": "010", "corp_topic_type": "085"},
    {"task_type": "01", "server_type": "9"},
]

Ask = Callable[..., Any]


def run(rounds: int) -> list[dict[str, Any]]:
    """The ratio of a page at 100,000 items to one at 1,000; the seconds of two real imports."""
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        stack = held.enter_context(Stack(folder / "mongo", only=["mongo"]))
        client = held.enter_context(transaction.connect(stack.env["MONGODB_URI"]))
        keys = folder / "keys"
        keys.mkdir()
        made_keys(keys)
        for name, size in (("few", FEW), ("many", MANY)):
            whole_province.fill(client[name], size)
        few, many, empty = (
            held.enter_context(serving("catalogue", client[name], keys)).call
            for name in ("few", "many", "empty")
        )
        pairs = [(_milliseconds(many), _milliseconds(few)) for _ in range(rounds + 1)][1:]
        figures = [_pages(pairs)]
        return figures + ([_imports(empty)] if REAL.is_file() else [])


def _pages(pairs: list[tuple[float, float]]) -> dict[str, Any]:
    many, few = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {
        "name": "list_100k_vs_1k",
        "figure": round(many, 2),
        "unit": "ms",
        "baseline": round(few, 2),
        "ratio": round(statistics.median(one / other for one, other in pairs), 3),
    }


def _milliseconds(call: Ask) -> float:
    """The average over the questions, each asked five times: the median of those."""
    return statistics.mean(
        statistics.median(_took(call, question) for _ in range(5)) for question in QUESTIONS
    )


def _took(call: Ask, question: dict[str, Any]) -> float:
    begun = time.perf_counter()
    call(f"{SERVICE}.ListItems", ANONYMOUS, **question)
    return (time.perf_counter() - begun) * 1000


def _imports(call: Ask) -> dict[str, Any]:
    """Two imports of the same file, the second of which changes nothing."""
    file = httpbody_pb2.HttpBody(content_type="application/json", data=REAL.read_bytes())
    begun = time.perf_counter()
    first, again = (call(f"{SERVICE}.ImportItems", SYSTEM, file=file).report for _ in range(2))
    seconds = time.perf_counter() - begun
    if (first.created, again.created + again.changed) != (1135, 0):
        raise AssertionError(
            "the real items were not imported whole, or the second time changed some"
        )
    return {
        "name": "import_real_items",
        "figure": round(seconds, 2),
        "unit": "s",
        "baseline": None,
        "ratio": None,
    }
