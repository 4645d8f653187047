"""A catalogue of 100,000 items through the whole platform: given away, listed and changed."""

from __future__ import annotations

import sys
import time

import httpx
import orjson
import pytest
from pymongo import MongoClient

from infra.local.stack import Stack
from tests import whole_province
from tests.e2e.city import running
from tests.e2e.test_resources import pss

pytestmark = pytest.mark.long

ITEMS = 100_000
GROWN_MEGABYTES = 200  # of a process; the items themselves are some 300 MB as JSON
SECONDS = 900.0


@pytest.fixture(scope="module")
def province(tmp_path_factory):
    folder = tmp_path_factory.mktemp("province") / "run"
    with running(Stack(folder, env={"ZHENGTONG_RATE_PER_SECOND": "0"})) as city:
        with MongoClient(city.stack.env["MONGODB_URI"]) as client:
            whole_province.fill(client["zt_catalogue"], ITEMS)
        yield city


def held(city):
    return {name: pss(city.stack.pid(name)) for name in ("gateway", "servicer")}


def taken(city, path, seen):
    """Hand over all bytes of an answer; the most that each process grew meanwhile, in MB."""
    before, most, begun, size = held(city), {}, time.monotonic(), 0
    with httpx.stream("GET", city.stack.base_url + path, timeout=SECONDS, trust_env=False) as reply:
        assert reply.status_code == 200
        looked = begun
        for chunk in reply.iter_bytes():
            size += len(chunk)
            seen(chunk)
            if time.monotonic() - looked > 1:
                looked = time.monotonic()
                most = {name: max(most.get(name, 0), now) for name, now in held(city).items()}
    grown = {name: most.get(name, 0) - before[name] for name in before}
    took = time.monotonic() - begun
    sys.stdout.write(f"{path}: {size / 1e6:.0f} MB in {took:.0f} s, grown {grown}\n")
    return grown


def test_all_items_as_lines_of_json_without_being_held_in_memory(province):
    lines = 0

    def count(chunk):
        nonlocal lines
        lines += chunk.count(b"\n")

    grown = taken(province, "/open-data/items.jsonl", count)
    assert lines == ITEMS
    assert max(grown.values()) < GROWN_MEGABYTES, grown


def test_all_items_as_a_workbook_without_being_held_in_memory(province):
    head = []
    grown = taken(province, "/open-data/items.xlsx", lambda chunk: head or head.append(chunk[:4]))
    assert head == [b"PK\x03\x04"]
    assert max(grown.values()) < GROWN_MEGABYTES, grown


def test_linked_data_page_by_page(province):
    grown = taken(province, "/open-data/items.ttl", lambda _: None)
    assert max(grown.values()) < GROWN_MEGABYTES, grown


def test_items_are_listed_to_the_end_and_changed(province):
    region = whole_province.counties()[0]
    found, token = set(), ""
    while True:
        asked = {"region_code": region, "page_size": 200, "page_token": token}
        page = province.http.get("/api/v1/items", params=asked).json()
        found |= {one["item_id"] for one in page["items"]}
        token = page.get("next_page_token", "")
        if not token:
            break
    assert len(found) > ITEMS / 200
    item = province.http.get(f"/api/v1/items/{min(found)}").json()["item"]
    changed = {name: value for name, value in item.items() if name != "item_id"}
    changed |= {"accept_condition": "符合规定的条件。", "dept_code": ""}
    key = province.stack.plan.layout.api_key.read_text().strip()
    answer = province.http.post(
        "/api/v1/items:publish",
        content=orjson.dumps({"item": changed, "request_id": "whole-province"}),
        headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    assert answer.status_code == 200, answer.text
    versions = province.http.get(f"/api/v1/items/{min(found)}/versions").json()["versions"]
    told = [part["field"] for part in versions[0]["differences"]]
    assert "accept_condition" in told
