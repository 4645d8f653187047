"""A ledger kept outside the platform: what was asked, what was acknowledged, what must be true.

Every change has a request id and is asked again under it until it is acknowledged or refused, so
that the ledger knows each one's fate. Changes of one thing run side by side; the version in each
acknowledgement says in which order they were made.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

HOT = 8  # things that get most of the changes
GIVE_UP = 60.0  # seconds without an acknowledgement
AT_ONCE = 96  # changes under way
ANSWERED = 10.0  # seconds to wait for one answer
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
AWAY = (OSError, TimeoutError, asyncio.IncompleteReadError)


class Caller:
    """One kept-alive connection, opened again after each failure.

    A caller library costs more for each request than the gateway does, of processors that the
    platform needs.
    """

    def __init__(self, base_url, token):
        where = urlsplit(base_url)
        self._where = where.hostname, where.port
        self._head = f"Host: {where.netloc}\r\nAuthorization: Bearer {token}\r\n"
        self._streams = None

    async def post(self, path, body):
        """Status and JSON of the answer. Raises: one of AWAY."""
        sent = json.dumps(body).encode()
        kind = f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
        whole = f"POST {path} HTTP/1.1\r\n{self._head}{kind}".encode() + sent
        try:
            async with asyncio.timeout(ANSWERED):
                return await self._answer(whole)
        except AWAY:
            self.close()
            raise

    async def _answer(self, request):
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._where)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        text = await reader.readexactly(int(LENGTH.search(head)[1]))
        if b"connection: close" in head.lower():
            self.close()
        return int(head.split(b" ", 2)[1]), json.loads(text)

    def close(self):
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass(frozen=True)
class Kind:
    """One kind of thing: where it is published and taken back, and how it is written."""

    department: str
    name: str
    publish: str
    withdraw: str
    field: str
    id_field: str
    body: Callable


@dataclass
class Acknowledged:
    """One change as the platform acknowledged it."""

    version: int
    public: bool
    text: str
    after: float


@dataclass
class Ledger:
    """Drives changes at a rate and remembers every acknowledgement."""

    base_url: str
    token: str
    kinds: list
    rate: float
    seed: int = 0
    acknowledged: dict = field(default_factory=lambda: defaultdict(list))
    ids: dict = field(default_factory=dict)
    refused: Counter = field(default_factory=Counter)
    failures: list = field(default_factory=list)
    asked: int = 0
    retried: int = 0
    slowest: float = 0.0

    async def drive(self, seconds):
        """Ask for changes at the rate for so long, then wait for the last acknowledgement."""
        rng = random.Random(self.seed)
        async with contextlib.AsyncExitStack() as stack:
            idle = self._callers(stack)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            started = time.monotonic()
            for number in itertools.count():
                due = started + number / self.rate
                if due > started + seconds:
                    break
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                caller = await idle.get()
                tasks.create_task(self._change(caller, idle, number, rng.random(), rng.random()))
                self.asked += 1

    def _callers(self, stack):
        """One caller for each change that may be under way."""
        idle = asyncio.Queue()
        for _ in range(AT_ONCE):
            caller = Caller(self.base_url, self.token)
            stack.callback(caller.close)
            idle.put_nowait(caller)
        return idle

    async def _change(self, caller, idle, number, where, what):
        try:
            kind = self.kinds[number % len(self.kinds)]
            hot = where < 0.6
            key = f"hot{int(where / 0.6 * HOT)}" if hot else f"n{number}"
            if not hot and what < 0.5:
                key = f"n{number - number % 20}"  # now and then a second change of a fresh one
            if what > 0.8:
                await self._ask_withdrawal(caller, kind, key, number)
            else:
                await self._ask_publication(caller, kind, key, number)
        finally:
            idle.put_nowait(caller)

    async def _ask_publication(self, caller, kind, key, number):
        text = f"{kind.name}{number}号"
        body = {kind.field: kind.body(key, text), "request_id": f"r{self.seed}-{number}"}
        answer = await self._until_told(caller, kind.publish, body)
        if answer is not None:
            self._note((kind, key), answer[kind.field], text, public=True)

    async def _ask_withdrawal(self, caller, kind, key, number):
        known = self.acknowledged.get((kind.department, kind.name, key))
        thing_id = self.ids.get((kind.department, kind.name, key))
        if not known or not thing_id:
            await self._ask_publication(caller, kind, key, number)
            return
        body = {"reason": "演练", "request_id": f"r{self.seed}-{number}"}
        answer = await self._until_told(caller, kind.withdraw.format(thing_id), body)
        if answer is not None:
            self._note((kind, key), answer[kind.field], "", public=False)

    def _note(self, what, thing, text, *, public):
        kind, key = what
        self.ids[kind.department, kind.name, key] = thing[kind.id_field]
        self.acknowledged[kind.department, kind.name, key].append(
            Acknowledged(int(thing["version"]), public, text, time.monotonic())
        )

    async def _until_told(self, caller, path, body):
        started = time.monotonic()
        delay = 0.05
        while True:
            try:
                status, answer = await caller.post(path, body)
            except AWAY as error:
                said = repr(error)
            else:
                if status == 200:
                    self.slowest = max(self.slowest, time.monotonic() - started)
                    return answer
                if status in (404, 409) and answer["reason"] != "STALE":
                    self.refused[answer["reason"]] += 1
                    return None
                said = f"{status} {answer.get('reason')}"
                if status in (400, 401, 403, 500):
                    self.failures.append(f"{path}: {said} {answer.get('detail')}")
                    return None
            self.retried += 1
            if time.monotonic() - started > GIVE_UP:
                self.failures.append(f"{path}: no answer within {GIVE_UP} s: {said}")
                return None
            await asyncio.sleep(delay)
            delay = min(delay * 2, 1.0)

    def told(self):
        """How many changes have been acknowledged or refused so far."""
        return sum(map(len, self.acknowledged.values())) + self.refused.total()

    def final(self):
        """For each thing acknowledged: its last version, public or not, and its text."""
        return {
            key: max(changes, key=lambda change: change.version)
            for key, changes in self.acknowledged.items()
        }

    def holes(self):
        """Versions that were made and never acknowledged, or acknowledged twice for two changes."""
        wrong = []
        for key, changes in self.acknowledged.items():
            versions = sorted(change.version for change in changes)
            if versions != list(range(1, len(versions) + 1)):
                wrong.append((key, versions))
        return wrong

    def published(self):
        """How many times something became public, by department and kind."""
        counted = Counter()
        for (department, name, _), changes in self.acknowledged.items():
            public = False
            for change in sorted(changes, key=lambda change: change.version):
                counted[department, name] += change.public and not public
                public = change.public
        return counted
