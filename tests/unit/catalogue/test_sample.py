"""The sample that a first start loads is read whole."""

from pathlib import Path

from services.catalogue import usecases
from services.catalogue.domain import SHAPES
from services.common.rows import Report, shape_of, stream_rows
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fakes import FakeCatalogue

SAMPLE = Path(__file__).parents[3] / "infra" / "sample" / "items.json"


def test_every_item_of_the_sample_is_in_and_a_second_import_changes_nothing():
    rows = list(stream_rows(SAMPLE))
    store = FakeCatalogue(NOW)
    report = Report(shape_of(rows, "", SHAPES))
    usecases.import_items(rows, report, caller=SYSTEM, store=store)
    assert report.shape == "standard"
    assert report.rejections == []
    assert len(store.items) == report.created == report.read >= 250
    again = Report("standard")
    usecases.import_items(rows, again, caller=SYSTEM, store=store)
    assert (again.created, again.changed, again.unchanged) == (0, 0, report.read)
