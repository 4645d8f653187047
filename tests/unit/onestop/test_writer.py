"""Whatever the order and however often, the index becomes the latest state of every subject."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tantivy import Query

from gateway.indexer.writer import IndexWriter
from gateway.onestop import directory
from gateway.onestop.cards import Change
from gateway.onestop.schema import SCHEMA
from tests.unit.onestop.shelf import AS_OF, Shelf, card

HISTORIES = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]), st.lists(st.booleans(), min_size=1, max_size=4)
)


def changes_of(histories):
    """Every version of every subject; False is a removal."""
    return [
        Change(subject, version, AS_OF, card(f"{subject}的第{version}版") if shown else None)
        for subject, history in histories.items()
        for version, shown in enumerate(history, 1)
    ]


def latest(histories):
    return {
        subject: (len(history), f"{subject}的第{len(history)}版" if history[-1] else None)
        for subject, history in histories.items()
    }


@settings(max_examples=25, deadline=None)
@given(data=st.data(), histories=HISTORIES)
def test_any_order_any_repetition_and_any_crash_give_the_latest_state(data, histories):
    told = changes_of(histories)
    again = data.draw(st.lists(st.sampled_from(told), max_size=4)) if told else []
    order = data.draw(st.permutations(told + again))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as root:  # merges go on
        shelf = Shelf(Path(root))
        crashed = []
        for change in order:
            shelf.writer.apply("catalogue", [change])
            match data.draw(st.sampled_from(["go on", "commit", "crash"])):
                case "commit":
                    shelf.commit()
                    crashed = []
                case "crash":  # what was not committed is told again
                    crashed.append(change)
                    shelf.writer.close()
                    shelf.writer = IndexWriter(shelf.writer.directory)
                    shelf.writer.apply("catalogue", crashed)
                case _:
                    crashed.append(change)
        shelf.commit()
        assert shelf.held() == latest(histories)


def test_an_older_version_after_a_removal_does_not_bring_the_thing_back(shelf):
    shelf.writer.apply("catalogue", [Change("a", 2, AS_OF, None)])
    shelf.commit()
    shelf.writer.apply("catalogue", [Change("a", 1, AS_OF, card("旧的名称"))])
    shelf.commit()
    assert shelf.held() == {"a": (2, None)}


async def test_a_removed_thing_is_found_no_more(shelf):
    (subject,) = shelf.put(card("食品经营许可"))
    assert await shelf.titles("食品经营许可") == ["食品经营许可"]
    shelf.change(subject, None)
    assert await shelf.titles("食品经营许可") == []


def test_a_new_copy_replaces_the_whole_old_one_whatever_its_versions(shelf):
    shelf.writer.apply(
        "catalogue", [Change("a", 9, AS_OF, card("甲")), Change("b", 9, AS_OF, None)]
    )
    shelf.writer.apply("credit", [Change("z", 1, AS_OF, card("丙"))])
    shelf.commit()
    shelf.writer.begin_copy("catalogue", "another epoch", 5)
    shelf.writer.apply("catalogue", [Change("a", 1, AS_OF, card("甲新"))])
    shelf.commit()
    assert shelf.held() == {"a": (1, "甲新"), "b": (9, None)}  # the old copy stays until the end
    shelf.writer.finish_copy("catalogue")
    shelf.commit()
    assert shelf.held() == {"a": (1, "甲新")}
    assert shelf.held("credit") == {"z": (1, "丙")}
    position = shelf.writer.committed("catalogue")
    assert (position.epoch, position.sequence, position.filling) == ("another epoch", 5, False)


def test_a_position_is_committed_with_what_it_covers_and_never_without(shelf):
    shelf.writer.apply("catalogue", [Change("a", 1, AS_OF, card("甲"))], 7)
    shelf.writer.close()  # as a kill before the commit
    reopened = IndexWriter(directory.current(shelf.root))
    assert reopened.committed("catalogue").sequence == 0
    assert shelf.held() == {}
    reopened.apply("catalogue", [Change("a", 1, AS_OF, card("甲"))], 7)
    reopened.commit(0)
    reopened.close()
    assert IndexWriter(directory.current(shelf.root)).committed("catalogue").sequence == 7
    assert shelf.held() == {"a": (1, "甲")}


def test_a_snapshot_broken_off_is_known_after_a_restart(shelf):
    shelf.writer.begin_copy("catalogue", "another epoch", 5)
    shelf.commit()
    shelf.writer.close()
    assert IndexWriter(directory.current(shelf.root)).committed("catalogue").filling


HOUR = 3_600_000_000


def states(shelf):
    """How many things the index shows, has scheduled, and keeps as past."""
    searcher = directory.open_index(directory.current(shelf.root)).searcher()
    found = [
        searcher.search(Query.term_query(SCHEMA, "state", state, "basic")).count
        for state in ("shown", "scheduled", "expired")
    ]
    named = searcher.search(Query.term_query(SCHEMA, "name", "停水公告", "basic")).count
    assert named == found[0]  # only what is shown can be found by its name
    return found


@pytest.mark.rule("P-10")
@pytest.mark.parametrize(
    ("hours", "expected"),
    [([9], [0, 1, 0]), ([9, 11], [1, 0, 0]), ([9, 11, 21], [0, 0, 1]), ([9, 21], [0, 0, 1])],
)
def test_the_clock_shows_a_scheduled_thing_and_hides_it_at_its_end(shelf, hours, expected):
    notice = card("停水公告", visible_from=10 * HOUR, visible_until=20 * HOUR)
    shelf.writer.apply("catalogue", [Change("a", 1, AS_OF, notice)])
    for hour in hours:
        shelf.commit(hour * HOUR)
    assert states(shelf) == expected
    assert shelf.held() == {"a": (1, "停水公告")}


def test_what_the_clock_does_is_no_obstacle_to_a_newer_version(shelf):
    notice = card("停水公告", visible_from=10 * HOUR)
    shelf.writer.apply("catalogue", [Change("a", 1, AS_OF, notice)])
    shelf.commit(9 * HOUR)
    shelf.writer.apply("catalogue", [Change("a", 2, AS_OF, None)])
    shelf.commit(11 * HOUR)
    assert states(shelf) == [0, 0, 0]


def test_a_commit_without_anything_new_writes_nothing(shelf):
    assert shelf.writer.commit(0) == 0
    shelf.writer.apply("catalogue", [], 0)  # a heartbeat at the position that is committed
    assert not shelf.writer.pending


@pytest.mark.parametrize("name", ["1-000000000000", "0-000000000000", "../elsewhere"])
def test_a_directory_that_is_absent_or_of_another_layout_is_not_opened(tmp_path, name):
    (tmp_path / "CURRENT").write_text(name)
    used = directory.current(tmp_path)
    assert used is None or not used.exists()
    if used:
        with pytest.raises((ValueError, OSError)):
            IndexWriter(used)
