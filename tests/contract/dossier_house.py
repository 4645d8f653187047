"""A gateway with departments that tell parts of dossiers, each as a test wants it."""

import contextlib
import threading
from concurrent import futures
from dataclasses import dataclass, field

import grpc
import httpx
from zhengtong.dossier.v1 import dossier_service_pb2 as pb
from zhengtong.dossier.v1 import dossier_service_pb2_grpc as pb_grpc

from gateway.app import create_app
from infra.local.keys import make_pair
from services.common.callers import Verifier
from services.common.grpc_host.door import CALL, Door
from services.common.settings import Settings
from tests.conftest import NOW
from tests.contract.gateway_house import UNLIMITED

CODE = "91530100MA6K00014D"
DEAD = "127.0.0.1:1"


@dataclass
class FakePart(pb_grpc.DossierServiceServicer):
    """Answers with the sections it was given for each code; waits, or fails, where told to."""

    sections: list = field(default_factory=list)
    name: str = ""
    knows: str = CODE
    error: Exception | None = None
    hold: threading.Event | None = None
    asked: list = field(default_factory=list)

    def GetPart(self, request, context):  # noqa: N802
        self.asked.append((CALL.get().caller.principal, request.subject_code))
        if self.hold:
            self.hold.wait(5)
        if self.error:
            raise self.error
        if request.subject_code != self.knows:
            return pb.GetPartResponse(as_of_time=NOW)
        return pb.GetPartResponse(sections=self.sections, subject_name=self.name, as_of_time=NOW)


@contextlib.contextmanager
def serving(name, part, keys):
    """A department with the real door; without a part it serves no call at all."""
    with futures.ThreadPoolExecutor(2) as pool, futures.ThreadPoolExecutor(1) as streams:
        door = Door(Verifier.load(keys, name), streams, 1)
        server = grpc.server(pool, interceptors=[door])
        if part is not None:
            pb_grpc.add_DossierServiceServicer_to_server(part, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            if part is not None and part.hold:
                part.hold.set()
            server.stop(None).wait()


@contextlib.asynccontextmanager
async def house(folder, **departments):
    """A client of a gateway over these departments: a part, None, or an address as text."""
    keys = folder / "keys"
    keys.mkdir(exist_ok=True)
    make_pair(keys, "gateway")
    with contextlib.ExitStack() as stack:
        addresses = {
            name: part if isinstance(part, str) else stack.enter_context(serving(name, part, keys))
            for name, part in departments.items()
        }
        settings = Settings.from_env(
            {
                "ZHENGTONG_KEYS_DIR": str(keys),
                "ZHENGTONG_INDEX_DIR": str(folder / "index"),
                "ZHENGTONG_GRPC_ADDRESSES": ",".join(f"{n}={a}" for n, a in addresses.items()),
            }
        )
        transport = httpx.ASGITransport(create_app(settings, UNLIMITED), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://city") as http:
            yield http


def section(**changes):
    """A section with one entry."""
    values = {
        "kind": "permit",
        "title": "行政许可",
        "total": 1,
        "entries": [
            {
                "title": "食品经营许可证",
                "summary": "昆明市市场监督管理局",
                "url": f"/credit/{CODE}",
                "code": "许可〔2026〕1号",
                "status": "有效",
                "entry_date": "2026-03-02",
            }
        ],
        "url": f"/credit/{CODE}",
    }
    return values | changes
