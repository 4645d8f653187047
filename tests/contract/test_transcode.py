"""Calls over HTTP: what goes through, as what, and what is refused with which field named."""

from __future__ import annotations

import pytest
from zhengtong.catalogue.v1 import catalogue_pb2
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from gateway.limits import Limits
from services.common.access import ANONYMOUS
from tests.callers import SYSTEM
from tests.contract.gateway_house import TOKEN, house

PUBLISH = "/api/v1/items:publish"


@pytest.fixture
async def gateway(tmp_path):
    async with house(tmp_path) as one:
        yield one


async def test_a_call_answers_with_every_field_and_wide_integers_as_strings(gateway):
    gateway.catalogue.item = catalogue_pb2.Item(
        item_id="a", version=7, state="ITEM_STATE_PUBLISHED", materials=[{"name": "申请书"}]
    )
    gateway.catalogue.item.update_time.FromJsonString("2025-03-04T05:06:07.5Z")
    reply = await gateway.ask("GET", "/api/v1/items/a")
    item = reply.json()["item"]
    assert reply.status_code == 200
    assert (item["version"], item["state"]) == ("7", "ITEM_STATE_PUBLISHED")
    assert item["update_time"] == "2025-03-04T05:06:07.500Z"
    assert item["materials"][0] == {
        **dict.fromkeys(item["materials"][0], ""),
        "name": "申请书",
        "page_num": 0,
        "order_num": 0,
        "copy_num": 0,
        "receive_type": [],
    }
    assert (item["task_name"], item["is_fee"], item["alias"]) == ("", False, [])


async def test_a_path_variable_is_one_segment_percent_decoded(gateway):
    await gateway.ask("GET", "/api/v1/items/a%2Fb%3Ac%20%E4%BA%8B")
    assert gateway.catalogue.asked == [pb.GetItemRequest(item_id="a/b:c 事")]


async def test_query_parameters_fill_fields_by_their_type(gateway):
    query = "region_code=530100000000&page_size=20&task_type=%E4%B8%80+x"
    reply = await gateway.ask("GET", f"/api/v1/items?{query}")
    assert reply.status_code == 200, reply.text
    assert gateway.catalogue.asked == [
        pb.ListItemsRequest(region_code="530100000000", page_size=20, task_type="一 x")
    ]


async def test_a_custom_verb_takes_its_variable_from_the_path_and_the_rest_from_the_body(gateway):
    reply = await gateway.change("/api/v1/items/a:withdraw", {"reason": "已划转", "version": "3"})
    assert reply.json()["item"]["item_id"] == "a"
    assert gateway.catalogue.asked == [
        pb.WithdrawItemRequest(item_id="a", reason="已划转", version=3)
    ]


async def test_a_body_is_the_message(gateway):
    item = {
        "task_name": "食品经营许可\n（新办）",
        "is_fee": True,
        "promise_day": 5,
        "materials": [{"name": "申请书"}, {}],
        "handle_type": ["1", "2"],
        "state": "ITEM_STATE_PUBLISHED",
        "update_time": "2025-03-04T05:06:07+08:00",
    }
    reply = await gateway.change(PUBLISH, {"item": item, "version": 9007199254740993})
    assert reply.status_code == 200, reply.text
    asked = gateway.catalogue.asked[0]
    assert asked.version == 9007199254740993
    assert (asked.item.task_name, asked.item.promise_day) == ("食品经营许可\n（新办）", 5)
    assert [one.name for one in asked.item.materials] == ["申请书", ""]
    assert asked.item.update_time.ToJsonString() == "2025-03-03T21:06:07Z"
    assert asked.item.state == catalogue_pb2.ITEM_STATE_PUBLISHED


async def test_an_absent_body_is_an_empty_message(gateway):
    reply = await gateway.change("/api/v1/items/a:withdraw", b"")
    assert reply.status_code == 200, reply.text


async def test_a_file_goes_through_as_bytes_and_the_other_fields_come_from_the_query(gateway):
    raw = b"\xef\xbb\xbfname\n\xff\x00"
    reply = await gateway.change(
        "/api/v1/items:import?shape=standard&first_row=51", raw, **{"content-type": "text/csv"}
    )
    assert reply.json()["report"]["read"] == "3"
    asked = gateway.catalogue.asked[0]
    assert (asked.file.data, asked.file.content_type) == (raw, "text/csv")
    assert (asked.shape, asked.first_row) == ("standard", 51)


