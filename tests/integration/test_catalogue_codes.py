"""Profiles of codes over gRPC: every call that takes an item holds it to the platform's own."""

import json

import grpc
import pytest
from google.api import httpbody_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.catalogue.domain.codes import profiles
from services.catalogue.servicer import attach
from services.common.settings import CODE_PROFILE, SettingMissing
from tests.callers import SYSTEM
from tests.integration.house import made_keys, serving
from tests.publications import ANOTHER, DEPARTMENT, ITEM

pytestmark = pytest.mark.rule("I-20")

CATALOGUE = "zhengtong.catalogue.v1.CatalogueService"
TASK_24 = "530100000117001000000001"
OF_STANDARD = ITEM | {"task_code": TASK_24, "local_task_code": ""}
SAID = "应为国家平台的 31 位实施编码：统一社会信用代码、行使层级和基本编码"


@pytest.fixture(scope="module")
def keys_dir(tmp_path_factory):
    return made_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def house(request, database, keys_dir, monkeypatch):
    """The catalogue under the profile that a test names."""
    monkeypatch.setenv(CODE_PROFILE, request.param)
    with serving("catalogue", database, keys_dir) as one:
        yield one


def call(house, name, **fields):
    return house.call(f"{CATALOGUE}.{name}", SYSTEM, **fields)


def faults(house, name, **fields):
    """The fields at fault of a refusal, and what is said of each."""
    with pytest.raises(grpc.RpcError) as refusal:
        call(house, name, **fields)
    found = error_details_pb2.BadRequest()
    for detail in rpc_status.from_call(refusal.value).details:
        detail.Unpack(found)
    return {one.field: one.description for one in found.field_violations}


def file_of(*rows):
    data = json.dumps(rows).encode()
    return httpbody_pb2.HttpBody(content_type="application/json", data=data)


@pytest.mark.parametrize("house", ["gbt39046"], indirect=True)
def test_an_item_with_a_code_of_24_characters_is_public_under_the_standard(house):
    assert call(house, "CheckItem", item=OF_STANDARD).score > 0
    preview = call(house, "PreviewImport", file=file_of(OF_STANDARD))
    assert (preview.report.created, preview.report.rejected) == (1, 0)
    assert call(house, "PublishItem", item=OF_STANDARD).item.item_id == TASK_24
    assert call(house, "GetItem", item_id=TASK_24).item.task_code == TASK_24
    report = call(house, "ImportItems", file=file_of(OF_STANDARD)).report
    assert (report.unchanged, report.rejected) == (1, 0)


@pytest.mark.parametrize("house", ["", "national"], indirect=True)
def test_the_same_item_is_refused_under_national_with_field_and_sentence(house):
    assert faults(house, "PublishItem", item=OF_STANDARD) == {"task_code": SAID}
    assert faults(house, "CheckItem", item=OF_STANDARD) == {"task_code": SAID}
    (imported,) = call(house, "ImportItems", file=file_of(OF_STANDARD)).report.rejections
    (previewed,) = call(house, "PreviewImport", file=file_of(OF_STANDARD)).rows
    for rejection in (imported, *previewed.rejections):
        assert (rejection.field, rejection.reason) == ("task_code", SAID)
    assert previewed.rejections
    assert house.told() == 0


@pytest.mark.parametrize("house", ["gbt39046"], indirect=True)
def test_a_code_that_names_no_body_stays_when_another_body_takes_over(house):
    call(house, "PublishItem", item=OF_STANDARD)
    fields = {"from_dept_code": DEPARTMENT, "to_dept_code": ANOTHER, "to_dept_name": "市审批局"}
    answer = call(house, "SucceedBody", reason="机构合并", **fields)
    assert [(one.item_id, one.moved_to) for one in answer.moved] == [(TASK_24, TASK_24)]
    assert call(house, "GetItem", item_id=TASK_24).item.dept_code == ANOTHER


def test_a_code_from_before_the_standard_is_not_cut_up_under_it(database, keys_dir, monkeypatch):
    code = f"{DEPARTMENT}2530117001000"
    monkeypatch.setenv(CODE_PROFILE, "national")
    with serving("catalogue", database, keys_dir) as before:
        call(before, "PublishItem", item=ITEM | {"task_code": code})
    monkeypatch.setenv(CODE_PROFILE, "gbt39046")
    with serving("catalogue", database, keys_dir) as now:
        fields = {"from_dept_code": DEPARTMENT, "to_dept_code": ANOTHER, "to_dept_name": "市审批局"}
        call(now, "SucceedBody", reason="机构合并", **fields)
        item = call(now, "GetItem", item_id=code).item
        assert (item.item_id, item.dept_code) == (code, ANOTHER)


def test_an_unknown_profile_stops_the_start_with_a_sentence_that_names_the_known(monkeypatch):
    monkeypatch.setenv(CODE_PROFILE, "nation")
    with pytest.raises(SettingMissing) as refusal:
        attach(None, None)
    known = "、".join(profiles())
    assert str(refusal.value) == f"{CODE_PROFILE}：没有“nation”这个编码方案（有：{known}）。"
