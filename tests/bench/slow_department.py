"""What one slow or dead department costs the others' answers, at 100 and at 500 requests a second.

The platform with the sample, once as the small profile and once with each department's processes
apart, but that the gateway reaches credit through a proxy of this bench: credit is well, answers a
second late, or refuses connections. Of 20 requests 12 are one-stop queries by words, 5 read items,
2 are queries by 统一社会信用代码 and one reads a subject; the last three ask credit, and what is
measured are the others.

The words are typed as people do, some often and most hardly ever: 7,400 texts by Zipf's law, which
name one place or none. About half of them were typed a short while before, and the gateway
remembers those.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import orjson

from infra.local import plan
from infra.local.ports import LOOPBACK, PortClaims
from infra.local.stack import Stack
from tests.bench import http_load, open_load
from tests.bench.onestop import server
from tests.bench.onestop_index import cities, queries, queries_without_a_place
from tests.bench.resources import NO_LIMIT, codes
from tests.bench.sick_proxy import SickProxy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROFILES = {"": False, "_apart": True}
"""What the figures of a profile end in, and whether its departments have processes of their own."""
SICK = "credit"
RATES = (100, 500)
SECONDS = 5.0  # in a round, for each state of the department
SETTLE_SECONDS = 2.0  # of load before each measurement, which does not count
MIX = ("word",) * 12 + ("item",) * 5 + ("code",) * 2 + ("subject",)
REQUESTS = 6000  # that differ, before the same ones come again
SEED = 20261128
OTHERS = ("word", "item")
ENOUGH = 1.2  # times the higher rate: less, and 500 a second is a queue, not a load
SHARE = 0.7  # of what the machine can do at most, as the higher rate where 500 is too much
STATISTICS = ("mean", "p95", "p99")


def run(rounds: int) -> list[dict[str, Any]]:
    """Milliseconds of the others' answers: credit well (baseline), slow and dead."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with Stack(root, sample=True, env=NO_LIMIT):
            pass  # loads the sample
        return [
            {**row, "name": row["name"] + ending}
            for ending, apart in PROFILES.items()
            for row in _profile(root, rounds, apart=apart)
        ]


def _profile(root: Path, rounds: int, *, apart: bool) -> list[dict[str, Any]]:
    """The figures of one profile, over the data that lie in `root`."""
    with ExitStack() as stack:
        names = [n for n in plan.make({}, root, apart=apart).process_names() if n != plan.GATEWAY]
        platform = stack.enter_context(Stack(root, apart=apart, only=names))
        claims = stack.enter_context(PortClaims())
        behind = int(platform.plan.grpc[SICK].rpartition(":")[2])
        proxy = stack.enter_context(SickProxy(claims.claim(), behind))
        port = stack.enter_context(_gateway(platform, proxy.port))
        mix = _mix(port, root)
        most = _most(port, root, mix)
        rows = [_row("slow_department_capacity", most, "answers/s", None)]
        for rate in _rates(most):
            rows += _rows(rate, _rounds(port, mix, rate, rounds, proxy))
    return rows


def _rates(most: float) -> list[int]:
    """The rates to measure at, and what the machine manages where 500 a second is too much."""
    managed = int(most * SHARE) // 10 * 10
    return [*RATES, *([managed] if most < RATES[-1] * ENOUGH else [])]


@contextmanager
def _gateway(platform: Stack, proxy_port: int) -> Iterator[int]:
    """The gateway, on the way to one department through the proxy."""
    addresses = {**platform.plan.grpc, SICK: f"{LOOPBACK}:{proxy_port}"}
    told = {
        **platform.platform_env,
        "ZHENGTONG_GRPC_ADDRESSES": ",".join(f"{n}={a}" for n, a in addresses.items()),
        **NO_LIMIT,
    }
    with (
        (platform.run_dir / "gateway.bench.log").open("wb") as log,
        server(["gateway.app"], told, platform.plan.http_port, log) as served,
    ):
        yield served.port


