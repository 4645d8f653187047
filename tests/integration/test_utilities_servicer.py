"""UtilitiesService over gRPC on a real database: each call, and each way it refuses."""

import json
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from google.api import httpbody_pb2
from google.protobuf import timestamp_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from zhengtong.utilities.v1 import utilities_pb2, utilities_service_pb2_grpc
from zhengtong.utilities.v1 import utilities_service_pb2 as pb

from infra.local import keys
from infra.local.ports import PortClaims
from infra.sample import outages as sample
from infra.sample.places import FOLDER
from services.common.access import ANONYMOUS
from services.common.callers import Signer
from services.common.grpc_host import Department
from services.common.grpc_host.host import Running
from services.common.paging import page_token
from services.common.settings import Settings
from services.utilities import store
from services.utilities.servicer import PLAN
from tests.callers import SYSTEM
from tests.conftest import NOW

CODE = "91530100010090011J"
WUHUA = "530102000000"


class Clock:
    """Stands still until a test sets it."""

    now = NOW

    def __call__(self):
        return self.now


class Client:
    """Calls as the operator, or as anybody."""

    def __init__(self, stub, signer, clock):
        self._stub = stub
        self._signer = signer
        self.clock = clock

    def __getattr__(self, call):
        return lambda **fields: self._call(call, SYSTEM, fields)

    def anybody(self, call, **fields):
        return self._call(call, ANONYMOUS, fields)

    def refused(self, call, **fields):
        """Code, reason and fields at fault of a refusal."""
        with pytest.raises(grpc.RpcError) as refusal:
            self._call(call, SYSTEM, fields)
        return told(refusal.value)

    def _call(self, call, caller, fields):
        request = getattr(pb, f"{call}Request")(**fields)
        token = self._signer.token(caller, "utilities")
        metadata = [("authorization", f"Bearer {token}")]
        return getattr(self._stub, call)(request, metadata=metadata, timeout=20)


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for principal in keys.PRINCIPALS:
        keys.make_pair(folder, principal)
    return folder


@pytest.fixture
def client(database, keys_dir):
    store.ensure(database)
    with PortClaims() as claims:
        address = f"127.0.0.1:{claims.claim()}"
        settings = replace(
            Settings.from_env({}), keys_dir=keys_dir, grpc_listen={"utilities": address}
        )
        clock = Clock()
        running = Running(Department("utilities", database, clock), PLAN, settings)
        with grpc.insecure_channel(address) as channel:
            stub = utilities_service_pb2_grpc.UtilitiesServiceStub(channel)
            yield Client(stub, Signer.load(keys_dir, "gateway"), clock)
        running.stop()


def test_an_institution_is_published_got_listed_and_withdrawn(client):
    published = client.PublishInstitution(institution=institution()).institution
    assert published.version == 1
    assert published.state == utilities_pb2.PUBLIC_STATE_PUBLISHED
    got = client.anybody("GetInstitution", institution_id=CODE).institution
    assert got == published
    listed = client.anybody("ListInstitutions", region_code="530000000000")
    assert list(listed.institutions) == [published]
    gone = client.WithdrawInstitution(institution_id=CODE, reason="注销", version=1).institution
    assert (gone.version, gone.state) == (2, utilities_pb2.PUBLIC_STATE_WITHDRAWN)
    assert not client.anybody("ListInstitutions").institutions


def test_an_outage_is_announced_got_listed_and_withdrawn(client):
    client.PublishInstitution(institution=institution())
    announced = client.AnnounceOutage(outage=outage()).outage
    assert announced.institution_name == "昆明示例供水有限公司"
    assert announced.publish_time.ToDatetime(NOW.tzinfo) == NOW
    assert client.anybody("GetOutage", outage_id="W-1").outage == announced
    listed = client.anybody("ListOutages", region_code=WUHUA, sector=utilities_pb2.SECTOR_WATER)
    assert list(listed.outages) == [announced]
    gone = client.WithdrawOutage(outage_id="W-1", reason="改期").outage
    assert gone.state == utilities_pb2.PUBLIC_STATE_WITHDRAWN
    assert not client.anybody("ListOutages").outages


@pytest.mark.rule("U-4")
def test_a_late_notice_is_announced_and_says_that_it_is_late(client):
    soon = stamps(hours=23)
    late = client.AnnounceOutage(outage=outage(institution_name="甲公司", **soon)).outage
    assert late.late_notice
    claimed = outage(institution_name="甲公司", late_notice=True, **stamps(hours=24))
    assert not client.AnnounceOutage(outage=claimed).outage.late_notice


@pytest.mark.rule("U-7")
def test_a_notice_is_got_once_its_time_of_publication_has_come(client):
    later = timestamp(NOW + timedelta(hours=1))
    client.AnnounceOutage(outage=outage(institution_name="甲公司", publish_time=later))
    assert client.refused("GetOutage", outage_id="W-1")[:2] == ("NOT_FOUND", "OUTAGE_NOT_FOUND")
    assert not client.ListOutages().outages
    client.clock.now = NOW + timedelta(hours=1)
    assert client.GetOutage(outage_id="W-1").outage.outage_id == "W-1"
    assert len(client.ListOutages().outages) == 1


