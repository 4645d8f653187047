"""Messages as JSON Schema 2020-12, as the transcoder reads and writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from gateway.openapi.texts import describe, only_server_writes
from gateway.transcode.scalars import NARROW, WIDE, is_timestamp

if TYPE_CHECKING:
    from collections.abc import Collection

Schema = dict[str, Any]

_ROOT = "zhengtong."
_KIND = FieldDescriptor
_SCALARS: dict[int, Schema] = {
    _KIND.TYPE_STRING: {"type": "string"},
    _KIND.TYPE_BOOL: {"type": "boolean"},
    _KIND.TYPE_DOUBLE: {"type": "number", "format": "double"},
    **{kind: {"type": "integer", "format": "int32"} for kind in NARROW},
    **{kind: {"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$"} for kind in WIDE},
}


def name_of(declared: Descriptor | EnumDescriptor) -> str:
    """The name of a component: the protobuf name without the root all share."""
    return str(declared.full_name).removeprefix(_ROOT)


class Schemas:
    """The component schemas that were referred to so far."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def refer(self, declared: Descriptor | EnumDescriptor) -> Schema:
        """A reference to a message or enum, which becomes a component."""
        name = name_of(declared)
        if name not in self.components:
            self.components[name] = (
                _enum(declared) if isinstance(declared, EnumDescriptor) else self.inline(declared)
            )
        return {"$ref": f"#/components/schemas/{name}"}

    def inline(self, message: Descriptor, without: Collection[str] = ()) -> Schema:
        """The schema of a message itself, perhaps without fields that are given elsewhere."""
        schema: Schema = {
            "type": "object",
            "properties": {
                field.name: self.field(field)
                for field in message.fields
                if field.name not in without
            },
            "additionalProperties": False,
        }
        if text := describe(message.full_name):
            schema["description"] = text
        return schema

    def field(self, field: FieldDescriptor) -> Schema:
        """The schema of a field with its meaning."""
        one = self.value(field)
        schema: Schema = {"type": "array", "items": one} if field.is_repeated else dict(one)
        if text := describe(field.full_name):
            schema["description"] = text
        if only_server_writes(field.full_name):
            schema["readOnly"] = True
        return schema

    def value(self, field: FieldDescriptor) -> Schema:
        """The schema of one value of a field."""
        if is_timestamp(field):
            return {"type": "string", "format": "date-time"}
        if field.enum_type:
            return self.refer(field.enum_type)
        if field.message_type:
            return self.refer(field.message_type)
        return _SCALARS[field.type]


def _enum(enum: EnumDescriptor) -> Schema:
    meanings = [f"- `{v.name}`：{describe(f'{enum.full_name}.{v.name}')}" for v in enum.values]
    return {
        "type": "string",
        "enum": [value.name for value in enum.values],
        "description": "\n".join([describe(enum.full_name), "", *meanings]),
    }
