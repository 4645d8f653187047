"""Parked messages over gRPC: a replay acts once for each request id, and is recorded."""

import pytest
from typer.testing import CliRunner
from zhengtong.delivery.v1 import delivery_service_pb2 as pb

from gateway.cli.program import app
from services.common.access import Caller
from services.common.delivery import parked
from services.common.delivery.parked import Kind, Message, Why
from tests.conftest import NOW
from tests.integration.house import made_keys, serving

SERVICE = "zhengtong.delivery.v1.DeliveryService"
OPERATOR = Caller("cli", "service", purpose="故障已排除")


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    return made_keys(tmp_path_factory.mktemp("keys"))


class Desk:
    """Websites, with messages put aside, and an operator."""

    def __init__(self, house):
        self.house, self.database = house, house.database

    def park(self, name, *, due=None):
        message = Message("evt-x", b"{}", {}, name, "", "")
        why = Why("INVALID", "", 1, due)
        parked.park(self.database, message, why, about={"id": name}, now=NOW)
        return message.key

    def replay(self, *ids, request_id=""):
        fields = {"parked_ids": ids, "request_id": request_id}
        return self.house.call(f"{SERVICE}.ReplayParkedMessages", OPERATOR, **fields).replayed

    def dead(self):
        return {one.id for one in parked.list_parked(self.database, Kind.DEAD, limit=100)}

    def rows(self):
        return list(self.database["audit"].find())


@pytest.fixture
def desk(database, keys_dir):
    with serving("websites", database, keys_dir, principal="cli") as house:
        yield Desk(house)


@pytest.mark.rule("P-13")
def test_a_replay_is_recorded_with_what_it_put_back(desk):
    first, second, third = (desk.park(name) for name in ("a", "b", "c"))
    assert desk.replay(first, "unknown") == 1
    assert desk.dead() == {second, third}
    assert desk.replay() == 2
    rows = desk.rows()
    assert [set(row["subjects"]) for row in rows] == [{first}, {second, third}]
    for row in rows:
        assert (row["principal"], row["purpose"]) == ("cli", "故障已排除")
        assert row["call"] == f"{SERVICE}.ReplayParkedMessages"


def test_a_replay_of_nothing_changes_nothing_and_leaves_no_record(desk):
    assert (desk.replay(), desk.replay("unknown")) == (0, 0)
    assert desk.rows() == []


def test_a_request_id_replays_once(desk):
    key = desk.park("a")
    assert desk.replay(key, request_id="r1") == 1
    desk.park("a")  # it failed again
    assert desk.replay(key, request_id="r1") == 1
    assert desk.dead() == {key}
    reused = ("FAILED_PRECONDITION", "REQUEST_ID_REUSED")
    call = f"{SERVICE}.ReplayParkedMessages"
    assert desk.house.refused(call, OPERATOR, request_id="r1") == reused
    assert desk.replay(key, request_id="r2") == 1
    assert desk.dead() == set()


def test_of_many_dead_messages_a_call_replays_a_part(desk, monkeypatch):
    monkeypatch.setattr(parked, "MOST_REPLAYED", 3)
    keys = [desk.park(str(number)) for number in range(5)]
    assert [desk.replay() for _ in range(3)] == [3, 2, 0]
    assert sum(len(row["subjects"]) for row in desk.rows()) == len(keys)
    assert desk.house.call(
        f"{SERVICE}.ListParkedMessages", OPERATOR, kind=pb.PARKED_KIND_DEFERRED
    ).total == len(keys)


def test_the_command_replays_all_that_are_dead_part_by_part(desk, keys_dir, monkeypatch, tmp_path):
    monkeypatch.setattr(parked, "MOST_REPLAYED", 2)
    monkeypatch.setenv("ZHENGTONG_GRPC_ADDRESSES", f"websites={desk.house.address}")
    monkeypatch.setenv("ZHENGTONG_KEYS_DIR", str(keys_dir))
    monkeypatch.setenv("ZHENGTONG_RUN_DIR", str(tmp_path / "none"))
    keys = {desk.park(str(number)) for number in range(5)}
    done = CliRunner().invoke(app, ["events", "replay"])
    assert (done.exit_code, done.output) == (0, "已放回 5 条。\n")
    assert desk.dead() == set()
    assert {key for row in desk.rows() for key in row["subjects"]} == keys
