"""CreditService over gRPC on a real database: each call, and each way it refuses."""

from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from google.api import httpbody_pb2
from google.protobuf import timestamp_pb2
from grpc_status import rpc_status
from zhengtong.credit.v1 import credit_pb2, credit_service_pb2_grpc

from infra.local import keys
from infra.local.ports import PortClaims
from infra.sample.write_credit import write_credit
from services.common.callers import Signer
from services.common.grpc_host import Department
from services.common.grpc_host.host import Running
from services.common.paging import page_token
from services.common.settings import Settings
from services.credit import store
from services.credit.servicer import PLAN
from tests.conftest import NOW
from tests.integration.credit_calls import LISTS, Client, Clock, body, csv_of, made, told
from tests.unit.credit import rows
from tests.unit.credit.rows import CODE, EXCEPTION, OTHER, PERSON

CHANGES = [
    "ImportRecords",
    "RegisterSubject",
    "DisclosePermit",
    "WithdrawPermit",
    "DisclosePenalty",
    "WithdrawPenalty",
]
NOUNS = ["Permit", "Penalty"]
INVALID = "INVALID_ARGUMENT"


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
            Settings.from_env({}), keys_dir=keys_dir, grpc_listen={"credit": address}
        )
        clock = Clock()
        running = Running(Department("credit", database, clock), PLAN, settings)
        with grpc.insecure_channel(address) as channel:
            stub = credit_service_pb2_grpc.CreditServiceStub(channel)
            yield Client(stub, Signer.load(keys_dir, "gateway"), clock)
        running.stop()


def test_a_subject_is_registered_looked_up_and_revised(client):
    registered = client.RegisterSubject(subject=made("Subject")).subject
    assert (registered.version, registered.subject_code) == (1, CODE)
    credit = client.anybody("GetCredit", subject_code=" 91530100-ma6k00014d ")
    assert credit.subject == registered
    assert credit.as_of_time.ToDatetime(NOW.tzinfo) == NOW
    changed = made("Subject", status="SUBJECT_STATUS_DEREGISTERED")
    revised = client.RegisterSubject(subject=changed, version=1).subject
    assert (revised.version, revised.status) == (2, credit_pb2.SUBJECT_STATUS_DEREGISTERED)
    assert client.anybody("GetCredit", subject_code=CODE).subject == revised


@pytest.mark.parametrize("noun", NOUNS)
def test_a_decision_is_disclosed_looked_up_listed_and_withdrawn(client, noun):
    disclosed = client.disclose(noun)
    assert disclosed.state == credit_pb2.DECISION_STATE_DISCLOSED
    assert client.listed(noun) == client.listed(noun, subject_code=CODE) == [disclosed]
    credit = client.anybody("GetCredit", subject_code=CODE)
    assert credit.subject.name == "昆明云岭商贸有限公司（示例）"
    assert list(credit.permits) + list(credit.penalties) == [disclosed]
    assert credit.permit_total + credit.penalty_total == 1
    gone = client.withdraw(noun, disclosed, version=1)
    assert (gone.version, gone.state) == (2, credit_pb2.DECISION_STATE_WITHDRAWN)
    assert client.listed(noun) == []
    credit = client.anybody("GetCredit", subject_code=CODE)
    assert not credit.permits
    assert not credit.penalties
    assert credit.permit_total + credit.penalty_total == 0
    again = client.disclose(noun)
    assert (again.version, again.state) == (3, credit_pb2.DECISION_STATE_DISCLOSED)


@pytest.mark.rule("K-1")
def test_a_lawful_code_that_fails_its_check_is_looked_up_and_flagged(client):
    client.disclose("Permit", subject_code=EXCEPTION)
    assert client.GetCredit(subject_code=EXCEPTION.lower()).subject.check_digit_exception


@pytest.mark.rule("K-10")
def test_a_penalty_leaves_by_the_clock_though_nobody_withdraws_it(client):
    client.disclose("Penalty", publish_until_date="2026-11-23")
    client.clock.now = NOW.replace(hour=15, minute=59, second=59)
    assert len(client.listed("Penalty")) == 1
    client.clock.now += timedelta(seconds=1)
    assert client.listed("Penalty") == []
    assert client.GetCredit(subject_code=CODE).penalty_total == 0


