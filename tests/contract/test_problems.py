"""Every way to say no has one HTTP status, and what happens inside stays inside."""

from __future__ import annotations

import asyncio
import json
import logging

import grpc
import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from starlette.responses import PlainTextResponse

from gateway import refusals
from gateway.clients import refusal_of
from gateway.identity import NOBODY
from gateway.limits import Limited, Limits, RateLimiter
from gateway.observe import Observed
from gateway.problems import HTTP, TITLES, Refusals, problem_of
from services.common.errors import (
    Denied,
    DomainError,
    Exhausted,
    Invalid,
    NotFound,
    Refused,
    Stale,
    Unauthenticated,
    Unavailable,
    Violation,
)
from services.common.status import CODES
from tests.contract.gateway_house import house

FAMILIES = {
    Invalid: 400,
    Unauthenticated: 401,
    Denied: 403,
    NotFound: 404,
    Refused: 409,
    Stale: 409,
    Exhausted: 429,
    Unavailable: 503,
}
OWN = [
    kind
    for kind in vars(refusals).values()
    if isinstance(kind, type)
    and issubclass(kind, DomainError)
    and kind.__module__ == refusals.__name__
]


@pytest.fixture
async def gateway(tmp_path):
    async with house(tmp_path) as one:
        yield one


def test_every_family_has_a_status_on_the_wire_and_over_http():
    assert set(FAMILIES) == set(CODES) == set(DomainError.__subclasses__())
    assert {family: HTTP[family] for family in FAMILIES} == FAMILIES


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.__name__)
async def test_a_departments_refusal_keeps_its_reason_text_and_violations(gateway, family):
    class Own(family):
        reason = "ITEM_IS_ODD"

    gateway.catalogue.error = Own("事项有误。", Violation("item_id", "请核对编号。"))
    reply = await gateway.ask("GET", "/api/v1/items/a")
    problem = reply.json()
    assert reply.status_code == problem["status"] == FAMILIES[family]
    assert reply.headers["content-type"] == "application/problem+json"
    assert (problem["reason"], problem["detail"]) == ("ITEM_IS_ODD", "事项有误。")
    assert problem["violations"] == [{"field": "item_id", "description": "请核对编号。"}]
    assert (problem["instance"], problem["type"]) == ("/api/v1/items/a", "/api/docs#ITEM_IS_ODD")
    assert ("retry-after" in reply.headers) == (reply.status_code in (429, 503))


async def test_a_defect_in_a_department_says_nothing_of_what_went_on_inside(gateway):
    gateway.catalogue.error = RuntimeError("password=hunter2")
    reply = await gateway.ask("GET", "/api/v1/items/a")
    assert (reply.status_code, reply.json()["reason"]) == (500, "INTERNAL")
    assert "hunter2" not in reply.text


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (grpc.StatusCode.INTERNAL, 500, "INTERNAL"),
        (grpc.StatusCode.UNKNOWN, 500, "INTERNAL"),
        (grpc.StatusCode.INVALID_ARGUMENT, 500, "INTERNAL"),
        (grpc.StatusCode.UNIMPLEMENTED, 500, "INTERNAL"),
        (grpc.StatusCode.UNAVAILABLE, 503, "DEPARTMENT_UNAVAILABLE"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 503, "DEPARTMENT_UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 504, "DEPARTMENT_TIMED_OUT"),
    ],
)
def test_a_status_that_no_rule_made_is_told_without_its_text(code, status, reason):
    nothing = grpc.aio.Metadata()
    failed = grpc.aio.AioRpcError(code, nothing, nothing, details="raw words of the runtime")
    problem = problem_of(refusal_of("catalogue", failed))
    assert (problem.status, problem.reason) == (status, reason)
    assert "raw words" not in problem.detail


async def test_a_department_that_is_away_is_a_503_with_retry_after(gateway):
    reply = await gateway.ask("GET", "/api/v1/credit/permits")
    assert (reply.status_code, reply.json()["reason"]) == (503, "DEPARTMENT_UNAVAILABLE")
    assert int(reply.headers["retry-after"]) > 0


