"""Looks at protected data: answered only when their records are durable, many in one write."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pymongo
import pytest
from pymongo.errors import AutoReconnect, PyMongoError

from services.common import audit
from services.common.audit import ROWS
from services.common.audit.looks import Looks
from services.common.transaction import connect
from tests.callers import SYSTEM
from tests.conftest import NOW


class Rows:
    """The rows of a database, with a gate before every write of several."""

    def __init__(self, rows):
        self._rows = rows
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.sizes = []
        self.failing = 0
        self.written_first = False

    def insert_many(self, rows, *, ordered):
        self.sizes.append(len(rows))
        self.begun.set()
        assert self.gate.wait(10)
        if len(self.sizes) == self.failing:
            if self.written_first:
                self._rows.insert_many(rows, ordered=ordered)
            raise AutoReconnect("the connection is gone")
        self._rows.insert_many(rows, ordered=ordered)

    def update_one(self, *args, **more):
        return self._rows.update_one(*args, **more)


@pytest.fixture
def looks(database):
    made = Looks(database)
    made._rows = Rows(database[ROWS])
    return made


def look(subject):
    return audit.row(
        act="look",
        caller=SYSTEM,
        call="tests.Look",
        subjects=[subject],
        request_id="",
        traceparent="",
        now=NOW,
    )


def wait_for(looks, count):
    while len(looks._waiting) < count:
        threading.Event().wait(0.001)


def crowd(looks, count, pool):
    """One look that is being written, and `count` that wait for it."""
    first = pool.submit(looks.record, look("first"))
    assert looks._rows.begun.wait(10)
    others = [pool.submit(looks.record, look(f"s{n}")) for n in range(count)]
    wait_for(looks, count)
    return [first, *others]


def test_a_look_is_answered_only_after_its_record_is_durable(looks, mongodb_uri, database):
    with ThreadPoolExecutor(1) as pool, connect(mongodb_uri) as other:
        answered = pool.submit(looks.record, look("a"))
        assert looks._rows.begun.wait(10)
        assert not answered.done()
        assert other[database.name][ROWS].find_one() is None
        looks._rows.gate.set()
        answered.result(10)
        assert other[database.name][ROWS].find_one()["act"] == "look"


def test_what_the_department_writes_with_waits_for_majority_and_journal(database):
    concern = database[ROWS].write_concern.document
    assert concern == {"w": "majority", "j": True}


def test_looks_that_wait_are_written_together(looks, database):
    with ThreadPoolExecutor(21) as pool:
        answers = crowd(looks, 20, pool)
        assert not any(one.done() for one in answers)
        looks._rows.gate.set()
        assert [one.result(10) for one in answers] == [None] * 21
    assert looks._rows.sizes == [1, 20]
    assert database[ROWS].count_documents({"act": "look", "unsealed": True}) == 21


@pytest.mark.parametrize("written_first", [False, True])
def test_a_write_of_several_that_fails_leaves_each_recorded_once(looks, database, written_first):
    looks._rows.failing, looks._rows.written_first = 2, written_first
    with ThreadPoolExecutor(11) as pool:
        answers = crowd(looks, 10, pool)
        looks._rows.gate.set()
        for one in answers:
            one.result(10)
    assert database[ROWS].count_documents({}) == 11


def test_a_record_that_was_sealed_meanwhile_stays_as_it_is(looks, database):
    row = look("a")
    sealed = {name: value for name, value in row.items() if name != "unsealed"} | {"leaf": 0}
    database[ROWS].insert_one(sealed)
    from_looks = type("Look", (), {"row": row})()
    looks._alone(from_looks)
    assert database[ROWS].find_one() == sealed | {"time": database[ROWS].find_one()["time"]}


def test_a_look_whose_record_failed_is_not_answered(looks):
    looks._rows.failing = 1
    looks._rows.gate.set()
    with pytest.raises(PyMongoError):
        looks.record(look("a"))
    looks.record(look("b"))


def test_a_database_that_is_away_lets_no_look_pass():
    client = pymongo.MongoClient("mongodb://127.0.0.1:9/", serverSelectionTimeoutMS=100)
    with pytest.raises(PyMongoError):
        Looks(client["nowhere"]).record(look("a"))
    client.close()
