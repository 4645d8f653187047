"""Calls that every department serves: the path says which of them is asked."""

from __future__ import annotations

from concurrent import futures

import grpc
import httpx
import pytest
from zhengtong.audit.v1 import audit_service_pb2 as pb
from zhengtong.audit.v1 import audit_service_pb2_grpc as pb_grpc

from gateway.app import create_app
from gateway.contracts import SERVICES, SHARED
from services.common.access import ANONYMOUS, Caller
from services.common.callers import Verifier
from services.common.grpc_host.door import CALL, Door
from tests.contract.gateway_house import UNLIMITED, settings_in, signed_in


class FakeAudit(pb_grpc.AuditServiceServicer):
    def __init__(self):
        self.asked = []

    def GetTreeHead(self, request, context):  # noqa: N802
        self.asked.append((CALL.get().caller, request))
        head = {"department": request.department, "tree_size": 7}
        return pb.GetTreeHeadResponse(head=head, unsealed=3)

    def ListAuditRecords(self, request, context):  # noqa: N802
        self.asked.append((CALL.get().caller, request))
        return pb.ListAuditRecordsResponse(records=[{"record_id": "r", "leaf_index": 0}, {}])


@pytest.fixture
async def city(tmp_path):
    """The audits of two departments, and a way to ask the gateway before them."""
    keys = settings_in(tmp_path).keys_dir
    audits, servers, addresses = {}, [], {}
    with futures.ThreadPoolExecutor(4) as pool, futures.ThreadPoolExecutor(1) as streams:
        for name in ("catalogue", "credit"):
            audits[name] = FakeAudit()
            door = Door(Verifier.load(keys, name), streams, 1)
            server = grpc.server(pool, interceptors=[door])
            pb_grpc.add_AuditServiceServicer_to_server(audits[name], server)
            addresses[name] = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
            server.start()
            servers.append(server)
        app = create_app(settings_in(tmp_path, **addresses), UNLIMITED)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            yield http, audits
        for server in servers:
            server.stop(None).wait()


@pytest.mark.parametrize("name", ["catalogue", "credit"])
async def test_the_department_in_the_path_is_the_one_that_is_asked(city, name):
    http, audits = city
    reply = await http.get(f"/api/v1/audit/{name}/tree-head")
    assert reply.status_code == 200, reply.text
    said = reply.json()
    assert (said["head"]["department"], said["head"]["tree_size"], said["unsealed"]) == (
        *(name, "7", "3"),
    )
    assert audits.pop(name).asked == [(ANONYMOUS, pb.GetTreeHeadRequest(department=name))]
    assert [other.asked for other in audits.values()] == [[]]


@pytest.mark.parametrize("name", ["nobody", "audit", "CREDIT", "%E5%B1%80"])
async def test_a_department_that_is_none_is_not_found_and_the_field_is_named(city, name):
    http, _ = city
    reply = await http.get(f"/api/v1/audit/{name}/tree-head")
    problem = reply.json()
    assert (reply.status_code, problem["reason"]) == (404, "DEPARTMENT_UNKNOWN")
    (violation,) = problem["violations"]
    assert violation["field"] == "department"
    assert all(known in violation["description"] for known in SERVICES)


async def test_a_department_that_is_not_there_is_unavailable(city):
    http, _ = city
    reply = await http.get("/api/v1/audit/websites/tree-head")
    assert (reply.status_code, reply.json()["reason"]) == (503, "DEPARTMENT_UNAVAILABLE")


async def test_records_are_not_for_anybody_and_a_leaf_of_0_is_told_from_none(city, tmp_path):
    http, audits = city
    auditor = signed_in(tmp_path / "keys", "auditor")
    path = "/api/v1/audit/credit/records?subject=S-1&from_time=2026-11-23T02:00:00Z&page_size=9"
    assert (await http.get(path)).status_code == 401
    assert audits["credit"].asked == []
    reply = await http.get(path, headers=auditor)
    first, second = reply.json()["records"]
    assert (first["leaf_index"], "leaf_index" in second) == ("0", False)
    ((caller, asked),) = audits["credit"].asked
    assert caller == Caller("a1", "account", roles=("auditor",), session="s1")
    assert (asked.department, asked.subject, asked.page_size) == ("credit", "S-1", 9)
    assert asked.from_time.ToJsonString() == "2026-11-23T02:00:00Z"


async def test_the_document_says_which_departments_there_are(city):
    http, _ = city
    document = (await http.get("/api/openapi.json")).json()
    one = document["paths"]["/api/v1/audit/{department}/tree-head"]["get"]
    (parameter,) = one["parameters"]
    assert parameter["schema"]["enum"] == list(SERVICES)
    assert "404" in one["responses"]
    assert {"audit", "review"} == set(SHARED) <= {tag["name"] for tag in document["tags"]}
