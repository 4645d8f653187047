"""Open data over HTTP: whole, page by page, with an end for whatever goes wrong."""

import asyncio
import contextlib
import dataclasses
import io
import tempfile
import threading

import httpx
import openpyxl
import orjson
import pytest
import uvicorn
from rdflib import RDF, Graph, URIRef
from uvicorn.server import ServerState
from zhengtong.catalogue.v1 import catalogue_pb2
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from gateway.app import create_app
from gateway.connection import Connection
from gateway.limits import Limits
from gateway.standards.open_data import files, sending
from gateway.standards.open_data.iris import CPSV, HYDRA
from services.common.errors import Invalid, Unavailable
from tests.contract.gateway_house import UNLIMITED, FakeCatalogue, serving, settings_in
from tests.contract.test_onestop_portal import Page

FILES = ["items.jsonl", "items.xlsx", "items.ttl", "items.jsonld"]
every_file = pytest.mark.parametrize("name", FILES)
every_whole_file = pytest.mark.parametrize("name", FILES[:2])


class Away(Unavailable):
    reason = "STORE_UNAVAILABLE"


class TokenNone(Invalid):
    reason = "PAGE_TOKEN_INVALID"


class Many(FakeCatalogue):
    """A catalogue of many items, in pages; from some page on it may fail, or wait."""

    def __init__(self, count, text=""):
        super().__init__()
        self.count, self.text = count, text
        self.fails_at = self.waits_at = None
        self.waiting = threading.Event()

    def ListItems(self, request, context):  # noqa: N802
        self._hear(request, context)
        if self.fails_at is not None and len(self.asked) > self.fails_at:
            raise Away("数据库没有应答。")
        if self.waits_at is not None and len(self.asked) > self.waits_at:
            self.waiting.set()
            context.add_callback(self.hold.set)
            self.hold.clear()
            self.hold.wait(10)
        token = request.page_token or "0"
        if not token.isdecimal():
            raise TokenNone("page_token 有误。")
        first, after = int(token), int(token) + request.page_size
        items = [self.numbered(number) for number in range(first, min(after, self.count))]
        onward = str(after) if after < self.count else ""
        return pb.ListItemsResponse(items=items, next_page_token=onward)

    def numbered(self, number):
        return catalogue_pb2.Item(
            item_id=f"T-{number:06d}",
            state=catalogue_pb2.ITEM_STATE_PUBLISHED,
            task_name=f"第{number}项",
            task_type="01",
            dept_name="昆明市市场监督管理局",
            region_code="530100000000",
            accept_condition=self.text,
        )


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """Where temporary files are."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@contextlib.asynccontextmanager
async def served(tmp_path, catalogue, limits=UNLIMITED):
    """The gateway on a socket, as people reach it."""
    keys = settings_in(tmp_path).keys_dir
    with serving(catalogue, keys) as address:
        app = create_app(settings_in(tmp_path, catalogue=address, identity="127.0.0.1:1"), limits)
        config = uvicorn.Config(app, ws="none", interface="asgi3", log_config=None)
        state, loop = ServerState(), asyncio.get_running_loop()
        listening = await loop.create_server(
            lambda: Connection(config, state, {}, loop), "127.0.0.1", 0
        )
        port = listening.sockets[0].getsockname()[1]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            yield http
        listening.close()
        for left in state.connections:
            left.transport.abort()
        async with asyncio.timeout(15):
            while state.tasks:
                await asyncio.sleep(0.01)


async def until(there):
    async with asyncio.timeout(10):
        while not there():
            await asyncio.sleep(0.01)


async def taken(reply, into):
    """What comes of an answer, as long as it comes."""
    async for part in reply.aiter_bytes():
        into += part


async def test_every_item_is_a_line_as_the_api_gives_it(tmp_path):
    catalogue = Many(450)
    async with served(tmp_path, catalogue) as http:
        reply = await http.get("/open-data/items.jsonl")
        asked = [(one.page_size, one.page_token) for one in catalogue.asked]
        listed = (await http.get("/api/v1/items", params={"page_size": 3})).json()["items"]
    assert reply.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    assert reply.headers["content-disposition"] == 'attachment; filename="items.jsonl"'
    lines = [orjson.loads(line) for line in reply.content.splitlines()]
    assert [one["item_id"] for one in lines] == [f"T-{n:06d}" for n in range(450)]
    assert lines[:3] == listed
    assert asked == [(200, ""), (200, "200"), (200, "400")]


async def test_every_item_is_a_row_of_the_workbook_which_is_then_gone(tmp_path, scratch):
    async with served(tmp_path, Many(450)) as http:
        reply = await http.get("/open-data/items.xlsx")
    assert reply.headers["content-type"].endswith("spreadsheetml.sheet")
    assert int(reply.headers["content-length"]) == len(reply.content)
    sheet = openpyxl.load_workbook(io.BytesIO(reply.content)).active
    assert sheet.max_row == 451
    assert sheet["B451"].value == "第449项"
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "format_", "media_type"),
    [
        ("items.ttl", "turtle", "text/turtle; charset=utf-8"),
        ("items.jsonld", "json-ld", "application/ld+json"),
    ],
)
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
async def test_linked_data_come_in_pages_that_lead_from_one_to_the_next(
    tmp_path, name, format_, media_type
):
    found, sizes, path = set(), [], f"/open-data/{name}"
    async with served(tmp_path, Many(450)) as http:
        while path:
            reply = await http.get(path)
            assert reply.headers["content-type"] == media_type
            graph = Graph().parse(reply.content, format=format_)
            this = URIRef(str(reply.url))
            onward = graph.value(this, HYDRA.next)
            path = reply.links.get("next", {}).get("url")
            assert (str(onward) if onward else None) == path
            services = set(graph.subjects(RDF.type, CPSV.PublicService))
            sizes.append(len(services))
            found |= services
    assert sizes == [200, 200, 50]
    assert len(found) == 450
    assert all(str(one).startswith(str(http.base_url)) for one in found)


async def test_iris_are_made_from_the_public_address(tmp_path, monkeypatch):
    monkeypatch.setattr(
        files, "origin_of", lambda request: pytest.fail("the host of the request was believed")
    )
    catalogue, keys = Many(1), settings_in(tmp_path).keys_dir
    with serving(catalogue, keys) as address:
        settings = settings_in(tmp_path, catalogue=address)
        settings = dataclasses.replace(settings, public_url="https://zwfw.example.gov.cn/")
        transport = httpx.ASGITransport(create_app(settings, UNLIMITED))
        async with httpx.AsyncClient(transport=transport, base_url="http://evil") as http:
            reply = await http.get("/open-data/items.ttl")
    assert "https://zwfw.example.gov.cn/items/T-000000#service" in reply.text
    assert "evil" not in reply.text


@pytest.mark.parametrize("host", ["a b", "x>y", "x/..", "a:b:c", "用户"])
async def test_a_host_that_is_none_is_refused(tmp_path, host):
    async with served(tmp_path, Many(1)) as http:
        reply = await http.get("/open-data/items.ttl", headers={"host": host.encode()})
    assert reply.status_code == 400


async def test_a_page_token_that_is_none_is_refused(tmp_path):
    async with served(tmp_path, Many(1)) as http:
        reply = await http.get("/open-data/items.ttl", params={"page_token": "x<y"})
    assert reply.status_code == 400
    assert reply.json()["reason"] == "PAGE_TOKEN_INVALID"


@every_file
async def test_an_empty_catalogue_gives_an_empty_file(tmp_path, name):
    async with served(tmp_path, Many(0)) as http:
        reply = await http.get(f"/open-data/{name}")
    assert reply.status_code == 200
    assert b"PublicService" not in reply.content


@every_file
async def test_a_catalogue_that_is_down_is_told_before_the_first_byte(tmp_path, name, scratch):
    catalogue = Many(450)
    catalogue.fails_at = 0
    async with served(tmp_path, catalogue) as http:
        reply = await http.get(f"/open-data/{name}")
    assert reply.status_code == 503
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["reason"] == "STORE_UNAVAILABLE"
    assert list(scratch.iterdir()) == []


@every_file
async def test_a_catalogue_where_nobody_listens_is_told_before_the_first_byte(tmp_path, name):
    settings = settings_in(tmp_path, catalogue="127.0.0.1:1")
    transport = httpx.ASGITransport(create_app(settings, UNLIMITED))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        reply = await http.get(f"/open-data/{name}")
    assert reply.status_code == 503
    assert reply.json()["reason"] == "DEPARTMENT_UNAVAILABLE"
    assert "retry-after" in reply.headers


async def test_a_catalogue_that_fails_later_breaks_the_lines_off_for_all_to_see(tmp_path):
    catalogue = Many(1000)
    catalogue.fails_at = 2
    got = bytearray()
    async with (
        served(tmp_path, catalogue) as http,
        http.stream("GET", "/open-data/items.jsonl") as reply,
    ):
        assert reply.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
            await taken(reply, got)
    assert got.count(b"\n") == 400


async def test_a_catalogue_that_fails_later_gives_no_half_workbook(tmp_path, scratch):
    catalogue = Many(1000)
    catalogue.fails_at = 2
    async with served(tmp_path, catalogue) as http:
        reply = await http.get("/open-data/items.xlsx")
        assert (reply.status_code, reply.json()["reason"]) == (503, "STORE_UNAVAILABLE")
        await until(lambda: list(scratch.iterdir()) == [])


async def test_pages_are_asked_for_as_they_are_taken_and_no_longer_when_the_client_goes(tmp_path):
    catalogue = Many(40_000, text="条件" * 1000)
    async with served(tmp_path, catalogue) as http:
        async with http.stream("GET", "/open-data/items.jsonl") as reply:
            await anext(reply.aiter_raw(1))
            await asyncio.sleep(0.5)
            held = len(catalogue.asked)
        await asyncio.sleep(0.3)
        after = len(catalogue.asked)
        assert held < 50
        await asyncio.sleep(0.3)
        assert len(catalogue.asked) == after < 60


async def test_a_workbook_is_given_up_when_its_client_goes(tmp_path, scratch):
    catalogue = Many(1000)
    catalogue.waits_at = 1
    async with served(tmp_path, catalogue) as http:
        asking = asyncio.ensure_future(http.get("/open-data/items.xlsx"))
        await until(catalogue.waiting.is_set)
        assert list(scratch.iterdir())
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: list(scratch.iterdir()) == [])
        assert len(catalogue.asked) == 2


async def test_only_so_many_take_the_whole_catalogue_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LINES_AT_ONCE", 2)
    catalogue = Many(40_000, text="条件" * 1000)
    async with served(tmp_path, catalogue) as http:
        async with contextlib.AsyncExitStack() as taking:
            for _ in range(2):
                reply = await taking.enter_async_context(
                    http.stream("GET", "/open-data/items.jsonl")
                )
                assert reply.status_code == 200
            further = await http.get("/open-data/items.jsonl")
            assert further.status_code == 503
            assert further.json()["reason"] == "GATEWAY_BUSY"
            assert (await http.get("/open-data/items.ttl")).status_code == 200

        async def free():
            async with http.stream("GET", "/open-data/items.jsonl") as reply:
                return reply.status_code == 200

        async with asyncio.timeout(10):
            while not await free():
                await asyncio.sleep(0.05)


async def test_only_so_many_workbooks_are_made_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "BOOKS_AT_ONCE", 1)
    catalogue = Many(1000)
    catalogue.waits_at = 1
    async with served(tmp_path, catalogue) as http:
        making = asyncio.ensure_future(http.get("/open-data/items.xlsx"))
        await until(catalogue.waiting.is_set)
        further = await http.get("/open-data/items.xlsx")
        assert (further.status_code, further.json()["reason"]) == (503, "GATEWAY_BUSY")
        catalogue.waits_at = None
        catalogue.hold.set()
        assert (await making).status_code == 200
        # The last byte comes before what was held is given back.
        async with asyncio.timeout(10):
            while (await http.get("/open-data/items.xlsx")).status_code != 200:
                await asyncio.sleep(0.05)


async def test_who_stops_reading_loses_the_connection(tmp_path, monkeypatch):
    monkeypatch.setattr(sending, "CHUNK_SECONDS", 0.2)
    catalogue = Many(40_000, text="条件" * 1000)
    async with (
        served(tmp_path, catalogue) as http,
        http.stream("GET", "/open-data/items.jsonl") as reply,
    ):
        await asyncio.sleep(1)
        with pytest.raises(httpx.RemoteProtocolError):
            await taken(reply, bytearray())
    assert len(catalogue.asked) < 60


@every_whole_file
async def test_a_whole_file_may_take_longer_than_an_answer(tmp_path, name):
    limits = Limits(rate_per_second=0, request_seconds=0.001)
    async with served(tmp_path, Many(450), limits) as http:
        reply = await http.get(f"/open-data/{name}")
        page = await http.get("/open-data/items.ttl")
    assert reply.status_code == 200
    assert page.status_code == 504


@every_whole_file
async def test_to_ask_for_the_head_of_a_whole_file_costs_nothing(tmp_path, name):
    catalogue = Many(450)
    async with served(tmp_path, catalogue) as http:
        reply = await http.head(f"/open-data/{name}")
    assert reply.status_code == 200
    assert name in reply.headers["content-disposition"]
    assert catalogue.asked == []


async def test_a_page_of_very_long_items_is_asked_for_in_smaller_pages(tmp_path):
    catalogue = Many(30, text="条" * 150_000)
    async with served(tmp_path, catalogue) as http:
        reply = await http.get("/open-data/items.jsonl")
    assert reply.content.count(b"\n") == 30
    assert [one.page_size for one in catalogue.asked] == [200, 10, 200, 10, 200]


async def test_the_page_of_open_data_says_what_there_is_and_is_found_at_every_foot(tmp_path):
    async with served(tmp_path, Many(1)) as http:
        reply = await http.get("/open-data")
        home = await http.get("/privacy")
    assert reply.status_code == 200
    page = Page(reply.text)
    assert page.headings.count(1) == 1
    assert {f"/open-data/{name}" for name in FILES} <= set(page.links)
    assert "可自由使用，注明来源" in reply.text
    assert "大小不固定" in reply.text
    assert "/open-data" in Page(home.text).links


async def test_what_is_no_file_of_open_data_is_told_to_machines(tmp_path):
    async with served(tmp_path, Many(1)) as http:
        reply = await http.get("/open-data/items.csv")
    assert reply.status_code == 404
    assert reply.json()["reason"] == "ROUTE_UNKNOWN"
