"""A catalogue as large as a province's: items of the sample, carried out by every county."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path

from services.catalogue import store
from services.catalogue.domain import Listed, item_of
from services.common import fields
from tests.conftest import NOW

SAMPLE = Path(__file__).resolve().parents[1] / "infra" / "sample"
MODELS = 31
"""So many different items; with 129 counties 3,999 documents, the others are their like."""
BATCH = 2000
UPDATED = NOW - timedelta(days=1)


def counties():
    """The 129 counties of the province, in order of their codes."""
    regions = json.loads((SAMPLE / "regions.json").read_text(encoding="utf-8"))
    return [one["code"] for one in regions if one["code"][4:6] != "00"]


def body_of(county, number):
    """The code of a county's body."""
    return f"11{county[:6]}{number:09d}L"


def models():
    """Items for each county in turn, different from one another."""
    sample = json.loads((SAMPLE / "items.json").read_text(encoding="utf-8"))
    for number, record in enumerate(sample[:: len(sample) // MODELS][:MODELS]):
        item = replace(item_of(record), task_code="", use_level="4")
        for county in counties():
            body = {"dept_code": body_of(county, number), "dept_name": f"{county[:6]}第{number}局"}
            yield replace(item, region_code=county, **body)


def fill(database, size):
    """Put so many items into a catalogue, as its store writes them."""
    store.ensure(database)
    written = documents(size)
    while batch := list(islice(written, BATCH)):
        database[store.COLLECTION].insert_many(batch, ordered=False)


def documents(size):
    """What the store keeps of so many items; their ids are in no order.

    Each model is made once by the store itself; its like have another code.
    """
    made = []
    for number, item in zip(range(size), models(), strict=False):
        listed = Listed(replace(item, local_task_code=code_of(number)), 1, update_time=UPDATED)
        made.append(store.document_of(listed, fields.plain(listed.item), tick=1))
    yield from made
    for number in range(len(made), size):
        like = made[number % len(made)]
        plain = like["item"] | {"local_task_code": code_of(number)}
        yield like | {"_id": code_of(number), "digest": store.digest(plain), "item": plain}


def code_of(number):
    """Codes that are spread over their order."""
    return f"YN-{number * 7919 % 1_000_003:07d}"
