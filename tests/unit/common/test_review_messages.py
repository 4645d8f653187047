"""What a reviewer reads of a request."""

import json

import pytest
from google.api import httpbody_pb2
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb
from zhengtong.review.v1 import review_pb2

from services.common.review import State, messages
from services.common.review.messages import content_of, state_of
from tests.books import table

PUBLISH = "zhengtong.catalogue.v1.CatalogueService.PublishItem"
IMPORT = "zhengtong.catalogue.v1.CatalogueService.ImportItems"
TABLE = "task_name,alias\n食品经营许可,甲\n药品经营许可,乙\n"


def test_a_request_is_shown_as_it_came_but_for_the_id_of_the_call():
    request = pb.PublishItemRequest(item={"task_name": "食品经营许可"}, request_id="r1", version=2)
    assert read(PUBLISH, request) == {"item": {"task_name": "食品经营许可"}, "version": "2"}


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_file_is_shown_by_its_rows_with_their_numbers_in_the_whole_file(encoding):
    shown = read(IMPORT, importing(TABLE.encode(encoding), first_row=7, shape="standard"))
    assert shown["rows"] == [
        {"row": 7, "values": {"task_name": "食品经营许可", "alias": "甲"}},
        {"row": 8, "values": {"task_name": "药品经营许可", "alias": "乙"}},
    ]
    assert shown["file"] == {"content_type": "text/csv"}
    assert shown["shape"] == "standard"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_table_too_long_by_rows_is_shown_as_its_text(monkeypatch, encoding):
    monkeypatch.setattr(messages, "LARGEST_CONTENT", 100)
    shown = read(IMPORT, importing(TABLE.encode(encoding)))
    assert shown["text"] == TABLE
    assert "rows" not in shown


def test_a_workbook_is_shown_by_its_rows_and_as_a_table_where_it_is_too_long(monkeypatch):
    content = table(
        [{"task_name": "食品经营许可", "alias": "甲"}, {"task_name": "药品", "alias": ""}]
    )
    assert read(IMPORT, importing(content))["rows"][1]["values"] == {
        "task_name": "药品",
        "alias": "",
    }
    monkeypatch.setattr(messages, "LARGEST_CONTENT", 100)
    assert read(IMPORT, importing(content))["text"] == "task_name,alias\n食品经营许可,甲\n药品,\n"


@pytest.mark.parametrize("value", ['"\\ud800"', "123456789012345678901234567890", "null", "[[]]"])
def test_rows_that_no_message_could_hold_are_shown_nevertheless(value):
    content = f'[{{"task_name": {value}}}]'.encode()
    assert len(read(IMPORT, importing(content))["rows"]) == 1


def test_a_file_without_rows_is_shown_as_it_is():
    assert read(IMPORT, importing(b"\x00\xff\xfe"))["file"]["data"]


def test_what_is_no_longer_kept_is_empty():
    assert content_of(PUBLISH, b"") == ""


def test_a_list_is_asked_for_one_state_or_for_any():
    assert state_of(review_pb2.SUBMISSION_STATE_APPROVED) is State.APPROVED
    assert state_of(0) is None
    assert state_of(99) is None


def importing(content, **fields):
    file = httpbody_pb2.HttpBody(content_type="text/csv", data=content)
    return pb.ImportItemsRequest(file=file, request_id="r1", **fields)


def read(call, request):
    return json.loads(content_of(call, request.SerializeToString()))
