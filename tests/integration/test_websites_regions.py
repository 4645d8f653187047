"""Whose host it is: the look-up of Rule P-23, in both stores, and its index."""

import pytest

from services.common.transaction import Unit
from services.websites import store, usecases
from services.websites.domain import site_of
from services.websites.store import MongoStore
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_websites import FakeWebsites
from tests.publications import KUNMING, QUJING, SITE

SITES = (
    SITE | {"site_id": "a", "hosts": ["a.gov.cn", "www.a.gov.cn"]},
    SITE | {"site_id": "b", "hosts": ["a.gov.cn"], "region_code": QUJING},
    SITE | {"site_id": "c", "hosts": ["c.gov.cn"], "region_code": ""},
)


@pytest.fixture(params=["fake", "mongo"])
def ask(request, database, committed):
    """The regions of hosts, from either store."""
    fake = FakeWebsites(NOW)
    store.ensure(database)
    said = {"seen": 0, "now": NOW, "caller": SYSTEM}
    for values in SITES:
        site = site_of(values)
        usecases.register(site, store=fake, **said)
        committed(lambda unit, site=site: usecases.register(site, store=MongoStore(unit), **said))
    kept = MongoStore(Unit(database, None, NOW)) if request.param == "mongo" else fake
    return kept.regions_of


def test_a_host_has_the_regions_of_all_its_sites(ask):
    assert ask(["a.gov.cn", "c.gov.cn", "nobody.gov.cn"]) == {
        "a.gov.cn": {KUNMING, QUJING},
        "c.gov.cn": {""},
    }


def test_hosts_are_looked_up_by_index(database):
    store.ensure(database)
    plan = database["sites"].find({"hosts": {"$in": ["a.gov.cn"]}}).explain()
    assert "hosts_1" in str(plan["queryPlanner"]["winningPlan"])
