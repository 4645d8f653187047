"""One trace from a request over HTTP to the last handler, and what is told to those who watch."""

from __future__ import annotations

import json
import re

import pytest

from infra.local.stack import Stack
from tests.e2e.city import UNLIMITED, item, running
from tests.e2e.collector import Collector

TOLD_SECONDS = 20.0
OURS = "5eed0000000000000000000000ace001"
OUR_SPAN = "00000000000ace01"
PUBLISH = "/api/v1/items:publish"
RESIDENT = "11010519491231002X"  # the specimen of GB 11643


@pytest.fixture(scope="module")
def collector():
    with Collector() as listening:
        yield listening


@pytest.fixture(scope="module")
def watched(tmp_path_factory, collector):
    """The small profile, telling a collector what it does."""
    with running(Stack(tmp_path_factory.mktemp("watched"), env=UNLIMITED | collector.env)) as found:
        yield found


def chain(collector, trace_id):
    """The spans of a trace that lead from its handler back to the request."""
    spans = {span.span_id: span for span in collector.trace(trace_id)}
    span = next((s for s in spans.values() if s.name == "websites.count_an_item"), None)
    found = []
    while span:
        found.append(span)
        span = spans.get(span.parent_id)
    return found


def whole(watched, collector, trace_id):
    """The chain once every process has exported its part of it."""
    watched.until(lambda: len(chain(collector, trace_id)) == 4, "the whole trace", TOLD_SECONDS)
    return [(span.process, span.name) for span in chain(collector, trace_id)]


WAY = [
    ("worker", "websites.count_an_item"),
    ("relay", "catalogue.events publish"),
    ("servicer", "zhengtong.catalogue.v1.CatalogueService.PublishItem"),
    ("gateway", f"POST {PUBLISH}"),
]


def test_one_trace_runs_from_the_request_over_grpc_and_the_broker_to_the_handler(
    watched, collector
):
    watched.publish("链路演练事项甲", traceparent=f"00-{OURS}-{OUR_SPAN}-01")
    assert whole(watched, collector, OURS) == WAY
    assert chain(collector, OURS)[-1].parent_id == OUR_SPAN


def test_a_request_without_a_trace_begins_one_and_is_told_its_id(watched, collector):
    answer = watched.http.post(
        PUBLISH, json={"item": item("链路演练事项乙", "TRACE-2")}, headers=watched.operator
    )
    trace_id = answer.headers["trace-id"]
    assert re.fullmatch("[0-9a-f]{32}", trace_id)
    assert whole(watched, collector, trace_id) == WAY
    assert chain(collector, trace_id)[-1].parent_id == ""


def test_a_trace_the_caller_does_not_sample_is_not_recorded_and_still_runs_through(
    watched, collector
):
    unsampled, later = (f"5eed0000000000000000000000ace0{number}" for number in ("02", "03"))
    watched.publish("链路演练事项丙", traceparent=f"00-{unsampled}-{OUR_SPAN}-00")
    watched.publish("链路演练事项丁", traceparent=f"00-{later}-{OUR_SPAN}-01")
    assert whole(watched, collector, later) == WAY
    assert collector.trace(unsampled) == []
    logged(watched, unsampled)


def logged(watched, trace_id):
    """The gateway's line about the request of a trace; it is written after the answer."""

    def lines():
        said = map(json.loads, watched.logs()["gateway.log"].splitlines())
        return [line for line in said if line["trace_id"] == trace_id]

    watched.until(lambda: lines() != [], "the line of the request", TOLD_SECONDS)
    (line,) = lines()
    return line


def test_the_log_and_the_problem_carry_the_trace(watched):
    answer = watched.http.get("/api/v1/items/nobodys")
    trace_id = answer.json()["trace_id"]
    assert answer.headers["trace-id"] == trace_id
    line = logged(watched, trace_id)
    assert (line["service"], line["level"]) == ("gateway", "INFO")
    assert line["message"].startswith("GET /api/v1/items/{item_id} 404 ")


def test_metrics_go_to_the_collector_and_to_who_asks(watched, collector):
    watched.query("链路演练")
    watched.publish("链路演练事项戊")
    wanted = {
        ("gateway", "http.server.request.duration"),
        ("worker", "zhengtong.delivery.messages"),
    }
    watched.until(lambda: collector.metrics() >= wanted, "both metrics", TOLD_SECONDS)
    answer = watched.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'http_route="/api/v1/query"' in answer.text
    assert "http_server_request_duration_seconds_bucket" in answer.text


def test_nothing_that_is_exported_tells_what_somebody_asked_for(watched, collector):
    watched.query("特别的问题甲乙丙")
    watched.http.get("/api/v1/query", params={"q": RESIDENT})
    watched.http.get(f"/api/v1/credit/subjects/{RESIDENT}")
    answer = watched.http.get(f"/credit/{RESIDENT}", headers={"Referer": f"http://x/{RESIDENT}"})
    trace_id = answer.headers["trace-id"]
    watched.until(lambda: collector.trace(trace_id) != [], "the last span", TOLD_SECONDS)
    for told in (RESIDENT, "特别的问题"):
        assert not any(told.encode() in body for body in collector.raw)


def counted(watched):
    """How many items the worker has counted."""
    return watched.counted("catalogue", "item")


def test_a_collector_that_does_not_answer_holds_up_nothing(watched, collector):
    before = len(watched.get("/api/v1/items", page_size=100)["items"])
    watched.until(lambda: counted(watched) == before, "the counts of before", TOLD_SECONDS)
    collector.silent()
    try:
        for number in range(20):
            watched.publish(f"链路演练第{number}项")
        watched.until(lambda: counted(watched) >= before + 20, "the counts", TOLD_SECONDS)
        assert counted(watched) == before + 20
    finally:
        collector.answer()