@pytest.mark.rule("K-11")
def test_a_penalty_says_the_last_day_on_which_it_will_be_shown(client):
    assert client.disclose("Penalty", publish_until_date="").publish_until_date == "2029-03-02"


@pytest.mark.parametrize("noun", NOUNS)
def test_pages_follow_one_another(client, noun):
    for number in range(5):
        day = f"2026-0{number + 1}-01"
        changes = {"document_number": f"示例〔2026〕{number}号", "decision_date": day}
        client.disclose(noun, **changes)
    call, name = LISTS[noun]
    for fields in ({}, {"subject_code": CODE.lower()}):
        found, token = [], ""
        for more in (True, True, False):
            page = getattr(client, call)(page_size=2, page_token=token, **fields)
            found += [one.decision_date for one in getattr(page, name)]
            token = page.next_page_token
            assert bool(token) == more
        assert found == [f"2026-0{number}-01" for number in (5, 4, 3, 2, 1)]


@pytest.mark.parametrize("noun", NOUNS)
def test_a_token_is_for_its_own_list_only(client, noun):
    for number in range(2):
        client.disclose(noun, document_number=f"示例〔2026〕{number}号")
    call, _ = LISTS[noun]
    token = getattr(client, call)(page_size=1).next_page_token
    other, _ = LISTS[next(one for one in NOUNS if one != noun)]
    wrong = (INVALID, "PAGE_TOKEN_INVALID", ["page_token"])
    assert client.refused(other, page_token=token) == wrong
    assert client.refused(call, page_token=token, subject_code=CODE) == wrong


@pytest.mark.parametrize(("position", "found"), [([5, 5], 1), (["\x00", ""], 0)])
@pytest.mark.parametrize("noun", NOUNS)
def test_a_forged_token_is_answered_and_breaks_nothing(client, noun, position, found):
    client.disclose(noun)
    assert len(client.listed(noun, page_token=page_token(f"{noun}/", position))) == found


@pytest.mark.parametrize("position", [["9999", {"$gt": ""}], ["2026-03-02"], {"$gt": ""}])
@pytest.mark.parametrize("noun", NOUNS)
def test_a_forged_token_that_is_no_place_is_refused(client, noun, position):
    forged = page_token(f"{noun}/", position)
    assert client.refused(LISTS[noun][0], page_token=forged)[1] == "PAGE_TOKEN_INVALID"


def test_the_sample_imports_whole_and_twice(client, tmp_path):
    write_credit(tmp_path, (120, 200, 40))
    files = {"enterprises.json": "subjects", "permits.csv": "permits_2018"}
    files |= {"penalties.csv": "penalties_2018"}
    for name, shape in files.items():
        content = body((tmp_path / name).read_bytes())
        report = client.ImportRecords(file=content).report
        assert (report.shape, report.created) == (shape, report.read)
        again = client.ImportRecords(file=content).report
        assert (again.unchanged, again.created, again.changed) == (report.read, 0, 0)
        assert not list(report.rejections) + list(again.rejections)


@pytest.mark.parametrize("shape", ["permits_2015", "penalties_2015"])
def test_a_sheet_of_the_archive_is_imported_under_its_headings(client, shape):
    values = rows.in_words(shape, rows.row(shape))
    report = client.ImportRecords(file=body(csv_of([values]))).report
    assert (report.shape, report.created) == (shape, 1)
    assert len(client.listed("Permit" if shape == "permits_2015" else "Penalty")) == 1


@pytest.mark.rule("K-2")
def test_an_import_reports_a_person_by_row_and_says_nothing_of_them(client):
    person = rows.row("penalties_2018", CF_XDR_MC="赵密密", CF_XDR_ZJHM=PERSON)
    typed = rows.row("penalties_2018", CF_XDR_MC="赵密密", CF_XDR_TYPE="自然人")
    content = csv_of([person, rows.row("penalties_2018"), typed])
    report = client.ImportRecords(file=body(content), first_row=101).report
    assert (report.created, report.rejected) == (1, 2)
    found = [(one.row, one.field) for one in report.rejections]
    assert found == [(101, "CF_XDR_ZJHM"), (103, "CF_XDR_TYPE")]
    assert "密" not in repr(report)
    assert PERSON not in repr(report)


