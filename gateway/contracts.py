"""Which departments the gateway knows, and each of their calls as its contract declares it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.api import annotations_pb2
from zhengtong.access.v1 import access_pb2
from zhengtong.audit.v1 import audit_service_pb2
from zhengtong.catalogue.v1 import catalogue_service_pb2
from zhengtong.credit.v1 import credit_service_pb2
from zhengtong.identity.v1 import identity_service_pb2
from zhengtong.review.v1 import review_service_pb2
from zhengtong.utilities.v1 import utilities_service_pb2
from zhengtong.websites.v1 import websites_service_pb2

from services.common.permissions import role_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor import (
        Descriptor,
        FieldDescriptor,
        MethodDescriptor,
        ServiceDescriptor,
    )

SERVICES: Mapping[str, ServiceDescriptor] = {
    "catalogue": catalogue_service_pb2.DESCRIPTOR.services_by_name["CatalogueService"],
    "credit": credit_service_pb2.DESCRIPTOR.services_by_name["CreditService"],
    "identity": identity_service_pb2.DESCRIPTOR.services_by_name["IdentityService"],
    "utilities": utilities_service_pb2.DESCRIPTOR.services_by_name["UtilitiesService"],
    "websites": websites_service_pb2.DESCRIPTOR.services_by_name["WebsitesService"],
}
"""The table of departments: adding a line serves every annotated call of the service."""

SHARED: Mapping[str, ServiceDescriptor] = {
    "audit": audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"],
    "review": review_service_pb2.DESCRIPTOR.services_by_name["ReviewService"],
}
"""What every department serves: the request's field `department` says which of them is asked."""

SERVED: Mapping[str, ServiceDescriptor] = {**SERVICES, **SHARED}
DEPARTMENT = "department"

HTTP_BODY = "google.api.HttpBody"
TIMESTAMP = "google.protobuf.Timestamp"
_INTERNAL = "internal."
_METHODS = ("get", "put", "post", "delete", "patch")


class ContractUnclear(TypeError):
    """A contract asks for something the gateway does not serve; said at start, not at a call."""


@dataclass(frozen=True, slots=True)
class Binding:
    """One way to make a call over HTTP: GET, a path template, and what the body fills.

    Args:
        body: "" no body, "*" every field the path does not bind, or the name of one field.
    """

    verb: str
    path: str
    body: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is served over HTTP.

    Args:
        department: the part of the API it belongs to: a department, or what all of them serve.
    """

    department: str
    method: MethodDescriptor
    permission: str
    roles: frozenset[str]
    told_address: bool
    bindings: tuple[Binding, ...]

    @property
    def shared(self) -> bool:
        """Whether every department serves it, and the request says which is asked."""
        return self.department in SHARED


def permission_of(method: MethodDescriptor) -> str:
    """The permission a caller needs; empty where the contract forgot to say."""
    options: Any = method.GetOptions()
    return str(options.Extensions[access_pb2.permission])


def roles_of(method: MethodDescriptor) -> frozenset[str]:
    """Who holds the permission of a call, by the names that callers carry."""
    options: Any = method.GetOptions()
    return role_names(options.Extensions[access_pb2.roles])


def _is_told_address(method: MethodDescriptor) -> bool:
    options: Any = method.GetOptions()
    return bool(options.Extensions[access_pb2.told_address])


def served_calls(services: Mapping[str, ServiceDescriptor] = SERVED) -> list[Call]:
    """Every call that carries an HTTP annotation, in the order of the contracts.

    Internal calls and calls without a permission are left out, whatever else they say.

    Raises:
        ContractUnclear: an annotation uses a part of google.api.http that is not served.
    """
    return [
        Call(
            department,
            method,
            permission_of(method),
            roles_of(method),
            _is_told_address(method),
            bindings,
        )
        for department, service in services.items()
        for method in service.methods
        if is_public(permission_of(method)) and (bindings := _bindings(method))
    ]


def is_public(permission: str) -> bool:
    """Whether calls of this permission may be served over HTTP at all: default deny."""
    return bool(permission) and not permission.startswith(_INTERNAL)


def message_in(field: FieldDescriptor) -> Descriptor | None:
    """The message that a field holds; None: a single value, as which a Timestamp counts.

    Raises:
        ContractUnclear: it is a map.
    """
    message = field.message_type
    if message is None or message.full_name == TIMESTAMP:
        return None
    if message.GetOptions().map_entry:
        raise ContractUnclear(f"{field.full_name}: maps are not served over HTTP")
    return message


def _bindings(method: MethodDescriptor) -> tuple[Binding, ...]:
    options = method.GetOptions()
    if not options.HasExtension(annotations_pb2.http):
        return ()
    if method.client_streaming or method.server_streaming:
        raise ContractUnclear(f"{method.full_name}: streams are not served over HTTP")
    rule = options.Extensions[annotations_pb2.http]
    return tuple(_binding(method, one) for one in (rule, *rule.additional_bindings))


def _binding(method: MethodDescriptor, rule: Any) -> Binding:
    verb = rule.WhichOneof("pattern")
    if verb not in _METHODS or rule.response_body:
        raise ContractUnclear(f"{method.full_name}: only {_METHODS}, without response_body")
    if rule.body not in ("", "*") and rule.body not in method.input_type.fields_by_name:
        raise ContractUnclear(f"{method.full_name}: no field {rule.body} for the body")
    return Binding(verb.upper(), getattr(rule, verb), rule.body)
