"""One change, one transaction, once for each request id."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages, store, usecases
from services.catalogue.domain import ItemAlreadyWithdrawn
from services.catalogue.store import MongoStore
from services.common import transaction
from services.common.access import Caller
from services.common.errors import Stale
from services.common.eventlog import outbox
from services.common.transaction import Request, StoreUnavailable, fingerprint
from services.common.transaction.changes import Changes, RequestIdInvalid, RequestIdReused
from tests.callers import SYSTEM
from tests.conftest import NOW


@pytest.fixture
def catalogue(database):
    store.ensure(database)
    return database


def test_the_same_request_id_acts_once_and_answers_the_same(catalogue):
    first = publish(catalogue, "r1")
    again = publish(catalogue, "r1")
    assert again == first
    assert catalogue["events"].count_documents({}) == 1


def test_a_refusal_does_not_hide_the_answer_given_before(catalogue):
    publish(catalogue, "r1")
    first = withdraw(catalogue, "w1")
    assert withdraw(catalogue, "w1") == first
    with pytest.raises(ItemAlreadyWithdrawn):
        withdraw(catalogue, "w2")


def test_a_request_id_used_for_something_else_is_refused(catalogue):
    publish(catalogue, "r1")
    with pytest.raises(RequestIdReused):
        publish(catalogue, "r1", task_name="另一个")
    with pytest.raises(RequestIdReused):
        withdraw(catalogue, "r1")


def test_request_ids_of_different_callers_never_meet(catalogue):
    publish(catalogue, "r1")
    publish(catalogue, "r1", caller=Caller("another", "operator"), task_name="另一个")
    assert catalogue["items"].find_one()["item"]["task_name"] == "另一个"


@pytest.mark.parametrize("request_id", ["有", "a b", "x" * 129, "\n"])
def test_a_request_id_is_short_and_visible(catalogue, request_id):
    with pytest.raises(RequestIdInvalid):
        publish(catalogue, request_id)


def test_a_crowd_with_one_request_id_changes_once(catalogue):
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: publish(catalogue, "r1"), range(40)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert catalogue["events"].count_documents({}) == 1
    assert catalogue["audit"].count_documents({}) == 1


def test_a_crowd_on_one_item_loses_no_change(catalogue):
    names = [f"名称{n}" for n in range(40)]
    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(lambda name: publish_until_done(catalogue, name), names))
    versions = sorted(event["version"] for event in catalogue["events"].find())
    assert versions == list(range(1, 41))


def test_stale_is_tried_again_unless_the_caller_named_a_version(catalogue):
    tries = []

    def work(unit):
        tries.append(unit)
        raise Stale("somebody was faster")

    for retry, expected in ((True, 4), (False, 1)):
        tries.clear()
        with pytest.raises(Stale):
            Changes(catalogue).make(request("x"), pb.PublishItemResponse, work, retry_stale=retry)
        assert len(tries) == expected


def test_ticks_rise_with_versions_whatever_the_clock_says():
    ahead = outbox.next_tick(2**60)
    assert ahead == 2**60 + 1
    assert outbox.next_tick(0) < outbox.next_tick(outbox.next_tick(0))


def test_a_database_that_is_away_is_unavailable_not_a_defect(monkeypatch):
    client = transaction.connect("mongodb://127.0.0.1:9/?replicaSet=rs0&directConnection=true")
    monkeypatch.setattr(transaction, "LONGEST", 0.5)
    with pytest.raises(StoreUnavailable):
        publish(client["nowhere"], "r1")
    client.close()


def publish_until_done(database, task_name):
    while True:
        try:
            return publish(database, f"r-{task_name.encode().hex()}", task_name=task_name)
        except Stale:
            continue


def publish(database, request_id, *, caller=SYSTEM, task_name="甲"):
    asked = pb.PublishItemRequest(
        item={
            "task_name": task_name,
            "task_type": "01",
            "dept_name": "某局",
            "region_code": "530100000000",
            "local_task_code": "T-1",
        }
    )

    def work(unit):
        listed = usecases.publish(
            messages.item_of(asked.item), seen=0, caller=SYSTEM, store=MongoStore(unit)
        )
        return pb.PublishItemResponse(item=messages.item_message(listed))

    return Changes(database).make(
        request(request_id, asked, caller),
        pb.PublishItemResponse,
        work,
        retry_stale=True,
    )


def withdraw(database, request_id):
    asked = pb.WithdrawItemRequest(item_id="T-1", reason="停办")

    def work(unit):
        listed = usecases.withdraw("T-1", "停办", seen=0, caller=SYSTEM, store=MongoStore(unit))
        return pb.WithdrawItemResponse(item=messages.item_message(listed))

    return Changes(database).make(
        request(request_id, asked), pb.WithdrawItemResponse, work, retry_stale=True
    )


def request(request_id, asked=None, caller=SYSTEM):
    asked = asked or pb.WithdrawItemRequest()
    return Request(caller, type(asked).__name__, request_id, fingerprint(asked), NOW, "")
