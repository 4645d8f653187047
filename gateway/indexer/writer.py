"""Brings changes into one index directory: newest version wins, and a commit holds its position."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import tantivy

from gateway.indexer.grouping import Changed, Families, Placed, provisional
from gateway.onestop.cards import Change
from gateway.onestop.directory import open_index
from gateway.onestop.schema import (
    SCHEMA,
    Position,
    Stored,
    document_id,
    position_document,
    read_position,
    read_subject,
    subject_document,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

logger = logging.getLogger(__name__)

HEAP = 15_000_000  # bytes; the least Tantivy takes
DUE_AT_ONCE = 1000
MOST_SOURCES = 1000


@dataclass
class _Waiting:
    """What is to be committed next of one source.

    Args:
        ended: the snapshot is read to its end.
        settles: all of it is in the index: what else there is of the source goes.
    """

    position: Position
    changes: dict[str, Change] = field(default_factory=dict)
    ended: bool = False
    settles: bool = False


class IndexWriter:
    """The one writer of an index directory.

    Changes are gathered in memory and written by `commit`, together with the position up to which
    they are complete. Nothing of a batch is in the index before, all of it is after: what a crash
    takes away is read again from the log. Not for use by several threads at once.

    Raises:
        ValueError, OSError: the directory holds no index, or a broken one.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._index = open_index(directory)
        self._writer = self._index.writer(heap_size=HEAP, num_threads=1)
        self._searcher = self._index.searcher()
        self._waiting: dict[str, _Waiting] = {}
        self.positions = {position.source: position for position in read_positions(self._searcher)}

    @property
    def waiting(self) -> int:
        """How many subjects await the next commit."""
        return sum(len(waiting.changes) for waiting in self._waiting.values())

    @property
    def documents(self) -> int:
        """How many documents are committed."""
        return int(self._searcher.num_docs)

    def subjects_by_source(self) -> dict[str, int]:
        """How many subjects are committed of each source, removed ones too."""
        return {source: _count(self._searcher, source) for source in self.positions}

    @property
    def pending(self) -> bool:
        """Whether anything awaits the next commit, were it only a position."""
        return bool(self._waiting)

    def begin_copy(self, source: str, epoch: str, head: int) -> None:
        """Start to fill the copy of a source anew from a snapshot; the old one stays until the end.

        Args:
            head: where the log is to be read from afterwards.
        """
        copy = f"{source}@{uuid.uuid4().hex[:12]}"
        self._waiting[source] = _Waiting(Position(source, epoch, head, copy, filling=True))

    def apply(self, source: str, changes: Iterable[Change], sequence: int | None = None) -> None:
        """Take changes of a source.

        Args:
            sequence: they complete the copy up to there; None: they are part of a snapshot.
        """
        if source not in self._waiting and sequence == self.positions[source].sequence:
            return  # a heartbeat
        waiting = self._waiting_of(source)
        for change in changes:
            known = waiting.changes.get(change.subject)
            if known is None or change.version > known.version:
                waiting.changes[change.subject] = change
        if sequence is not None:
            waiting.position = replace(waiting.position, sequence=sequence)

    def finish_copy(self, source: str) -> None:
        """The snapshot is read to its end: what it does not name is no longer there."""
        self._waiting_of(source).ended = True

    def committed(self, source: str) -> Position | None:
        """How far the copy of a source is committed."""
        return self.positions.get(source)

    def commit(self, now: int) -> int:
        """Write what waits, and what the clock has brought, in one step.

        Args:
            now: microseconds since 1970.

        Returns:
            how many documents were written; 0 where nothing waited and nothing was due.
        """
        written = 0
        if ended := [waiting for waiting in self._waiting.values() if waiting.ended]:
            # Who leads in a family is known when all its members are in the index. Until then the
            # filling counts as unfinished, and is read again if this process dies.
            written = self._write(now)
            for waiting in ended:
                position = replace(waiting.position, filling=False)
                self._waiting[position.source] = _Waiting(position, settles=True)
        return written + self._write(now)

    def _write(self, now: int) -> int:
        changed = self._newer() + self._due(now)
        if not self._waiting and not changed:
            return 0
        written = len(self._waiting)
        for placed in self._placed(changed, now):
            identity = document_id(placed.stored.source, placed.stored.change.subject)
            self._replace(identity, subject_document(placed.stored, now, placed.standing))
            written += 1
        for source, waiting in self._waiting.items():
            if waiting.settles:
                self._writer.delete_documents_by_query(_other_copies(source, waiting.position.copy))
            self._replace(document_id(source, ""), position_document(waiting.position))
        self._writer.commit()
        self._index.reload()
        self._searcher = self._index.searcher()
        self.positions |= {source: w.position for source, w in self._waiting.items()}
        self._waiting.clear()
        return written

    def _placed(self, changed: list[Changed], now: int) -> Iterator[Placed]:
        """What changes, each in its place in its family, and whom else that moves."""
        families = Families(self._searcher)
        known: list[Changed] = []
        for one in changed:
            waiting = self._waiting.get(one.after.source)
            if waiting and waiting.position.filling and one.before is None:
                yield provisional(one.after)
            else:
                known.append(one)
        yield from families.placed(known, now)
        for source, waiting in self._waiting.items():
            if waiting.settles:
                yield from families.settled(source, waiting.position.copy)

    def close(self, *, merge: bool = False) -> None:
        """Let the directory go; what waits is not written.

        Args:
            merge: finish merging small segments first, which may take seconds.
        """
        if merge:
            self._writer.wait_merging_threads()
        del self._writer

    def _waiting_of(self, source: str) -> _Waiting:
        if source not in self._waiting:
            self._waiting[source] = _Waiting(self.positions[source])
        return self._waiting[source]

    def _replace(self, identity: str, document: tantivy.Document) -> None:
        self._writer.delete_documents_by_term("id", identity)
        self._writer.add_document(document)

    def _newer(self) -> list[Changed]:
        """What waits and is newer than what the index has of the same filling."""
        newer: list[Changed] = []
        for source, waiting in self._waiting.items():
            copy = waiting.position.copy
            known = self._known(source, waiting.changes)
            for change in waiting.changes.values():
                before = known.get(change.subject)
                if before is None or before.copy != copy or change.version > before.change.version:
                    newer.append(Changed(before, Stored(source, copy, change)))
        return newer

    def _known(self, source: str, subjects: Iterable[str]) -> dict[str, Stored]:
        """What the index has of some subjects."""
        identities = [document_id(source, subject) for subject in subjects]
        if not identities or not self._searcher.num_docs:
            return {}
        query = tantivy.Query.term_set_query(SCHEMA, "id", identities)
        found = _subjects(self._searcher, query, len(identities))
        return {stored.change.subject: stored for stored in found}

    def _due(self, now: int) -> list[Changed]:
        """What the clock shows or hides by now, unless something newer waits anyway."""
        query = tantivy.Query.range_query(SCHEMA, "due", tantivy.FieldType.Integer, upper_bound=now)
        return [
            Changed(stored, stored)
            for stored in _subjects(self._searcher, query, DUE_AT_ONCE)
            if stored.source not in self._waiting
            or stored.change.subject not in self._waiting[stored.source].changes
        ]


