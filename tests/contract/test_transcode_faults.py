"""What a department finds wrong is told with the path that the caller wrote."""

from __future__ import annotations

import pytest
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb

from gateway.transcode.placing import Placing
from services.common.errors import Invalid, Violation
from tests.contract.gateway_house import house


@pytest.fixture
async def gateway(tmp_path):
    async with house(tmp_path) as one:
        yield one


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("task_name", "item.task_name"),
        ("materials[0].name", "item.materials[0].name"),
        ("version", "version"),  # the request has one of its own
        ("request_id", "request_id"),
        ("item.task_name", "item.task_name"),
        ("something_else", "something_else"),
        ("", ""),
    ],
)
async def test_a_fault_of_a_record_has_its_whole_path(gateway, said, told):
    gateway.catalogue.error = Invalid("事项有误。", Violation(said, "请更正。"))
    problem = (await gateway.change("/api/v1/items:publish", {"item": {}})).json()
    assert problem["violations"] == [{"field": told, "description": "请更正。"}]


@pytest.mark.parametrize("request_type", [pb.WithdrawItemRequest, pb.ImportItemsRequest])
def test_a_request_without_a_record_leaves_every_name_as_it_is(request_type):
    refusal = Invalid("有误。", Violation("task_name", "请更正。"), Violation("data", "请更正。"))
    Placing(request_type.DESCRIPTOR).place(refusal)
    assert [violation.field for violation in refusal.violations] == ["task_name", "data"]
