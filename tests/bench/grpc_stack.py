"""What the servicer's own layers cost: a read without a database, against a bare grpcio echo.

Both servers have the same thread pool and answer the same bytes; the client is the same too, but
that it sends the platform's token and trace to the one. The platform's side verifies the token,
authorises, opens a span, reads the request, makes the message of a domain value and writes it.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from services.common.access import ANONYMOUS
from services.common.callers import Signer

if TYPE_CHECKING:
    from collections.abc import Iterator

METHOD = "/zhengtong.catalogue.v1.CatalogueService/GetItem"
CALLS = 3000  # in a round
AT_ONCE = 16
THREADS = 8


def run(rounds: int) -> list[dict[str, Any]]:
    """Calls a second through the stack, and its ratio to the echo; median of the rounds."""
    from infra.local.keys import PRINCIPALS, make_pair  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        for principal in PRINCIPALS:
            make_pair(Path(folder), principal)
        with _server("stack", folder) as stack, _server("bare", folder) as bare:
            pairs = asyncio.run(_rounds(stack, bare, Path(folder), rounds))
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return [
        {
            "name": "grpc_stack_vs_bare",
            "figure": round(ours, 1),
            "unit": "calls/s",
            "baseline": round(theirs, 1),
            "ratio": round(statistics.median(one / other for one, other in pairs), 3),
        }
    ]


async def _rounds(stack: str, bare: str, keys: Path, rounds: int) -> list[tuple[float, float]]:
    token = Signer.load(keys, "gateway").token(ANONYMOUS, "catalogue")
    metadata = (
        ("authorization", f"Bearer {token}"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"),
    )
    request = _request()
    pairs = []
    async with grpc.aio.insecure_channel(stack) as ours, grpc.aio.insecure_channel(bare) as theirs:
        answer = await ours.unary_unary(METHOD)(request, metadata=metadata)
        await theirs.unary_unary("/bare/Set")(answer)
        for calls in (CALLS // 10, *[CALLS] * rounds):
            one = await _drive(ours.unary_unary(METHOD), request, metadata, calls)
            other = await _drive(theirs.unary_unary("/bare/Echo"), request, (), calls)
            pairs.append((one, other))
    return pairs[1:]


async def _drive(call: Any, request: bytes, metadata: Any, calls: int) -> float:
    async def one() -> None:
        for _ in range(calls // AT_ONCE):
            await call(request, metadata=metadata, timeout=10)

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    return calls / (time.perf_counter() - started)


def _request() -> bytes:
    from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb  # noqa: PLC0415

    return bytes(pb.GetItemRequest(item_id="T-1").SerializeToString())


@contextmanager
def _server(kind: str, keys: str) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.grpc_stack", kind, keys],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert process.stdout
    port = process.stdout.readline().strip()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _serve(kind: str, keys: str) -> None:
    pool = ThreadPoolExecutor(THREADS)
    server = _stack(pool, keys) if kind == "stack" else _bare(pool)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


def _bare(pool: ThreadPoolExecutor) -> grpc.Server:
    answer = b""

    def set_answer(request: bytes, _context: Any) -> bytes:
        nonlocal answer
        answer = request
        return b""

    server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
    handlers = {
        "Echo": grpc.unary_unary_rpc_method_handler(lambda _request, _context: answer),
        "Set": grpc.unary_unary_rpc_method_handler(set_answer),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bare", handlers),))
    return server


def _stack(pool: ThreadPoolExecutor, keys: str) -> grpc.Server:
    from pymongo import MongoClient  # noqa: PLC0415

    from services.catalogue import servicer  # noqa: PLC0415
    from services.catalogue.domain import Listed, item_of  # noqa: PLC0415
    from services.common import telemetry  # noqa: PLC0415
    from services.common.callers import Verifier  # noqa: PLC0415
    from services.common.grpc_host.department import Department, utc_now  # noqa: PLC0415
    from services.common.grpc_host.door import Door  # noqa: PLC0415

    telemetry.configure("bench")
    listed = Listed(item_of(_record()), version=3, update_time=utc_now())

    class InMemory:
        def __init__(self, _unit: Any) -> None:
            pass

        def get(self, _item_id: str) -> Listed:
            return listed

    servicer.items.MongoStore = InMemory  # type: ignore[assignment, misc]
    door = Door(Verifier.load(Path(keys), "catalogue"), ThreadPoolExecutor(1), 1)
    server = grpc.server(pool, interceptors=[door], options=[("grpc.so_reuseport", 0)])
    never_asked: MongoClient[dict[str, Any]] = MongoClient(connect=False)
    servicer.attach(server, Department("catalogue", never_asked["bench"]))
    return server


def _record() -> dict[str, Any]:
    """An item of about 1 KB."""
    return {
        "task_name": "食品经营许可",
        "task_type": "01",
        "dept_name": "昆明市市场监督管理局",
        "region_code": "530100000000",
        "local_task_code": "T-1",
        "accept_condition": "具有与经营的食品品种、数量相适应的场所。" * 8,
        "promise_day": 5,
        "promise_type": "1",
        "materials": [{"name": "申请书", "is_need": "1"}, {"name": "平面图", "is_need": "1"}],
    }


if __name__ == "__main__":
    _serve(*sys.argv[1:])
