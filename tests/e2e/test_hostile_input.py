"""Whatever is sent to a running platform, it is answered or refused by name, and goes on.

Every call is found in the API's own document, so that a new one is attacked from its first day.
"""

from __future__ import annotations

import contextlib

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.e2e import hostile, hostile_house
from tests.e2e.hostile import JSON, OF_ACCOUNTS, VERBS, raw, spelled

# Fixtures: a platform of each file's own.
city, operator = hostile_house.city, hostile_house.operator
document, api, ledger = hostile_house.document, hostile_house.api, hostile_house.ledger

# Requests to each call in each mode: each is a round trip, and what a field of a kind can never
# hold is asked of every field above, one by one.
EXAMPLES = 8
CHECKS = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
)


def test_every_example_of_the_document_goes_through_as_it_is(operator, api, ledger):
    for call in api:
        if call.json and not call.parameters("path") and not call.path.startswith(OF_ACCOUNTS):
            ledger.hold(operator.post(call.url(), json=call.json["example"]), {200})
    assert ledger.wrong == []
    assert ledger.asked >= 7


def test_every_field_refuses_by_its_name_what_it_can_never_hold(operator, api, ledger):
    for call in api:
        for path, kind in call.leaves() if call.json else ():
            for value in hostile.NEVER[kind]:
                body = raw(call.body(path, "HERE"), value)
                reply = operator.post(call.url(), content=body, headers=JSON)
                ledger.hold(reply, {400}, field=spelled(path), what=body[:80])
    assert ledger.wrong == []
    assert ledger.asked >= 1000


def test_every_parameter_refuses_by_its_name_what_it_can_never_hold(operator, api, ledger):
    for call in api:
        for one in call.parameters("query"):
            for value in hostile.NEVER_IN_TEXT[call.kind(one["schema"])]:
                url = f"{call.url()}?{call.needed(one['name'])}{one['name']}={value.decode()}"
                reply = operator.request(call.verb, url)
                ledger.hold(reply, {400}, field=one["name"])
    assert ledger.wrong == []
    assert ledger.asked >= 200


def test_every_call_names_a_field_or_parameter_it_does_not_know(operator, api, ledger):
    for call in api:
        url = f"{call.url()}?{call.needed()}no_such=1"
        ledger.hold(operator.request(call.verb, url), {400}, field="no_such")
        twice = [one["name"] for one in call.parameters("query") if not call.is_list(one)]
        for name in twice:
            url = f"{call.url()}?{call.needed(name)}{name}=1&{name}=1"
            ledger.hold(operator.request(call.verb, url), {400}, field=name)
        if not call.json:
            continue
        ledger.hold(operator.post(call.url(), json={"no_such": 1}), {400}, field="no_such")
        for deep in {path[:-1] for path, _ in call.leaves() if isinstance(path[-1], str)} - {()}:
            body = call.body((*deep, "no_such"), 1)
            ledger.hold(
                operator.post(call.url(), json=body), {400}, field=spelled((*deep, "no_such"))
            )
    assert ledger.wrong == []
    assert ledger.asked >= 80


def test_every_body_that_is_no_json_object_is_refused_as_a_whole(operator, api, ledger):
    for call in api:
        for name, body in hostile.NO_OBJECT.items() if call.json else ():
            reply = operator.post(call.url(), content=body, headers=JSON)
            ledger.hold(reply, {400}, field="body", what=name)
    assert ledger.wrong == []
    assert ledger.asked >= 100


def test_every_call_names_what_is_too_long(operator, api, ledger):
    for call in api:
        for length in (9_000, 60_000):
            url = f"{call.url()}?q={'a' * length}"
            ledger.hold(operator.request(call.verb, url), {414}, field="q")
        for body in hostile.LARGE if call.json else ():
            reply = operator.post(call.url(), content=body, headers=JSON)
            ledger.hold(reply, {413}, field="body")
    assert ledger.wrong == []
    assert ledger.asked >= 60


def test_every_call_reads_json_only_and_nothing_compressed(operator, api, ledger):
    formats = (
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/json5",
    )
    formats = (
        *formats,
        "application/x-www-form-urlencoded",
        "application/json; charset=gbk",
    )
    for call in api:
        for one in formats if call.json else ():
            reply = operator.post(call.url(), content=b"{}", headers={"content-type": one})
            ledger.hold(reply, {415}, what=one)
        for one in ("gzip", "br", "x") if call.verb == "POST" else ():
            headers = {"content-type": "application/json", "content-encoding": one}
            ledger.hold(operator.post(call.url(), content=b"{}", headers=headers), {415}, what=one)
    assert ledger.wrong == []
    assert ledger.asked >= 100


