"""The one-stop query over HTTP: what it answers, and that bad input is refused by name."""

import json
import logging

import jsonschema
import pytest

from gateway.onestop.openapi import PATHS, SCHEMAS
from tests.contract.onestop_house import House
from tests.unit.onestop.shelf import card

RESIDENT = "11010519491231002X"  # the specimen of GB 11643


@pytest.fixture
async def house(tmp_path):
    house = House(tmp_path)
    house.shelf.put(
        card("食品经营许可", region_code="530100000000", url="/items/a"),
        card("<script>alert(1)</script>食品经营许可变更"),
        *[card(f"食品经营许可第{number}种") for number in range(12)],
    )
    async with house.client() as house.http:
        yield house


def valid(answer):
    """Hold an answer against the contract."""
    document = {"$ref": "#/components/schemas/OneStopAnswer", "components": {"schemas": SCHEMAS}}
    jsonschema.validate(answer, document)
    return answer


async def test_the_answer_is_as_the_contract_says(house):
    reply = await house.http.get("/api/v1/query", params={"q": "食品经营许可"})
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"
    answer = valid(reply.json())
    assert answer["groups"][0]["total"] == 14
    assert [source["department"] for source in answer["sources"]] == [
        "catalogue",
        "credit",
        "utilities",
        "websites",
    ]


async def test_the_example_of_the_contract_is_as_the_contract_says():
    operation = PATHS["/api/v1/query"]["get"]
    example = valid(operation["responses"]["200"]["content"]["application/json"]["example"])
    assert example["groups"]
    assert example["sources"]


async def test_pages_are_turned_with_the_token_of_the_page_before(house):
    params = {"q": "食品经营许可", "kind": "item", "page_size": "5"}
    seen = []
    while True:
        answer = valid((await house.http.get("/api/v1/query", params=params)).json())
        (group,) = answer["groups"]
        seen += [hit["id"] for hit in group["hits"]]
        if "next_page_token" not in group:
            break
        params["page_token"] = group["next_page_token"]
    assert len(seen) == len(set(seen)) == 14


async def test_head_is_answered_without_a_body_and_other_methods_are_refused(house):
    reply = await house.http.head("/api/v1/query", params={"q": "食品"})
    assert (reply.status_code, reply.content) == (200, b"")
    assert int(reply.headers["content-length"]) > 0
    refused = await house.http.post("/api/v1/query", params={"q": "食品"})
    assert refused.status_code == 405
    assert "GET" in refused.headers["allow"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("q=", "q"),
        (f"q={'食' * 201}", "q"),
        ("q=a%00b", "q"),
        ("q=a%1bb", "q"),
        ("q=%ED%A0%80", "q"),
        ("q=%FF%FE", "q"),
        ("q=%E2%80%8B", "q"),
        ("q=食品&q=药品", "q"),
        ("q=食品&colour=red", "colour"),
        ("q=食品&region=atlantis", "region"),
        ("q=食品&kind=unheard", "kind"),
        ("q=食品&kind=%00", "kind"),
        ("q=食品&page_size=many", "page_size"),
        ("q=食品&page_size=-3", "page_size"),
        ("q=食品&kind=item&page_token=AAAA", "page_token"),
        ("q=食品&kind=item&page_token=%F0%9F%92%A5", "page_token"),
    ],
)
async def test_bad_input_is_refused_with_the_field_named(house, query, field):
    reply = await house.http.get(f"/api/v1/query?{query}")
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"
    assert [violation["field"] for violation in reply.json()["violations"]] == [field]


