"""One call under one binding as an OpenAPI operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor

from gateway.contracts import DEPARTMENT, HTTP_BODY, SERVICES, Binding, Call
from gateway.openapi.examples import example_for, example_of
from gateway.openapi.texts import describe, describe_call
from gateway.problems import MEDIA_TYPE, TITLES
from gateway.transcode.paths import parse
from gateway.transcode.queries import Parameter, parameters
from services.common.access import OPEN

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.openapi.schemas import Schemas

Operation = dict[str, Any]

TOKEN = "token"  # noqa: S105  (the name of the scheme)
ALWAYS = (400, 429, 500, 503, 504)
_UPLOADS = ("application/json", "application/x-ndjson", "text/csv", "application/octet-stream")


def operation(call: Call, binding: Binding, schemas: Schemas) -> Operation:
    """The operation at `binding.path` for `binding.verb`."""
    text = describe_call(call.method)
    bound = parse(binding.path).variables
    made: Operation = {
        "operationId": f"{call.method.containing_service.name}_{call.method.name}",
        "summary": text.title,
        "description": text.description,
        "tags": [call.department],
        "parameters": _parameters(call, binding, bound, schemas),
        "responses": _responses(call, binding, text.reasons, schemas),
        "x-permission": call.permission,
        "x-refuses": list(text.reasons),
    }
    if binding.body:
        made["requestBody"] = _body(call, binding, bound, schemas)
    if call.permission != OPEN:
        made["security"] = [{TOKEN: []}]
    return made


def _parameters(
    call: Call, binding: Binding, bound: Collection[str], schemas: Schemas
) -> list[dict[str, Any]]:
    made = []
    for parameter in parameters(call.method.input_type):
        name = ".".join(parameter.path)
        if name in bound:
            made.append(_parameter(parameter, name, "path", schemas))
        elif binding.body not in ("*", parameter.path[0]):
            made.append(_parameter(parameter, name, "query", schemas))
    return made


def _parameter(parameter: Parameter, name: str, place: str, schemas: Schemas) -> dict[str, Any]:
    field = parameter.field
    schema = schemas.value(field)
    if field.is_repeated:
        schema = {"type": "array", "items": schema}
    elif place == "path" and field.type == FieldDescriptor.TYPE_STRING:
        schema = {**schema, "minLength": 1}
    if place == "path" and name == DEPARTMENT:
        schema = {**schema, "enum": list(SERVICES)}
    made = {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": describe(field.full_name),
        "schema": schema,
    }
    example = example_for(field)
    return made if example is None else {**made, "example": example}


def _body(call: Call, binding: Binding, bound: Collection[str], schemas: Schemas) -> dict[str, Any]:
    message = call.method.input_type
    if binding.body == "*":
        content = {
            "schema": schemas.inline(message, without=bound),
            # Without a version, which fits only what is already there: it goes through as it is.
            "example": example_of(message, without=(*bound, "version")),
        }
        return {"required": True, "content": {"application/json": content}}
    field = message.fields_by_name[binding.body]
    description = describe(field.full_name)
    if field.message_type and field.message_type.full_name == HTTP_BODY:
        anything: dict[str, Any] = {"schema": {}}
        content = dict.fromkeys(_UPLOADS, anything)
        return {"required": True, "description": description, "content": content}
    content = {"schema": schemas.value(field), "example": example_for(field)}
    return {
        "required": True,
        "description": description,
        "content": {"application/json": content},
    }


def _responses(
    call: Call, binding: Binding, reasons: Collection[str], schemas: Schemas
) -> dict[str, Any]:
    answer = call.method.output_type
    content = {"schema": schemas.refer(answer), "example": example_of(answer)}
    statuses = set(ALWAYS)
    if call.permission != OPEN:
        statuses |= {401, 403, 409}
    if binding.body:
        statuses |= {408, 413, 415}
    if call.shared or any(reason.endswith("_NOT_FOUND") for reason in reasons):
        statuses.add(404)
    success = {"200": {"description": "成功", "content": {"application/json": content}}}
    return success | problem_responses(statuses)


def problem_responses(statuses: Collection[int]) -> dict[str, Any]:
    """References to the answers of these statuses, and to that of any other."""
    refer = {str(s): {"$ref": f"#/components/responses/Problem{s}"} for s in sorted(statuses)}
    return refer | {"default": {"$ref": "#/components/responses/Problem"}}


def problem_components() -> dict[str, Any]:
    """Every answer that is a problem, by the name that `problem_responses` refers to."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    retry = {"Retry-After": {"description": "几秒后重试", "schema": {"type": "integer"}}}
    made: dict[str, Any] = {"Problem": {"description": "请求未能完成", "content": content}}
    for status, title in TITLES.items():
        made[f"Problem{status}"] = {"description": title, "content": content}
        if status in (429, 503, 504):
            made[f"Problem{status}"]["headers"] = retry
    return made
