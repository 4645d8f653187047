"""The index as a query sees it, also where files cannot be read for a while."""

import pytest

from gateway.onestop import directory, reader
from gateway.onestop.reader import Reader
from tests.unit.onestop.shelf import card


def test_the_two_counters_move_by_themselves(tmp_path):
    ours, theirs = directory.Signals(tmp_path), directory.Signals(tmp_path)
    ours.index_moved()
    theirs.status_moved()
    theirs.status_moved()
    assert ours.read() == theirs.read() == (1, 2)


def test_a_commit_that_could_not_be_read_is_read_a_while_later(shelf, monkeypatch):
    looking = Reader(shelf.root)
    before = looking.searcher().num_docs
    seen = looking.generation
    monkeypatch.setattr(reader, "AGAIN_AFTER", 0.0)
    with monkeypatch.context() as broken:
        broken.setattr(directory, "current", lambda _: shelf.root / "gone")
        shelf.put(card("食品经营许可"))
        assert looking.searcher().num_docs == before
        assert looking.generation == seen
    assert looking.searcher().num_docs == before + 1
    assert looking.generation > seen


def test_between_two_tries_nothing_is_opened(shelf, monkeypatch):
    looking = Reader(shelf.root)
    looking.searcher()
    tried = []
    monkeypatch.setattr(directory, "current", lambda _: tried.append(1) or shelf.root / "gone")
    shelf.commit()
    for _ in range(10):
        assert looking.searcher() is not None
    assert len(tried) == 1


def test_counters_that_cannot_be_mapped_anew_stay_as_they_are(shelf, monkeypatch):
    looking = Reader(shelf.root)
    looking.searcher()

    def full(_):
        raise OSError("too many open files")

    with monkeypatch.context() as broken:
        broken.setattr(directory, "Signals", full)
        looking.remap()
        assert looking.searcher() is not None
    looking.remap()
    assert looking.generation == -1
    with pytest.raises(ValueError, match="closed"):
        looking.close() or looking.status_moved()
