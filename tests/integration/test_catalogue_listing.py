"""Lists of items by every filter and by several together, in pages of bounded work."""

from dataclasses import replace
from itertools import combinations
from random import Random

import pytest
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from services.catalogue import messages, usecases
from services.catalogue import store as mongo_store
from services.catalogue.domain import item_of
from services.catalogue.domain.listing import Asked
from services.catalogue.store import MongoStore, listing
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fakes import FakeCatalogue
from tests.publications import ITEM

CHOICES = {
    "region_code": ["530100000000", "530102000000", "532900000000"],
    "catalog_code": ["", "530117001001", "530117001002"],
    "dept_code": ["11530000015100012L", "12530000431200012W"],
    "project_type": ["", "1", "2"],
    "use_level": ["", "3", "4"],
    "task_type": ["01", "20"],
    "corp_topic_type": [[], ["085"], ["085", "040"]],
    "user_topic_type": [[], ["010"], ["010", "020"]],
    "server_type": [["1"], ["2"], ["1", "2"]],
    "is_online": [True, False],
}
ASKED = {
    "region_code": "530100000000",
    "catalog_code": "530117001001",
    "dept_code": "11530000015100012L",
    "project_type": "1",
    "use_level": "4",
    "task_type": "01",
    "corp_topic_type": "040",
    "user_topic_type": "010",
    "server_type": "2",
    "is_online": False,
}
QUESTIONS = [
    {name: ASKED[name] for name in names}
    for many in range(4)
    for names in combinations(ASKED, many)
]


def various():
    """Sixty items, any of each field's values with any of the others'."""
    chance = Random(7)
    for number in range(60):
        fields = {name: chance.choice(values) for name, values in CHOICES.items()}
        yield item_of(ITEM | {"local_task_code": f"T-{number:02d}"} | fields)


@pytest.fixture(params=["fake", "mongo"])
def keeping(request):
    """Runs work with a store: one transaction on MongoDB, one object in memory."""
    if request.param == "fake":
        fake = FakeCatalogue(NOW)
        return lambda work: work(fake)
    database, committed = request.getfixturevalue("database"), request.getfixturevalue("committed")
    mongo_store.ensure(database)
    request.getfixturevalue("planned")
    return lambda work: committed(lambda unit: work(MongoStore(unit)))


def walked(store, asked, size):
    """All that comes of a question, page by page, and how many pages there were."""
    found, after, pages = [], "", 0
    while pages < 100:
        page, onward = store.page(asked, after=after, size=size)
        assert len(page) <= size
        assert onward == "" or onward > after
        found += [listed.item.item_id for listed in page]
        pages, after = pages + 1, onward
        if not after:
            return found, pages
    raise AssertionError("the list has no end")


def publish_all(store, items):
    for item in items:
        usecases.publish(item, seen=0, caller=SYSTEM, store=store)


def test_every_filter_alone_and_with_any_other_gives_exactly_what_matches(keeping, monkeypatch):
    monkeypatch.setattr(listing, "LOOKED_THROUGH", 15)
    items = list(various())
    for start in range(0, len(items), 20):
        some = items[start : start + 20]
        keeping(lambda store, some=some: publish_all(store, some))
    answers = [
        keeping(lambda store, asked=question: walked(store, Asked(**asked), 5)[0])
        for question in QUESTIONS
    ]
    for question, found in zip(QUESTIONS, answers, strict=True):
        assert found == [one.item_id for one in items if matches(one, question)], question
    assert sum(1 for found in answers if found) > len(QUESTIONS) / 3


def matches(item, question):
    """What a filter means, said another way than the domain says it."""
    for name, value in question.items():
        own = getattr(item, name)
        own = {own, own[:4] + "0" * 8} if name == "region_code" else own
        if value not in (own if isinstance(own, set | tuple) else [own]):
            return False
    return True


def test_a_call_looks_through_so_many_and_its_page_goes_on_where_it_ended(
    database, committed, monkeypatch
):
    mongo_store.ensure(database)
    monkeypatch.setattr(listing, "LOOKED_THROUGH", 10)
    asked = {"task_type": "01", "server_type": ["1"]}
    items = [item_of(ITEM | asked | {"local_task_code": f"T-{n:02d}"}) for n in range(25)]
    items[24] = replace(items[24], server_type=("2",))
    committed(lambda unit: publish_all(MongoStore(unit), items))
    both = Asked(task_type="20", server_type="1")

    def pages(unit):
        store, after = MongoStore(unit), ""
        for _ in range(3):
            found, after = store.page(both, after=after, size=5)
            yield len(found), after

    assert committed(lambda unit: list(pages(unit))) == [(0, "T-09"), (0, "T-19"), (0, "")]


@pytest.mark.parametrize("state", ["suspend", "withdraw"])
def test_what_is_not_public_stands_on_no_shelf(database, committed, state):
    mongo_store.ensure(database)
    item = next(various())
    committed(lambda unit: publish_all(MongoStore(unit), [item]))
    (kept,) = database["items"].find({"_id": item.item_id})
    assert "//" in kept["shelves"]
    assert len(set(kept["shelves"])) == len(kept["shelves"])
    call = getattr(usecases, state)
    committed(
        lambda unit: call(item.item_id, "停办", seen=0, caller=SYSTEM, store=MongoStore(unit))
    )
    (kept,) = database["items"].find({"_id": item.item_id})
    assert kept["shelves"] == []


def test_every_filter_of_the_call_reaches_the_question():
    fields = set(pb.ListItemsRequest.DESCRIPTOR.fields_by_name) - {"page_size", "page_token"}
    assert fields == ASKED.keys()
    questions = {messages.question_of(Asked())}
    for name, value in ASKED.items():
        asked = messages.asked_of(pb.ListItemsRequest(**{name: value}))
        assert asked == Asked(**{name: value})
        questions.add(messages.question_of(asked))
    assert len(questions) == len(fields) + 1
