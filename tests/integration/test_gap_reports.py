"""From the gateway's memory to the catalogue's database, over the calls that really carry it."""

import pytest

from gateway.clients import Clients
from gateway.onestop.gaps import Gaps
from services.catalogue.domain.gaps import ASKERS
from services.catalogue.store.gap_documents import GAPS
from services.common.callers import Signer
from tests.conftest import NOW
from tests.contract.gateway_house import settings_in
from tests.integration.house import made_keys, serving
from tests.publications import KUNMING, officer

LIST = "zhengtong.catalogue.v1.CatalogueService.ListGaps"


@pytest.mark.rule("I-26")
async def test_what_three_asked_is_listed_and_what_two_asked_cannot_be_read(tmp_path, database):
    keys = made_keys(settings_in(tmp_path).keys_dir)
    with serving("catalogue", database, keys) as house:
        settings = settings_in(tmp_path, catalogue=house.address)
        clients = Clients(settings, Signer.load(keys, "gateway"))
        gathered = Gaps(clients, now=lambda: NOW)
        for asker in range(ASKERS):
            gathered.note("宠物火化", KUNMING, f"203.0.113.{asker}")
        for asker in range(ASKERS - 1):
            gathered.note("家里的私事", KUNMING, f"203.0.113.{asker}")
        gathered.note("打13800138000", KUNMING, "203.0.113.9")
        await gathered.close()
        await clients.close()
        (gap,) = house.call(LIST, officer("p", "list_publisher")).gaps
    assert (gap.text, gap.count, gap.region_code) == ("宠物火化", ASKERS, KUNMING)
    kept = str(list(database[GAPS].find()))
    assert database[GAPS].count_documents({}) == 2
    assert not any(told in kept for told in ("私事", "203.0.113", "13800138000"))