@pytest.mark.parametrize(
    ("raw", "headers", "reason", "field"),
    [
        (b"%PDF-1.7\n", {"content-type": "text/csv"}, "UPLOAD_TYPE_REFUSED", "file"),
        (b"%PDF-1.7\n", {"content-type": ""}, "UPLOAD_TYPE_REFUSED", "file"),
        (b"a,b\n1,2\n", {"content-type": "application/pdf"}, "UPLOAD_TYPE_REFUSED", "file"),
        (
            b"a,b\n1,2\n",
            {"content-type": "", "content-disposition": "attachment; filename=../../a.csv"},
            "FILE_NAME_REFUSED",
            "filename",
        ),
    ],
)
async def test_a_file_of_another_kind_never_reaches_the_department(
    gateway, raw, headers, reason, field
):
    reply = await gateway.change("/api/v1/items:import", raw, **headers)
    assert reply.status_code == (415 if field == "file" else 400)
    problem = reply.json()
    assert (problem["reason"], [v["field"] for v in problem["violations"]]) == (reason, [field])
    assert gateway.catalogue.asked == []


async def test_the_department_learns_who_calls_from_the_token(gateway):
    await gateway.ask("GET", "/api/v1/items/a")
    await gateway.change(PUBLISH, {})
    assert gateway.catalogue.callers == [ANONYMOUS, SYSTEM]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "TOKEN_MISSING"),
        ({"authorization": "Bearer not-it"}, "TOKEN_WRONG"),
        ({"authorization": "Bearer "}, "TOKEN_WRONG"),
        ({"authorization": f"Basic {TOKEN}"}, "TOKEN_WRONG"),
        ({"authorization": f"Bearer {TOKEN}x"}, "TOKEN_WRONG"),
    ],
)
async def test_a_change_without_a_token_or_key_never_reaches_the_department(
    gateway, headers, reason
):
    reply = await gateway.ask("POST", PUBLISH, json={}, headers=headers)
    assert (reply.status_code, reply.json()["reason"]) == (401, reason)
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert gateway.catalogue.asked == []


async def test_while_identity_is_away_a_key_that_nobody_knows_is_told_so(tmp_path):
    async with house(tmp_path) as gateway:
        gateway.identity.away = True
        reply = await gateway.change(PUBLISH, {})
        assert reply.status_code == 503
        assert gateway.catalogue.asked == []
        gateway.identity.away = False
        assert (await gateway.change(PUBLISH, {})).status_code == 200


WRONG_BODIES = {
    "unknown field": (b'{"item":{"colour":"red"}}', "item.colour"),
    "camel case": (b'{"requestId":"a"}', "requestId"),
    "number for a string": (b'{"item":{"task_name":3}}', "item.task_name"),
    "null for a string": (b'{"item":{"task_name":null}}', "item.task_name"),
    "string for a number": (b'{"item":{"promise_day":"5"}}', "item.promise_day"),
    "fraction for an integer": (b'{"item":{"promise_day":5.5}}', "item.promise_day"),
    "true for an integer": (b'{"item":{"promise_day":true}}', "item.promise_day"),
    "integer too large": (b'{"item":{"promise_day":2147483648}}', "item.promise_day"),
    "wide integer too large": (b'{"version":"9223372036854775808"}', "version"),
    "wide integer not a number": (b'{"version":"1e3"}', "version"),
    "NaN": (b'{"item":{"promise_day":NaN}}', "item.promise_day"),
    "Infinity": (b'{"item":{"promise_day":1e999}}', "item.promise_day"),
    "string for a bool": (b'{"item":{"is_fee":"true"}}', "item.is_fee"),
    "object for a list": (b'{"item":{"materials":{}}}', "item.materials"),
    "list for an object": (b'{"item":[]}', "item"),
    "deep field": (b'{"item":{"materials":[{},{},{"name":[]}]}}', "item.materials[2].name"),
    "list element": (b'{"item":{"handle_type":["1",2]}}', "item.handle_type[1]"),
    "unknown enum": (b'{"item":{"state":"ITEM_STATE_LOST"}}', "item.state"),
    "enum by number": (b'{"item":{"state":1}}', "item.state"),
    "not a time": (b'{"item":{"update_time":"2025-02-30T00:00:00Z"}}', "item.update_time"),
    "time without zone": (b'{"item":{"update_time":"2025-02-03T00:00:00"}}', "item.update_time"),
    "NUL": (b'{"item":{"task_name":"a\\u0000b"}}', "item.task_name"),
    "escape character": (b'{"item":{"task_name":"\\u001b[1m"}}', "item.task_name"),
    "C1 control": ('{"item":{"task_name":"a\x9bb"}}'.encode(), "item.task_name"),
    "lone surrogate": (b'{"item":{"task_name":"\\ud800"}}', "item.task_name"),
    "lone low surrogate": (b'{"item":{"task_name":"\\udc00x"}}', "item.task_name"),
    "surrogate as a name": (b'{"item":{"\\ud800":1}}', "item.\\ud800"),
    "not UTF-8": (b'{"item":{"task_name":"\xff"}}', "item.task_name"),
    "surrogate in UTF-8": (b'{"item":{"task_name":"\xed\xa0\x80"}}', "item.task_name"),
    "name twice": (b'{"item":{"task_name":"a","task_name":"b"}}', "task_name"),
    "broken JSON": (b'{"item":', "body"),
    "two values": (b"{} {}", "body"),
    "byte order mark": (b"\xef\xbb\xbf{}", "body"),
    "a list": (b"[]", "body"),
    "null": (b"null", "body"),
    "too deep": (b'{"item":' * 5000 + b"1" + b"}" * 5000, "body"),
    "too deep in lists": (b"[" * 100000, "body"),
    "endless number": (b'{"version":' + b"9" * 5000 + b"}", "body"),
}


