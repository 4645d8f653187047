"""A ledger kept outside the platform: what was asked, what was acknowledged, what must be true.

Every change has a request id and is asked again under it until it is acknowledged or refused, so
that the ledger knows each one's fate. Changes of one thing run side by side; the version in each
acknowledgement says in which order they were made.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import ssl
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

HOT = 8  # things that get most of the changes
GIVE_UP = 60.0  # seconds without an acknowledgement
AT_ONCE = 96  # changes under way


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
            idle = await self._clients(stack)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            started = time.monotonic()
            for number in itertools.count():
                due = started + number / self.rate
                if due > started + seconds:
                    break
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                client = await idle.get()
                tasks.create_task(self._change(client, idle, number, rng.random(), rng.random()))
                self.asked += 1

    async def _clients(self, stack):
        """A client with one connection for each change that may be under way.

        One client with as many connections looks through all of them at every request, which took
        nine times as long as the request itself, of processors that the platform needs.
        """
        trusted = ssl.create_default_context()  # each client would read its own otherwise
        idle = asyncio.Queue()
        for _ in range(AT_ONCE):
            client = httpx.AsyncClient(
                base_url=self.base_url,
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=10,
                limits=httpx.Limits(max_connections=1),
                trust_env=False,
                verify=trusted,
            )
            idle.put_nowait(await stack.enter_async_context(client))
        return idle

    async def _change(self, client, idle, number, where, what):
        try:
            kind = self.kinds[number % len(self.kinds)]
            hot = where < 0.6
            key = f"hot{int(where / 0.6 * HOT)}" if hot else f"n{number}"
            if not hot and what < 0.5:
                key = f"n{number - number % 20}"  # now and then a second change of a fresh one
            if what > 0.8:
                await self._ask_withdrawal(client, kind, key, number)
            else:
                await self._ask_publication(client, kind, key, number)
        finally:
            idle.put_nowait(client)

    async def _ask_publication(self, client, kind, key, number):
        text = f"{kind.name}{number}号"
        body = {kind.field: kind.body(key, text), "request_id": f"r{self.seed}-{number}"}
        answer = await self._until_told(client, kind.publish, body)
        if answer is not None:
            self._note((kind, key), answer[kind.field], text, public=True)

    async def _ask_withdrawal(self, client, kind, key, number):
        known = self.acknowledged.get((kind.department, kind.name, key))
        thing_id = self.ids.get((kind.department, kind.name, key))
        if not known or not thing_id:
            await self._ask_publication(client, kind, key, number)
            return
        body = {"reason": "演练", "request_id": f"r{self.seed}-{number}"}
        answer = await self._until_told(client, kind.withdraw.format(thing_id), body)
        if answer is not None:
            self._note((kind, key), answer[kind.field], "", public=False)

    def _note(self, what, thing, text, *, public):
        kind, key = what
        self.ids[kind.department, kind.name, key] = thing[kind.id_field]
        self.acknowledged[kind.department, kind.name, key].append(
            Acknowledged(int(thing["version"]), public, text, time.monotonic())
        )

    async def _until_told(self, client, path, body):
        started = time.monotonic()
        delay = 0.05
        while True:
            try:
                answer = await client.post(path, json=body)
            except httpx.TransportError as error:
                said = repr(error)
            else:
                if answer.status_code == 200:
                    self.slowest = max(self.slowest, time.monotonic() - started)
                    return answer.json()
                problem = answer.json()
                if answer.status_code in (404, 409) and problem["reason"] != "STALE":
                    self.refused[problem["reason"]] += 1
                    return None
                said = f"{answer.status_code} {problem.get('reason')}"
                if answer.status_code in (400, 401, 403, 500):
                    self.failures.append(f"{path}: {said} {problem.get('detail')}")
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
