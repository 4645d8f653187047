"""What the gateway counts for the catalogue: without who it was, and reported in batches.

What waits, waits in memory only; both the counting and the reporting are bounded.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from gateway.refusals import DepartmentFailed
from services.common.errors import DomainError, Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from services.common.access import Caller

DEPARTMENT: Final = "catalogue"
REPORT_SECONDS: Final = 10.0
LAST_SECONDS: Final = 2.0
"""For the last report, while the process stops."""
TRIES: Final = 60
"""How often one report is tried: over an outage of some minutes."""
MOST_ASKERS: Final = 50_000
"""That are remembered, the latest; each takes about 150 bytes."""
ONCE_IN: Final = 3600.0
"""Seconds in which the same asker counts once."""
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
class Askers:
    """Who was counted, each as a digest with a salt of this process only.

    Args:
        kept: seconds in which an asker is not taken for another one.
        clock: seconds that only rise.
    """

    kept: float
    clock: Callable[[], float]
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _met: OrderedDict[bytes, float] = field(default_factory=OrderedDict, repr=False)

    def meet(self, asker: str, about: str) -> bool | None:
        """Whether the asker is new to what it is about; None: counted within the hour.

        Args:
            asker: network address of the client.
        """
        told = f"{asker}\0{about}".encode()
        digest = hashlib.blake2b(told, key=self._salt, digest_size=_DIGEST).digest()
        now = self.clock()
        while self._met and next(iter(self._met.values())) <= now - self.kept:
            self._met.popitem(last=False)
        before = self._met.get(digest)
        if before is not None and now - before < ONCE_IN:
            return None
        self._met[digest] = now
        self._met.move_to_end(digest)
        if len(self._met) > MOST_ASKERS:
            self._met.popitem(last=False)
        return before is None


@dataclass(slots=True)
class Report:
    """A report on its way; sent again it has the same request id, and so counts once.

    Args:
        size: how much is lost with it.
    """

    request: Message
    size: int
    tries: int = 0


@dataclass(slots=True)
class Reporter:
    """Brings reports to the catalogue one after the other, each until it is taken.

    Args:
        method: the call that takes them.
        what: that is counted, for the log.
        gathered: takes a report out of what waits, the longest waiting first; None: nothing does.
    """

    calls: Calls
    method: str
    what: str
    gathered: Callable[[], Report | None]
    _sending: Report | None = field(default=None, repr=False)
    _dropped: int = 0

    def drop(self) -> None:
        """Count one that could not wait any more."""
        self._dropped += 1

    async def deliver(self, every: float) -> None:
        """Report each so many seconds what has gathered, also what failed; until cancelled."""
        while True:
            await asyncio.sleep(every)
            while await self.report(REPORT_SECONDS):
                pass
            self.tell_dropped()

    async def close(self) -> None:
        """Report once more what is there; what cannot be delivered now is lost.

        To be called when `deliver` has ended.
        """
        try:
            async with asyncio.timeout(LAST_SECONDS):
                while await self.report(LAST_SECONDS):
                    pass
        except TimeoutError:
            pass
        while report := self._sending or self.gathered():
            self._dropped += report.size
            self._sending = None
        self.tell_dropped()

    async def report(self, seconds: float) -> bool:
        """Send one report; False: there is none, or it has to be tried again."""
        report = self._sending = self._sending or self.gathered()
        if report is None:
            return False
        report.tries += 1
        try:
            await self.calls.call(
                DEPARTMENT, self.method, report.request, caller=self.calls.own(), timeout=seconds
            )
        except Exception as error:  # noqa: BLE001  (a report is tried so often only)
            if not isinstance(error, DomainError | DepartmentFailed):
                logger.warning("%s could not be reported: %s", self.what, type(error).__name__)
            # What is wrong with a report itself stays wrong.
            if isinstance(error, Invalid) or report.tries >= TRIES:
                self._dropped += report.size
                self._sending = None
            return False
        self._sending = None
        return True

    def tell_dropped(self) -> None:
        """Say in the log how much was lost since it was said last."""
        if self._dropped:
            logger.warning("%s that were not reported: %d", self.what, self._dropped)
            self._dropped = 0
