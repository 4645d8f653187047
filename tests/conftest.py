"""What tests of every kind share: rules by number, servers of their own, a fresh database each."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, settings

from infra.local.stack import Stack
from services.common import transaction
from services.common.transaction import Request, Unit, connect
from tests.callers import SYSTEM
from tests.plans import HEARD

# How long an example takes on a busy machine says nothing about the code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday, 10:00 in Asia/Shanghai


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory):
    """A real MongoDB of this session's own.

    It removes nothing by age: by the clock of most tests it would all be old, and go each minute.
    What a dropped database had goes soon: each test has some seventy files, and when those of five
    minutes are open at once, as by default, MongoDB runs out of descriptors and aborts.
    """
    with Stack(tmp_path_factory.mktemp("mongo"), only=["mongo"]) as stack:
        uri = stack.env["MONGODB_URI"]
        with connect(uri) as client:
            client.admin.command(
                "setParameter", 1, ttlMonitorEnabled=False, minSnapshotHistoryWindowInSeconds=30
            )
        yield uri


@pytest.fixture(scope="session")
def mongo(mongodb_uri):
    client = connect(mongodb_uri)
    yield client
    client.close()


@pytest.fixture
def database(mongo):
    """An empty database with what every department has."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    transaction.ensure(mongo[name])
    yield mongo[name]
    mongo.drop_database(name)


@pytest.fixture
def committed(database):
    """Runs work in a transaction of its own, as a call does, and gives what it gives."""

    def run(work, *, now=NOW):
        request = Request(SYSTEM, "tests.Call", "", b"", now, "")

        def body(session):
            unit = Unit(database, session, now)
            result = work(unit)
            transaction.record([(unit, request)])
            return result

        return transaction.transact(database, body)

    return run


@pytest.fixture
def planned(request, mongo, database):
    """Whatever the test asks of MongoDB is found by an index: no collection is read whole."""
    mark = request.node.get_closest_marker("looks_at")
    with HEARD:
        yield HEARD
        faults = HEARD.faults(mongo, *(mark.args if mark else ()))
    assert not faults, "\n".join(faults)
