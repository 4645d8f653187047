"""Brings changes into one index directory: newest version wins, and a commit holds its position."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import tantivy

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
    """What is to be committed next of one source."""

    position: Position
    changes: dict[str, Change] = field(default_factory=dict)
    copies_to_drop: list[str] = field(default_factory=list)


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
        return {source: self._searcher.doc_freq("source", source) for source in self.positions}

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
        waiting = self._waiting_of(source)
        waiting.position = replace(waiting.position, filling=False)
        waiting.copies_to_drop.append(waiting.position.copy)

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
        stored = self._newer() + self._due(now)
        if not self._waiting and not stored:
            return 0
        for one in stored:
            self._replace(document_id(one.source, one.change.subject), subject_document(one, now))
        for source, waiting in self._waiting.items():
            for copy in waiting.copies_to_drop:
                self._writer.delete_documents_by_query(_other_copies(source, copy))
            self._replace(document_id(source, ""), position_document(waiting.position))
        self._writer.commit()
        self._index.reload()
        self._searcher = self._index.searcher()
        self.positions |= {source: w.position for source, w in self._waiting.items()}
        written = len(stored) + len(self._waiting)
        self._waiting.clear()
        return written

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

    def _newer(self) -> list[Stored]:
        """What waits and is newer than what the index has."""
        newer: list[Stored] = []
        for source, waiting in self._waiting.items():
            copy = waiting.position.copy
            known = self._versions(source, copy, waiting.changes)
            newer += [
                Stored(source, copy, change)
                for change in waiting.changes.values()
                if change.version > known.get(change.subject, 0)
            ]
        return newer

    def _versions(self, source: str, copy: str, subjects: Iterable[str]) -> dict[str, int]:
        """The versions that the index has, of this filling of the copy."""
        identities = [document_id(source, subject) for subject in subjects]
        if not identities or not self._searcher.num_docs:
            return {}
        query = tantivy.Query.term_set_query(SCHEMA, "id", identities)
        return {
            stored.change.subject: stored.change.version
            for stored in _subjects(self._searcher, query, len(identities))
            if stored.copy == copy
        }

    def _due(self, now: int) -> list[Stored]:
        """What the clock shows or hides by now, unless something newer waits anyway."""
        query = tantivy.Query.range_query(SCHEMA, "due", tantivy.FieldType.Integer, upper_bound=now)
        return [
            stored
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