def test_the_sample_imports_whole_and_twice(client):
    content = (FOLDER / "institutions.json").read_bytes()
    report = client.ImportRecords(file=body(content)).report
    assert report.shape == "institutions"
    assert report.created == report.read >= 38
    again = client.ImportRecords(file=body(content)).report
    assert again.unchanged == again.read == report.read
    assert not list(again.rejections)
    notices = sample_outages()
    report = client.ImportRecords(file=body(notices)).report
    assert report.shape == "outages"
    assert report.created == report.read >= 26
    again = client.ImportRecords(file=body(notices)).report
    assert again.unchanged == again.read
    names = {one.institution_name for one in client.ListOutages().outages}
    assert all(name.endswith("（示例）") for name in names)


def test_an_import_reports_bad_rows_by_their_number_in_the_whole_file(client):
    rows = '{"name":"甲","sector":"water"}\n["不是对象"]\n'
    report = client.ImportRecords(file=body(rows.encode()), first_row=101).report
    assert (report.read, report.rejected) == (2, 2)
    assert {one.row for one in report.rejections} == {101, 102}


def test_pages_follow_one_another(client):
    for number in range(5):
        hours = stamps(hours=30 + number)
        client.AnnounceOutage(
            outage=outage(outage_id=f"N-{number}", institution_name="甲公司", **hours)
        )
    found, token = [], ""
    while True:
        page = client.ListOutages(page_size=2, page_token=token)
        found += [one.outage_id for one in page.outages]
        token = page.next_page_token
        if not token:
            break
    assert found == [f"N-{number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("call", "fields", "refusal"),
    [
        ("GetInstitution", {"institution_id": CODE}, ("NOT_FOUND", "INSTITUTION_NOT_FOUND", [])),
        ("GetInstitution", {"institution_id": "\x00"}, ("NOT_FOUND", "INSTITUTION_NOT_FOUND", [])),
        ("GetOutage", {"outage_id": "长" * 9999}, ("NOT_FOUND", "OUTAGE_NOT_FOUND", [])),
        ("WithdrawOutage", {"outage_id": "W-1"}, ("NOT_FOUND", "OUTAGE_NOT_FOUND", [])),
        ("WithdrawInstitution", {}, ("NOT_FOUND", "INSTITUTION_NOT_FOUND", [])),
        (
            "PublishInstitution",
            {},
            (
                "INVALID_ARGUMENT",
                "INSTITUTION_INVALID",
                ["institution_id", "name", "sector", "region_code"],
            ),
        ),
        (
            "AnnounceOutage",
            {"outage": {"outage_id": CODE, "sector": 99, "kind": 7}},
            (
                "INVALID_ARGUMENT",
                "OUTAGE_INVALID",
                [
                    "sector",
                    "kind",
                    "start_time",
                    "expected_restore_time",
                    "area_region_codes",
                    "area_text",
                ],
            ),
        ),
        (
            "AnnounceOutage",
            {"outage": {"start_time": timestamp_pb2.Timestamp(seconds=2**60)}},
            ("INVALID_ARGUMENT", "OUTAGE_INVALID", ["start_time"]),
        ),
        ("ListOutages", {"sector": 99}, ("INVALID_ARGUMENT", "SECTOR_UNKNOWN", ["sector"])),
        ("ListInstitutions", {"sector": -1}, ("INVALID_ARGUMENT", "SECTOR_UNKNOWN", ["sector"])),
        (
            "ListOutages",
            {"page_token": "AAAAAAAA"},
            ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID", ["page_token"]),
        ),
        (
            "ListInstitutions",
            {"page_size": 201},
            ("INVALID_ARGUMENT", "PAGE_SIZE_INVALID", ["page_size"]),
        ),
        (
            "ImportRecords",
            {"file": httpbody_pb2.HttpBody(data=b"\xff\xfe\x00")},
            ("INVALID_ARGUMENT", "IMPORT_UNREADABLE", ["file"]),
        ),
        (
            "ImportRecords",
            {"file": httpbody_pb2.HttpBody(data=b'[{"task_name": "x"}]')},
            ("INVALID_ARGUMENT", "IMPORT_SHAPE_UNKNOWN", ["shape"]),
        ),
        (
            "ImportRecords",
            {"file": httpbody_pb2.HttpBody(data=b'[{"name": "x"}]'), "shape": "items"},
            ("INVALID_ARGUMENT", "IMPORT_SHAPE_UNKNOWN", ["shape"]),
        ),
        (
            "ImportRecords",
            {"file": httpbody_pb2.HttpBody(data=b"[" + b"{}," * 5000 + b"{}]")},
            ("INVALID_ARGUMENT", "IMPORT_TOO_LARGE", ["file"]),
        ),
    ],
)
def test_each_refusal_has_its_status_its_reason_and_its_fields(client, call, fields, refusal):
    assert client.refused(call, **fields) == refusal


