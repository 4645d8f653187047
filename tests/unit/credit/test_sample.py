"""The sample that a first start loads is read whole."""

import pytest

from infra.sample.load import ENTERPRISES, PENALTIES, PERMITS
from infra.sample.write_credit import write_credit
from services.common.rows import Report, shape_of, stream_rows
from services.credit import domain, usecases
from services.credit.domain import SHAPES, Penalty, Permit, Subject
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_credit import FakeCredit

FILES = {
    "enterprises.json": ("subjects", ENTERPRISES),
    "permits.csv": ("permits_2018", PERMITS),
    "penalties.csv": ("penalties_2018", PENALTIES),
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    write_credit(folder, (ENTERPRISES, PERMITS, PENALTIES))
    return folder


def test_every_row_of_the_sample_is_in(sample):
    store = FakeCredit(NOW)
    for file, (shape, count) in FILES.items():
        report = imported(sample / file, store)
        assert (report.shape, report.rejections) == (shape, [])
        assert report.created == report.read == count
    kinds = [type(one.record) for one in store.records.values()]
    assert [kinds.count(kind) for kind in (Subject, Permit, Penalty)] == [
        ENTERPRISES,
        PERMITS,
        PENALTIES,
    ]


def test_the_sample_loaded_again_changes_nothing(sample):
    store = FakeCredit(NOW)
    for file in FILES:
        imported(sample / file, store)
    told = len(store.told)
    for file, (_, count) in FILES.items():
        assert imported(sample / file, store).unchanged == count
    assert len(store.told) == told


def test_decisions_before_their_subjects_end_in_the_same_place(sample):
    stores = FakeCredit(NOW), FakeCredit(NOW)
    for store, files in zip(stores, (FILES, reversed(FILES)), strict=True):
        for file in files:
            imported(sample / file, store)
    first, second = ({one.record for one in store.records.values()} for store in stores)
    assert first == second


@pytest.mark.rule("K-11")
def test_the_sample_shows_some_penalties_and_none_for_too_long(sample):
    store = FakeCredit(NOW)
    imported(sample / "penalties.csv", store)
    assert 0 < len(store.shown(Penalty)) < PENALTIES


def imported(path, store):
    rows = list(stream_rows(path))
    report = Report(shape_of(rows, domain.recognise(rows), SHAPES))
    usecases.import_records(rows, report, caller=SYSTEM, store=store)
    return report