def test_no_segment_of_a_path_leads_anywhere_it_should_not(operator, api, ledger):
    for call in api:
        for one in call.parameters("path"):
            for segment in hostile.SEGMENTS:
                url = call.url(**{one["name"]: segment})
                reply = operator.request(call.verb, url, json={} if call.json else None)
                ledger.hold(reply, {400, 404, 405, 414}, what=segment)
        for trick in ("//", "/..;/", "%00", "/%2e%2e/", "\\", ":", ":no_such", "/" * 500):
            reply = operator.request(
                call.verb, f"{call.url()}{trick}", json={} if call.json else None
            )
            ledger.hold(reply, {400, 404, 405}, what=trick)
    assert ledger.wrong == []
    assert ledger.asked >= 500


def test_every_path_says_which_methods_it_takes(operator, api, ledger):
    taken = {}
    for call in api:
        taken.setdefault(call.url(), set()).add(call.verb)
    for url, verbs in taken.items():
        allowed = verbs | ({"HEAD"} if "GET" in verbs else set())
        for verb in set(VERBS) - allowed:
            reply = operator.request(verb, url)
            said = {one.strip() for one in reply.headers.get("allow", "").split(",")}
            ledger.hold(reply, {204} if verb == "OPTIONS" else {405}, what=verb)
            assert said == allowed, (verb, url)
    assert ledger.wrong == []
    assert ledger.asked >= 150


def test_head_has_the_headers_of_get_and_no_body(operator, api):
    for call in api:
        if call.verb == "GET":
            head, get = operator.head(call.url()), operator.get(call.url())
            assert (head.status_code, head.content) == (get.status_code, b""), call.path
            assert head.headers["content-type"] == get.headers["content-type"], call.path


def test_nobody_changes_anything_without_a_token_or_key(city, api, ledger):
    kinds = (
        {},
        {"authorization": "Bearer x"},
        {"authorization": "Basic eDp4"},
        {"authorization": "Bearer"},
    )
    for call in api:
        for headers in kinds if call.needs_token else ():
            reply = city.http.request(
                call.verb, call.url(), headers={**JSON, **headers}, content=b"{}"
            )
            ledger.hold(reply, {401}, what=headers)
            assert reply.headers["www-authenticate"].startswith("Bearer")
    assert ledger.wrong == []
    assert ledger.asked >= 60


def test_an_import_reports_or_refuses_any_file(operator, api, ledger):
    kinds = ("application/json", "application/x-ndjson", "text/csv", "application/octet-stream")
    kinds = (*kinds, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "x/y", "")
    for call in api:
        for name, data in hostile.FILES.items() if call.takes_file else ():
            for kind in kinds:
                reply = operator.post(call.url(), content=data, headers={"content-type": kind})
                ledger.hold(reply, {200, 400, 415}, what=f"{name} as {kind}")
                if reply.status_code == 200:
                    report = reply.json()["report"]
                    assert int(report["created"]) == int(report["changed"]) == 0, (name, kind)
    assert ledger.wrong == []
    assert ledger.asked >= 300


def at(call):
    """The path of a call; where a department is to be named, the catalogue."""
    return call.url(department="catalogue")


def test_a_forged_page_token_gives_at_most_a_page(operator, api, ledger):
    lists = [c for c in api if "page_token" in {one["name"] for one in c.parameters("query")}]
    asked = {"/api/v1/query": {"q": "公司", "kind": "credit", "page_size": 1}}
    first = {}
    for call in lists:
        params = asked.setdefault(call.path, {"page_size": 1})
        answer = operator.get(at(call), params=params).json()
        token = answer.get("next_page_token") or answer.get("groups", [{}])[0].get(
            "next_page_token"
        )
        if token:  # a list of one page gives none
            first[call.path] = token
    assert len(first) >= 6
    for call in lists:
        source = call.path if call.path in first else next(iter(first))
        others = [token for path, token in first.items() if path != call.path]
        for one in (*hostile.forged(first[source]), *others):
            reply = operator.get(at(call), params={**asked[call.path], "page_token": one})
            field = "page_token" if reply.status_code == 400 else None
            fine = {200, 400, 403} if call.path.startswith(OF_ACCOUNTS) else {200, 400}
            ledger.hold(reply, fine, field=field, what=source)
        for size in ("-1", "201", "2147483648", "1e2", "٣", "1.0", "+1", "0x10"):
            reply = operator.get(at(call), params={**asked[call.path], "page_size": size})
            fine = {400, 403} if call.path.startswith(OF_ACCOUNTS) else {400}
            ledger.hold(reply, fine, field="page_size" if reply.status_code == 400 else None)
    assert ledger.wrong == []
    assert ledger.asked >= 500


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_answers_to_what_the_document_leads_to_are_as_the_document_says(operator, document, mode):
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=str(operator.base_url))
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case):
            nonlocal asked
            asked += 1
            headers = operator.shown(case.operation.path)
            case.call_and_validate(headers=headers, checks=CHECKS, timeout=20)

        with contextlib.suppress(Unsatisfiable):  # nothing in it can be wrong
            check()
    assert asked > 200


def test_after_all_of_it_the_platform_is_well_and_nothing_failed_inside(city):
    assert hostile_house.failed_inside(city) == []
