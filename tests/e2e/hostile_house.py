"""A platform for tests that attack every call, whoever may make all of them, and a ledger."""

from __future__ import annotations

import time

import httpx
import pytest
from zhengtong.access.v1 import access_pb2

from infra.local.stack import Stack
from tests.contract.gateway_house import signed_in
from tests.e2e.city import City
from tests.e2e.hostile import OF_ACCOUNTS, calls

START_SECONDS = 240.0  # both cores may be busy with other tests
PROBLEM = "application/problem+json"
BODY, PROVINCE = "11530000015100012L", "530000000000"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A platform of these tests' own: they fill it with what nobody else wants to find."""
    stack = Stack(
        tmp_path_factory.mktemp("hostile"), sample=True, env={"ZHENGTONG_RATE_PER_SECOND": "0"}
    )
    stack.start(START_SECONDS)
    running = City(stack)
    yield running
    running.close()
    stack.stop()


@pytest.fixture(scope="module")
def operator(city):
    """Whoever may make the call: the system of a department, or an account with every role."""
    layout = city.stack.plan.layout
    key = {"authorization": f"Bearer {layout.api_key.read_text().strip()}"}
    made = city.zhengtong(
        *("account", "administrator", "--login", "hostile-admin", "--name", "王小明", "--json"),
        *("--department", BODY, "--region", PROVINCE),
    )
    everything = signed_in(
        layout.keys,
        *(name.removeprefix("ROLE_").lower() for name, _ in access_pb2.Role.items()),
        sub=made.json["account_id"],
        exp=int(time.time()) + 3600,
        department=BODY,
        region=PROVINCE,
    )

    def shown(path):
        return everything if path.startswith(OF_ACCOUNTS) else key

    def show(request):
        if "authorization" not in request.headers:
            request.headers.update(shown(request.url.path))

    with httpx.Client(
        base_url=city.stack.base_url,
        event_hooks={"request": [show]},
        timeout=60,
        trust_env=False,
    ) as client:
        client.shown = shown
        yield client


@pytest.fixture(scope="module")
def document(city):
    return city.get("/api/openapi.json")


@pytest.fixture(scope="module")
def api(document):
    found = calls(document)
    assert len(found) > 25
    return found


class Ledger:
    """What was asked and answered; what was answered wrongly is told all at once."""

    def __init__(self):
        self.asked = 0
        self.wrong = []

    def hold(self, reply, statuses, *, field=None, what=""):
        """Note a reply unless it is a whole refusal of one of these statuses that names `field`."""
        self.asked += 1
        found = fault_of(reply, statuses, field)
        if found:
            asked = f"{reply.request.method} {reply.request.url}"[:200]
            self.wrong.append(f"{found}: {asked} {what} -> {reply.status_code} {reply.text[:200]}")


def fault_of(reply, statuses, field):
    """What is not as promised in a reply; empty where all is."""
    if reply.status_code not in statuses:
        return "status"
    if reply.status_code < 400 or reply.request.method == "HEAD":
        return ""
    if reply.headers["content-type"] != PROBLEM:
        return "content type"
    problem = reply.json()
    if problem["status"] != reply.status_code or not problem["reason"] or not problem["detail"]:
        return "problem"
    if problem["trace_id"] != reply.headers["trace-id"] or len(problem["trace_id"]) != 32:
        return "trace"
    fields = [violation["field"] for violation in problem["violations"]]
    return "field" if field is not None and field not in fields else ""


@pytest.fixture
def ledger():
    return Ledger()


def failed_inside(city):
    """What the logs tell of failures inside the platform, which has to be ready."""
    assert city.get("/readyz")["status"] == "ok"
    said = [line for log in city.logs().values() for line in log.splitlines()]
    inside = ("a request failed", "a department failed", "Traceback (most recent call last)")
    return [line for line in said if any(words in line for words in inside)]
