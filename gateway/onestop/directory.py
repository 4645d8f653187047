"""The index on disk: which of its directories is in use, and how processes tell each other.

CURRENT             name of the directory in use; replaced in one step
<layout>-<random>/  a Tantivy index
signals             8 bytes: rises with every commit and switch; 8 bytes: with every new status
status.json         how the copies of the departments stand
*.lock              who may write
"""

from __future__ import annotations

import fcntl
import mmap
import os
import shutil
import struct
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import tantivy

from gateway.onestop.schema import LAYOUT, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INDEXER_LOCK = "indexer.lock"
REBUILD_LOCK = "rebuild.lock"
STATUS = "status.json"
_COUNTER = struct.Struct("<Q")
_INDEX_AT, _STATUS_AT = 0, _COUNTER.size


class Signals:
    """Two counters in a file that processes share by memory mapping."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(root / "signals", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            # Never replaced and never shortened: whoever has mapped it goes on seeing it move.
            if os.fstat(descriptor).st_size < 2 * _COUNTER.size:
                os.ftruncate(descriptor, 2 * _COUNTER.size)
            self._memory = mmap.mmap(descriptor, 2 * _COUNTER.size)
        finally:
            os.close(descriptor)

    def read(self) -> tuple[int, int]:
        """How often the index and the status have moved."""
        return self._at(_INDEX_AT), self._at(_STATUS_AT)

    def index_moved(self) -> None:
        """Say that there is a new commit, or another directory."""
        self._raise(_INDEX_AT)

    def status_moved(self) -> None:
        """Say that status.json is new."""
        self._raise(_STATUS_AT)

    def _at(self, place: int) -> int:
        return int(_COUNTER.unpack_from(self._memory, place)[0])

    def _raise(self, place: int) -> None:
        # Each by itself: a rebuild raises the one while the indexer raises the other.
        _COUNTER.pack_into(self._memory, place, self._at(place) + 1)

    def close(self) -> None:
        """Let the memory go."""
        self._memory.close()


class LockHeld(RuntimeError):
    """Somebody else writes there."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; the system lets it go if the process dies.

    Raises:
        LockHeld: another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockHeld(path.name) from None
        yield
    finally:
        os.close(descriptor)


def current(root: Path) -> Path | None:
    """The directory in use; None: there is none, or it is of another layout."""
    try:
        name = (root / "CURRENT").read_text().strip()
    except FileNotFoundError:
        return None
    if not name.startswith(f"{LAYOUT}-") or "/" in name:
        return None
    return root / name


def create(root: Path) -> Path:
    """A new directory with an empty index in it, not yet in use."""
    directory = root / f"{LAYOUT}-{uuid.uuid4().hex[:12]}"
    directory.mkdir(parents=True)
    tantivy.Index(SCHEMA, path=str(directory))
    return directory


def switch(root: Path, directory: Path) -> None:
    """Put a directory into use, in one step that survives a crash."""
    new = root / "CURRENT.new"
    with new.open("w") as file:
        file.write(f"{directory.name}\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(root / "CURRENT")
    descriptor = os.open(root, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_others(root: Path) -> list[str]:
    """Remove the directories that are not in use, unless one is just being built.

    Returns:
        their names.
    """
    removed: list[str] = []
    with suppress(LockHeld), locked(root / REBUILD_LOCK):
        used = current(root)
        for directory in root.iterdir():
            if directory.is_dir() and directory != used:
                shutil.rmtree(directory, ignore_errors=True)
                removed.append(directory.name)
    return removed


def open_index(directory: Path) -> tantivy.Index:
    """The index in a directory, which looks at new commits only when told to.

    Raises:
        ValueError, OSError: it is not there or cannot be read.
    """
    index = tantivy.Index.open(str(directory))
    index.config_reader(reload_policy="manual")
    return index
