"""Pages of the basic catalogue, and of those that carry it out."""

import pytest
from zhengtong.catalogue.v1 import basic_item_pb2

from tests.contract import test_onestop_portal
from tests.contract.test_onestop_portal import opened

catalogue = test_onestop_portal.catalogue  # a fixture
pytestmark = pytest.mark.rule("I-24")


def fill(house):
    house.basic_item = basic_item_pb2.BasicItem(
        catalog_code="530131002001",
        catalog_name="食品经营许可 <b>",
        task_type="01",
        dept_name="云南省市场监督管理局",
        use_levels=["3", "4"],
        by_law=[{"law_name": "食品安全法", "article": "第三十五条"}],
        region_code="530000000000",
    )
    house.item.item_id, house.item.task_name = "a/1", "食品经营许可（新办）"
    house.item.dept_name, house.item.region_code = "昆明市市监局", "530100000000"


async def test_the_catalogue_leads_to_its_items_by_type_and_page(catalogue):
    fill(catalogue.catalogue)
    text, page = await opened(catalogue, "/basic-items", type="01")
    assert "食品经营许可 &lt;b&gt;" in text
    assert "/basic-items/530131002001" in page.links
    assert "/basic-items?type=01&page_token=next" in page.links
    assert page.headings.count(1) == 1
    assert catalogue.catalogue.asked[-1].task_type == "01"
    await opened(catalogue, "/basic-items", type="no such")
    assert catalogue.catalogue.asked[-1].task_type == ""


async def test_a_basic_item_says_on_what_basis_and_who_carries_it_out(catalogue):
    fill(catalogue.catalogue)
    text, page = await opened(catalogue, "/basic-items/530131002001", region="5301")
    for words in ("食品经营许可 &lt;b&gt;", "《食品安全法》第三十五条", "昆明市市监局", "主管部门"):
        assert words in text
    assert "/items/a/1" in page.links
    asked = [one for one in catalogue.catalogue.asked if hasattr(one, "dept_code")][-1]
    assert (asked.catalog_code, asked.region_code) == ("530131002001", "530100000000")
    assert page.headings.count(1) == 1


async def test_a_code_outside_the_catalogue_still_shows_who_uses_it(catalogue):
    fill(catalogue.catalogue)
    catalogue.catalogue.basic_item = None
    text, _ = await opened(catalogue, "/basic-items/530131002001")
    assert "没有列入基本目录" in text
    catalogue.catalogue.listed = []
    await opened(catalogue, "/basic-items/530131002001", status=404)
    await opened(catalogue, "/basic-items/" + "x" * 65, status=404)


async def test_an_item_leads_to_its_code_in_the_basic_catalogue(catalogue):
    fill(catalogue.catalogue)
    catalogue.catalogue.item.catalog_code = "530131002001"
    _, page = await opened(catalogue, "/items/a%2F1")
    assert "/basic-items/530131002001" in page.links
