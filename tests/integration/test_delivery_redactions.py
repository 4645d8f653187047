"""What left the public's sight loses its payload in parked messages, whichever comes first."""

import orjson
import pytest

from services.common.delivery import parked, redactions
from services.common.delivery.parked import Message, Why
from services.common.eventlog import log
from tests.conftest import NOW

SOURCE, SECRET = "/catalogue", "不再公开的内容"
WHY = Why("UNEXPECTED", "演练", 1, None)


@pytest.fixture
async def taking(database, mongodb_uri):
    """Takes up what a source has redacted, as the department's relay does."""
    redactions.ensure(database)
    parked.ensure(database)
    client = log.connect(mongodb_uri)

    async def take(**removed):
        body = orjson.dumps({"source": SOURCE, "removed": removed})
        await redactions.take(client[database.name], body, NOW)

    yield take
    await client.close()


def envelope(subject, sequence, data):
    return orjson.dumps(
        {
            "id": f"e{sequence}",
            "source": SOURCE,
            "subject": subject,
            "version": 3,
            "sequence": sequence,
            "data": data,
        }
    )


def park(database, body, name="m"):
    """Put a message aside as a desk does."""
    message = Message(f"q-{name}", body, {}, name, "application/json", "utf-8")
    about = {"source": SOURCE, "subjects": redactions.subjects_of(body)}
    parked.park(database, message, WHY, about=about, now=NOW)
    redactions.settle(database, message.key)
    return message.key


def body_of(database, key):
    return orjson.loads(bytes(database["parked"].find_one({"_id": key})["body"]))


async def test_a_parked_message_loses_its_payload_and_keeps_its_place(database, taking):
    key = park(database, envelope("a", 4, {"text": SECRET}))
    await taking(a=9, other=10)
    assert body_of(database, key) == orjson.loads(envelope("a", 4, {}))


async def test_a_message_parked_after_the_redaction_loses_it_too(database, taking):
    await taking(a=9)
    key = park(database, envelope("a", 4, {"text": SECRET}))
    assert body_of(database, key)["data"] == {}


async def test_a_message_parked_again_is_redacted_again(database, taking):
    park(database, envelope("a", 4, {"text": SECRET}))
    await taking(a=9)
    key = park(database, envelope("a", 4, {"text": SECRET}))
    assert body_of(database, key)["data"] == {}


async def test_what_was_told_after_the_removal_stays(database, taking):
    key = park(database, envelope("a", 12, {"text": "公开"}))
    await taking(a=9)
    assert body_of(database, key)["data"] == {"text": "公开"}


async def test_an_older_removal_that_comes_late_takes_nothing_back(database, taking):
    await taking(a=20)
    await taking(a=9)
    key = park(database, envelope("a", 12, {"text": SECRET}))
    assert body_of(database, key)["data"] == {}


async def test_of_a_fact_about_many_only_the_removed_record_loses_its_payload(database, taking):
    records = [{"subject": name, "version": 1, "text": SECRET + name} for name in ("a", "b")]
    key = park(database, envelope("batch", 4, {"records": records}))
    await taking(a=9)
    found = body_of(database, key)["data"]["records"]
    assert found == [{"subject": "a", "version": 1}, records[1]]


async def test_another_sources_subject_of_the_same_name_is_left(database, taking):
    body = envelope("a", 4, {"text": "公开"}).replace(b"/catalogue", b"/credit")
    message = Message("q", body, {}, "m", "application/json", "utf-8")
    about = {"source": "/credit", "subjects": redactions.subjects_of(body)}
    parked.park(database, message, WHY, about=about, now=NOW)
    await taking(a=9)
    redactions.settle(database, message.key)
    assert body_of(database, message.key)["data"] == {"text": "公开"}


@pytest.mark.parametrize("body", [b"\x00", b"[]", b"7", b'{"data":7}', b'{"data":{}}'])
async def test_what_nobody_can_read_is_left_as_it_came(database, taking, body):
    key = park(database, body)
    await taking(a=9)
    assert bytes(database["parked"].find_one({"_id": key})["body"]) == body


async def test_a_redaction_finds_its_rows_by_an_index(database, taking):
    await taking(a=9)
    park(database, envelope("a", 4, {"text": SECRET}))
    question = {"source": SOURCE, "subjects": {"$in": ["a"]}}
    plan = database["parked"].find(question).explain()["queryPlanner"]["winningPlan"]
    assert "subjects" in str(plan)
    assert "COLLSCAN" not in str(plan)
