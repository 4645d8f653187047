"""Slowing those who guess: per account and per address."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.common.errors import Exhausted

FREE_OF_ACCOUNT: Final = 5
FREE_OF_ADDRESS: Final = 20
LONGEST: Final = timedelta(minutes=15)
ONE_TRY: Final = timedelta(seconds=1)
"""What a try waits for that came while another one was under way."""
FADES: Final = timedelta(minutes=1)
"""What one failure of an address is forgotten in: a hall's people share one."""
FORGOTTEN: Final = timedelta(hours=24)


class TriesSlowed(Exhausted):
    """Too many wrong passwords, or registrations; `retry_after` is in whole seconds."""

    reason = "TRIES_SLOWED"

    def __init__(self, wait: timedelta) -> None:
        self.retry_after = max(1, -(-wait // timedelta(seconds=1)))
        super().__init__(f"尝试次数过多，请 {self.retry_after} 秒后再试。")


@dataclass(frozen=True, slots=True)
class Tries:
    """How often somebody failed, and when the last time."""

    failures: int = 0
    last: datetime | None = None


def faded(tries: Tries, *, now: datetime) -> Tries:
    """What is left of an address's failures."""
    if tries.last is None:
        return tries
    return replace(tries, failures=max(0, tries.failures - (now - tries.last) // FADES))


def check(tries: Tries, free: int, *, now: datetime) -> None:
    """Rule A-3 (GB/T 22239-2019, 8.1.4.1): after some failures each next try waits twice as long.

    Args:
        free: failures that cost nothing.

    Raises:
        TriesSlowed: the wait after the last failure is not over.
    """
    if tries.last is None or tries.failures < free:
        return
    wait = min(timedelta(seconds=2 ** min(tries.failures - free, 20)), LONGEST)
    if now < tries.last + wait:
        raise TriesSlowed(tries.last + wait - now)
