"""How soon a change is found: an item gets a new name, and the one-stop query is asked for it.

The clock runs from the acknowledgement of the change to the first answer in which that very item
stands first under its new name; by then the relay has given the fact its place, the indexer has
read and committed it, and the gateway has taken the commit up. Changes come one at a time, after
irregular pauses: the indexer commits at once after a quiet time, and gathers while changes come.
"""

from __future__ import annotations

import random
import tempfile
import time
import uuid
from itertools import count, cycle
from pathlib import Path
from typing import Any

import httpx

from infra.local.stack import Stack

CHANGES = 40  # in a round
LONGEST_PAUSE = 0.5  # seconds
GIVE_UP = 30.0  # seconds
WRITTEN_BY_THE_PLATFORM = {"item_id", "state", "version", "update_time"}
pauses = random.Random(7)
_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")


def run(rounds: int) -> list[dict[str, Any]]:
    """Milliseconds until half of the changes, and until 99 of 100, were found."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), sample=True) as stack:
        token = stack.plan.layout.api_key.read_text(encoding="ascii").strip()
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=stack.base_url, headers=headers) as client:
            took = _measure(client, CHANGES * rounds)
    figures = {"freshness_p50": took[len(took) // 2], "freshness_p99": took[len(took) * 99 // 100]}
    return [
        {"name": name, "figure": round(ms, 1), "unit": "ms", "baseline": None, "ratio": None}
        for name, ms in figures.items()
    ]


def _measure(client: httpx.Client, changes: int) -> list[float]:
    """Milliseconds until each change was found, rising; the first ones warm up."""
    answer = client.get("/api/v1/items", params={"page_size": 50}).raise_for_status().json()
    numbers = count(100)
    took = [
        _until_found(client, item, f"变更第{next(numbers)}号事项".translate(_DIGITS))
        for _, item in zip(range(changes + 10), cycle(answer["items"]), strict=False)
    ]
    return sorted(took[10:])


def _until_found(client: httpx.Client, item: dict[str, Any], name: str) -> float:
    """Rename an item; milliseconds from the acknowledgement until it is found."""
    given = {key: value for key, value in item.items() if key not in WRITTEN_BY_THE_PLATFORM}
    body = {"item": {**given, "task_name": name}, "request_id": uuid.uuid4().hex}
    time.sleep(pauses.uniform(0, LONGEST_PAUSE))
    client.post("/api/v1/items:publish", json=body).raise_for_status()
    acknowledged = time.perf_counter()
    while not _is_found(client, item, name):
        if time.perf_counter() - acknowledged > GIVE_UP:
            raise AssertionError(f"{name} is not found after {GIVE_UP:.0f} s")
    return (time.perf_counter() - acknowledged) * 1000


def _is_found(client: httpx.Client, item: dict[str, Any], name: str) -> bool:
    wanted = {"q": name, "kind": "item", "page_size": 1}
    answer = client.get("/api/v1/query", params=wanted).raise_for_status().json()
    (hit,) = answer["groups"][0]["hits"] or [{}]
    return bool(hit.get("title") == name and hit["url"].endswith(item["item_id"]))
