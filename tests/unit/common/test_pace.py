"""How much of a machine the background takes: less, the less there is to spare."""

import gc
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.indexer.session import GATHER, LONGEST_GATHER, gathering
from services.common.eventlog.relay import LONGEST_PAUSE, STAMP_PAUSE, pause_after
from services.common.turns import OFTEN, collect_seldom, take_turns_often

ROOT = Path(__file__).resolve().parents[3]
TOOK = st.floats(min_value=0, max_value=60)


def test_on_an_idle_machine_pauses_are_short():
    assert pause_after(0.005) == STAMP_PAUSE
    assert gathering(0.02) == GATHER


@given(took=TOOK)
def test_the_relay_stamps_a_fifth_of_the_time_at_most_and_never_waits_long(took: float):
    pause = pause_after(took)
    assert STAMP_PAUSE <= pause <= LONGEST_PAUSE
    assert pause == LONGEST_PAUSE or pause == pytest.approx(max(STAMP_PAUSE, 4 * took))


@given(took=TOOK)
def test_the_indexer_commits_a_fifth_of_the_time_at_most_and_never_waits_long(took: float):
    between = gathering(took)
    assert GATHER <= between <= LONGEST_GATHER
    assert between == LONGEST_GATHER or between == pytest.approx(max(GATHER, 5 * took))


def test_a_thread_that_only_computes_hardly_delays_one_that_waits():
    """In a process of its own: the interval is of the whole interpreter."""
    rests, computes = (_slept_beside_computing(turns=turns) for turns in (OFTEN, 0.005))
    assert rests < computes / 2


def test_what_an_answer_makes_sets_off_no_collection():
    """In a process of its own: the thresholds are of the whole interpreter."""
    code = "from tests.unit.common.test_pace import collections_in_answers as f; print(f())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    before, after = map(int, done.stdout.split())
    assert before >= 10
    assert after <= 1


def collections_in_answers() -> str:
    """How many collections there are while as many objects are made as in five answers."""
    found = []
    for prepare in (gc.collect, collect_seldom):
        prepare()
        before = gc.get_stats()[0]["collections"]
        kept = [[number] for number in range(10_000)]
        found.append(gc.get_stats()[0]["collections"] - before)
        del kept
    return "{} {}".format(*found)


def _slept_beside_computing(*, turns: float) -> float:
    code = f"from tests.unit.common.test_pace import slept; print(slept({turns}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    return float(done.stdout)


def slept(turns: float) -> float:
    """Seconds for 50 short waits beside a thread that computes."""
    take_turns_often()
    assert sys.getswitchinterval() == pytest.approx(OFTEN)
    sys.setswitchinterval(turns)
    ended = threading.Event()
    thread = threading.Thread(target=_compute, args=[ended])
    thread.start()
    began = time.perf_counter()
    for _ in range(50):
        time.sleep(0.0001)
    took = time.perf_counter() - began
    ended.set()
    thread.join()
    return took


def _compute(ended: threading.Event) -> None:
    while not ended.is_set():
        sum(range(1000))
