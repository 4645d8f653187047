"""How often the guides of items are opened, gathered and reported without who opened them."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb
from zhengtong.catalogue.v1 import use_pb2

from gateway.onestop.reporting import ONCE_IN, Askers, Calls, Report, Reporter

if TYPE_CHECKING:
    from collections.abc import Callable

REPORT_EVERY: Final = 30.0
"""Seconds between reports, and before a report that failed is tried again."""
IN_REPORT: Final = 200
MOST_ITEMS: Final = 20_000
"""That wait to be reported; openings of those beyond are dropped."""


@dataclass(slots=True)
class Uses:
    """Counts openings by item in memory, bounded, and reports them (Rule I-29).

    The catalogue knows of which family an item is, and adds up by that.

    Args:
        clock: seconds that only rise.
    """

    calls: Calls
    clock: Callable[[], float] = time.monotonic
    _askers: Askers = field(init=False, repr=False)
    _reporter: Reporter = field(init=False, repr=False)
    _waiting: dict[str, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._askers = Askers(ONCE_IN, self.clock)
        self._reporter = Reporter(self.calls, "ReportUses", "openings of items", self._next)

    def note(self, item_id: str, asker: str) -> None:
        """Count that an item's guide was opened.

        Args:
            asker: network address of the client; kept as a salted digest only.
        """
        if self._askers.meet(asker, item_id) is None:
            return
        if item_id not in self._waiting and len(self._waiting) >= MOST_ITEMS:
            self._reporter.drop()
            return
        self._waiting[item_id] = self._waiting.get(item_id, 0) + 1

    async def deliver(self) -> None:
        """Report every so often what has gathered; until cancelled."""
        await self._reporter.deliver(REPORT_EVERY)

    async def close(self) -> None:
        """Report once more what is there, when `deliver` has ended; the rest is lost."""
        await self._reporter.close()

    def _next(self) -> Report | None:
        taken = [(one, self._waiting.pop(one)) for one in list(self._waiting)[:IN_REPORT]]
        if not taken:
            return None
        uses = [use_pb2.UseCount(item_id=item_id, count=count) for item_id, count in taken]
        request = pb.ReportUsesRequest(uses=uses, request_id=uuid.uuid4().hex)
        return Report(request, sum(count for _, count in taken))
