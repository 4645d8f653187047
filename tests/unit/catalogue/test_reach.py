"""Rule P-23 in the catalogue: whose items somebody may publish and take back."""

from dataclasses import replace

import pytest

from services.catalogue import usecases
from services.catalogue.domain import item_of
from services.common.access import NATIONWIDE, Caller, OutOfReach
from services.common.rows import Report, Row
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fakes import FakeCatalogue
from tests.publications import ANOTHER, DEPARTMENT, ITEM, QUJING, WUHUA, officer

pytestmark = pytest.mark.rule("P-23")

EDITOR = officer("editor", "item_editor")
LEAD = officer("lead", "list_publisher", department=ANOTHER)
OUTSIDE = ({"dept_code": ANOTHER}, {"dept_code": ""}, {"region_code": QUJING})


@pytest.fixture
def store():
    return FakeCatalogue(NOW)


@pytest.mark.parametrize("changes", OUTSIDE, ids=str)
def test_an_editor_publishes_no_item_of_another_body_or_region(store, changes):
    with pytest.raises(OutOfReach):
        publish(store, EDITOR, **changes)
    assert store.told == []


@pytest.mark.parametrize("changes", OUTSIDE, ids=str)
def test_nobody_takes_over_or_takes_back_what_another_keeps_under_the_same_number(store, changes):
    publish(store, SYSTEM, **changes)
    with pytest.raises(OutOfReach):
        publish(store, EDITOR)
    with pytest.raises(OutOfReach):
        usecases.withdraw("T-1", "停办", seen=0, caller=EDITOR, store=store)
    assert len(store.told) == 1


def test_an_editor_publishes_and_takes_back_the_own_bodys_items_below_the_own_region(store):
    publish(store, EDITOR, region_code=WUHUA)
    usecases.withdraw("T-1", "停办", seen=0, caller=EDITOR, store=store)
    assert len(store.told) == 2


def test_the_lead_publishes_for_every_body_of_its_region(store):
    publish(store, LEAD)
    publish(store, LEAD, dept_code="", local_task_code="T-2")
    with pytest.raises(OutOfReach):
        publish(store, LEAD, region_code=QUJING, local_task_code="T-3")


def test_a_departmental_system_is_held_to_the_same(store):
    system = Caller("c1", "client", department=DEPARTMENT, region=NATIONWIDE)
    publish(store, system, region_code=QUJING)
    with pytest.raises(OutOfReach):
        publish(store, system, dept_code=ANOTHER, local_task_code="T-2")


def test_rows_out_of_reach_are_reported_and_keep_no_other_row_out(store):
    publish(store, SYSTEM, dept_code=ANOTHER, local_task_code="taken")
    rows = [
        ITEM | {"dept_code": ANOTHER},
        ITEM,
        ITEM | {"local_task_code": "taken"},
        ITEM | {"local_task_code": "taken"},
        ITEM | {"region_code": QUJING, "local_task_code": "far"},
        ITEM,
    ]
    report = Report("standard")
    numbered = [Row(number, values) for number, values in enumerate(rows, 1)]
    usecases.import_items(numbered, report, caller=EDITOR, store=store)
    assert [(one.row, one.field) for one in report.rejections] == [
        (1, "dept_code"),
        (3, "dept_code"),
        (4, "dept_code"),
        (5, "region_code"),
    ]
    assert "本部门" in report.rejections[0].reason
    assert (report.read, report.created, report.unchanged, report.rejected) == (6, 1, 1, 4)


def test_somebody_without_a_department_or_a_region_publishes_nothing(store):
    for caller in (replace(EDITOR, department=""), replace(EDITOR, region="")):
        with pytest.raises(OutOfReach):
            publish(store, caller)


def publish(store, caller, **changes):
    return usecases.publish(item_of(ITEM | changes), seen=0, caller=caller, store=store)
