"""Where an old address leads, and how a record says so."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from services.common.errors import Invalid, Violation
from services.common.fields import Reader, code, read_record, text
from services.websites.domain.address import LIMIT, AddressInvalid, destination, normal_form


class MappingInvalid(Invalid):
    """The record cannot be a mapping; each violation names a field."""

    reason = "MAPPING_INVALID"


class MappingKind(StrEnum):
    """What becomes of an old address; named as in the contract."""

    MOVED = "MAPPING_KIND_MOVED"
    GONE = "MAPPING_KIND_GONE"


STATUSES = {"301": "已迁移", "410": "已撤下"}
_KINDS = {"301": MappingKind.MOVED, "410": MappingKind.GONE}


@dataclass(frozen=True, slots=True)
class Mapping:
    """Where one old address leads (旧网址映射).

    Args:
        old_url: as it was given; all its spellings (rule W-2) have the same `mapping_id`.
        new_url: whole; empty for what is gone.
    """

    mapping_id: str = ""
    old_url: str = ""
    kind: MappingKind = MappingKind.MOVED
    new_url: str = ""

    @property
    def subject(self) -> str:
        """What its facts are about: its id."""
        return self.mapping_id

    @property
    def statement(self) -> tuple[MappingKind, str]:
        """What two records of one address are held against each other by: where it leads."""
        return self.kind, self.new_url


def _kind() -> Reader:
    inner = code(STATUSES).read
    statuses = {
        spelling: status
        for status, kind in _KINDS.items()
        for spelling in (kind.value, kind.removeprefix("MAPPING_KIND_").lower())
    }

    def read(value: Any) -> MappingKind:
        return _KINDS[inner(statuses.get(value, value) if isinstance(value, str) else value)]

    return Reader(read, MappingKind.MOVED)


READERS: dict[str, Reader] = {"old_url": text(LIMIT), "kind": _kind(), "new_url": text(LIMIT)}
REQUIRED = ("old_url", "kind")
SERVER_FIELDS = frozenset({"mapping_id", "version", "update_time", "active"})
# The columns of the lists that redirectors keep, and those of them that say nothing to us.
COLUMNS = {"Old Url": "old_url", "New Url": "new_url", "Status": "kind"}
_PASSED_COLUMNS = frozenset({"Suggested Link", "Archive Link"})


def mapping_id(address: str) -> str:
    """The id of an old address, the same for all its spellings.

    The hyphen keeps it apart from ids of sites. Raises: AddressInvalid.
    """
    return _id_of(normal_form(address))


def _id_of(form: str) -> str:
    return f"m-{blake2b(form.encode(), digest_size=16).hexdigest()}"


def mapping_of(values: abc.Mapping[str, Any]) -> Mapping:
    """The mapping in a record, as JSON or the message has it.

    Raises:
        MappingInvalid: with each field at fault.
    """
    given, wrong = read_record(values, READERS, required=REQUIRED, ignored=SERVER_FIELDS)
    mapping = Mapping(**given)
    if not wrong:
        mapping, wrong = _addressed(mapping)
    if wrong:
        raise MappingInvalid("网址映射有误，请按提示更正。", *wrong)
    return mapping


def mapping_of_row(values: Any) -> Mapping:
    """The mapping in one row of a file, under the names of fields or of redirectors' columns.

    Raises:
        MappingInvalid: with each field at fault, named as the row has it.
    """
    if not isinstance(values, abc.Mapping):
        raise MappingInvalid("不是一行完整的数据。", Violation("", "这一行不是一条完整的数据"))
    if "Old Url" not in values:
        return mapping_of(values)
    renamed = {
        COLUMNS.get(str(name), str(name)): value
        for name, value in values.items()
        if name not in _PASSED_COLUMNS
    }
    try:
        return mapping_of(renamed)
    except MappingInvalid as refusal:
        named = [replace(one, field=field_in(values, one.field)) for one in refusal.violations]
        raise MappingInvalid(str(refusal), *named) from None


def field_in(values: abc.Mapping[str, Any], field: str) -> str:
    """What a row calls one of our fields."""
    return next((c for c, name in COLUMNS.items() if name == field and c in values), field)


def _addressed(mapping: Mapping) -> tuple[Mapping, list[Violation]]:
    """The mapping with its id and a new address fit for a header, and what is wrong with it."""
    wrong: list[Violation] = []
    old = new = ""
    try:
        old = normal_form(mapping.old_url)
    except AddressInvalid as error:
        wrong.append(Violation("old_url", str(error)))
    try:
        new = destination(mapping.new_url) if mapping.new_url else ""
    except AddressInvalid as error:
        wrong.append(Violation("new_url", str(error)))
    wrong = wrong or _led(mapping.kind, old, new)
    return replace(mapping, mapping_id=_id_of(old), new_url=new), wrong


def _led(kind: MappingKind, old: str, new: str) -> list[Violation]:
    """Rule W-5: what moved says where to, and not to itself; what is gone leads nowhere."""
    if kind is MappingKind.GONE:
        return [Violation("new_url", "已撤下（410）的网址不应再有新网址")] if new else []
    if not new:
        return [Violation("new_url", "已迁移（301）的网址须写明新网址")]
    if normal_form(new) == old:
        return [Violation("new_url", "新网址与原网址相同，会使浏览器循环跳转")]
    return []
