"""The whole gateway over an index of a few cards; its departments do not answer."""

import contextlib

import httpx

from gateway.app import create_app
from gateway.limits import Limits
from infra.local.keys import make_pair
from services.common.settings import Settings
from tests.unit.onestop.shelf import Shelf

DEPARTMENTS = ("catalogue", "credit", "utilities", "websites")


class House:
    """An index to fill, and a client of the gateway that reads it."""

    def __init__(self, root):
        keys = root / "keys"
        keys.mkdir(mode=0o700)
        make_pair(keys, "gateway")
        self.shelf = Shelf(root / "index", departments=DEPARTMENTS)
        self.shelf.tell()
        settings = Settings.from_env(
            {
                "ZHENGTONG_GRPC_ADDRESSES": ",".join(f"{n}=127.0.0.1:1" for n in DEPARTMENTS),
                "ZHENGTONG_INDEX_DIR": str(root / "index"),
                "ZHENGTONG_KEYS_DIR": str(keys),
            }
        )
        self.app = create_app(settings, Limits(rate_per_second=0))

    @contextlib.asynccontextmanager
    async def client(self):
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://city") as client:
            yield client
