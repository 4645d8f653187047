"""The calls of zhengtong.websites.v1 over gRPC, in process, against a real database."""

import json
import time

import grpc
import pytest
from google.api import httpbody_pb2
from google.rpc import error_details_pb2, status_pb2
from zhengtong.websites.v1 import websites_pb2
from zhengtong.websites.v1 import websites_service_pb2 as pb
from zhengtong.websites.v1 import websites_service_pb2_grpc as pb_grpc

from infra.local.keys import make_pair
from infra.local.ports import PortClaims
from services.common.access import ANONYMOUS
from services.common.callers import Signer
from services.common.grpc_host import Department
from services.common.grpc_host.host import Running
from services.common.settings import Settings
from services.websites import store
from services.websites.domain import mapping_id
from services.websites.servicer import PLAN
from tests.callers import SYSTEM
from tests.conftest import NOW

OLD, NEW = "http://swj.qj.gov.cn/zwgk/index.html", "https://www.qj.gov.cn/swj/"
SITE = {
    "site_id": "5303000003",
    "name": "曲靖市水务局网站",
    "hosts": ["swj.qj.gov.cn"],
    "unit": "曲靖市水务局",
    "state": "SITE_STATE_OPEN",
}
MAPPING = {"old_url": OLD, "kind": "MAPPING_KIND_MOVED", "new_url": NEW}


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Keys and an address for one department."""
    keys = tmp_path_factory.mktemp("keys")
    make_pair(keys, "gateway")
    claims = PortClaims()
    listen = f"websites=127.0.0.1:{claims.claim()}"
    yield Settings.from_env({"ZHENGTONG_KEYS_DIR": str(keys), "ZHENGTONG_GRPC_LISTEN": listen})
    claims.release()


@pytest.fixture
def call(database, settings):
    """Calls the department by the name of a method, as the operator unless told otherwise."""
    store.ensure(database)
    running = Running(Department("websites", database, lambda: NOW), PLAN, settings)
    signer = Signer.load(settings.keys_dir, "gateway")
    with grpc.insecure_channel(settings.grpc_listen["websites"]) as channel:
        stub = pb_grpc.WebsitesServiceStub(channel)

        def make(method, caller=SYSTEM, **fields):
            token = signer.token(caller, "websites")
            request = getattr(pb, f"{method}Request")(**fields)
            metadata = [("authorization", f"Bearer {token}")]
            return getattr(stub, method)(request, metadata=metadata, timeout=10)

        yield make
    running.stop()


def test_a_registered_site_is_got_and_listed_by_anybody(call):
    registered = call("RegisterSite", site=SITE).site
    assert (registered.version, registered.region_code) == (1, "530300000000")
    assert registered.update_time.ToDatetime(NOW.tzinfo) == NOW
    assert call("GetSite", ANONYMOUS, site_id="5303000003").site == registered
    assert list(call("ListSites", ANONYMOUS).sites) == [registered]
    assert list(call("ListSites", state=websites_pb2.SITE_STATE_CLOSED).sites) == []


def test_sites_come_page_by_page(call):
    for number in range(5):
        call("RegisterSite", site=SITE | {"site_id": f"site_{number}"})
    first = call("ListSites", page_size=2)
    second = call("ListSites", page_size=2, page_token=first.next_page_token)
    last = call("ListSites", page_size=2, page_token=second.next_page_token)
    found = [site.site_id for page in (first, second, last) for site in page.sites]
    assert found == [f"site_{number}" for number in range(5)]
    assert last.next_page_token == ""


def test_an_old_address_leads_to_the_new_one_until_it_is_taken_back(call):
    added = call("AddMapping", mapping=MAPPING).mapping
    assert (added.mapping_id, added.version, added.active) == (mapping_id(OLD), 1, True)
    spelling = OLD.replace("http://", "HTTPS://") + "#top"
    assert call("ResolveAddress", ANONYMOUS, url=spelling).mapping == added
    removed = call("RemoveMapping", mapping_id=added.mapping_id, reason="有误").mapping
    assert (removed.version, removed.active) == (2, False)
    assert refused(call, "ResolveAddress", url=OLD) == ("NOT_FOUND", "MAPPING_NOT_FOUND", [])
    gone = {"old_url": OLD, "kind": "MAPPING_KIND_GONE"}
    assert call("AddMapping", mapping=gone).mapping.version == 3
    assert call("ResolveAddress", url=OLD).mapping.kind == websites_pb2.MAPPING_KIND_GONE


def test_an_import_answers_with_its_report(call):
    content = f"Old Url,New Url,Status\n{OLD},{NEW},301\n{OLD},,410\nhttp://a.gov.cn/,{NEW},418\n"
    report = imported(call, content.encode(), first_row=501)
    assert (report.read, report.created, report.rejected, report.shape) == (3, 1, 2, "redirects")
    assert [(one.row, one.field) for one in report.rejections] == [
        (502, "Old Url"),
        (503, "Status"),
    ]
    again = imported(call, content.encode(), first_row=501)
    assert (again.created, again.unchanged) == (0, 1)
    sites = json.dumps([SITE, SITE | {"site_id": "530300004"}]).encode()
    report = imported(call, sites)
    assert (report.created, report.rejected, report.shape) == (1, 1, "sites")
    named = imported(call, content.encode(), shape="mappings")
    assert (named.unchanged, named.shape) == (1, "mappings")


@pytest.mark.rule("W-7")
def test_what_became_public_is_counted_by_day_and_kind(call):
    call("RegisterSite", site=SITE)
    imported(call, f"Old Url,New Url,Status\n{OLD},{NEW},301\n{NEW},,410\n".encode())
    counts = call("ListPublicationCounts", ANONYMOUS).counts
    day = "2026-11-23"
    assert [(c.publish_date, c.department, c.kind, c.count) for c in counts] == [
        (day, "websites", "mapping", 2),
        (day, "websites", "site", 1),
    ]
    first = call("ListPublicationCounts", page_size=1)
    rest = call("ListPublicationCounts", page_size=1, page_token=first.next_page_token)
    assert [*first.counts, *rest.counts] == list(counts)
    assert rest.next_page_token == ""
    assert not call("ListPublicationCounts", from_date="2026-11-24").counts
    assert not call("ListPublicationCounts", department="catalogue").counts
    assert len(call("ListPublicationCounts", kind="site").counts) == 1


def test_the_same_request_id_acts_once(call):
    first = call("AddMapping", mapping=MAPPING, request_id="r1")
    call("RemoveMapping", mapping_id=first.mapping.mapping_id, reason="有误")
    assert call("AddMapping", mapping=MAPPING, request_id="r1") == first
    content = f"Old Url,New Url,Status\n{OLD},{NEW},301\n".encode()
    report = imported(call, content, request_id="r2")
    assert imported(call, content, request_id="r2") == report
    assert report.changed == 1
    other = MAPPING | {"new_url": NEW + "b"}
    status = refused(call, "AddMapping", mapping=other, request_id="r1")
    assert status == ("FAILED_PRECONDITION", "REQUEST_ID_REUSED", ["request_id"])
    assert [count.count for count in call("ListPublicationCounts").counts] == [2]


def test_a_version_seen_that_is_old_is_stale(call):
    call("RegisterSite", site=SITE)
    call("RegisterSite", site=SITE | {"name": "新名称"}, version=1)
    call("AddMapping", mapping=MAPPING)
    later = {"version": 7}
    stale = ("ABORTED", "STALE", [])
    assert refused(call, "RegisterSite", site=SITE, version=1) == stale
    assert refused(call, "AddMapping", mapping=MAPPING, **later) == stale
    gone = {"mapping_id": mapping_id(OLD), "reason": "有误"}
    assert refused(call, "RemoveMapping", **gone, **later) == stale


@pytest.mark.parametrize(
    ("method", "fields", "status", "reason", "at_fault"),
    [
        ("RegisterSite", {}, "INVALID_ARGUMENT", "SITE_INVALID", "site_id name hosts unit state"),
        (
            "RegisterSite",
            {"site": SITE | {"state": 9, "name": "a\x00"}},
            "INVALID_ARGUMENT",
            "SITE_INVALID",
            "name state",
        ),
        (
            "RegisterSite",
            {"site": SITE, "request_id": "空 格"},
            "INVALID_ARGUMENT",
            "REQUEST_ID_INVALID",
            "request_id",
        ),
        ("GetSite", {}, "NOT_FOUND", "SITE_NOT_FOUND", ""),
        ("GetSite", {"site_id": "a\x00"}, "NOT_FOUND", "SITE_NOT_FOUND", ""),
        ("ListSites", {"state": 9}, "INVALID_ARGUMENT", "SITE_INVALID", "state"),
        ("ListSites", {"page_size": 201}, "INVALID_ARGUMENT", "PAGE_SIZE_INVALID", "page_size"),
        ("ListSites", {"page_token": "x"}, "INVALID_ARGUMENT", "PAGE_TOKEN_INVALID", "page_token"),
        ("AddMapping", {}, "INVALID_ARGUMENT", "MAPPING_INVALID", "old_url kind"),
        (
            "AddMapping",
            {"mapping": MAPPING | {"new_url": "javascript:alert(1)"}},
            "INVALID_ARGUMENT",
            "MAPPING_INVALID",
            "new_url",
        ),
        (
            "AddMapping",
            {"mapping": {"kind": 9}},
            "INVALID_ARGUMENT",
            "MAPPING_INVALID",
            "kind old_url",
        ),
        ("RemoveMapping", {"mapping_id": "m-1"}, "NOT_FOUND", "MAPPING_NOT_FOUND", ""),
        ("ResolveAddress", {}, "INVALID_ARGUMENT", "ADDRESS_INVALID", "url"),
        ("ResolveAddress", {"url": "x" * 100_000}, "INVALID_ARGUMENT", "ADDRESS_INVALID", "url"),
        ("ResolveAddress", {"url": OLD}, "NOT_FOUND", "MAPPING_NOT_FOUND", ""),
        (
            "ListPublicationCounts",
            {"from_date": "2026-02-30"},
            "INVALID_ARGUMENT",
            "DATE_INVALID",
            "from_date",
        ),
        (
            "ListPublicationCounts",
            {"page_token": "AAAA"},
            "INVALID_ARGUMENT",
            "PAGE_TOKEN_INVALID",
            "page_token",
        ),
        (
            "ListPublicationCounts",
            {"page_size": -1},
            "INVALID_ARGUMENT",
            "PAGE_SIZE_INVALID",
            "page_size",
        ),
        ("ImportRecords", {}, "INVALID_ARGUMENT", "IMPORT_UNREADABLE", "file"),
    ],
)
def test_each_refusal_has_its_status_and_names_the_fields(
    call, method, fields, status, reason, at_fault
):
    assert refused(call, method, **fields) == (status, reason, at_fault.split())


def test_a_mapping_is_not_taken_back_twice_nor_without_a_reason(call):
    found = call("AddMapping", mapping=MAPPING).mapping.mapping_id
    assert refused(call, "RemoveMapping", mapping_id=found) == (
        "INVALID_ARGUMENT",
        "MAPPING_INVALID",
        ["reason"],
    )
    call("RemoveMapping", mapping_id=found, reason="有误")
    assert refused(call, "RemoveMapping", mapping_id=found, reason="有误") == (
        "FAILED_PRECONDITION",
        "MAPPING_ALREADY_WITHDRAWN",
        [],
    )


@pytest.mark.parametrize(
    ("content", "shape", "reason"),
    [
        (b"[{", "", "IMPORT_UNREADABLE"),
        (b"\xff\xfe\x00", "", "IMPORT_UNREADABLE"),
        (b"a,b\n1,2\n", "", "IMPORT_SHAPE_UNKNOWN"),
        (b"Old Url,New Url,Status\n", "redirect", "IMPORT_SHAPE_UNKNOWN"),
        (b"Old Url,Status\n" + b"http://a.b/,410\n" * 5001, "", "IMPORT_TOO_LARGE"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(call, content, shape, reason):
    fields = {"file": httpbody_pb2.HttpBody(data=content), "shape": shape}
    status, said, _ = refused(call, "ImportRecords", **fields)
    assert (status, said) == ("INVALID_ARGUMENT", reason)


@pytest.mark.parametrize("method", ["ImportRecords", "RegisterSite", "AddMapping", "RemoveMapping"])
def test_changes_are_for_operators_only(call, method):
    with pytest.raises(grpc.RpcError) as error:
        call(method, ANONYMOUS)
    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_five_hundred_rows_take_well_under_a_second(call):
    lines = (f"http://a.gov.cn/{n},{NEW},301" for n in range(500))
    content = "\n".join(["Old Url,New Url,Status", *lines]).encode()
    before = time.perf_counter()
    assert imported(call, content).created == 500
    assert time.perf_counter() - before < 1


def imported(call, content, **fields):
    body = httpbody_pb2.HttpBody(content_type="application/octet-stream", data=content)
    return call("ImportRecords", file=body, **fields).report


def refused(call, method, **fields):
    """Status, reason and the fields at fault of a call that must fail."""
    with pytest.raises(grpc.RpcError) as error:
        call(method, **fields)
    details = dict(error.value.trailing_metadata())["grpc-status-details-bin"]
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status_pb2.Status.FromString(details).details:
        detail.Unpack(info)
        detail.Unpack(bad)
    at_fault = [violation.field for violation in bad.field_violations]
    return error.value.code().name, info.reason, at_fault
