"""The sample that a first start loads is read whole."""

from pathlib import Path

import pytest

from services.common.rows import Report, shape_of, stream_rows
from services.websites import usecases
from services.websites.domain import SHAPES
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_websites import FakeWebsites

SAMPLE = Path(__file__).parents[3] / "infra" / "sample"


@pytest.mark.parametrize(
    ("file", "shape", "at_least"), [("sites.json", "sites", 50), ("mappings.csv", "redirects", 200)]
)
def test_every_row_of_the_sample_is_in(file, shape, at_least):
    rows = list(stream_rows(SAMPLE / file))
    report, store = Report(shape_of(rows, "", SHAPES)), FakeWebsites(NOW)
    usecases.import_records(rows, report, now=NOW, caller=SYSTEM, store=store)
    assert report.shape == shape
    assert report.rejections == []
    assert len(store.things) == report.created == report.read >= at_least
