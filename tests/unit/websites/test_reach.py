"""Rule P-23 in websites: whose sites and old addresses somebody may speak of."""

from dataclasses import replace

import pytest

from services.common.access import OutOfReach
from services.common.rows import Report, Row
from services.websites import usecases
from services.websites.domain import mapping_id, mapping_of, site_of
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_websites import FakeWebsites
from tests.publications import MAPPING, QUJING, SITE, WUHUA, officer

pytestmark = pytest.mark.rule("P-23")

EDITOR = officer("editor", "website_editor")
LEAD = replace(EDITOR, leads=True)
FAR = officer("far", "website_editor", region=QUJING)


class Watched(FakeWebsites):
    """Counts how often it is asked for the regions of hosts."""

    asked = 0

    def regions_of(self, hosts):
        self.asked += 1
        return super().regions_of(hosts)


@pytest.fixture
def store():
    return Watched(NOW)


def test_a_site_is_registered_in_the_own_region_and_below(store):
    register(store, EDITOR, region_code=WUHUA)
    with pytest.raises(OutOfReach):
        register(store, EDITOR, site_id="far", region_code=QUJING)


def test_nobody_moves_another_regions_site_into_the_own(store):
    register(store, SYSTEM, region_code=QUJING)
    with pytest.raises(OutOfReach):
        register(store, EDITOR)
    assert len(store.told) == 1


def test_an_old_address_belongs_to_the_region_of_the_site_that_has_its_host(store):
    register(store, SYSTEM)
    with pytest.raises(OutOfReach):
        add(store, FAR)
    add(store, EDITOR)
    with pytest.raises(OutOfReach):
        remove(store, FAR)
    remove(store, EDITOR)


def test_a_host_that_two_regions_have_is_only_for_who_answers_for_both(store):
    register(store, SYSTEM)
    register(store, SYSTEM, site_id="far", region_code=QUJING)
    for caller in (EDITOR, FAR):
        with pytest.raises(OutOfReach):
            add(store, caller)


def test_an_address_on_a_host_of_no_site_is_for_who_answers_everywhere(store):
    for caller in (EDITOR, LEAD):
        with pytest.raises(OutOfReach):
            add(store, caller)
    add(store, SYSTEM)


def test_nobody_claims_a_host_that_a_site_of_another_region_has(store):
    register(store, SYSTEM)
    with pytest.raises(OutOfReach, match="属于其他地区"):
        register(store, FAR, site_id="far", region_code=QUJING)
    far = SITE | {"site_id": "far", "region_code": QUJING}
    free = far | {"site_id": "free", "hosts": ["free.qj.gov.cn"]}
    report = take(store, FAR, "sites", far, free)
    assert [(one.row, one.field) for one in report.rejections] == [(1, "hosts")]
    assert report.created == 1
    add(store, EDITOR)


def test_who_leads_everywhere_needs_no_look_up(store):
    add(store, SYSTEM)
    remove(store, SYSTEM)
    take(store, SYSTEM, "mappings", MAPPING)
    assert store.asked == 0


def test_rows_out_of_reach_are_reported_by_one_look_up_and_keep_no_other_row_out(store):
    register(store, SYSTEM)
    register(store, SYSTEM, site_id="far", region_code=QUJING, hosts=["far.gov.cn"])
    far = MAPPING | {"old_url": "http://far.gov.cn/a"}
    nobodys = {"Old Url": "http://nobody.gov.cn/", "New Url": "http://b.gov.cn", "Status": "301"}
    report = take(store, EDITOR, "mappings", far, MAPPING, nobodys, MAPPING)
    assert [(one.row, one.field) for one in report.rejections] == [(1, "old_url"), (3, "Old Url")]
    assert (report.created, report.unchanged, report.rejected) == (1, 1, 2)
    assert store.asked == 1


def test_a_row_about_a_site_elsewhere_is_reported(store):
    register(store, SYSTEM, region_code=QUJING)
    report = take(
        store, EDITOR, "sites", SITE, SITE | {"site_id": "new", "hosts": ["new.km.gov.cn"]}
    )
    assert [(one.row, one.field) for one in report.rejections] == [(1, "region_code")]
    assert report.created == 1


def test_a_row_out_of_reach_keeps_no_other_row_about_the_same_site_out(store):
    report = take(store, EDITOR, "sites", SITE | {"region_code": QUJING}, SITE)
    assert [one.row for one in report.rejections] == [1]
    assert report.created == 1


def register(store, caller, **changes):
    return usecases.register(site_of(SITE | changes), seen=0, now=NOW, caller=caller, store=store)


def add(store, caller):
    return usecases.add(mapping_of(MAPPING), seen=0, now=NOW, caller=caller, store=store)


def remove(store, caller):
    old = mapping_id(MAPPING["old_url"])
    return usecases.remove(old, "有误", seen=0, caller=caller, store=store)


def take(store, caller, shape, *records):
    report = Report(shape)
    rows = [Row(number, values) for number, values in enumerate(records, 1)]
    usecases.import_records(rows, report, now=NOW, caller=caller, store=store)
    return report