HOSTILE = {
    "each control character": "".join(f"%{one:02X}" for one in (*range(32), 127)),
    "a lone surrogate": "%ED%A0%80",
    "a pair of surrogates": "%ED%A0%BD%ED%B8%80",
    "no UTF-8": "%C0%AF%FF",
    "half a character": "%E9%A3",
    "emoji": "😀👩‍👩‍👧‍👦🇨🇳",
    "blanks": "%20%09%0A+%E3%80%80%C2%A0",
    "nothing that is seen": "%E2%80%8B%EF%BB%BF%E2%80%AE",
    "no character": "%EF%BF%BE%EF%BF%BF%F4%8F%BF%BF",
    "accents on accents": "e" + "%CC%81" * 150,
    "a pattern": "(a+)+$|.*[^]]{1,9999}\\",
    "a query of the index": 'title:"食品" AND -kind:item OR (x TO y] * ~9 ^9',
    "an operator": '{"$gt":""}',
    "half an escape": "%zz%E9",
    "a per cent sign": "%",
    "one letter many times": "a" * 200,
    "one character many times": "食" * 200,
    "a name many times": "食品经营许可" * 33,
    "digits": "9" * 200,
    "digits of others": "٣٤٥０１２",
    "markup": "<script>alert(1)</script>",
}
REFUSED = {
    *("each control character", "no character", "nothing that is seen", "blanks", "emoji"),
    *("a lone surrogate", "a pair of surrogates", "no UTF-8", "half a character"),
    *("half an escape", "a per cent sign"),
}


async def test_whatever_is_typed_is_answered_or_refused_by_name(house):
    refused = set()
    for what, typed in HOSTILE.items():
        for path in ("/api/v1/query", "/api/v1/suggest", "/"):
            reply = await house.http.get(f"{path}?q={typed}")
            assert reply.status_code in (200, 400), (path, what, reply.text)
            if reply.status_code == 400 and path != "/":
                assert reply.headers["content-type"] == "application/problem+json"
                assert [one["field"] for one in reply.json()["violations"]] == ["q"], what
                refused.add(what)
    assert refused == REFUSED


async def test_a_megabyte_of_text_is_refused(house):
    for path in ("/api/v1/query", "/api/v1/suggest", "/"):
        begun = await asked_a_megabyte(house, path)
        assert 400 <= begun["status"] < 500
        told = b"text/html; charset=utf-8" if path == "/" else b"application/problem+json"
        assert (b"content-type", told) in begun["headers"]


async def asked_a_megabyte(house, path):
    """How the answer to a question of a million characters begins."""
    # httpx itself refuses to send an address that long.
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"q=" + b"a" * 1_000_000,
        "root_path": "",
        "headers": [(b"host", b"city")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    await house.app(scope, receive, send)
    return sent[0]


@pytest.mark.rule("P-5")
@pytest.mark.parametrize("path", ["/api/v1/query", "/"])
async def test_an_identity_number_is_refused_and_comes_back_nowhere(house, path, caplog):
    caplog.set_level(logging.DEBUG)
    for typed in (RESIDENT, f"查询{RESIDENT}", "１１０１０５１９４９１２３１００２Ｘ"):
        reply = await house.http.get(path, params={"q": typed})
        assert reply.status_code == 400
        told = reply.text + str(reply.headers) + caplog.text
        assert "19491231" not in told.replace(caplog.text, "")
        assert "身份号码" in reply.text
    ours = [record for record in caplog.records if not record.name.startswith("httpx")]
    assert not any("19491231" in record.getMessage() for record in ours)


async def test_the_reason_is_contract(house):
    reply = await house.http.get("/api/v1/query", params={"q": RESIDENT})
    assert reply.json()["reason"] == "QUERY_HAS_RESIDENT_ID"


async def test_before_there_is_an_index_the_answer_is_503_and_when_to_come_back(tmp_path):
    house = House(tmp_path)
    (tmp_path / "index" / "CURRENT").unlink()
    house.shelf.signals.index_moved()
    async with house.client() as http:
        reply = await http.get("/api/v1/query", params={"q": "食品"})
        page = await http.get("/", params={"q": "食品"})
        ready = await http.get("/readyz")
    assert reply.status_code == 503
    assert reply.json()["reason"] == "INDEX_NOT_READY"
    assert reply.headers["retry-after"]
    assert page.status_code == 503
    assert "准备" in page.text
    assert ready.json()["checks"]["index"]["status"] == "unavailable"


async def test_a_query_with_everybody_down_is_answered_from_the_index(house):
    reply = await house.http.get("/api/v1/query", params={"q": "91530100MA6K00014D"})
    rows = {row["department"]: row["status"] for row in valid(reply.json())["sources"]}
    assert rows["credit"] == "unavailable"
    json.dumps(reply.json())
