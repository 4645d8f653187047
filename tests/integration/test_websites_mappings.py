"""The addresses of 60 sites that were really closed, where that list lies beside the clone."""

import csv
import time
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
import yaml

from services.common.rows import Report, Row, shape_of, stream_rows
from services.websites import store as mongo_store
from services.websites import usecases
from services.websites.domain import SHAPES, MappingKind, Question
from services.websites.store import MongoStore
from tests.callers import SYSTEM
from tests.conftest import NOW

LIST = Path(__file__).parents[3] / "shared" / "data" / "website_mappings"
ROWS_A_CALL = 500

pytestmark = pytest.mark.skipif(not LIST.is_dir(), reason="the list is not beside this clone")


@pytest.fixture
def kept(database, committed):
    mongo_store.ensure(database)
    return lambda work: committed(lambda unit: work(MongoStore(unit)))


def test_every_row_is_in_or_in_the_report_with_its_reason(database, kept):
    lines = {path.name: list(lines_of(path)) for path in sorted(LIST.glob("*.csv"))}
    begun = time.perf_counter()
    reports = {path.name: imported(path, kept) for path in sorted(LIST.glob("*.csv"))}
    seconds = time.perf_counter() - begun
    for name, report in reports.items():
        settled = report.created + report.changed + report.unchanged + report.rejected
        assert (name, settled, report.read) == (name, len(lines[name]), len(lines[name]))
        assert {(one.row, one.field) for one in report.rejections} == {
            (number, "Status")
            for number, line in enumerate(lines[name], 1)
            if line["Status"] not in ("301", "410")
        }
    rows = sum(map(len, lines.values()))
    rejected = sum(report.rejected for report in reports.values())
    assert (rows, rejected) == (43888, 25)
    assert database["mappings"].count_documents({"active": True}) == rows - rejected
    assert [one.count for one in kept(counts)] == [rows - rejected]
    assert seconds < 30
    every_address_leads_where_its_row_says(lines, kept)


def every_address_leads_where_its_row_says(lines, kept):
    checked = Counter()
    for line in islice((line for file in lines.values() for line in file), 0, None, 97):
        if line["Status"] not in ("301", "410"):
            continue
        found = kept(lambda store, line=line: usecases.resolve(line["Old Url"], store=store)).thing
        gone = line["Status"] == "410"
        assert found.kind is (MappingKind.GONE if gone else MappingKind.MOVED)
        assert found.new_url == line["New Url"]
        checked[line["Status"]] += 1
    assert min(checked["301"], checked["410"]) > 100


def test_the_same_list_again_changes_nothing(database, kept):
    path = LIST / "hmrc.csv"
    first, again = imported(path, kept), imported(path, kept)
    assert (again.created, again.changed, again.unchanged) == (0, 0, first.created)
    assert database["events"].count_documents({"bulk": True}) == 2


def test_the_sites_themselves_become_closed_sites(kept):
    rows = [Row(number, site(path)) for number, path in enumerate(sorted(LIST.glob("*.yml")), 1)]
    report = Report(shape_of(rows, "", SHAPES))
    kept(lambda store: usecases.import_records(rows, report, now=NOW, caller=SYSTEM, store=store))
    assert (report.read, report.created, report.rejections) == (60, 60, [])


def site(path):
    """What a site's file says, as a record of the inventory."""
    said = yaml.safe_load(path.read_text())
    return {
        "site_id": said["site"],
        "name": said.get("homepage_title", said["site"]),
        "hosts": [said["host"], *said.get("aliases", ())],
        "unit": said["whitehall_slug"],
        "state": "closed",
        "homepage": said["homepage"],
    }


def imported(path, kept):
    """Import a file as the command does: 500 rows a call."""
    whole = Report("")
    rows = stream_rows(path)
    while batch := list(islice(rows, ROWS_A_CALL)):
        report = Report(shape_of(batch, "", SHAPES))
        kept(
            lambda store, batch=batch, report=report: usecases.import_records(
                batch, report, now=NOW, caller=SYSTEM, store=store
            )
        )
        for name in ("read", "created", "changed", "unchanged"):
            setattr(whole, name, getattr(whole, name) + getattr(report, name))
        whole.rejections += report.rejections
    return whole


def lines_of(path):
    """The rows as a reader of one's own finds them."""
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def counts(store):
    return store.page_counts(Question(kind="mapping"), after="", size=50)
