"""What it costs to know who asks: the same read signed in and open, and a look that is recorded.

All of it is the whole platform in its small profile. A signed-in read verifies the token, judges
the permission at the gateway and in the department, and takes from the account's own bucket. A
protected look waits until its record is durable; it is held against a read of the same department
that is recorded nowhere.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from infra.local.stack import Stack
from tests.bench.http_load import drive

if TYPE_CHECKING:
    from collections.abc import Sequence

ITEMS = 200
SECONDS = 3.0  # in a round, for each of the four
REGION, BODY = "530000000000", "11530000015100012L"
PASSWORD = "yunnan-Qingcai-27"


@dataclass(frozen=True, slots=True)
class Door:
    """What is asked, and as whom."""

    targets: Path
    token: str = ""


def run(rounds: int) -> list[dict[str, Any]]:
    """Ratios of the medians, each pair measured in turn."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        stack = Stack(root / "run", sample=False, env={"ZHENGTONG_RATE_PER_SECOND": "0"})
        with stack, httpx.Client(base_url=stack.base_url, timeout=30, trust_env=False) as http:
            items = _publish(http, stack.plan.layout.api_key.read_text().strip())
            account, token = _administrator(stack, http)
            reads = _targets(root / "items.json", [f"/api/v1/items/{one}" for one in items])
            own = _targets(root / "own.json", ["/api/v1/account"])
            look = _targets(root / "look.json", [f"/api/v1/accounts/{account}"])
            port = stack.plan.http_port
            pairs = [
                ("authorised_read_vs_open", Door(reads, token), Door(reads)),
                ("protected_look_vs_read", Door(look, token), Door(own, token)),
            ]
            return [_figure(name, port, ours, other, rounds) for name, ours, other in pairs]


def _figure(name: str, port: int, ours: Door, other: Door, rounds: int) -> dict[str, Any]:
    for door in (ours, other):
        drive(port, door.targets, 1.0, token=door.token)
    measured = [
        tuple(drive(port, one.targets, SECONDS, token=one.token).per_second for one in pair)
        for pair in [(ours, other)] * rounds
    ]
    figure, baseline = (statistics.median(column) for column in zip(*measured, strict=True))
    return {
        "name": name,
        "figure": round(figure, 1),
        "unit": "answers/s",
        "baseline": round(baseline, 1),
        "ratio": round(statistics.median(one / two for one, two in measured), 3),
    }


def _publish(http: httpx.Client, key: str) -> list[str]:
    """Some items to read, and their ids."""
    ids = []
    for number in range(ITEMS):
        item = {
            "task_name": f"度量事项{number}",
            "task_type": "01",
            "dept_name": "度量市度量局",
            "dept_code": BODY,
            "region_code": REGION,
            "local_task_code": f"BENCH-{number}",
        }
        answer = http.post(
            "/api/v1/items:publish",
            json={"item": item},
            headers={"Authorization": f"Bearer {key}"},
        )
        ids.append(answer.raise_for_status().json()["item"]["item_id"])
    return ids


def _administrator(stack: Stack, http: httpx.Client) -> tuple[str, str]:
    """An administrator's access token, and the id of an account to look at."""
    first = _command(stack, "admin-one")
    looked_at = _command(stack, "admin-two")
    login = {"login": "admin-one", "password": first["password"]}
    token = _sign_in(http, login)
    http.post(
        "/api/v1/account:changePassword",
        json={"password": first["password"], "new_password": PASSWORD},
        headers={"Authorization": f"Bearer {token}"},
    ).raise_for_status()
    return looked_at["account_id"], _sign_in(http, login | {"password": PASSWORD})


def _sign_in(http: httpx.Client, login: dict[str, str]) -> str:
    answer = http.post("/api/v1/sessions:signIn", json=login).raise_for_status()
    return str(answer.json()["ticket"]["access_token"])


def _command(stack: Stack, login: str) -> dict[str, str]:
    words = ["account", "administrator", "--login", login, "--name", "王小明", "--json"]
    words += ["--department", BODY, "--region", REGION]
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", *words],
        env=stack.env,
        check=True,
        stdout=subprocess.PIPE,
    )
    return dict(json.loads(done.stdout))


def _targets(path: Path, targets: Sequence[str]) -> Path:
    path.write_bytes(orjson.dumps(targets))
    return path
