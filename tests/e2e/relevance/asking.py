"""A platform with the items to judge by, and what it answers to the judged queries."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local.stack import Stack
from tests.e2e.city import UNLIMITED, City, running
from tests.e2e.relevance import judging
from tests.e2e.relevance.judging import Item, Served

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "infra" / "sample" / "items.json"
REAL = ROOT.parent / "shared" / "data" / "service_items_guangan.json"
INDEXED_WITHIN = 120.0  # seconds


@contextmanager
def town(folder: Path, *, real: bool) -> Iterator[City]:
    """The small profile with the sample, and with the real items if they are wanted."""
    with running(Stack(folder, sample=True, env=UNLIMITED)) as found:
        if real:
            assert found.zhengtong("import", "items", REAL).code == 0
            last = json.loads(REAL.read_text())["items"][-1]["name"]
            found.until(lambda: asked(found, last)[0], f"{last} is found", INDEXED_WITHIN)
        yield found


def served(city: City, *, real: bool) -> list[Served]:
    """Every judged query, asked of the platform."""
    judged = judging.load(list(_items(real=real)))
    return [judging.judge(one, *asked(city, one.text)) for one in judged]


def asked(city: City, text: str) -> tuple[list[Item], int]:
    """The first items found, and how many things the whole answer has."""
    page = city.query(text, kind="item", page_size=judging.DEPTH)
    hits = [Item(hit["title"], hit["region"]) for hit in page["groups"][0]["hits"]]
    return hits, sum(group["total"] for group in city.query(text)["groups"])


def _items(*, real: bool) -> Iterator[Item]:
    for row in json.loads(SAMPLE.read_text()):
        yield Item(row["task_name"], row["region_code"])
    if real:
        for row in json.loads(REAL.read_text())["items"]:
            yield Item(row["name"], row["area_code"])