@pytest.mark.parametrize(
    ("call", "fields", "refusal"),
    [
        ("GetCredit", {"subject_code": CODE}, ("NOT_FOUND", "SUBJECT_NOT_FOUND", [])),
        ("GetCredit", {}, (INVALID, "SUBJECT_CODE_INVALID", ["subject_code"])),
        (
            "GetCredit",
            {"subject_code": "\x00" * 999},
            (INVALID, "SUBJECT_CODE_INVALID", ["subject_code"]),
        ),
        (
            "GetCredit",
            {"subject_code": PERSON},
            (INVALID, "SUBJECT_CODE_IS_PERSONAL", ["subject_code"]),
        ),
        (
            "ListPermits",
            {"subject_code": "91530100MA6K00014E"},
            (INVALID, "SUBJECT_CODE_INVALID", ["subject_code"]),
        ),
        (
            "ListPenalties",
            {"subject_code": PERSON},
            (INVALID, "SUBJECT_CODE_IS_PERSONAL", ["subject_code"]),
        ),
        ("ListPermits", {"page_token": "AAAA"}, (INVALID, "PAGE_TOKEN_INVALID", ["page_token"])),
        ("ListPenalties", {"page_size": 201}, (INVALID, "PAGE_SIZE_INVALID", ["page_size"])),
        ("WithdrawPermit", {"permit_id": "xk_1"}, ("NOT_FOUND", "PERMIT_NOT_FOUND", [])),
        ("WithdrawPenalty", {"penalty_id": "长" * 999}, ("NOT_FOUND", "PENALTY_NOT_FOUND", [])),
        ("WithdrawPenalty", {}, ("NOT_FOUND", "PENALTY_NOT_FOUND", [])),
        ("RegisterSubject", {}, (INVALID, "SUBJECT_INVALID", ["subject_code", "name"])),
        (
            "RegisterSubject",
            {"subject": {"subject_code": CODE, "name": "甲公司", "status": 99}},
            (INVALID, "SUBJECT_INVALID", ["status"]),
        ),
        (
            "DisclosePermit",
            {"permit": rows.permit(document_number="", certificate_number="")},
            (INVALID, "PERMIT_INVALID", ["document_number"]),
        ),
        (
            "DisclosePenalty",
            {"penalty": rows.penalty(fine_amount="五万", facts=f"当事人{PERSON}")},
            (INVALID, "PENALTY_INVALID", ["facts", "fine_amount"]),
        ),
        (
            "DisclosePenalty",
            {"penalty": rows.penalty(subject_type="自然人")},
            (INVALID, "PENALTY_INVALID", ["subject_type"]),
        ),
        (
            "ImportRecords",
            {"file": httpbody_pb2.HttpBody(data=b"\xff\xfe\x00")},
            (INVALID, "IMPORT_UNREADABLE", ["file"]),
        ),
        (
            "ImportRecords",
            {"file": httpbody_pb2.HttpBody(data=b'[{"task_name": "x"}]')},
            (INVALID, "IMPORT_SHAPE_UNKNOWN", ["shape"]),
        ),
        (
            "ImportRecords",
            {"file": httpbody_pb2.HttpBody(data=b'[{"CF_WSH": "x"}]'), "shape": "items"},
            (INVALID, "IMPORT_SHAPE_UNKNOWN", ["shape"]),
        ),
        (
            "ImportRecords",
            {"file": httpbody_pb2.HttpBody(data=b"[" + b"{}," * 5000 + b"{}]")},
            (INVALID, "IMPORT_TOO_LARGE", ["file"]),
        ),
    ],
)
def test_each_refusal_has_its_status_its_reason_and_its_fields(client, call, fields, refusal):
    assert client.refused(call, **fields) == refusal


