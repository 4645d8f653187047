"""The platform of a journey, as its callers and its operator have it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.local.stack import Stack

WITHIN = 3  # the suite allows three times what is measured on a machine of its own
COMMAND_SECONDS = 300
START_SECONDS = 240.0  # both cores may be busy with other tests
UNLIMITED = {"ZHENGTONG_RATE_PER_SECOND": "0"}


@dataclass(frozen=True)
class Done:
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class City:
    """One running stack and the ways to it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        token = stack.plan.layout.api_key.read_text().strip()
        self.http = httpx.Client(base_url=stack.base_url, timeout=30, trust_env=False)
        self.operator = {"Authorization": f"Bearer {token}"}
        self._numbers = itertools.count(1)

    def close(self) -> None:
        self.http.close()

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """The JSON of an address that must answer 200."""
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def query(self, text: str, **params: Any) -> dict[str, Any]:
        return self.get("/api/v1/query", q=text, **params)

    def change(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """A change by the operator that must be taken."""
        answer = self.http.post(path, json=body, headers=self.operator | headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def publish(self, name: str, code: str = "", **headers: str) -> dict[str, Any]:
        """Publish a service item; with the code of one that is there, change it."""
        code = code or f"E2E-{next(self._numbers)}"
        return self.change("/api/v1/items:publish", {"item": item(name, code)}, **headers)["item"]

    def withdraw(self, item_id: str) -> None:
        self.change(f"/api/v1/items/{item_id}:withdraw", {"reason": "演练结束"})

    def counted(self, department: str, kind: str) -> int:
        """How many things of a kind the publication statistics say became public."""
        answer = self.get("/api/v1/websites/publication-counts", page_size=200)
        return sum(
            int(row["count"])
            for row in answer["counts"]
            if (row["department"], row["kind"]) == (department, kind)
        )

    def source(self, department: str) -> dict[str, Any]:
        """What an answer says of the data of one department."""
        rows = self.query("食品")["sources"]
        return next(row for row in rows if row["department"] == department)

    def zhengtong(self, *words: Any, **variables: str) -> Done:
        """The command line as an operator runs it, in another folder."""
        return command("gateway.cli", *words, env=self.stack.platform_env | variables)

    def until(self, condition: Any, what: str, seconds: float) -> None:
        """Wait until a condition holds, while the stack runs."""
        self.stack.wait_until(condition, what, seconds)

    def logs(self) -> dict[str, str]:
        """What every process of the stack has written, the servers' own too."""
        return {path.name: text(path) for path in self.stack.plan.layout.logs.iterdir()}


@contextlib.contextmanager
def running(stack: Stack) -> Iterator[City]:
    """A stack while it runs."""
    stack.start(START_SECONDS)
    try:
        city = City(stack)
        yield city
        city.close()
    finally:
        stack.stop()


def item(name: str, code: str) -> dict[str, Any]:
    """A service item that can be published."""
    return {
        "task_name": name,
        "task_type": "01",
        "dept_name": "演练市演练局",
        "region_code": "530100000000",
        "local_task_code": code,
    }


def titles(answer: dict[str, Any]) -> list[str]:
    """The titles of all hits of an answer."""
    return [hit["title"] for group in answer["groups"] for hit in group["hits"]]


def command(module: str, *words: Any, env: dict[str, str]) -> Done:
    """Run a program of the platform to its end."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, words)],
        env={**os.environ, **env},
        cwd=env.get("ZHENGTONG_RUN_DIR"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def seconds_of(act: Any) -> float:
    """How long a call takes."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