def read_positions(searcher: tantivy.Searcher) -> list[Position]:
    """How far the copies in an index have come."""
    query = tantivy.Query.term_query(SCHEMA, "state", "position", "basic")
    found = searcher.search(query, MOST_SOURCES, count=False)
    return [read_position(searcher.doc(address)) for _, address in found.hits]


def read_subjects(searcher: tantivy.Searcher, source: str) -> Iterator[Stored]:
    """Every subject of a source that an index holds, removed ones too."""
    query = tantivy.Query.term_query(SCHEMA, "source", source, "basic")
    yield from _subjects(searcher, query, searcher.num_docs)


def _count(searcher: tantivy.Searcher, source: str) -> int:
    """How many subjects of a source there are; a word's own count has the replaced ones too."""
    query = tantivy.Query.term_query(SCHEMA, "source", source, "basic")
    return int(searcher.search(query, 1, count=True).count)  # type: ignore[attr-defined]


def _subjects(searcher: tantivy.Searcher, query: tantivy.Query, limit: int) -> Iterator[Stored]:
    found = searcher.search(query, max(limit, 1), count=False)
    for _, address in found.hits:
        yield read_subject(searcher.doc(address))


def _other_copies(source: str, copy: str) -> tantivy.Query:
    return tantivy.Query.boolean_query(
        [
            (tantivy.Occur.Must, tantivy.Query.term_query(SCHEMA, "source", source, "basic")),
            (tantivy.Occur.MustNot, tantivy.Query.term_query(SCHEMA, "copy", copy, "basic")),
        ]
    )
