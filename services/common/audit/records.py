"""A row of the audit as the bytes that are hashed, exported and checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAF: Final = "leaf"
"""The field that says which leaf of the tree a row is, from 0."""
UNSEALED: Final = "unsealed"
"""The field that a row has until it is in the tree."""
_ABOUT_THE_TREE: Final = (LEAF, UNSEALED)


def canonical(row: Mapping[str, Any]) -> bytes:
    """Compact JSON in UTF-8 with its names in order: every field but those about the tree.

    Also fields that no code of ours has written: whoever adds one to a sealed row is found out.
    """
    fields = {name: value for name, value in row.items() if name not in _ABOUT_THE_TREE}
    fields["record_id"] = fields.pop("_id")
    text = json.dumps(
        fields, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_written
    )
    return text.encode()


def time_text(time: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, which is what the database keeps."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _written(value: Any) -> str:
    return time_text(value) if isinstance(value, datetime) else repr(value)
