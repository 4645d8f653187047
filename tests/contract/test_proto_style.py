"""What buf cannot say about our protos."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import FieldDescriptor

from gateway.contracts import SERVICES, permission_of

ROOT = Path(__file__).resolve().parents[2] / "protos"
FILES = [
    importlib.import_module(str(path.relative_to(ROOT).with_suffix("")).replace("/", ".") + "_pb2")
    for path in sorted((ROOT / "zhengtong").rglob("*.proto"))
]
MESSAGES = [m for f in FILES for m in f.DESCRIPTOR.message_types_by_name.values()]
METHODS = [
    method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
READS = ("Get", "List", "Read", "Resolve")
# Before anybody is known nobody can be asked for a right; who signs in twice has two sessions.
SIGNING_IN = {"RegisterAccount", "SignIn", "SignInOutside", "RenewSession", "SignOut"}
# Looks at what it is handed, which is too long for an address, and keeps nothing.
JUDGING = {"AnswerQuestionnaire", "CheckItem", "PreviewImport"}
# One person's own, at most 50.
UNPAGED = {"ListMySessions"}
# What ended since a moment, 10,000 a page: the gateway reads all of it.
OF_ONE_SIZE = {"ListEndings"}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.full_name)
def test_timestamps_are_named_time(message):
    stamps = [
        field.name
        for field in message.fields
        if field.message_type and field.message_type.full_name == "google.protobuf.Timestamp"
    ]
    # An event's and a heartbeat's own time is the CloudEvents attribute of that name.
    assert all(name.endswith("_time") or name == "time" for name in stamps)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda m: m.full_name)
def test_dates_and_money_are_no_floats(message):
    floats = {FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE}
    exact = ("_date", "_fen", "_amount", "_capital")
    wrong = [f.name for f in message.fields if f.type in floats and f.name.endswith(exact)]
    assert not wrong


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.full_name)
def test_every_call_has_messages_of_its_own(method):
    assert method.input_type.name == f"{method.name}Request"
    assert method.output_type.name == f"{method.name}Response"


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.full_name)
def test_every_call_says_its_permission(method):
    permission = permission_of(method)
    assert permission in {"open", "signed_in"} or len(permission.split(".")) in (2, 3)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.full_name)
def test_a_change_carries_a_request_id_and_is_not_open_to_all(method):
    if method.name.startswith(READS) or method.name in SIGNING_IN | JUDGING:
        return
    assert "request_id" in method.input_type.fields_by_name
    assert permission_of(method) != "open"


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.full_name)
def test_reads_are_got_and_changes_are_posted(method):
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    expected = "get" if method.name.startswith(READS) else "post"
    assert rule.WhichOneof("pattern") in (None, expected)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.full_name)
def test_a_list_is_paged(method):
    if method.name.startswith("List") and method.name not in UNPAGED:
        asked = {"page_token"} if method.name in OF_ONE_SIZE else {"page_size", "page_token"}
        assert asked <= set(method.input_type.fields_by_name)
        assert "next_page_token" in method.output_type.fields_by_name


def test_every_department_has_a_service_and_its_calls_are_served_or_internal():
    for name, service in SERVICES.items():
        assert service.full_name.startswith(f"zhengtong.{name}.v1.")
        for method in service.methods:
            served = method.GetOptions().HasExtension(annotations_pb2.http)
            assert served != permission_of(method).startswith("internal."), method.full_name