QUESTIONS = {"ListOutages": "outages//0", "ListInstitutions": "institutions//0"}


@pytest.mark.parametrize("position", [[None], [{"$gt": ""}], [["2026"]], [{}], ["a", "b"]])
@pytest.mark.parametrize("call", QUESTIONS)
def test_a_forged_token_that_is_no_position_is_refused(client, call, position):
    token = page_token(QUESTIONS[call], position)
    refusal = ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID", ["page_token"])
    assert client.refused(call, page_token=token) == refusal


@pytest.mark.parametrize("position", [[5], ["\x00"]])
@pytest.mark.parametrize("call", QUESTIONS)
def test_a_forged_position_is_answered_and_breaks_nothing(client, call, position):
    answer = getattr(client, call)(page_token=page_token(QUESTIONS[call], position))
    assert not answer.next_page_token


def test_what_is_withdrawn_already_is_refused(client):
    client.PublishInstitution(institution=institution())
    client.AnnounceOutage(outage=outage())
    calls = (
        ("WithdrawInstitution", {"institution_id": CODE}, "INSTITUTION"),
        ("WithdrawOutage", {"outage_id": "W-1"}, "OUTAGE"),
    )
    for call, which, noun in calls:
        unexplained = ("INVALID_ARGUMENT", f"{noun}_INVALID", ["reason"])
        assert client.refused(call, **which) == unexplained
        getattr(client, call)(reason="注销", **which)
        again = client.refused(call, reason="注销", **which)
        assert again == ("FAILED_PRECONDITION", f"{noun}_ALREADY_WITHDRAWN", [])


def test_a_caller_who_has_seen_an_old_version_is_told(client):
    client.PublishInstitution(institution=institution())
    client.PublishInstitution(institution=institution(name="改名公司"))
    stale = ("ABORTED", "STALE", [])
    assert client.refused("PublishInstitution", institution=institution(), version=1) == stale
    withdrawal = {"institution_id": CODE, "reason": "注销", "version": 1}
    assert client.refused("WithdrawInstitution", **withdrawal) == stale
    client.AnnounceOutage(outage=outage())
    assert client.refused("AnnounceOutage", outage=outage(), version=9) == stale
    assert client.refused("WithdrawOutage", outage_id="W-1", reason="改", version=9) == stale


def test_a_request_id_acts_once_and_for_one_thing(client):
    named = outage(institution_name="甲公司")
    first = client.AnnounceOutage(outage=named, request_id="r1")
    client.WithdrawOutage(outage_id="W-1", reason="改期")
    assert client.AnnounceOutage(outage=named, request_id="r1") == first
    assert not client.ListOutages().outages
    other = outage(outage_id="W-2", institution_name="甲公司")
    reused = client.refused("AnnounceOutage", outage=other, request_id="r1")
    assert reused[:2] == ("FAILED_PRECONDITION", "REQUEST_ID_REUSED")


@pytest.mark.parametrize(
    "call",
    [
        "ImportRecords",
        "PublishInstitution",
        "WithdrawInstitution",
        "AnnounceOutage",
        "WithdrawOutage",
    ],
)
def test_nobody_but_the_operator_changes_anything(client, call):
    with pytest.raises(grpc.RpcError) as refusal:
        client.anybody(call)
    assert told(refusal.value)[:2] == ("PERMISSION_DENIED", "PERMISSION_MISSING")


def told(error):
    status = rpc_status.from_call(error)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return error.code().name, info.reason, [one.field for one in bad.field_violations]


def sample_outages():
    return json.dumps(list(sample.outages(NOW))).encode()


def body(content):
    return httpbody_pb2.HttpBody(content_type="application/json", data=content)


def timestamp(moment):
    stamp = timestamp_pb2.Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def stamps(hours):
    """Begins in so many hours, for nine hours."""
    start = NOW + timedelta(hours=hours)
    end = timestamp(start + timedelta(hours=9))
    return {"start_time": timestamp(start), "expected_restore_time": end}


def institution(**changes):
    values = {
        "institution_id": CODE,
        "name": "昆明示例供水有限公司",
        "sector": "SECTOR_WATER",
        "region_code": "530100000000",
        "offices": [{"office_id": "1", "name": "五华营业厅"}],
    }
    return utilities_pb2.Institution(**values | changes)


def outage(**changes):
    values = {
        "outage_id": "W-1",
        "sector": "SECTOR_WATER",
        "kind": "OUTAGE_KIND_PLANNED",
        "institution_id": CODE,
        "area_region_codes": [WUHUA],
        "area_text": "五华区示例路沿线",
    }
    return utilities_pb2.Outage(**values | stamps(48) | changes)
