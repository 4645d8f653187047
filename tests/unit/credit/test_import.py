"""Imports of credit: any row whatever is either in the store or in the report."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.rows import Report, read_rows, shape_of
from services.credit import domain, usecases
from services.credit.domain import SHAPES, Decision, Listed, Penalty, Subject, SubjectNotFound
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_credit import FakeCredit
from tests.unit.credit.rows import (
    CODE,
    COLUMNS,
    OTHER,
    PERSON,
    imported,
    row,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
LIKELY = st.sampled_from([CODE, OTHER, PERSON, "自然人", "长期", "0", "1", "2026-01-01", "1.5", ""])


@st.composite
def files(draw):
    """Rows of one shape: right ones, right ones spoilt in some columns, and anything at all."""
    shape = draw(st.sampled_from(sorted(SHAPES)))
    columns = [*COLUMNS[shape], *COLUMNS[shape].values()]
    spoilt = st.dictionaries(st.sampled_from(columns) | st.text(), LIKELY | ANYTHING, max_size=4)
    rows = spoilt.map(lambda changes: row(shape) | changes) | spoilt | ANYTHING
    return shape, draw(st.lists(rows, max_size=6))


@given(file=files())
def test_any_row_whatever_is_in_the_store_or_in_the_report(file):
    shape, rows = file
    report, store = imported(shape, *rows)
    assert report.read == len(rows) == report.created + report.unchanged + report.rejected
    kind = Subject if shape == "subjects" else Decision
    kept = [one for one in store.records.values() if isinstance(one.record, kind)]
    assert len(kept) == report.created
    assert all(1 <= one.row <= len(rows) and one.reason for one in report.rejections)
    assert report.rejections == sorted(report.rejections, key=lambda one: one.row)


@given(file=files())
def test_what_an_import_took_is_unchanged_when_it_comes_again(file):
    shape, rows = file
    first, store = imported(shape, *rows)
    told = list(store.told)
    again, _ = imported(shape, *rows, store=store)
    assert (again.created, again.changed) == (0, 0)
    assert again.unchanged == first.created + first.unchanged
    assert again.rejections == first.rejections
    assert store.told == told


@given(file=files())
def test_every_decision_in_the_store_has_its_subject(file):
    _, store = imported(file[0], *file[1])
    decided = {one.record.subject_code for one in store.records.values()}
    assert decided <= store.records.keys()


@pytest.mark.rule("K-7")
def test_a_decision_registers_a_subject_that_nobody_knew_and_no_other():
    _, store = imported("subjects", row("subjects"))
    imported("permits_2018", row("permits_2018"), store=store)
    assert store.get(Subject, CODE).version == 1
    named = row("penalties_2018", CF_XDR_SHXYM=OTHER, CF_XDR_MC="昆明滇池食品有限公司（示例）")
    report, _ = imported("penalties_2018", named, row("penalties_2018"), store=store)
    assert report.created == 2
    assert store.get(Subject, OTHER).record == Subject(
        subject_code=OTHER, name="昆明滇池食品有限公司（示例）", subject_type="法人及非法人组织"
    )
    assert [fact.listed.record.record_id for fact in store.told].count(CODE) == 1


@pytest.mark.rule("K-7")
def test_a_row_that_is_refused_registers_nobody():
    _, store = imported("penalties_2018", row("penalties_2018", CF_NR_FK="五万元"))
    with pytest.raises(SubjectNotFound):
        store.get(Subject, CODE)


@pytest.mark.rule("K-12")
def test_a_file_does_not_bring_back_what_was_withdrawn():
    _, store = imported("penalties_2018", row("penalties_2018"))
    (penalty_id,) = (one for one in store.records if one.startswith("cf_"))
    usecases.withdraw(Penalty, penalty_id, "决定已被撤销", seen=0, caller=SYSTEM, store=store)
    changed = row("penalties_2018", CF_SY="另有事实。")
    for rows in ([row("penalties_2018")], [changed], [changed, changed]):
        report, _ = imported("penalties_2018", *rows, store=store)
        assert (report.rejected, report.unchanged, report.changed) == (len(rows), 0, 0)
        assert {one.field for one in report.rejections} == {"CF_WSH"}
    assert not store.get(Penalty, penalty_id).public
    in_order, _ = imported("penalties_2018", changed, None, changed, store=store)
    assert [one.row for one in in_order.rejections] == [1, 2, 3]
    again = usecases.disclose(
        store.get(Penalty, penalty_id).record, seen=0, caller=SYSTEM, store=store
    )
    assert again == Listed(again.record, version=3, update_time=NOW)


@pytest.mark.rule("K-13")
def test_the_same_row_twice_is_harmless_and_another_under_its_id_is_refused():
    first, other = row("permits_2018"), row("permits_2018", XK_NR="另有内容")
    report, store = imported("permits_2018", first, first, other, first)
    assert (report.created, report.unchanged, report.rejected) == (1, 2, 1)
    assert [(one.row, one.field) for one in report.rejections] == [(3, "XK_WSH")]
    (kept,) = (one.record for one in store.records.values() if one.record.record_id != CODE)
    assert kept.content == "预包装食品、散装食品销售"


@pytest.mark.rule("K-13")
def test_a_row_without_the_number_column_is_named_by_what_the_sheet_calls_it():
    without = {name: value for name, value in row("permits_2018").items() if name != "XK_WSH"}
    report, _ = imported("permits_2018", without, without | {"XK_NR": "另有内容"})
    assert [one.field for one in report.rejections] == ["XK_WSH"]
    subjects, _ = imported("subjects", row("subjects"), row("subjects", NAME="乙公司（示例）"))
    assert [one.field for one in subjects.rejections] == ["SUBJECT_CODE"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_change_is_told_as_a_change(shape):
    column = {"subjects": "ADDRESS"}.get(shape, "BZ")
    _, store = imported(shape, row(shape))
    report, _ = imported(shape, row(shape, **{column: "昆明市示例路2号"}), store=store)
    assert (report.created, report.changed, report.unchanged) == (0, 1, 0)
    assert (store.told[-1].listed.version, store.told[-1].newly) == (2, False)


@pytest.mark.parametrize("shape", SHAPES)
def test_files_are_read_as_json_lines_and_as_csv(shape):
    values = row(shape)
    lines = json.dumps(values, ensure_ascii=False).encode()
    cells = (",".join(values) + "\n" + ",".join(values.values())).encode("gb18030")
    for content in (lines, b"[" + lines + b"]", cells):
        rows = read_rows(content)
        report = Report(shape_of(rows, domain.recognise(rows), SHAPES))
        usecases.import_records(rows, report, caller=SYSTEM, store=FakeCredit(NOW))
        assert (report.shape, report.created, report.rejections) == (shape, 1, [])