async def test_a_department_that_does_not_answer_in_time_is_a_504(tmp_path):
    limits = Limits(rate_per_second=0, call_seconds=0.2)
    async with house(tmp_path, limits) as gateway:
        gateway.catalogue.hold.clear()
        reply = await gateway.ask("GET", "/api/v1/items/a")
        gateway.catalogue.hold.set()
    assert (reply.status_code, reply.json()["reason"]) == (504, "DEPARTMENT_TIMED_OUT")


@pytest.mark.parametrize("kind", OWN, ids=lambda k: k.__name__)
def test_a_refusal_of_the_gateway_has_a_status_and_a_reason_of_its_own(kind):
    assert [other.reason for other in OWN].count(kind.reason) == 1
    assert next(HTTP[base] for base in kind.__mro__ if base in HTTP) in TITLES


def application(inner, **limits):
    """What `create_app` builds around its doors, around something else."""
    settings = Limits(rate_per_second=0, **limits)
    page = lambda request, status, detail: PlainTextResponse(detail, status)  # noqa: E731

    class Nobody:
        def lately(self, scope):
            return NOBODY

    return Observed(Refusals(Limited(inner, settings, Nobody(), RateLimiter(settings)), page))


async def ask(app, path="/api/v1/x", *, method="GET", **more):
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        return await http.request(method, path, **more)


async def test_a_defect_of_the_gateway_is_logged_and_told_as_nothing_but_a_defect(caplog):
    async def broken(scope, receive, send):
        raise ValueError("hunter2")

    reply = await ask(application(broken))
    assert (reply.status_code, reply.json()["reason"]) == (500, "INTERNAL")
    assert "hunter2" not in reply.text
    assert "hunter2" in caplog.text


@pytest.mark.parametrize(
    ("content", "reads", "said"),
    [(b"{}", False, "close"), (b"{}", True, None), (b"", False, None)],
    ids=["a body that was left", "a body that was read", "no body"],
)
async def test_a_refusal_says_whether_the_connection_ends_with_it(content, reads, said):
    async def refusing(scope, receive, send):
        while reads and (await receive()).get("more_body"):
            pass
        raise Invalid("不行")

    reply = await ask(application(refusing), method="POST", content=content)
    assert reply.status_code == 400
    assert reply.headers.get("connection") == said


async def test_a_request_is_given_up_when_its_whole_time_is_used():
    async def endless(scope, receive, send):
        await asyncio.Event().wait()

    reply = await ask(application(endless, request_seconds=0.05))
    assert (reply.status_code, reply.json()["reason"]) == (504, "REQUEST_TIMED_OUT")


async def test_a_timeout_of_somebody_inside_is_a_defect_and_not_the_limit():
    async def impatient(scope, receive, send):
        raise TimeoutError

    reply = await ask(application(impatient))
    assert reply.status_code == 500


async def test_one_trace_goes_from_the_request_to_the_department_and_into_the_answer(gateway):
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider(sampler=ALWAYS_OFF))
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    reply = await gateway.ask("GET", "/api/v1/items/a", headers=headers)
    assert reply.headers["trace-id"] == trace_id
    assert gateway.catalogue.metadata["traceparent"].split("-")[1] == trace_id
    for broken in ("nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", b"\xff"):
        reply = await gateway.ask("GET", "/api/v1/nothing", headers={"traceparent": broken})
        assert len(reply.json()["trace_id"]) == 32
        assert reply.json()["trace_id"] == reply.headers["trace-id"]


async def test_the_log_knows_the_route_and_neither_path_nor_query_nor_address(gateway, caplog):
    with caplog.at_level(logging.INFO, "gateway.access"):
        await gateway.ask("GET", "/api/v1/items/110101199003070011?secret=1")
        await gateway.ask("GET", "/api/v1/110101199003070011")
    lines = [r.getMessage() for r in caplog.records if r.name == "gateway.access"]
    assert lines[0].startswith("GET /api/v1/items/{item_id} 400 ")
    assert lines[1].startswith("GET - 404 ")


async def test_every_answer_forbids_sniffing_and_referrers(gateway):
    for path in ("/api/v1/items/a", "/api/v1/nothing", "/", "/healthz"):
        reply = await gateway.ask("GET", path)
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"


def test_a_problem_of_an_unknown_exception_is_an_internal_one():
    problem = problem_of(KeyError("x"))
    assert (problem.status, problem.reason) == (500, "INTERNAL")
    assert json.loads(problem.body({"raw_path": b"/\xff"}))["instance"] == "/%FF"
