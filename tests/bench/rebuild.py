"""A rebuild of a million documents while people ask and officers change.

The small profile with a catalogue of a million items, written as its store writes them. The index
is made anew twice by `zhengtong index rebuild`: with nothing beside it (the baseline), and while
100 queries and 50 changes a second go on over HTTP, each change a new name of one of 3,000 items:
20 a second one by one, as officers publish, and 30 in a file each second, as departments' systems
send them. No query may fail, and afterwards the index has every change that was acknowledged.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count, cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import httpx
import orjson
from pymongo import MongoClient

from gateway.indexer.writer import read_subjects
from gateway.onestop import directory
from infra.local.ports import LOOPBACK
from infra.local.stack import Stack
from infra.sample.items import items
from infra.sample.places import regions
from services.catalogue import store
from services.catalogue.domain import Listed, item_of
from services.catalogue.store.documents import ItemDocument
from services.common import fields
from services.common.grpc_host.department import utc_now
from services.common.transaction import index_models
from tests.bench import open_load
from tests.bench.onestop_index import queries
from tests.bench.resources import NO_LIMIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from gateway.onestop.cards import Change

    _Asking = Callable[[str, bytes], Awaitable[tuple[int, bytes]]]

ITEMS = 1_000_000
CHANGED = 3_000
QUERIES, CHANGES, IMPORTED = 100.0, 20.0, 30  # a second
CHANGING = 16  # connections
PART_SECONDS = 15.0  # of queries, one process after another
CAUGHT_UP_SECONDS = 120.0
TRIES = 20
BATCH = 2_000
TICK = 1_750_000_000_000_000
WRITTEN_BY_THE_PLATFORM = {"item_id", "state", "version", "update_time"}
_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def run(rounds: int) -> list[dict[str, Any]]:
    """Seconds of both rebuilds, the queries meanwhile, and the changes that are missing."""
    del rounds  # one takes some twenty minutes
    return measured(ITEMS, CHANGED)


def measured(size: int, changed: int) -> list[dict[str, Any]]:
    """The figures with a catalogue of so many items, of which so many are changed in turn."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), env=NO_LIMIT) as stack:
        with MongoClient(stack.env["MONGODB_URI"]) as client:
            _fill(client["zt_catalogue"], size)
        quiet = _rebuild(stack)
        with _Load(stack, changed) as load:
            busy = _rebuild(stack)
        missing = _missing(stack, load)
    queries_failed = sum(one.status != 200 for one in load.answers)
    took = sorted(one.milliseconds for one in load.answers)
    return [
        _row("rebuild_1m", busy, "s", quiet),
        _row("rebuild_queries", len(took), "answers", None),
        _row("rebuild_queries_failed", queries_failed, "answers", None),
        _row("rebuild_query_p50", took[len(took) // 2], "ms", None),
        _row("rebuild_query_p99", took[len(took) * 99 // 100], "ms", None),
        _row("rebuild_changes", load.changes, "changes", None),
        _row("rebuild_changes_a_second", load.changes / load.seconds, "changes/s", None),
        _row("rebuild_changes_missing", missing, "items", None),
    ]


def _fill(database: Any, size: int) -> None:
    """Write the items; their indexes are made afterwards, which takes a quarter of the time."""
    items = database[store.COLLECTION]
    items.drop_indexes()
    written = _documents(size)
    while batch := list(islice(written, BATCH)):
        items.insert_many(batch, ordered=False)
    items.create_indexes(index_models(ItemDocument))


def _documents(size: int) -> Iterator[dict[str, Any]]:
    """What the store keeps of so many items: the sample's names, in each region, in many cases.

    A name in a region is made once by the store itself; its like differ in name and code.
    """
    names = {row["task_name"]: item_of(row) for row in items()}
    models = [
        replace(
            item,
            task_code="",
            catalog_code="",
            local_task_code="YN",
            region_code=place["code"],
            dept_code="",
            dept_name=f"{place['name']}{item.dept_name[-6:]}",
        )
        for item in names.values()
        for place in regions().values()
    ]
    made = [
        store.document_of(Listed(one, 1, update_time=utc_now()), fields.plain(one), tick=TICK)
        for one in models
    ]
    for number in range(size):
        like, case = made[number % len(made)], number // len(made)
        code = f"YN-{number * 7919 % 10_000_019:08d}"
        name = like["item"]["task_name"] + (f"（{_chinese(case)}类）" if case else "")
        plain = like["item"] | {"task_name": name, "local_task_code": code}
        yield like | {"_id": code, "digest": store.digest(plain), "item": plain}


def _chinese(number: int) -> str:
    return str(number).translate(_DIGITS)


def _rebuild(stack: Stack) -> float:
    """Seconds that the command says it took."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "index", "rebuild", "--json"],
        env=stack.platform_env,
        cwd=stack.run_dir,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # as an operator's: Linux shares cores among sessions
        check=True,
    )
    told = orjson.loads(done.stdout)
    sys.stderr.write(f"rebuilt: {told}\n")
    return float(told["seconds"])


class _Load:
    """Queries and changes, from entering to leaving.

    Attributes:
        answers: to the queries.
        acknowledged: the last version of each item that was changed alone.
        imported: the last name of each item that was changed by a file.
        changes: how many were acknowledged, in how many seconds.
    """

    def __init__(self, stack: Stack, changed: int) -> None:
        self._stack = stack
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=one) for one in (self._ask, self._change)]
        self._items = _items(stack, changed)
        self.answers: list[open_load.Answer] = []
        self.acknowledged: dict[str, int] = {}
        self.imported: dict[str, str] = {}
        self.changes = 0
        self.seconds = 0.0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        mix = self._stack.run_dir / "queries.json"
        mix.write_bytes(orjson.dumps([("q", f"/api/v1/query?q={quote(q)}") for q in queries()]))
        while not self._ended.is_set():
            port = self._stack.plan.http_port
            self.answers += open_load.drive(port, mix, QUERIES, PART_SECONDS)

    def _change(self) -> None:
        begun = time.monotonic()
        asyncio.run(self._change_all())
        self.seconds = time.monotonic() - begun

    async def _change_all(self) -> None:
        changes, begun = enumerate(cycle(self._items[::2])), time.monotonic()
        alone = (self._change_each(changes, begun) for _ in range(CHANGING))
        await asyncio.gather(*alone, self._import_each(begun))

    async def _import_each(self, begun: float) -> None:
        """Send a file when it is due, each with the next items under new names."""
        items, numbers = cycle(self._items[1::2]), count()
        async with _posting(self._stack) as asking:
            for second in count():
                await asyncio.sleep(max(0.0, begun + second - time.monotonic()))
                if self._ended.is_set():
                    return
                rows = [_renamed(item, next(numbers)) for item in islice(items, IMPORTED)]
                path = f"/api/v1/items:import?request_id={uuid.uuid4().hex}"
                answer = await self._asked(asking, path, orjson.dumps(rows))
                report = orjson.loads(answer)["report"]
                if int(report.get("changed", 0)) != IMPORTED:
                    raise AssertionError(f"rows were not taken: {report}")
                self.changes += IMPORTED
                self.imported |= {row["local_task_code"]: row["task_name"] for row in rows}

    async def _change_each(
        self, changes: Iterator[tuple[int, dict[str, Any]]], begun: float
    ) -> None:
        """Make the next change when it is due, one after the other, over one connection."""
        async with _posting(self._stack) as asking:
            for number, item in changes:
                await asyncio.sleep(max(0.0, begun + number / CHANGES - time.monotonic()))
                if self._ended.is_set():
                    return
                body = {"item": _renamed(item, number), "request_id": uuid.uuid4().hex}
                answer = await self._asked(asking, "/api/v1/items:publish", orjson.dumps(body))
                version = int(orjson.loads(answer)["item"]["version"])
                code = item["local_task_code"]
                self.acknowledged[code] = max(version, self.acknowledged.get(code, 0))
                self.changes += 1

    async def _asked(self, asking: _Asking, path: str, body: bytes) -> bytes:
        """Ask with the same request id until that is acknowledged: it is made once."""
        for _ in range(TRIES):
            status, answer = await asking(path, body)
            if status == 200:
                return answer
            if status < 500:
                raise AssertionError(f"a change was refused: {answer.decode()}")
            await asyncio.sleep(0.5)
        raise AssertionError(f"a change was not acknowledged after {TRIES} tries")


def _renamed(item: dict[str, Any], number: int) -> dict[str, Any]:
    return item | {"task_name": f"变更第{_chinese(number)}号事项"}


@asynccontextmanager
async def _posting(stack: Stack) -> AsyncIterator[_Asking]:
    """Posts over one connection with the platform's own key; gives status and body.

    httpx costs more for a request than the gateway does, on the same two cores.
    """
    reading, writing = await asyncio.open_connection(LOOPBACK, stack.plan.http_port)
    given = {"Host": LOOPBACK, "Content-Type": "application/json", **_key(stack)}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())

    async def ask(path: str, body: bytes) -> tuple[int, bytes]:
        length = f"Content-Length: {len(body)}\r\n\r\n"
        writing.write(f"POST {path} HTTP/1.1\r\n{head}{length}".encode() + body)
        told = await reading.readuntil(b"\r\n\r\n")
        found = _LENGTH.search(told)
        if found is None:
            raise AssertionError(f"an answer without a length: {told.decode()}")
        return int(told.split(maxsplit=2)[1]), await reading.readexactly(int(found[1]))

    try:
        yield ask
    finally:
        writing.close()
        await writing.wait_closed()


def _key(stack: Stack) -> dict[str, str]:
    token = stack.plan.layout.api_key.read_text(encoding="ascii").strip()
    return {"Authorization": f"Bearer {token}"}


def _items(stack: Stack, wanted: int) -> list[dict[str, Any]]:
    """So many of the catalogue's items, as they are published."""
    found: list[dict[str, Any]] = []
    page = {"page_size": 200, "page_token": ""}
    with httpx.Client(base_url=stack.base_url, timeout=60, trust_env=False) as http:
        while len(found) < wanted:
            answer = http.get("/api/v1/items", params=page).raise_for_status().json()
            found += answer["items"]
            page["page_token"] = answer.get("next_page_token", "")
            if not page["page_token"]:
                break
    given = [{k: v for k, v in one.items() if k not in WRITTEN_BY_THE_PLATFORM} for one in found]
    return given[:wanted]


def _missing(stack: Stack, load: _Load) -> int:
    """How many items the index has in an older version or name than was acknowledged, or not."""
    deadline = time.monotonic() + CAUGHT_UP_SECONDS
    while True:
        index = directory.open_index(directory.current(stack.plan.layout.index)).searcher()
        has = {
            one.change.subject: one.change
            for one in read_subjects(index, "catalogue")
            if one.change.subject in load.acknowledged or one.change.subject in load.imported
        }
        late = [code for code, v in load.acknowledged.items() if _version(has.get(code)) < v]
        late += [code for code, name in load.imported.items() if _title(has.get(code)) != name]
        if not late or time.monotonic() > deadline:
            return len(late)


def _version(change: Change | None) -> int:
    return change.version if change else 0


def _title(change: Change | None) -> str:
    return change.card.title if change and change.card else ""


def _row(name: str, figure: float, unit: str, baseline: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "figure": round(figure, 2),
        "unit": unit,
        "baseline": None if baseline is None else round(baseline, 2),
        "ratio": None if baseline is None else round(figure / baseline, 2),
    }
