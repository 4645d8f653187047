"""What the websites tell: cards, and the golden events, which are contract."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.protobuf import json_format
from zhengtong.search.v1 import search_pb2
from zhengtong.websites.v1 import websites_events_pb2 as events_pb
from zhengtong.websites.v1 import websites_pb2

from services.common.envelope import Event, pack, unpack
from services.websites import domain, messages
from services.websites.domain import Changed, Listed, SiteState, mapping_of, site_of

EXAMPLES = Path(__file__).parents[3] / "protos" / "examples"
PART_OF_A_FACT = "WebsiteRecord"
FACTS = [
    message
    for name, message in events_pb.DESCRIPTOR.message_types_by_name.items()
    if name != PART_OF_A_FACT
]
TOLD = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

SITE = site_of(
    {
        "site_id": "5303000003",
        "name": "曲靖市水务局网站",
        "hosts": ["swj.qj.gov.example"],
        "unit": "曲靖市水务局",
        "state": "open",
        "homepage": "https://swj.qj.gov.example",
    }
)
MOVED = "https://www.yn.gov.example/qj/swj"
CLOSED = replace(SITE, state=SiteState.CLOSED, homepage=MOVED)
MAPPING = mapping_of(
    {"old_url": "http://swj.qj.gov.example/zwgk/", "kind": "301", "new_url": MOVED + "/zwgk"}
)


@pytest.mark.parametrize(
    ("site", "summary"),
    [
        (SITE, "swj.qj.gov.example · 曲靖市水务局主办"),
        (
            replace(SITE, state=SiteState.SUSPENDED),
            "临时下线 · swj.qj.gov.example · 曲靖市水务局主办",
        ),
        (CLOSED, f"已关停，功能已迁至 {MOVED}"),
    ],
)
def test_the_summary_says_whether_a_site_can_be_opened(site, summary):
    assert messages.card(site)["summary"] == summary


def test_a_site_is_found_by_its_code_and_its_hosts():
    card = search_pb2.Card(**messages.card(CLOSED))
    assert (card.kind, card.title, card.department) == ("website", SITE.name, SITE.unit)
    assert (card.region_code, card.url) == ("530300000000", "/websites/5303000003")
    assert list(card.codes) == ["5303000003", "swj.qj.gov.example"]
    assert dict(card.facets) == {"state": "closed"}


def test_what_a_caller_hands_in_comes_back_as_it_was():
    for listed, message, read in (
        (Listed(CLOSED, 3), messages.site_message, messages.site_of),
        (Listed(MAPPING, 3), messages.mapping_message, messages.mapping_of),
    ):
        assert read(message(listed)) == listed.thing


@pytest.mark.parametrize("number", [-1, 4, 9])
def test_a_state_that_the_contract_does_not_have_is_refused(number):
    with pytest.raises(domain.SiteInvalid):
        messages.state_of(number)
    assert messages.state_of(websites_pb2.SITE_STATE_UNSPECIFIED) is None


def golden():
    """Every fact of the department, as it is told."""
    added = Listed(MAPPING, version=1, update_time=TOLD)
    gone = domain.remove(Listed(MAPPING, version=2), "新网址有误，更正后重新发布。")
    revised = replace(MAPPING, new_url=MOVED)
    records = [
        messages.record_json(one, messages.rfc3339(TOLD))
        for one in (Listed(SITE, version=1), Listed(MAPPING, version=1))
    ]
    bulk = json_format.ParseDict(
        {"records": [json.loads(record) for record in records]}, events_pb.RecordsImported()
    )
    registered = Listed(SITE, version=1, update_time=TOLD)
    batch = "9b1f6c1de0a94c6f8a0d2f5e7c3b4a59"
    return {
        "SiteRegistered": (SITE.site_id, 1, messages.fact_message(Changed(registered, newly=True))),
        "SiteRevised": (
            SITE.site_id,
            2,
            messages.fact_message(
                Changed(Listed(CLOSED, version=2, update_time=TOLD), newly=False)
            ),
        ),
        "MappingAdded": (
            MAPPING.mapping_id,
            1,
            messages.fact_message(Changed(added, newly=True)),
        ),
        "MappingRevised": (
            MAPPING.mapping_id,
            2,
            messages.fact_message(
                Changed(Listed(revised, version=2, update_time=TOLD), newly=False)
            ),
        ),
        "MappingRemoved": (MAPPING.mapping_id, 3, messages.removal_message(gone)),
        "RecordsImported": (batch, 1, bulk),
        "ImportPublished": (batch, 2, messages.import_message(domain.MAPPING, 1)),
    }


def envelope(name):
    """The golden envelope of a fact, as the relay would publish it."""
    subject, version, fact = golden()[name]
    number = list(golden()).index(name) + 1
    return pack(
        Event(
            id=f"4d6f0c5e8b1a4f2d9c3e7a5b6d8f0a{number:02}",
            source="/websites",
            type=fact.DESCRIPTOR.full_name,
            subject=subject,
            time=TOLD,
            traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            epoch="019ab0c4d2c05c1e7f3b9a6d2e8f4071",
            sequence=number,
            version=version,
            fact=fact,
        )
    )


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_a_golden_event_is_what_is_told_and_can_be_read(fact):
    path = EXAMPLES / f"{fact.full_name}.json"
    example = json.loads(path.read_text(encoding="utf-8"))
    assert example == envelope(fact.name)
    kind = getattr(events_pb, fact.name)
    event = unpack(example, kind)
    assert pack(event) == example
    assert event.fact == golden()[fact.name][2]
