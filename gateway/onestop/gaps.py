"""What the one-stop query found nothing for, gathered and reported without who asked."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb
from zhengtong.catalogue.v1 import gap_pb2

from gateway.onestop.reporting import Askers, Calls, Report, Reporter
from services.common.identifiers import find_resident_ids, longest_number

if TYPE_CHECKING:
    from collections.abc import Callable

REPORT_EVERY: Final = 5.0
"""Seconds between reports, and before a report that failed is tried again."""
IN_REPORT: Final = 200
MOST_TEXTS: Final = 2000
"""That wait to be reported; those beyond are dropped."""
ASKER_KEPT: Final = 7 * 24 * 3600.0
"""Seconds in which an asker is not taken for another one."""
LONGEST: Final = 40
LONG_NUMBER: Final = 6
"""The catalogue decides what is kept; what it would never keep does not even wait here."""
_ZONE: Final = timezone(timedelta(hours=8), "Asia/Shanghai")

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Counted:
    """How often, and by how many who were not known before."""

    count: int = 0
    askers: int = 0


@dataclass(slots=True)
class Gaps:
    """Counts texts by region and day in memory, bounded, and reports them.

    Args:
        clock: seconds that only rise.
        now: aware.
    """

    calls: Calls
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _askers: Askers = field(init=False, repr=False)
    _reporter: Reporter = field(init=False, repr=False)
    _waiting: dict[tuple[str, str, str], _Counted] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._askers = Askers(ASKER_KEPT, self.clock)
        self._reporter = Reporter(self.calls, "ReportGaps", "gaps of the catalogue", self._next)

    def note(self, text: str, region_code: str, asker: str) -> None:
        """Count a text that nothing was found for; cheap, and never raises.

        Args:
            text: as it was typed.
            region_code: 12 digits; empty: no region was asked for.
            asker: network address of the client; kept as a salted digest only.
        """
        try:
            self._note(" ".join(text.split()), region_code, asker)
        except Exception as error:  # noqa: BLE001  (whoever asks must get an answer)
            # Of the error its kind only: its text may repeat what was asked.
            logger.warning("a gap could not be noted: %s", type(error).__name__)

    def _note(self, text: str, region_code: str, asker: str) -> None:
        if not 0 < len(text) <= LONGEST or longest_number(text) >= LONG_NUMBER:
            return
        if find_resident_ids(text):
            return
        new = self._askers.meet(asker, f"{region_code}\0{text.casefold()}")
        if new is None:
            return
        key = (text, region_code, self.now().astimezone(_ZONE).date().isoformat())
        counted = self._waiting.get(key)
        if counted is None:
            if len(self._waiting) >= MOST_TEXTS:
                self._reporter.drop()
                return
            counted = self._waiting[key] = _Counted()
        counted.count += 1
        counted.askers += new

    async def deliver(self) -> None:
        """Report every few seconds what has gathered; until cancelled."""
        await self._reporter.deliver(REPORT_EVERY)

    async def close(self) -> None:
        """Report once more what is there, when `deliver` has ended; the rest is lost."""
        await self._reporter.close()

    def _next(self) -> Report | None:
        taken = [(key, self._waiting.pop(key)) for key in list(self._waiting)[:IN_REPORT]]
        if not taken:
            return None
        gaps = [
            gap_pb2.GapCount(
                text=text, region_code=region, day=day, count=one.count, askers=one.askers
            )
            for (text, region, day), one in taken
        ]
        return Report(pb.ReportGapsRequest(gaps=gaps, request_id=uuid.uuid4().hex), len(gaps))
