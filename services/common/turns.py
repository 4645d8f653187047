"""How a process that answers shares out its interpreter: among threads, and with the collector."""

import gc
import sys

OFTEN = 0.0005  # seconds; Python's own 0.005 is for programs that nobody waits for
SELDOM = (20_000, 20, 20)  # objects made, collections of the younger; Python's own: 700, 10, 10


def take_turns_often() -> None:
    """Let a thread that waits for the interpreter have it soon.

    A call lets go of the interpreter at each search, read and write, and beside a thread that only
    computes (a snapshot, the names of an index) it waits a whole turn each time to go on. With ten
    such waits in an answer, turns of 5 ms cost it 50 ms.
    """
    sys.setswitchinterval(OFTEN)


def collect_seldom() -> None:
    """Look for cycles of garbage after many objects only.

    An answer makes some thousand objects and hardly a cycle: with Python's own thresholds several
    collections fall into each, which take a tenth of a servicer's time and find nothing.
    """
    gc.set_threshold(*SELDOM)
