"""How often the threads of a process take turns."""

import sys

OFTEN = 0.0005  # seconds; Python's own 0.005 is for programs that nobody waits for


def take_turns_often() -> None:
    """Let a thread that waits for the interpreter have it soon.

    A call lets go of the interpreter at each search, read and write, and beside a thread that only
    computes (a snapshot, the names of an index) it waits a whole turn each time to go on. With ten
    such waits in an answer, turns of 5 ms cost it 50 ms.
    """
    sys.setswitchinterval(OFTEN)