@pytest.mark.parametrize("case", WRONG_BODIES)
async def test_a_wrong_body_is_refused_with_its_field(gateway, case):
    raw, field = WRONG_BODIES[case]
    reply = await gateway.change(PUBLISH, raw)
    assert reply.status_code == 400, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    violation = reply.json()["violations"][0]
    assert violation["field"] == field
    assert any("\u4e00" <= c <= "\u9fff" for c in violation["description"])
    assert gateway.catalogue.asked == []


async def test_every_fault_is_told_at_once_but_no_more_than_twenty(gateway):
    reply = await gateway.change(PUBLISH, {"item": {"materials": [{"name": 1}] * 30}})
    violations = reply.json()["violations"]
    assert [v["field"] for v in violations] == [f"item.materials[{n}].name" for n in range(20)]


async def test_a_field_that_the_path_gives_is_refused_in_the_body(gateway):
    reply = await gateway.change("/api/v1/items/a:withdraw", {"item_id": "b"})
    assert reply.status_code == 400
    assert reply.json()["violations"][0]["field"] == "item_id"


WRONG_QUERIES = {
    "unknown": ("colour=red", "colour"),
    "twice": ("task_type=01&task_type=02", "task_type"),
    "not a number": ("page_size=ten", "page_size"),
    "not an ASCII number": ("page_size=%EF%BC%91", "page_size"),
    "blank number": ("page_size=", "page_size"),
    "too large": ("page_size=99999999999", "page_size"),
    "NUL": ("page_token=%00", "page_token"),
    "line end": ("dept_code=a%0Ab", "dept_code"),
    "not UTF-8": ("dept_code=%FF", "dept_code"),
    "surrogate": ("dept_code=%ED%A0%80", "dept_code"),
    "surrogate as a name": ("%ED%A0%80=1", "\\udced\\udca0\\udc80"),
    "too many": ("&".join(["task_type=01"] * 101), "query"),
}


@pytest.mark.parametrize("case", WRONG_QUERIES)
async def test_a_wrong_query_is_refused_with_its_parameter(gateway, case):
    query, field = WRONG_QUERIES[case]
    reply = await gateway.ask("GET", f"/api/v1/items?{query}")
    assert reply.status_code == 400, reply.text
    assert reply.json()["violations"][0]["field"] == field


@pytest.mark.parametrize("segment", ["%ED%A0%80", "%FF", "a%00b", "%0A", "%C2%85"])
async def test_a_path_variable_that_is_no_text_is_refused_by_name(gateway, segment):
    reply = await gateway.ask("GET", f"/api/v1/items/{segment}")
    assert reply.status_code == 400, reply.text
    assert reply.json()["violations"][0]["field"] == "item_id"


async def test_a_call_with_a_body_takes_nothing_from_the_query(gateway):
    reply = await gateway.change(f"{PUBLISH}?request_id=a", {})
    assert reply.status_code == 400
    assert reply.json()["violations"][0]["field"] == "request_id"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/xml"},
        {"content-type": "application/json; charset=gbk"},
        {"content-encoding": "gzip"},
    ],
)
async def test_a_format_that_is_not_read_is_a_415(gateway, headers):
    reply = await gateway.change(PUBLISH, {}, **headers)
    assert (reply.status_code, reply.json()["reason"]) == (415, "MEDIA_TYPE_UNSUPPORTED")


async def test_json_with_a_charset_of_utf_8_is_read(gateway):
    reply = await gateway.change(PUBLISH, {}, **{"content-type": "application/JSON; charset=UTF-8"})
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("path", "raw", "status"),
    [
        (PUBLISH, b" " * (1024 * 1024) + b"{}", 413),
        (PUBLISH, b" " * (1024 * 1024 - 2) + b"{}", 200),
        ("/api/v1/items:import", b"[" + b"x" * (4 * 1024 * 1024 - 1), 200),
        ("/api/v1/items:import", b"[" + b"x" * (4 * 1024 * 1024), 413),
    ],
)
async def test_a_body_may_be_as_large_as_the_call_says(gateway, path, raw, status):
    reply = await gateway.change(path, raw)
    assert reply.status_code == status, reply.text


