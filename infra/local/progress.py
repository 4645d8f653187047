"""What a start tells the person who waits for it: one line a step, with the seconds since."""

import contextlib
import sys
import time


class Progress:
    """Lines on standard output, each with the time since the start."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    def seconds(self) -> float:
        return time.monotonic() - self._begin

    def step(self, text: str) -> None:
        """A step of the start, with its time."""
        self.say(f"[{self.seconds():5.1f} 秒] {text}")

    def say(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a terminal that went away, a disk that is full
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