def _mix(port: int, root: Path) -> Path:
    """The file of the requests, as open_load reads it."""
    with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", trust_env=False) as client:
        items = client.get("/api/v1/items", params={"page_size": 200}).json()["items"]
        known = codes(client)
    targets = {
        "word": (f"/api/v1/query?q={quote(text)}" for text in _typed()),
        "item": cycle(f"/api/v1/items/{one['item_id']}" for one in items),
        "code": cycle(f"/api/v1/query?q={code}" for code in known),
        "subject": cycle(f"/api/v1/credit/subjects/{code}" for code in known),
    }
    spread = [MIX[place * 7 % len(MIX)] for place in range(len(MIX))]
    asked = [(kind, next(targets[kind])) for kind in islice(cycle(spread), REQUESTS)]
    (root / "mix.json").write_bytes(orjson.dumps(asked))
    return root / "mix.json"


def _typed() -> list[str]:
    """What people type, one after the other."""
    drawn = random.Random(SEED)
    anywhere = queries_without_a_place()
    texts = list(
        dict.fromkeys([*queries(), *(f"{city}{text}" for city in cities() for text in anywhere)])
    )
    drawn.shuffle(texts)
    shares = [1 / rank for rank in range(1, len(texts) + 1)]
    return drawn.choices(texts, shares, k=REQUESTS)


def _most(port: int, root: Path, mix: Path) -> float:
    """Answers a second of the same mix when every connection asks again at once."""
    targets = root / "targets.json"
    targets.write_bytes(orjson.dumps([target for _, target in orjson.loads(mix.read_bytes())]))
    http_load.drive(port, targets, SETTLE_SECONDS)
    return http_load.drive(port, targets, SECONDS).per_second


def _rounds(
    port: int, mix: Path, rate: int, rounds: int, proxy: SickProxy
) -> dict[str, list[dict[str, float]]]:
    """The statistics of each round, by the state of the department."""
    found: dict[str, list[dict[str, float]]] = {"well": [], "slow": [], "dead": []}
    # At a new rate connections are opened and threads begun, which whoever is first would pay for.
    open_load.drive(port, mix, rate, SECONDS)
    for _ in range(rounds):
        for state, measured in found.items():
            getattr(proxy, state)()
            open_load.drive(port, mix, rate, SETTLE_SECONDS)
            answers = open_load.drive(port, mix, rate, SECONDS)
            measured.append(_statistics(answers))
            _tell(rate, state, answers, measured[-1])
        proxy.well()
    return found


def _statistics(answers: Sequence[open_load.Answer]) -> dict[str, float]:
    """Milliseconds of the others' answers, and how many of them were refused."""
    others = [one for one in answers if one.kind in (*OTHERS, "lost")]
    took = sorted(one.milliseconds for one in others)
    p95, p99 = (took[len(took) * part // 100] for part in (95, 99))
    refused = sum(one.status != 200 for one in others)
    return {"mean": statistics.fmean(took), "p95": p95, "p99": p99, "refused": refused}


def _tell(
    rate: int, state: str, answers: Sequence[open_load.Answer], figures: dict[str, float]
) -> None:
    """One line a measurement, with how the department's own answers ended."""
    sick = [one for one in answers if one.kind in ("code", "subject")]
    ended = {code: sum(one.status == code for one in sick) for code in {a.status for a in sick}}
    mean = statistics.fmean(one.milliseconds for one in sick)
    told = " ".join(f"{name} {figure:.1f}" for name, figure in figures.items())
    sys.stderr.write(f"{rate}/s {state}: {told}; {SICK} itself {ended}, mean {mean:.1f}\n")


def _rows(rate: int, found: dict[str, list[dict[str, float]]]) -> list[dict[str, Any]]:
    rows = []
    for state in ("slow", "dead"):
        for name in STATISTICS:
            sick, well = (
                statistics.median(one[name] for one in found[which]) for which in (state, "well")
            )
            rows.append(_row(f"others_{name}_{SICK}_{state}_{rate}rps", sick, "ms", well))
            if refused := int(sum(one["refused"] for one in (*found[state], *found["well"]))):
                rows[-1]["note"] += f", {refused} refused"
    return rows


def _row(name: str, figure: float, unit: str, well: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "figure": round(figure, 2),
        "unit": unit,
        "baseline": None if well is None else round(well, 2),
        "ratio": None if well is None else round(figure / well, 3),
        "note": None if well is None else f"{figure - well:+.1f} ms",
    }
