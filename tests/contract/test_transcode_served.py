"""What is served over HTTP and what never is."""

from __future__ import annotations

import pytest
from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from zhengtong.access.v1 import access_pb2
from zhengtong.delivery.v1 import delivery_service_pb2
from zhengtong.dossier.v1 import dossier_service_pb2
from zhengtong.eventlog.v1 import eventlog_service_pb2

from gateway.contracts import SERVED, ContractUnclear, permission_of, served_calls
from gateway.limits import Limits
from gateway.transcode import Transcoder
from gateway.transcode.paths import parse

METHODS = [method for service in SERVED.values() for method in service.methods]
INTERNAL = [
    *eventlog_service_pb2.DESCRIPTOR.services_by_name["EventLogService"].methods,
    *delivery_service_pb2.DESCRIPTOR.services_by_name["DeliveryService"].methods,
    *dossier_service_pb2.DESCRIPTOR.services_by_name["DossierService"].methods,
]


def transcoder(services=SERVED):
    """A transcoder that only finds: nothing is called through it."""
    return Transcoder(None, None, Limits(), services)


def is_annotated(method: MethodDescriptor) -> bool:
    return method.GetOptions().HasExtension(annotations_pb2.http)


def made_service(*methods: tuple[str, dict, str]):
    """A service of calls given as (name, google.api.http rule, permission)."""
    file = descriptor_pb2.FileDescriptorProto(name="made.proto", package="made", syntax="proto3")
    thing = file.message_type.add(name="Thing")
    thing.field.add(name="thing_id", number=1, type=9, label=1)
    thing.field.add(name="tags", number=2, type=9, label=3)
    thing.field.add(name="inner", number=3, type=11, label=1, type_name=".made.Inner")
    inner = file.message_type.add(name="Inner")
    inner.field.add(name="count", number=1, type=5, label=1)
    service = file.service.add(name="Made")
    for name, rule, permission in methods:
        made = service.method.add(name=name, input_type=".made.Thing", output_type=".made.Thing")
        if rule:
            made.options.Extensions[annotations_pb2.http].CopyFrom(http_pb2.HttpRule(**rule))
        if permission:
            made.options.Extensions[access_pb2.permission] = permission
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(descriptor_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return pool.FindServiceByName("made.Made")


@pytest.mark.parametrize("method", list(filter(is_annotated, METHODS)), ids=lambda m: m.full_name)
def test_every_annotated_call_is_found_at_its_path(method):
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    path = getattr(rule, rule.WhichOneof("pattern"))
    for variable in parse(path).variables:
        path = path.replace(f"{{{variable}}}", "x")
    assert transcoder().find({"raw_path": path.encode()}) is not None


def test_every_call_of_the_departments_is_served_or_internal():
    served = {call.method.full_name for call in served_calls()}
    assert served == {method.full_name for method in METHODS if is_annotated(method)}


@pytest.mark.parametrize("method", INTERNAL, ids=lambda m: m.full_name)
def test_a_platform_call_is_internal_and_has_no_place_on_the_web(method):
    assert permission_of(method).startswith("internal.")
    assert not is_annotated(method)


def test_internal_undeclared_and_unannotated_calls_are_not_served_whatever_they_say():
    service = made_service(
        ("Secret", {"get": "/api/v1/secret"}, "internal.read_log"),
        ("Forgotten", {"get": "/api/v1/forgotten"}, ""),
        ("Plain", {}, "open"),
        ("Public", {"get": "/api/v1/public"}, "open"),
    )
    assert [call.method.name for call in served_calls({"made": service})] == ["Public"]
    assert transcoder({"made": service}).find({"raw_path": b"/api/v1/secret"}) is None


def test_additional_bindings_are_served_too():
    extra = [{"get": "/api/v1/also/{thing_id}"}]
    rule = {"get": "/api/v1/things/{thing_id}", "additional_bindings": extra}
    found = transcoder({"made": made_service(("Get", rule, "open"))})
    assert found.find({"raw_path": b"/api/v1/things/a"})
    assert found.find({"raw_path": b"/api/v1/also/a"})


@pytest.mark.parametrize(
    "rule",
    [
        {"get": "/api/v1/{thing_id=things/*}"},
        {"get": "/api/v1/**"},
        {"post": "/api/v1/things", "body": "nothing"},
        {"post": "/api/v1/things", "body": "thing_id"},
        {"get": "/api/v1/things", "response_body": "inner"},
        {"custom": {"kind": "BREW", "path": "/api/v1/things"}},
    ],
)
def test_what_is_not_served_is_said_at_start(rule):
    with pytest.raises(ContractUnclear):
        transcoder({"made": made_service(("Odd", rule, "open"))})


def test_two_calls_at_one_place_are_said_at_start():
    rule = {"get": "/api/v1/things"}
    with pytest.raises(ContractUnclear):
        transcoder({"made": made_service(("One", rule, "open"), ("Two", rule, "open"))})
