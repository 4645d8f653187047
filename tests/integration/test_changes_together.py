"""Changes that wait at one moment share a transaction, and nothing else of each other's fate."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages, store, usecases
from services.catalogue.domain import ItemNotFound
from services.catalogue.store import MongoStore
from services.common.errors import Stale
from services.common.transaction import Request, StoreUnavailable, changes, fingerprint
from services.common.transaction.changes import Changes
from tests.callers import SYSTEM
from tests.conftest import NOW


class Crowd:
    """Asks for changes that all wait until the one before them has ended."""

    def __init__(self, database, monkeypatch):
        self.database = database
        self.changes = Changes(database)
        self.sizes = []
        self.tries = 0
        self._transact = changes.transact
        monkeypatch.setattr(changes, "transact", self._counted)
        committed = self.changes._committed

        def sized(group):
            self.sizes.append(len(group))
            return committed(group)

        monkeypatch.setattr(self.changes, "_committed", sized)

    def _counted(self, database, body):
        self.tries += 1
        return self._transact(database, body)

    def make(self, request_id, work, *, retry_stale=True):
        asked = pb.WithdrawItemRequest(reason=request_id)
        request = Request(SYSTEM, "call", request_id, fingerprint(asked), NOW, "")
        return self.changes.make(request, pb.PublishItemResponse, work, retry_stale=retry_stale)

    def together(self, *works):
        """What each came to, its response or its exception; the first one goes before them."""
        begun, go_on = threading.Event(), threading.Event()

        def first(unit):
            begun.set()
            go_on.wait(10)
            return publishing("first")(unit)

        with ThreadPoolExecutor(len(works) + 1) as pool:
            pool.submit(self.make, "first", first)
            begun.wait(10)
            made = [pool.submit(self.make, *work) for work in works]
            while len(self.changes._waiting) < len(works):
                threading.Event().wait(0.001)
            go_on.set()
            return [one.exception() or one.result() for one in made]


@pytest.fixture
def crowd(database, monkeypatch):
    store.ensure(database)
    return Crowd(database, monkeypatch)


def publishing(code, name="甲"):
    item = {
        "task_name": name,
        "task_type": "01",
        "dept_name": "某局",
        "region_code": "530100000000",
        "local_task_code": code,
    }
    wanted = pb.PublishItemRequest(item=item).item

    def work(unit):
        listed = usecases.publish(
            messages.item_of(wanted), seen=0, caller=SYSTEM, store=MongoStore(unit)
        )
        return pb.PublishItemResponse(item=messages.item_message(listed))

    return work


def withdrawing(code):
    def work(unit):
        listed = usecases.withdraw(code, "停办", seen=0, caller=SYSTEM, store=MongoStore(unit))
        return pb.PublishItemResponse(item=messages.item_message(listed))

    return work


def test_those_that_wait_share_one_transaction_and_have_each_their_own(crowd, database):
    said = crowd.together(*((f"r{n}", publishing(f"T-{n}", f"名称{n}")) for n in range(7)))
    assert [one.item.task_name for one in said] == [f"名称{n}" for n in range(7)]
    assert (crowd.tries, crowd.sizes) == (2, [1, 7])
    for kind in ("events", "audit", "requests"):
        assert database[kind].count_documents({}) == 8
    assert {row["request_id"]: row["subjects"] for row in database["audit"].find()} == {
        "first": ["first"],
        **{f"r{n}": [f"T-{n}"] for n in range(7)},
    }
    assert database["requests"].count_documents({"_id": {"$regex": ":r3$"}}) == 1


def test_changes_of_one_thing_follow_one_another(crowd, database):
    said = crowd.together(*((f"r{n}", publishing("T-1", f"名称{n}")) for n in range(7)))
    assert sorted(one.item.version for one in said) == list(range(1, 8))
    assert crowd.tries == 2
    told = database["events"].find({"subject": "T-1"}).sort("tick", 1)
    assert [event["version"] for event in told] == list(range(1, 8))


def test_a_refusal_is_its_own_and_spoils_nothing(crowd, database):
    good, bad, last = crowd.together(
        ("r1", publishing("T-1")), ("r2", withdrawing("nothing")), ("r3", publishing("T-3"))
    )
    assert (good.item.item_id, last.item.item_id) == ("T-1", "T-3")
    assert isinstance(bad, ItemNotFound)
    assert crowd.tries == 2
    assert database["requests"].count_documents({}) == 3


@pytest.mark.parametrize("error", [ValueError("a defect"), Stale("overtaken"), ItemNotFound()])
def test_what_fails_after_a_write_is_parted_from_the_others(crowd, database, error):
    def failing(unit):
        publishing("T-2")(unit)
        raise error

    good, bad, last = crowd.together(
        ("r1", publishing("T-1")), ("r2", failing), ("r3", publishing("T-3"))
    )
    assert (good.item.item_id, last.item.item_id) == ("T-1", "T-3")
    assert bad is error
    assert database["items"].count_documents({"_id": "T-2"}) == 0
    assert database["events"].count_documents({}) == 3


def test_one_request_id_twice_in_a_group_acts_once(crowd, database):
    once, again = crowd.together(("r1", publishing("T-1")), ("r1", publishing("T-1")))
    assert once == again
    assert database["events"].count_documents({"subject": "T-1"}) == 1


def test_an_answer_given_before_is_given_again_in_a_group(crowd, database):
    before = crowd.make("r1", publishing("T-1"))
    again, other = crowd.together(("r1", publishing("T-1", "乙")), ("r2", publishing("T-2")))
    assert again == before
    assert other.item.item_id == "T-2"
    assert database["items"].find_one({"_id": "T-1"})["item"]["task_name"] == "甲"


def test_a_group_that_loses_a_race_is_parted(crowd, database):
    database["items"].insert_one({"_id": "other", "x": 0})
    raced = []

    def racing(unit):
        database["items"].find_one({"_id": "other"}, session=unit.session)
        if not raced:
            raced.append(unit)
            database["items"].update_one({"_id": "other"}, {"$inc": {"x": 10}})
        database["items"].update_one({"_id": "other"}, {"$inc": {"x": 1}}, session=unit.session)
        return publishing("T-2")(unit)

    one, two = crowd.together(("r1", publishing("T-1")), ("r2", racing))
    assert (one.item.item_id, two.item.item_id) == ("T-1", "T-2")
    assert crowd.sizes == [1, 2, 1, 1]
    assert database["items"].find_one({"_id": "other"})["x"] == 11
    assert database["events"].count_documents({}) == 3


def test_a_database_that_is_away_is_told_to_each(crowd, monkeypatch):
    def away(_database, _body):
        raise StoreUnavailable("数据库暂时没有响应，请稍后再试。")

    def then_away(unit):
        monkeypatch.setattr(changes, "transact", away)
        return publishing("T-0")(unit)

    crowd.make("r0", then_away)
    with ThreadPoolExecutor(4) as pool:
        made = [pool.submit(crowd.make, f"r{n}", publishing(f"T-{n}")) for n in range(1, 5)]
        assert [type(one.exception()) for one in made] == [StoreUnavailable] * 4


def test_a_crowd_loses_nothing_and_shares(crowd, database):
    with ThreadPoolExecutor(8) as pool:
        said = list(
            pool.map(lambda n: crowd.make(f"r{n}", publishing(f"T-{n % 5}", f"名{n}")), range(200))
        )
    assert len(said) == 200
    for code in range(5):
        versions = [one.item.version for one in said if one.item.item_id == f"T-{code}"]
        assert sorted(versions) == list(range(1, 41))
    assert database["events"].count_documents({}) == 200
    assert crowd.tries < 100
