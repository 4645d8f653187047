"""Items that an earlier release kept, under this one."""

import pytest

from services.catalogue import store as catalogue_store
from services.catalogue import usecases
from services.catalogue.domain import State, item_of
from services.catalogue.domain.listing import Asked
from services.catalogue.store import COLLECTION, MongoStore
from tests.callers import SYSTEM
from tests.publications import ITEM

NEW = ("state", "reason", "moved_to", "body", "quality", "shelves")


@pytest.fixture
def old(database, committed):
    """A public item and one that was taken back, as the release before kept them."""
    catalogue_store.ensure(database)
    for code in ("A", "B"):
        item = item_of(ITEM | {"local_task_code": code})
        committed(
            lambda unit, item=item: usecases.publish(
                item, seen=0, caller=SYSTEM, store=MongoStore(unit)
            )
        )
    committed(
        lambda unit: usecases.withdraw("B", "停办", seen=0, caller=SYSTEM, store=MongoStore(unit))
    )
    kept = {one["_id"]: one for one in database[COLLECTION].find()}
    database[COLLECTION].update_many({}, {"$unset": dict.fromkeys(NEW, "")})
    return kept


def test_they_are_completed_as_they_are_kept_now(old, database):
    catalogue_store.ensure(database)
    now = {one["_id"]: one for one in database[COLLECTION].find()}
    assert now["A"] == old["A"]
    assert now["B"] == old["B"] | {"reason": ""}  # nobody kept it then


def test_they_are_listed_and_got_and_an_import_finds_them_unchanged(old, database, committed):
    catalogue_store.ensure(database)
    found, _ = committed(lambda unit: MongoStore(unit).page(Asked(), after="", size=9))
    assert [one.item.item_id for one in found] == ["A"]
    assert committed(lambda unit: MongoStore(unit).get("B")).state is State.WITHDRAWN
    item = item_of(ITEM | {"local_task_code": "A"})
    kept = committed(lambda unit: MongoStore(unit).kept([item]))["A"]
    assert (kept.version, kept.same) == (1, True)


def test_whoever_changes_one_meanwhile_is_not_overwritten(old, database, committed):
    item = item_of(ITEM | {"local_task_code": "A", "task_name": "新名"})
    database[COLLECTION].update_one({"_id": "A"}, {"$set": {"state": "1", "moved_to": ""}})
    database[COLLECTION].update_one({"_id": "A"}, {"$set": {"reason": ""}})
    committed(lambda unit: usecases.publish(item, seen=0, caller=SYSTEM, store=MongoStore(unit)))
    catalogue_store.ensure(database)
    assert database[COLLECTION].find_one({"_id": "A"})["item"]["task_name"] == "新名"


@pytest.mark.usefixtures("old")
def test_looking_for_them_reads_no_collection_whole(database, planned):
    catalogue_store.ensure(database)
    assert planned.count() >= 2  # what looks for them and what completes them, both explained
