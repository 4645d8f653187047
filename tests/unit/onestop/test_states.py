"""Items that nobody can apply for are suggested and found no more; by the catalogue's own facts."""

import orjson
import pytest
from google.protobuf import json_format
from zhengtong.eventlog.v1.eventlog_pb2 import Event

from gateway.onestop import lexicon
from gateway.onestop.cards import Change, changes
from services.catalogue import domain, messages
from services.catalogue.domain import Changed, Listed, item_of
from tests.publications import ITEM
from tests.unit.onestop.shelf import AS_OF, card

pytestmark = pytest.mark.rule("I-7")
NAME, ALIAS = "观测站址核准", "报观测站"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Names are read anew with the next question, not a minute later."""
    monkeypatch.setattr(lexicon, "RENEW_AFTER", 0.0)


def told(shelf, fact):
    """Tell the index a fact as it stands in the catalogue's log; returns what it says."""
    said = messages.fact_message(fact)
    message = json_format.MessageToDict(said, preserving_proto_field_name=True)
    listed = fact.listed
    event = Event(source="/catalogue", subject=listed.item.item_id, version=listed.version)
    event.data = orjson.dumps(message)
    event.time.FromJsonString("2026-11-22T08:30:00Z")
    shelf.writer.apply("catalogue", list(changes(event)))
    shelf.commit()
    return listed


async def shown(shelf, listed):
    """Where an item is shown."""
    await shelf.onestop.suggest(NAME[:2])  # what it finds out of date is read in the background
    if shelf.onestop._renewing:
        await shelf.onestop._renewing
    places = set()
    for typed in (NAME[:3], ALIAS[:3], "gczz", "guancezhan", "观测站止"):
        lines = orjson.loads(await shelf.onestop.suggest(typed))["suggestions"]
        places |= {"suggest" for line in lines if line["text"] in (NAME, ALIAS)}
    for typed in (NAME, ALIAS, NAME[:3], "gczzhz", listed.item.item_id):
        answer = await shelf.ask(typed)
        titles = [hit["title"] for group in answer["groups"] for hit in group["hits"]]
        places |= {"query" for title in titles if title == NAME}
        places |= {"hint" for text in answer["suggestions"] if text in (NAME, ALIAS)}
    return places


async def test_what_is_suspended_or_cancelled_is_gone_and_back_when_resumed(shelf):
    item = item_of(ITEM | {"task_name": NAME, "alias": [ALIAS]})
    # In one commit with others: a part of the index that goes on knows all its words for a while.
    others = [Change(f"o{n}", 1, AS_OF, card(f"第{n}类许可")) for n in range(20)]
    shelf.writer.apply("catalogue", others)
    public = told(shelf, Changed(Listed(item, version=1), newly=True))
    assert {"query", "suggest"} <= await shown(shelf, public)
    suspended = told(shelf, domain.suspend(public, "系统升级"))
    assert await shown(shelf, suspended) == set()
    resumed = told(shelf, domain.resume(suspended))
    assert {"query", "suggest"} <= await shown(shelf, resumed)
    cancelled = told(shelf, domain.withdraw(resumed, "事项取消"))
    assert await shown(shelf, cancelled) == set()
