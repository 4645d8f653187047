"""The audit of a running department: over gRPC, and with the commands of an auditor."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from typer.testing import CliRunner
from zhengtong.audit.v1 import audit_pb2, audit_service_pb2_grpc
from zhengtong.audit.v1 import audit_service_pb2 as pb

from gateway.cli.program import app
from infra.local import keys
from infra.local.ports import PortClaims
from services.catalogue import store
from services.catalogue.servicer import PLAN
from services.common import audit
from services.common.access import ANONYMOUS, Caller
from services.common.audit import heads, merkle, reading, sealing
from services.common.audit.reading import Question
from services.common.callers import Signer
from services.common.eventlog import log
from services.common.grpc_host import Department
from services.common.grpc_host.host import Running
from services.common.paging import page_token
from services.common.settings import Settings
from tests.conftest import NOW
from tests.integration.test_catalogue_servicer import told
from tests.integration.test_utilities_store import finds_of

AUDITOR = Caller("operator", "account", roles=("auditor",), purpose="年度检查")


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for principal in keys.PRINCIPALS:
        keys.make_pair(folder, principal)
    return folder


class House:
    """A catalogue that serves, and what a test asks it."""

    def __init__(self, database, uri, keys_dir, address):
        self.database, self.uri, self.keys_dir, self.address = database, uri, keys_dir, address
        self._channel = grpc.insecure_channel(address)
        self._stub = audit_service_pb2_grpc.AuditServiceStub(self._channel)
        self._signer = Signer.load(keys_dir, "gateway")

    def ask(self, call, *, caller=AUDITOR, **fields):
        token = self._signer.token(caller, "catalogue")
        request = getattr(pb, f"{call}Request")(**fields)
        metadata = [("authorization", f"Bearer {token}")]
        return getattr(self._stub, call)(request, metadata=metadata, timeout=20)

    def refused(self, call, **fields):
        with pytest.raises(grpc.RpcError) as refusal:
            self.ask(call, **fields)
        return told(refusal.value)

    def add(self, count, first=0, principal="window-3", approved_by=""):
        self.database["audit"].insert_many(
            audit.row(
                caller=Caller(principal, "client"),
                call="tests.Change",
                subjects=[f"T-{number % 10}"],
                request_id=f"r-{number}",
                traceparent="",
                now=NOW + timedelta(seconds=number // 3),
                approved_by=approved_by,
            )
            for number in range(first, first + count)
        )

    def seal(self, *, sign=True):
        async def work():
            client = log.connect(self.uri)
            database = client[self.database.name]
            while await sealing.seal(database):
                pass
            if sign:
                key = heads.load_key(self.keys_dir)
                await heads.sign_newest(database, "catalogue", key, NOW)
            await client.close()

        asyncio.run(work())

    def close(self):
        self._channel.close()


@pytest.fixture
def house(database, mongodb_uri, keys_dir):
    store.ensure(database)
    with PortClaims() as claims:
        address = f"127.0.0.1:{claims.claim()}"
        settings = replace(
            Settings.from_env({}), keys_dir=keys_dir, grpc_listen={"catalogue": address}
        )
        running = Running(Department("catalogue", database), PLAN, settings)
    one = House(database, mongodb_uri, keys_dir, address)
    yield one
    one.close()
    running.stop()


def test_the_head_tells_the_tree_and_what_is_not_in_it_yet(house):
    assert house.refused("GetTreeHead")[:2] == ("NOT_FOUND", "AUDIT_HEAD_NOT_FOUND")
    house.add(7)
    house.seal()
    house.add(2, first=30)
    answer = house.ask("GetTreeHead", caller=ANONYMOUS, department="catalogue")
    assert (answer.head.department, answer.head.tree_size, answer.unsealed) == ("catalogue", 7, 2)
    assert answer.oldest_unsealed_time.ToDatetime() == (NOW + timedelta(seconds=10)).replace(
        tzinfo=None
    )
    assert bytes.fromhex(answer.head.public_key) == heads.load_public_key(house.keys_dir)


def test_a_backlog_stops_nobody(house):
    house.add(5000)
    assert len(house.ask("ListAuditRecords", page_size=200).records) == 200
    house.seal()
    answer = house.ask("GetTreeHead")
    assert (answer.head.tree_size, answer.unsealed) == (5001, 0)


def test_proofs_verify_and_are_open_to_all(house):
    house.add(300)
    house.seal()
    old = house.ask("GetTreeHead").head
    house.add(100, first=300)
    house.seal()
    new = house.ask("GetTreeHead").head
    records = house.ask("ListAuditRecords", subject="T-3", page_size=9).records
    root = bytes.fromhex(new.root_hash)
    for record in records:
        proof = house.ask("GetInclusionProof", caller=ANONYMOUS, record_id=record.record_id)
        assert (proof.leaf_index, proof.tree_size) == (record.leaf_index, 400)
        leaf, path = bytes.fromhex(proof.leaf_hash), [bytes.fromhex(one) for one in proof.path]
        assert merkle.includes(proof.leaf_index, 400, leaf, path, root)
    proof = house.ask("GetConsistencyProof", caller=ANONYMOUS, first_size=300, second_size=400)
    path = [bytes.fromhex(one) for one in proof.path]
    assert merkle.continues(300, bytes.fromhex(old.root_hash), 400, root, path)
    assert list(house.ask("GetConsistencyProof", first_size=0).path) == []


def test_what_cannot_be_proved_is_refused_by_reason(house):
    house.add(4)
    house.seal()
    house.add(1, first=4)
    late = house.database["audit"].find_one({"unsealed": True})["_id"]
    early = house.database["audit"].find_one({"leaf": 3})["_id"]
    size = ("INVALID_ARGUMENT", "AUDIT_TREE_SIZE_INVALID")
    unsealed = ("FAILED_PRECONDITION", "AUDIT_RECORD_NOT_SEALED")
    for expected, call, fields in (
        (("NOT_FOUND", "AUDIT_RECORD_NOT_FOUND"), "GetInclusionProof", {"record_id": "no"}),
        (unsealed, "GetInclusionProof", {"record_id": late}),
        (unsealed, "GetInclusionProof", {"record_id": early, "tree_size": 2}),
        (size, "GetInclusionProof", {"record_id": early, "tree_size": 5}),
        (size, "GetConsistencyProof", {"first_size": -1}),
        (size, "GetConsistencyProof", {"first_size": 3, "second_size": 2}),
        (size, "ListAuditLeaves", {"tree_size": 5}),
    ):
        assert house.refused(call, **fields)[:2] == expected, (call, fields)
    wrong = house.refused("GetTreeHead", department="credit")
    assert wrong[:2] == ("INVALID_ARGUMENT", "AUDIT_DEPARTMENT_WRONG")


def listed(house, **question):
    """All records that answer a question, page by page; looks of the test itself are left out."""
    found, token = [], ""
    while True:
        page = house.ask("ListAuditRecords", page_size=7, page_token=token, **question)
        found += [one for one in page.records if one.request_id]
        token = page.next_page_token
        if not token:
            return found


def test_records_are_found_by_what_who_and_when_in_pages_that_miss_none(house):
    house.add(40)
    house.add(20, first=40, principal="window-4")

    def ids(**question):
        return [record.request_id for record in listed(house, **question)]

    # Looks of today come before the records of a test's day.
    assert sorted(ids(until_time=NOW + timedelta(days=1))) == sorted(f"r-{n}" for n in range(60))
    assert set(ids(subject="T-3")) == {f"r-{n}" for n in range(3, 60, 10)}
    assert set(ids(principal="window-4")) == {f"r-{n}" for n in range(40, 60)}
    between = {"from_time": NOW + timedelta(seconds=2), "until_time": NOW + timedelta(seconds=4)}
    assert set(ids(**between)) == {f"r-{n}" for n in range(6, 12)}
    assert set(ids(subject="T-3", principal="window-4")) == {"r-43", "r-53"}


def test_a_principal_is_found_by_what_it_did_and_by_what_it_approved_newest_first(house):
    house.add(20, principal="li")
    house.add(20, first=20, approved_by="li")
    house.add(20, first=40, principal="li", approved_by="wang")
    house.add(20, first=60, approved_by="wang")
    house.add(20, first=10, approved_by="li")  # of the times that the first ones are of
    found = listed(house, principal="li")
    assert len({record.record_id for record in found}) == len(found) == 80
    order = [(record.time.ToDatetime(), record.record_id) for record in found]
    assert order == sorted(order, reverse=True)
    made = {record.approved_by for record in found if record.principal == "li"}
    approved = {record.principal for record in found if record.approved_by == "li"}
    assert (made, approved) == ({"", "wang"}, {"window-3"})
    both = listed(house, principal="li", subject="T-3", until_time=NOW + timedelta(seconds=9))
    assert [record.request_id for record in both] == ["r-23", "r-23", "r-13", "r-13", "r-3"]


def test_who_did_or_approved_what_is_read_off_two_indexes_in_order(house):
    house.add(300)
    house.add(30, first=300, principal="li")
    house.add(30, first=330, approved_by="li")

    def ask(unit):
        for more in ({}, {"since": NOW}, {"until": NOW + timedelta(days=1)}):
            for before in (None, (NOW + timedelta(days=1), "x")):
                question = Question(principal="li", **more)
                assert len(reading.records(unit.database, question, limit=7, before=before)) == 7

    finds = finds_of(house.uri, house.database, ask)
    assert len(finds) == 6
    for find in finds:
        explained = house.database.command("explain", find, verbosity="executionStats")
        plan = str(explained["queryPlanner"]["winningPlan"])
        assert "by_principal" in plan, find
        assert "by_reviewer" in plan, find
        assert "'SORT'" not in plan, find
        assert explained["executionStats"]["totalDocsExamined"] <= 8, find


def test_an_auditor_leaves_a_record_of_each_look(house):
    house.add(3)
    house.seal()
    house.ask("ListAuditRecords", subject="T-1")
    house.ask("ListAuditLeaves")
    first, second = house.database["audit"].find({"act": "look"}).sort("time", 1)
    assert first["subjects"] == ["audit", "T-1"]
    assert second["subjects"] == ["audit/leaves/0-3"]
    for row in (first, second):
        assert (row["principal"], row["purpose"], row["unsealed"]) == ("operator", "年度检查", True)
        assert len(row["traceparent"]) == 55
    assert first["call"] == "zhengtong.audit.v1.AuditService.ListAuditRecords"
    shown = house.ask("ListAuditRecords", subject="audit").records
    assert shown[0].act == audit_pb2.AUDIT_ACT_LOOK
    assert not shown[0].HasField("leaf_index")


@pytest.mark.parametrize("call", ["ListAuditRecords", "ListAuditLeaves"])
def test_records_are_not_for_anybody_nor_for_other_programs(house, call):
    assert house.refused(call, caller=ANONYMOUS)[:2] == ("PERMISSION_DENIED", "PERMISSION_MISSING")
    for principal in ("indexer", "relay"):
        signer = Signer.load(house.keys_dir, principal)
        token = signer.token(signer.own(), "catalogue")
        with pytest.raises(grpc.RpcError) as refusal:
            getattr(house._stub, call)(
                getattr(pb, f"{call}Request")(), metadata=[("authorization", f"Bearer {token}")]
            )
        assert told(refusal.value)[1] == "PERMISSION_MISSING"
    assert house.database["audit"].count_documents({}) == 0


@pytest.mark.parametrize(
    ("call", "question", "position"),
    [
        ("ListAuditLeaves", "audit/leaves/0", ["a", "b"]),
        ("ListAuditLeaves", "audit/leaves/0", [-5, 3]),
        ("ListAuditLeaves", "audit/leaves/0", [5, 3]),
        ("ListAuditRecords", "audit/Question(subject='', principal='', since=None, until=None)", 0),
    ],
)
def test_a_token_that_was_made_up_is_refused(house, call, question, position):
    for made_up in (page_token(question, position or ["no time", "x"]), "nonsense"):
        refusal = house.refused(call, page_token=made_up)
        assert refusal[:2] == ("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")


@pytest.fixture
def run(house, monkeypatch, tmp_path):
    monkeypatch.setenv("ZHENGTONG_GRPC_ADDRESSES", f"catalogue={house.address}")
    monkeypatch.setenv("ZHENGTONG_KEYS_DIR", str(house.keys_dir))
    monkeypatch.setenv("ZHENGTONG_RUN_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("ZHENGTONG_AUDIT_HEADS_DIR", str(tmp_path / "heads"))

    def command(*words):
        done = CliRunner().invoke(app, ["audit", *map(str, words)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output

    return command


def test_an_export_verifies_and_a_changed_one_does_not(house, run, tmp_path):
    house.add(450)
    house.seal()
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    assert run("export", "catalogue", old, "--purpose", "抽查")[0] == 0
    assert run("verify", old)[0] == 0
    looks = list(house.database["audit"].find({"act": "look"}))
    assert {(row["principal"], row["purpose"]) for row in looks} == {("cli", "抽查")}

    house.seal()
    assert run("export", "catalogue", new)[0] == 0
    code, said = run("verify", new, "--since", old)
    assert (code, "先前的 450 条记录都在" in said) == (0, True)
    assert [path.name for path in tmp_path.glob("*.part")] == []

    new.write_bytes(new.read_bytes().replace(b"window-3", b"window-8", 1))
    code, said = run("verify", new, "--since", old)
    assert (code, "被改动" in said) == (1, True)
    assert run("verify", old, "--key", "00" * 32)[0] == 1


def test_a_live_check_remembers_what_it_saw(house, run):
    house.add(20)
    house.seal()
    code, said = run("verify", "--live")
    assert (code, "首次查看" in said) == (0, True)
    house.add(20, first=20)
    house.seal()
    code, said = run("verify", "--live")
    assert (code, "与上次所见的 20 条一致" in said) == (0, True)


def test_a_live_check_finds_a_history_that_was_written_anew(house, run):
    house.add(20)
    house.seal()
    assert run("verify", "--live")[0] == 0
    house.database["audit"].update_one({"leaf": 5}, {"$set": {"principal": "nobody"}})
    house.database["audit"].update_many({}, {"$unset": {"leaf": ""}, "$set": {"unsealed": True}})
    house.database["audit_tree"].drop()
    house.database["audit_heads"].delete_many({})
    audit.ensure(house.database)
    house.add(3, first=20)
    house.seal()
    code, said = run("verify", "--live")
    assert (code, "有被改动的" in said) == (1, True)
    house.database["audit_heads"].delete_many({})
    smaller = heads.sign(heads.load_key(house.keys_dir), "catalogue", 3, merkle.EMPTY, NOW)
    house.database["audit_heads"].insert_one(heads._document(smaller, NOW))
    code, said = run("verify", "--live")
    assert (code, "现在只有 3 条" in said) == (1, True)


def test_heads_are_shown_to_people_and_programs(house, run):
    house.add(20)
    house.seal()
    house.add(1, first=20)
    code, said = run("head", "--json")
    (head,) = json.loads(said)
    assert code == 0
    assert (head["department"], head["tree_size"], head["unsealed"]) == ("catalogue", 20, 1)
    code, said = run("head")
    assert (code, head["key_id"] in said) == (0, True)


def test_wrong_use_and_silence_have_codes_of_their_own(house, run, monkeypatch, tmp_path):
    nothing = tmp_path / "nothing"
    nothing.write_text("{}\n")
    assert run("verify")[0] == 2
    assert run("verify", nothing)[0] == 2
    assert run("verify", tmp_path / "absent")[0] == 2
    assert run("verify", nothing, "--live")[0] == 2
    assert run("verify", nothing, "--key", "xyz")[0] == 2
    assert run("export", "nobody", nothing)[0] == 2
    assert run("head")[0] == 4  # no head was signed yet
    house.seal()
    assert run("export", "catalogue", tmp_path / "no" / "where")[0] == 2
    monkeypatch.setenv("ZHENGTONG_GRPC_ADDRESSES", "catalogue=127.0.0.1:9")
    assert run("verify", "--live")[0] == 3


def test_operators_read_as_well(house):
    assert house.ask("ListAuditRecords", caller=AUDITOR).next_page_token == ""
