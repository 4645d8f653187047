"""Path templates of AIP-127 and the table that finds what is served at a path.

Read: literals, `{field}` for one whole segment, and a custom verb at the end (`:withdraw`). Paths
are matched as they came over the wire, so that `%2F` and `%3A` inside a variable stay inside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

from gateway.contracts import ContractUnclear

T = TypeVar("T")

_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\}")
_LITERAL = re.compile(r"[A-Za-z0-9._~-]+")
_LONGEST = 32  # segments; no template comes near


@dataclass(frozen=True, slots=True)
class Template:
    """A path in parts: a segment is a literal or, where it begins with `{`, a variable."""

    segments: tuple[str, ...]
    verb: str

    @property
    def variables(self) -> tuple[str, ...]:
        """The field paths that the path binds, from left to right."""
        return tuple(part[1:-1] for part in self.segments if part.startswith("{"))


def parse(path: str) -> Template:
    """The template that `path` writes down.

    Raises:
        ContractUnclear: it uses `*`, `**` or `{field=pattern}`, which no contract here needs.
    """
    whole, _, verb = path.partition(":")
    segments = tuple(whole.removeprefix("/").split("/"))
    for part in segments:
        if not (_VARIABLE.fullmatch(part) or _LITERAL.fullmatch(part)):
            raise ContractUnclear(f"path template {path}: {part!r} is not served")
    return Template(segments, verb)


@dataclass(slots=True)
class _Node(Generic[T]):
    """What may follow the segments read so far, and what is served when none follows."""

    literals: dict[bytes, _Node[T]] = field(default_factory=dict)
    variable: _Node[T] | None = None
    ends: dict[bytes, dict[str, T]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """What is served at a path, by HTTP method, and the raw segments of its variables."""

    targets: dict[str, T]
    values: tuple[bytes, ...]


class PathTable(Generic[T]):
    """Templates and what is served at each."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, verb: str, template: Template, target: T) -> None:
        """Serve `target` at `template` for the HTTP method `verb`.

        Raises:
            ContractUnclear: two calls want the same place.
        """
        node = self._root
        for part in template.segments:
            if part.startswith("{"):
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literals.setdefault(part.encode(), _Node())
        targets = node.ends.setdefault(template.verb.encode(), {})
        if verb in targets:
            raise ContractUnclear(f"two calls are served at {verb} {template}")
        targets[verb] = target

    def find(self, raw_path: bytes) -> Found[T] | None:
        """What is served at a path in its percent-encoded form; None: nothing."""
        segments = raw_path.removeprefix(b"/").split(b"/", _LONGEST)
        return _find(self._root, segments, 0, ())


def _find(
    node: _Node[T], segments: list[bytes], index: int, values: tuple[bytes, ...]
) -> Found[T] | None:
    segment = segments[index]
    if index == len(segments) - 1:
        return _find_end(node, segment, values)
    known = node.literals.get(_plain(segment))
    if known is not None and (found := _find(known, segments, index + 1, values)):
        return found
    if node.variable is not None and segment:
        return _find(node.variable, segments, index + 1, (*values, segment))
    return None


def _find_end(node: _Node[T], segment: bytes, values: tuple[bytes, ...]) -> Found[T] | None:
    """The last segment may carry a verb; an id with a colon of its own writes it as %3A."""
    head, _, verb = segment.rpartition(b":")
    for part, wanted in ((head, verb), (segment, b""))[not verb :]:
        known = node.literals.get(_plain(part))
        if known is not None and wanted in known.ends:
            return Found(known.ends[wanted], values)
        named = part and not part.startswith(b":")
        if named and node.variable is not None and wanted in node.variable.ends:
            return Found(node.variable.ends[wanted], (*values, part))
    return None


def _plain(segment: bytes) -> bytes:
    return unquote_to_bytes(segment) if b"%" in segment else segment