@pytest.mark.rule("K-2")
@pytest.mark.rule("K-3")
def test_no_refusal_says_a_number_again(client):
    calls = (
        ("GetCredit", {"subject_code": PERSON}),
        ("ListPermits", {"subject_code": PERSON}),
        ("DisclosePenalty", {"penalty": rows.penalty(facts=PERSON)}),
        ("RegisterSubject", {"subject": rows.subject(status=0, subject_code=PERSON)}),
    )
    for call, fields in calls:
        refusal = client.refusal(call, **fields)
        assert PERSON not in repr(rpc_status.from_call(refusal))


def test_what_only_the_server_writes_breaks_nothing_when_it_is_sent(client):
    sent = made("Penalty", version=99, penalty_id="cf_mine")
    sent.update_time.CopyFrom(timestamp_pb2.Timestamp(seconds=2**60))
    answer = client.DisclosePenalty(penalty=sent).penalty
    assert answer.version == 1
    assert answer.penalty_id.startswith("cf_")
    assert answer.penalty_id != "cf_mine"


@pytest.mark.rule("K-9")
@pytest.mark.parametrize("noun", NOUNS)
def test_a_withdrawal_needs_a_reason_and_is_made_once(client, noun):
    disclosed = client.disclose(noun)
    which = {f"{noun.lower()}_id": getattr(disclosed, f"{noun.lower()}_id")}
    for reason in ("", "长" * 501, f"更正 {PERSON} 的信息"):
        refused = client.refused(f"Withdraw{noun}", reason=reason, **which)
        assert refused == (INVALID, f"{noun.upper()}_INVALID", ["reason"])
    client.withdraw(noun, disclosed)
    again = client.refused(f"Withdraw{noun}", reason="决定已被撤销", **which)
    assert again == ("FAILED_PRECONDITION", f"{noun.upper()}_ALREADY_WITHDRAWN", [])


def test_a_caller_who_has_seen_an_old_version_is_told(client):
    stale = ("ABORTED", "STALE", [])
    client.RegisterSubject(subject=made("Subject"))
    client.RegisterSubject(subject=made("Subject", address="云南省昆明市示例路2号"))
    assert client.refused("RegisterSubject", subject=made("Subject"), version=1) == stale
    for noun in NOUNS:
        name = noun.lower()
        disclosed = client.disclose(noun)
        one, which = made(noun), {f"{name}_id": getattr(disclosed, f"{name}_id")}
        assert client.refused(f"Disclose{noun}", **{name: one}, version=9) == stale
        assert client.refused(f"Withdraw{noun}", reason="撤销", version=9, **which) == stale


@pytest.mark.parametrize("noun", NOUNS)
def test_a_request_id_acts_once_and_for_one_thing(client, noun):
    name, call = noun.lower(), f"Disclose{noun}"
    first = getattr(client, call)(**{name: made(noun)}, request_id="r1")
    gone = client.withdraw(noun, getattr(first, name), request_id="r2")
    assert getattr(client, call)(**{name: made(noun)}, request_id="r1") == first
    assert client.listed(noun) == []
    assert client.withdraw(noun, getattr(first, name), request_id="r2") == gone
    reused = client.refused(call, **{name: made(noun, subject_code=OTHER)}, request_id="r1")
    assert reused[:2] == ("FAILED_PRECONDITION", "REQUEST_ID_REUSED")


def test_an_import_under_one_request_id_counts_once(client):
    content = body(csv_of([rows.row("permits_2018")]))
    first = client.ImportRecords(file=content, request_id="i1")
    assert first.report.created == 1
    assert client.ImportRecords(file=content, request_id="i1") == first
    assert client.ImportRecords(file=content, request_id="i2").report.unchanged == 1


@pytest.mark.parametrize("call", CHANGES)
def test_nobody_but_the_operator_changes_anything(client, call):
    with pytest.raises(grpc.RpcError) as refusal:
        client.anybody(call)
    assert told(refusal.value)[:2] == ("PERMISSION_DENIED", "PERMISSION_MISSING")