async def test_a_body_that_hides_its_length_is_measured_as_it_comes(gateway):
    async def parts():
        for _ in range(1100):
            yield b" " * 1024

    reply = await gateway.http.post(
        PUBLISH, content=parts(), headers={"authorization": f"Bearer {TOKEN}"}
    )
    assert (reply.status_code, reply.json()["reason"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("length", ["-1", "abc", "1" * 40, "1, 2"])
async def test_a_bad_content_length_is_a_bad_request(gateway, length):
    headers = {"content-length": length, "authorization": f"Bearer {TOKEN}"}
    reply = await gateway.http.post(PUBLISH, content=b"{}", headers=headers)
    assert reply.status_code == 400, reply.text


async def test_a_url_of_more_than_8_kb_is_a_414(gateway):
    reply = await gateway.ask("GET", "/api/v1/items?page_token=" + "a" * 8192)
    assert (reply.status_code, reply.json()["reason"]) == (414, "URL_TOO_LONG")


async def test_headers_of_more_than_16_kb_are_a_431(gateway):
    reply = await gateway.ask("GET", "/api/v1/items", headers={"x-much": "a" * 16384})
    assert (reply.status_code, reply.json()["reason"]) == (431, "HEADERS_TOO_LARGE")


async def test_head_answers_as_get_without_a_body(gateway):
    get = await gateway.ask("GET", "/api/v1/items/a")
    head = await gateway.ask("HEAD", "/api/v1/items/a")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/api/v1/items", "GET, HEAD"),
        ("GET", PUBLISH, "POST"),
        ("DELETE", "/api/v1/items/a", "GET, HEAD"),
        ("BREW", "/api/v1/items/a:withdraw", "POST"),
        ("POST", "/readyz", "GET, HEAD"),
    ],
)
async def test_another_method_is_a_405_that_names_those_that_work(gateway, method, path, allow):
    reply = await gateway.ask(method, path)
    assert (reply.status_code, reply.json()["reason"]) == (405, "METHOD_NOT_ALLOWED")
    assert ", ".join(sorted(reply.headers["allow"].split(", "))) == allow
    options = await gateway.ask("OPTIONS", path)
    assert (options.status_code, options.headers["allow"]) == (204, reply.headers["allow"])


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api/v1/items/",
        "/api/v1/items/a/b",
        "/api/v1/items:burn",
        "/api/v1/items/:withdraw",
        "/api/v1//items",
        "/api/v1/" + "x/" * 2000,
        "/api/v1/%ED%A0%80",
    ],
)
async def test_an_unknown_path_of_the_api_is_a_problem(gateway, path):
    reply = await gateway.ask("GET", path)
    assert (reply.status_code, reply.json()["reason"]) == (404, "ROUTE_UNKNOWN")


async def test_an_unknown_page_is_told_as_a_page(gateway):
    reply = await gateway.ask("GET", "/no-such-page")
    assert reply.status_code == 404
    assert reply.headers["content-type"].startswith("text/html")


async def test_readiness_names_each_dependency(gateway):
    reply = await gateway.ask("GET", "/readyz")
    checks = reply.json()["checks"]
    assert reply.status_code == 503
    assert {"catalogue", "credit", "utilities", "websites", "index"} <= set(checks)
    assert checks["catalogue"]["status"] == "ok"
    assert checks["credit"]["status"] == "unavailable"
    assert (await gateway.ask("GET", "/healthz")).json() == {"status": "ok"}


async def test_one_address_that_asks_too_fast_is_told_when_to_come_back(tmp_path):
    async with house(tmp_path, Limits(rate_per_second=1, burst=3)) as gateway:
        replies = [await gateway.ask("GET", "/api/v1/items/a") for _ in range(4)]
        assert [reply.status_code for reply in replies] == [200, 200, 200, 429]
        assert replies[-1].json()["reason"] == "RATE_LIMITED"
        assert replies[-1].headers["retry-after"] == "1"
        wrong = await gateway.ask("GET", "/api/v1/items/a", headers={"authorization": "Bearer x"})
        assert wrong.status_code == 401
        assert (await gateway.change(PUBLISH, {})).status_code == 200
        assert (await gateway.ask("GET", "/healthz")).status_code == 200


async def test_a_request_that_takes_too_long_is_given_up(tmp_path):
    async with house(tmp_path, Limits(rate_per_second=0, body_seconds=0.05)) as gateway:

        async def endless():
            yield b"{"
            await never()

        reply = await gateway.http.post(
            PUBLISH, content=endless(), headers={"authorization": f"Bearer {TOKEN}"}
        )
        assert (reply.status_code, reply.json()["reason"]) == (408, "BODY_TOO_SLOW")


async def never():
    """Wait for what never happens."""
    import asyncio  # noqa: PLC0415

    await asyncio.Event().wait()
