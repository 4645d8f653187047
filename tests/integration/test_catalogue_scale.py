"""A catalogue of the size of a province: found by indexes, and never in memory as a whole."""

import tracemalloc
from itertools import chain

import pytest

from services.catalogue import store as mongo_store
from services.catalogue import usecases
from services.catalogue.domain.listing import Asked
from services.catalogue.store import MongoStore, listing
from services.common import transaction
from services.common.rows import Report, Row
from services.common.transaction import Unit
from tests import whole_province
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.integration.test_catalogue_store import item, record

COUNTY = "530102000000"
QUESTIONS = [
    {},
    {"region_code": COUNTY},
    {"region_code": "530000000000"},
    {"task_type": "01"},
    {"server_type": "2"},
    {"is_online": False},
    {"use_level": "4"},
    {"catalog_code": "530117001001"},
    {"dept_code": whole_province.body_of(COUNTY, 3)},
    {"region_code": COUNTY, "task_type": "01"},
    {"task_type": "01", "server_type": "2"},
    {"task_type": "20", "server_type": "9"},
    {"region_code": COUNTY, "is_online": True, "project_type": "2"},
    {"user_topic_type": "010", "corp_topic_type": "085"},
]
MEGABYTE = 2**20


@pytest.fixture(scope="module", params=[5_000, pytest.param(100_000, marks=pytest.mark.long)])
def province(request, mongo):
    """A database with so many items, and how many."""
    database = mongo[f"t_province_{request.param}"]
    transaction.ensure(database)
    whole_province.fill(database, request.param)
    yield database, request.param
    mongo.drop_database(database.name)


@pytest.fixture
def database(province):
    """The tests of this module share one database."""
    return province[0]


@pytest.mark.looks_at(listing.LOOKED_THROUGH)
def test_no_question_looks_at_more_of_many_items_than_its_bound(planned, database):
    store = MongoStore(Unit(database, None, NOW))
    for question in QUESTIONS:
        page, onward = store.page(Asked(**question), after="", size=50)
        assert all(Asked(**question).matches(one.item) for one in page)
        assert onward or len(page) < 50
    body = whole_province.body_of(COUNTY, 3)
    assert store.of_body(body, after="", size=10)
    store.implementing("530117001001", COUNTY)
    for region in ("", COUNTY):
        bodies = store.bodies(region_code=region, after="", size=20)
        assert len(bodies) == 20
        assert store.marks(bodies[:3], region_code=region).keys() == set(bodies[:3])
    assert planned.count() > len(QUESTIONS)


@pytest.mark.looks_at(100)
def test_what_changes_among_many_items_is_found_by_indexes(planned, database, committed):
    made = [item(local_task_code=f"Z-{number}") for number in (1, 2)]
    for one in made:
        committed(
            lambda unit, one=one: usecases.publish(
                one, seen=0, caller=SYSTEM, store=MongoStore(unit)
            )
        )
    rows = [Row(n, record(local_task_code=f"Z-{n}", task_name="改名")) for n in range(1, 301)]
    report = Report("standard")
    committed(
        lambda unit: usecases.import_items(rows, report, caller=SYSTEM, store=MongoStore(unit))
    )
    assert (report.created, report.changed) == (298, 2)
    (before,) = committed(lambda unit: MongoStore(unit).versions("Z-1", before=9, size=5))
    assert before.version == 1


def test_a_walk_over_all_pages_keeps_only_one_of_them_in_memory(province):
    database, size = province
    store = MongoStore(Unit(database, None, NOW))
    tracemalloc.start()
    try:
        walked = sum(len(page) for page in pages(store))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert walked >= size
    # The documents alone are 5 KB each: 25 MB for the smaller catalogue.
    assert peak < 16 * MEGABYTE


def test_a_snapshot_keeps_only_some_of_many_items_in_memory(province):
    database, size = province
    tracemalloc.start()
    try:
        told = sum(1 for _ in chain(mongo_store.snapshot(database)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert told >= size
    # Two pages of 500 at most, read and turned into values some 25 KB each.
    assert peak < 32 * MEGABYTE


def pages(store):
    after = ""
    while True:
        page, after = store.page(Asked(), after=after, size=200)
        yield page
        if not after:
            return
