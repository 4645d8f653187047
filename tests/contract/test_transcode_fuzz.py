"""Whatever comes in, the gateway answers with a refusal or an answer, never with a failure."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.contracts import served_calls
from tests.contract.gateway_house import SYSTEM_KEY, house

FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CATALOGUE = [
    (b.verb, b.path) for c in served_calls() if c.department == "catalogue" for b in c.bindings
]
POSTS = [path for verb, path in CATALOGUE if verb == "POST"]
FIELDS = sorted(
    {field.name for call in served_calls() for field in call.method.input_type.fields}
    | {"item", "task_name", "materials", "name", "state", "update_time"}
)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANYTHING,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS) | ANYTHING, inner, max_size=4)
    ),
    max_leaves=12,
)
BYTES = st.binary(max_size=12)


def percent(raw: bytes) -> str:
    return "".join(f"%{byte:02X}" for byte in raw)


@pytest.fixture
async def gateway(tmp_path):
    async with house(tmp_path) as one:
        yield one


def refused_badly(reply):
    """What a reply says, if it is a failure or no whole refusal; empty where all is well."""
    if reply.status_code < 400:
        return ""
    if reply.status_code >= 500:
        return reply.text
    problem = reply.json()
    named = problem["status"] == reply.status_code and problem["reason"] and problem["detail"]
    return "" if named else reply.text


@FUZZ
@given(path=st.sampled_from(POSTS), tree=JSON)
async def test_no_json_whatever_is_a_failure(gateway, path, tree):
    raw = json.dumps(tree).encode()
    reply = await gateway.change(path.replace("{item_id}", "a"), raw)
    assert refused_badly(reply) == ""


@FUZZ
@given(path=st.sampled_from(POSTS), raw=st.binary(max_size=60))
async def test_no_bytes_whatever_are_a_failure(gateway, path, raw):
    reply = await gateway.change(path.replace("{item_id}", "a"), raw)
    assert refused_badly(reply) == ""


@FUZZ
@given(
    path=st.sampled_from([path for _, path in CATALOGUE]),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"]),
    segment=BYTES,
    query=st.lists(st.tuples(st.sampled_from(FIELDS).map(str.encode) | BYTES, BYTES), max_size=4),
)
async def test_no_path_query_or_method_whatever_is_a_failure(gateway, path, method, segment, query):
    pairs = "&".join(f"{percent(name)}={percent(value)}" for name, value in query)
    url = f"{path.replace('{item_id}', percent(segment))}?{pairs}"
    reply = await gateway.ask(method, url, headers=SYSTEM_KEY)
    assert reply.status_code < 500, reply.text


@FUZZ
@given(
    headers=st.dictionaries(
        st.sampled_from(
            [
                "authorization",
                "content-type",
                "content-encoding",
                "content-length",
                "traceparent",
                "tracestate",
                "accept",
                "x-forwarded-for",
                "expect",
            ]
        ),
        st.binary(max_size=20).map(lambda raw: raw.replace(b"\r", b"").replace(b"\n", b"")),
    )
)
async def test_no_header_whatever_is_a_failure(gateway, headers):
    reply = await gateway.http.post("/api/v1/items:publish", content=b"{}", headers=headers)
    assert refused_badly(reply) == ""
