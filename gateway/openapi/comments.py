"""The comments of the proto files: what each message, field, enum and call means."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from google.protobuf import descriptor_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Path = tuple[int, ...]

# Field numbers of descriptor.proto, of which source paths are made.
_MESSAGES, _ENUMS, _SERVICES = 4, 5, 6
_FIELDS, _NESTED, _NESTED_ENUMS = 2, 3, 4
_MEMBERS = 2


@cache
def comments() -> Mapping[str, str]:
    """Comment by full protobuf name; the compiler of the contracts wrote them beside its code."""
    raw = (files("zhengtong") / "descriptors.binpb").read_bytes()
    found = {}
    for file in descriptor_pb2.FileDescriptorSet.FromString(raw).file:
        names = dict(_names(file))
        for location in file.source_code_info.location:
            name = names.get(tuple(location.path))
            if name and location.leading_comments:
                found[name] = " ".join(location.leading_comments.split())
    return found


def _names(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[Path, str]]:
    yield from _messages((_MESSAGES,), file.package, file.message_type)
    yield from _enums((_ENUMS,), file.package, file.enum_type)
    for index, service in enumerate(file.service):
        path, name = (_SERVICES, index), f"{file.package}.{service.name}"
        yield path, name
        for place, method in enumerate(service.method):
            yield (*path, _MEMBERS, place), f"{name}.{method.name}"


def _messages(
    at: Path, package: str, messages: Sequence[descriptor_pb2.DescriptorProto]
) -> Iterator[tuple[Path, str]]:
    for index, message in enumerate(messages):
        path, name = (*at, index), f"{package}.{message.name}"
        yield path, name
        for place, field in enumerate(message.field):
            yield (*path, _FIELDS, place), f"{name}.{field.name}"
        yield from _messages((*path, _NESTED), name, message.nested_type)
        yield from _enums((*path, _NESTED_ENUMS), name, message.enum_type)


def _enums(
    at: Path, package: str, enums: Sequence[descriptor_pb2.EnumDescriptorProto]
) -> Iterator[tuple[Path, str]]:
    for index, enum in enumerate(enums):
        path, name = (*at, index), f"{package}.{enum.name}"
        yield path, name
        for place, value in enumerate(enum.value):
            yield (*path, _MEMBERS, place), f"{name}.{value.name}"
