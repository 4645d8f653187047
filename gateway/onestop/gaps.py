"""What the one-stop query found nothing for, gathered and reported without who asked."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, Protocol

from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb
from zhengtong.catalogue.v1 import gap_pb2

from gateway.refusals import DepartmentFailed
from services.common.errors import DomainError, Invalid
from services.common.identifiers import find_resident_ids, longest_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from services.common.access import Caller

DEPARTMENT: Final = "catalogue"
REPORT_EVERY: Final = 5.0
"""Seconds between reports, and before a report that failed is tried again."""
REPORT_SECONDS: Final = 10.0
LAST_SECONDS: Final = 2.0
"""For the last report, while the process stops."""
TRIES: Final = 60
"""How often one report is tried: over an outage of some minutes."""
IN_REPORT: Final = 200
MOST_TEXTS: Final = 2000
"""That wait to be reported; those beyond are dropped."""
MOST_ASKERS: Final = 50_000
"""That are remembered, the latest; each takes about 150 bytes."""
ONCE_IN: Final = 3600.0
"""Seconds in which the same asker counts once."""
ASKER_KEPT: Final = 7 * 24 * 3600.0
"""Seconds in which an asker is not taken for another one."""
LONGEST: Final = 40
LONG_NUMBER: Final = 6
"""The catalogue decides what is kept; what it would never keep does not even wait here."""
_ZONE: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
_DIGEST: Final = 16  # bytes

logger = logging.getLogger(__name__)


class Calls(Protocol):
    """What calls the catalogue as the gateway; gateway.clients.Clients is one."""

    def own(self) -> Caller:
        """The gateway itself."""

    async def call(  # the deadline travels with the call
        self,
        department: str,
        method: str,
        request: Message,
        *,
        caller: Caller = ...,
        timeout: float = ...,  # noqa: ASYNC109
    ) -> Any:
        """The answer of one call."""


@dataclass(slots=True)
class _Counted:
    """How often, and by how many who were not known before."""

    count: int = 0
    askers: int = 0


@dataclass(slots=True)
class _Report:
    """A report on its way; sent again it has the same request id, and so counts once."""

    request: pb.ReportGapsRequest
    tries: int = 0


@dataclass(slots=True)
class Gaps:
    """Counts texts by region and day in memory, bounded, and reports them.

    Who asked is remembered as a digest with a salt of this process only.

    Args:
        clock: seconds that only rise.
        now: aware.
    """

    calls: Calls
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _askers: OrderedDict[bytes, float] = field(default_factory=OrderedDict, repr=False)
    _waiting: dict[tuple[str, str, str], _Counted] = field(default_factory=dict, repr=False)
    _sending: _Report | None = field(default=None, repr=False)
    _dropped: int = 0

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
        new = self._meet(asker, text, region_code)
        if new is None:
            return
        key = (text, region_code, self.now().astimezone(_ZONE).date().isoformat())
        counted = self._waiting.get(key)
        if counted is None:
            if len(self._waiting) >= MOST_TEXTS:
                self._dropped += 1
                return
            counted = self._waiting[key] = _Counted()
        counted.count += 1
        counted.askers += new

    def _meet(self, asker: str, text: str, region_code: str) -> bool | None:
        """Whether the asker is new to this text; None: counted within the hour."""
        told = f"{asker}\0{region_code}\0{text.casefold()}".encode()
        digest = hashlib.blake2b(told, key=self._salt, digest_size=_DIGEST).digest()
        now = self.clock()
        while self._askers and next(iter(self._askers.values())) <= now - ASKER_KEPT:
            self._askers.popitem(last=False)
        before = self._askers.get(digest)
        if before is not None and now - before < ONCE_IN:
            return None
        self._askers[digest] = now
        self._askers.move_to_end(digest)
        if len(self._askers) > MOST_ASKERS:
            self._askers.popitem(last=False)
        return before is None

    async def deliver(self) -> None:
        """Report every few seconds what has gathered; until cancelled."""
        while True:
            await asyncio.sleep(REPORT_EVERY)
            while await self._report(REPORT_SECONDS) and self._waiting:
                pass
            self._tell_dropped()

    async def close(self) -> None:
        """Report once more what is there; what cannot be delivered now is lost.

        To be called when `deliver` has ended.
        """
        try:
            async with asyncio.timeout(LAST_SECONDS):
                while await self._report(LAST_SECONDS) and self._waiting:
                    pass
        except TimeoutError:
            pass
        if self._sending is not None:
            self._dropped += len(self._sending.request.gaps)
        self._dropped += len(self._waiting)
        self._waiting, self._sending = {}, None
        self._tell_dropped()

    async def _report(self, seconds: float) -> bool:
        """Send one report; False: there is none, or it has to be tried again."""
        report = self._sending = self._sending or self._next()
        if report is None:
            return False
        report.tries += 1
        try:
            await self.calls.call(
                DEPARTMENT, "ReportGaps", report.request, caller=self.calls.own(), timeout=seconds
            )
        except Exception as error:  # noqa: BLE001  (a report is tried so often only)
            if not isinstance(error, DomainError | DepartmentFailed):
                logger.warning("gaps could not be reported: %s", type(error).__name__)
            # What is wrong with a report itself stays wrong.
            if isinstance(error, Invalid) or report.tries >= TRIES:
                self._dropped += len(report.request.gaps)
                self._sending = None
            return False
        self._sending = None
        return True

    def _next(self) -> _Report | None:
        """The report of what has waited longest."""
        keys = list(self._waiting)[:IN_REPORT]
        if not keys:
            return None
        taken = [(key, self._waiting.pop(key)) for key in keys]
        gaps = [
            gap_pb2.GapCount(
                text=text, region_code=region, day=day, count=one.count, askers=one.askers
            )
            for (text, region, day), one in taken
        ]
        return _Report(pb.ReportGapsRequest(gaps=gaps, request_id=uuid.uuid4().hex))

    def _tell_dropped(self) -> None:
        if self._dropped:
            logger.warning("gaps of the catalogue that were not reported: %d", self._dropped)
            self._dropped = 0
