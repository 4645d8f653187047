"""A dossier from the real departments on a real database, through the gateway, over HTTP."""

from contextlib import ExitStack
from datetime import timedelta

import httpx
import pytest

from gateway.app import create_app
from services.common.settings import Settings
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.contract.gateway_house import UNLIMITED
from tests.integration.credit_calls import made
from tests.integration.house import made_keys, serving
from tests.publications import ITEM
from tests.unit.credit import rows
from tests.unit.credit.rows import OTHER

PUBLIC = ("catalogue", "credit", "utilities", "websites")
WATER = "91530100010090011J"
NAME = "昆明示例供水有限公司"


@pytest.fixture
def city(tmp_path, mongo, database):
    """The public departments, each with a database of its own, and a gateway before them."""
    keys = tmp_path / "keys"
    keys.mkdir()
    made_keys(keys)
    with ExitStack() as stack:
        houses = {}
        for name in PUBLIC:
            own = mongo[f"{database.name}_{name}"]
            stack.callback(mongo.drop_database, own.name)
            houses[name] = stack.enter_context(serving(name, own, keys))
        addresses = ",".join(f"{name}={house.address}" for name, house in houses.items())
        settings = Settings.from_env(
            {
                "ZHENGTONG_KEYS_DIR": str(keys),
                "ZHENGTONG_INDEX_DIR": str(tmp_path / "index"),
                "ZHENGTONG_GRPC_ADDRESSES": addresses,
            }
        )
        yield houses, create_app(settings, UNLIMITED)


def fill(houses):
    """What four departments know of one waterworks."""

    def do(name, call, **fields):
        houses[name].call(
            f"zhengtong.{name}.v1.{name.capitalize()}Service.{call}", SYSTEM, **fields
        )

    subject = made("Subject", subject_code=WATER, name=NAME, legal_representative="钱某人")
    do("credit", "RegisterSubject", subject=subject)
    said = {"subject_code": WATER, "subject_name": NAME}
    permit = rows.permit(certificate_name="卫生许可证", content="集中式供水", validity="1")
    do("credit", "DisclosePermit", permit=permit | said)
    penalty = rows.penalty(offence="未按规定公示水质", content="罚款人民币 15000 元")
    do("credit", "DisclosePenalty", penalty=penalty | said)
    institution = {
        "institution_id": WATER,
        "name": NAME,
        "sector": "SECTOR_WATER",
        "region_code": "530100000000",
        "address": "昆明市五华区示例路 1 号",
        "phone": "0871-12345678",
    }
    do("utilities", "PublishInstitution", institution=institution)
    outage = {
        "outage_id": "W-1",
        "sector": "SECTOR_WATER",
        "kind": "OUTAGE_KIND_PLANNED",
        "institution_id": WATER,
        "area_region_codes": ["530102000000"],
        "area_text": "五华区示例路沿线",
        "start_time": NOW + timedelta(hours=48),
        "expected_restore_time": NOW + timedelta(hours=57),
    }
    do("utilities", "AnnounceOutage", outage=outage)
    site = {
        "site_id": "kmws",
        "name": "昆明供水网",
        "hosts": ["www.kmws.gov.example"],
        "unit": NAME,
        "unit_code": WATER,
        "region_code": "530100000000",
        "state": "SITE_STATE_OPEN",
    }
    do("websites", "RegisterSite", site=site)
    own = {"dept_code": WATER, "dept_name": NAME, "task_type": "20", "task_name": "用水报装"}
    do("catalogue", "PublishItem", item=ITEM | own)


@pytest.mark.rule("P-30")
async def test_a_waterworks_is_told_of_by_four_departments(city):
    houses, app = city
    fill(houses)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://city") as http:
        answer = (await http.get(f"/api/v1/dossiers/{WATER}")).json()
        page = (await http.get(f"/dossier/{WATER}")).text
        subject = (await http.get(f"/credit/{WATER}")).text
        unknown = await http.get(f"/api/v1/dossiers/{OTHER}")
    assert answer["name"] == NAME
    assert [(one["department"], one["kind"], one["total"]) for one in answer["sections"]] == [
        ("catalogue", "item", 1),
        ("credit", "credit", 1),
        ("credit", "permit", 1),
        ("credit", "penalty", 1),
        ("utilities", "institution", 1),
        ("utilities", "outage", 1),
        ("websites", "website", 1),
    ]
    assert {(one["department"], one["status"]) for one in answer["sources"]} == {
        (name, "ok") for name in PUBLIC
    }
    for said in ("用水报装", "卫生许可证", "未按规定公示水质", "昆明供水网", "停水公告"):
        assert said in page
    assert "钱某人" not in page + str(answer)
    assert f"/dossier/{WATER}" in subject
    assert unknown.status_code == 404
