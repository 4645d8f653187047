"""Rule P-24 in utilities: for which institution somebody may speak."""

import pytest

from services.common.access import Caller, OutOfReach
from services.common.rows import Report, Row
from services.utilities import usecases
from services.utilities.domain import institution_of, outage_of
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_utilities import FakeInstitutions, FakeOutages
from tests.publications import (
    INSTITUTION,
    INSTITUTION_RECORD,
    KUNMING,
    OUTAGE,
    QUJING,
    WUHUA,
)

pytestmark = pytest.mark.rule("P-24")

OTHER = "9153010001009002XA"
USER = Caller("user", "account", roles=("institution_user",), institution=INSTITUTION)
RIVAL = Caller("rival", "account", roles=("institution_user",), institution=OTHER)
GATHERER = Caller("c1", "client", region=KUNMING, leads=True)


class Stores:
    def __init__(self):
        self.institutions = FakeInstitutions(NOW)
        self.outages = FakeOutages(NOW)

    def publish(self, caller, **changes):
        thing = institution_of(INSTITUTION_RECORD | changes)
        return usecases.publish_institution(thing, seen=0, caller=caller, store=self.institutions)

    def announce(self, caller, **changes):
        return usecases.announce_outage(
            outage_of(OUTAGE | changes),
            seen=0,
            now=NOW,
            caller=caller,
            store=self.outages,
            institutions=self.institutions,
        )

    def told(self):
        return len(self.institutions.told) + len(self.outages.told)


@pytest.fixture
def stores():
    return Stores()


def test_a_user_speaks_for_the_own_institution_wherever_it_is(stores):
    stores.publish(USER, region_code=QUJING)
    stores.announce(USER, area_region_codes=[QUJING])
    outage = usecases.withdraw("KM-1", "改期", seen=0, caller=USER, store=stores.outages)
    gone = usecases.withdraw(INSTITUTION, "注销", seen=0, caller=USER, store=stores.institutions)
    assert (outage.public, gone.public, stores.told()) == (False, False, 4)


def test_nobody_speaks_for_another_institution_or_for_one_that_is_not_named(stores):
    with pytest.raises(OutOfReach):
        stores.publish(RIVAL)
    for institution in (INSTITUTION, ""):
        with pytest.raises(OutOfReach):
            stores.announce(RIVAL, institution_id=institution)
    assert stores.told() == 0


def test_nobody_takes_over_or_takes_back_another_institutions_notice(stores):
    stores.announce(USER)
    with pytest.raises(OutOfReach):
        stores.announce(RIVAL, institution_id=OTHER)
    with pytest.raises(OutOfReach):
        usecases.withdraw("KM-1", "改期", seen=0, caller=RIVAL, store=stores.outages)
    stores.publish(USER)
    with pytest.raises(OutOfReach):
        usecases.withdraw(INSTITUTION, "注销", seen=0, caller=RIVAL, store=stores.institutions)
    assert stores.told() == 2


def test_a_system_that_gathers_does_so_in_every_region_of_a_thing_or_not_at_all(stores):
    stores.publish(GATHERER)
    stores.announce(GATHERER)
    for areas in ([QUJING], [WUHUA, QUJING]):
        with pytest.raises(OutOfReach):
            stores.announce(GATHERER, area_region_codes=areas)
    with pytest.raises(OutOfReach):
        stores.publish(GATHERER, region_code=QUJING)


def test_rows_out_of_reach_are_reported_and_keep_no_other_row_out(stores):
    stores.announce(SYSTEM, outage_id="taken", institution_id=OTHER)
    records = [
        OUTAGE | {"institution_id": OTHER},
        OUTAGE,
        OUTAGE | {"outage_id": "taken"},
        OUTAGE,
    ]
    report = Report("outages")
    usecases.import_outages(
        [Row(number, values) for number, values in enumerate(records, 1)],
        report,
        now=NOW,
        caller=USER,
        store=stores.outages,
        institutions=stores.institutions,
    )
    assert [(one.row, one.field) for one in report.rejections] == [
        (1, "institution_id"),
        (3, "institution_id"),
    ]
    assert (report.created, report.unchanged, report.rejected) == (1, 1, 2)


def test_a_gatherers_row_elsewhere_is_reported_by_its_region(stores):
    report = Report("institutions")
    row = Row(1, INSTITUTION_RECORD | {"region_code": QUJING})
    usecases.import_institutions([row], report, caller=GATHERER, store=stores.institutions)
    assert [(one.row, one.field) for one in report.rejections] == [(1, "region_code")]
