"""Which permissions the contracts know, and who holds each: read off the protos, all of them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any, Final

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from zhengtong.access.v1 import access_pb2

DESCRIPTORS: Final = "descriptors.binpb"
OWN_AFFAIRS: Final = "identity."
"""Nobody hands on what concerns accounts and rights,"""
SHOWN: Final = frozenset({"identity.mandate.read"})
"""but an agent may be shown who else acts for the enterprise."""


def role_names(roles: Iterable[int]) -> frozenset[str]:
    """The names of zhengtong.access.v1.Role as callers carry them: in lower case, no prefix."""
    named = (access_pb2.Role.Name(role) for role in roles)
    return frozenset(name.removeprefix("ROLE_").lower() for name in named)


@cache
def held_by(role: str) -> tuple[str, ...]:
    """Every permission that a role holds, in order.

    Args:
        role: the name of a zhengtong.access.v1.Role in lower case, without the prefix.
    """
    number = access_pb2.Role.Value(f"ROLE_{role.upper()}")
    raw = (resources.files("zhengtong") / DESCRIPTORS).read_bytes()
    given: list[Any] = [
        method.options.Extensions
        for file in FileDescriptorSet.FromString(raw).file
        for service in file.service
        for method in service.method
    ]
    return tuple(
        sorted({one[access_pb2.permission] for one in given if number in one[access_pb2.roles]})
    )


@cache
def transferable(role: str) -> tuple[str, ...]:
    """Permissions of a role that may be given on: to an agent, to a machine client."""
    return tuple(one for one in held_by(role) if one in SHOWN or not one.startswith(OWN_AFFAIRS))
