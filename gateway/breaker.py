"""What a slow or dead department may cost the gateway: a bound on calls to it, and a pause.

Pure: time is an argument, in seconds of a clock that only rises. ADR 17 says why it is our own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

MOST_UNDER_WAY: Final = 180
"""Calls to one department at once. A servicer works at 8, lets 200 wait and refuses the next; 16
streams and the health checks have to find room among them. Fewer refused healthy departments while
the machine itself stood still for a second at 500 requests a second."""
FAILURES_IN_A_ROW: Final = 5
"""One restart breaks a call or two; five with no answer between them are no accident."""
PAUSE_SECONDS: Final = 1.0
"""Before one call tries again: a department that is back is in use within two seconds, counting
half a second of the channel's own backoff, and a dead one costs a call a second."""
HURRIED_SECONDS: Final = 1.0
"""Who waits less has a circuit of its own: a department too slow for a live card (0.3 s) may well
answer those who wait ten seconds, and their answers say nothing to who cannot wait for them."""


class Outcome(Enum):
    """What a call says about its department."""

    ANSWERED = "answered"
    """It answered; a refusal by its rules, or a defect, is an answer too."""
    FAILED = "failed"
    """No answer in time, or it was unavailable."""
    UNKNOWN = "unknown"
    """The caller went away first."""


class State(Enum):
    """Of a circuit."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to make one call.

    Args:
        era: how often the circuit had changed; a call of an earlier era decides nothing any more.
    """

    era: int


class CircuitOpen(Exception):
    """The call is not made; `wait` is seconds until the next one may be."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


class TooManyUnderWay(Exception):
    """The call is not made: as many as may be are under way."""


@dataclass(slots=True)
class Circuit:
    """Closed: calls go out. Open: none do. Half-open: one does, and decides."""

    state: State = State.CLOSED
    failures: int = 0
    _era: int = 0
    _opened_at: float = 0.0
    _probing: bool = False

    def enter(self, now: float) -> Ticket:
        """Leave for one call; raises CircuitOpen. Every ticket has to be given back."""
        if self.state is State.CLOSED:
            return Ticket(self._era)
        wait = self._opened_at + PAUSE_SECONDS - now
        if wait > 0 and self.state is State.OPEN:
            raise CircuitOpen(wait)
        if self._probing:
            raise CircuitOpen(PAUSE_SECONDS)
        if self.state is State.OPEN:
            self._become(State.HALF_OPEN)
        self._probing = True
        return Ticket(self._era)

    def leave(self, ticket: Ticket, outcome: Outcome, now: float) -> None:
        """The call came to its end."""
        if ticket.era != self._era:
            return
        self._probing = False
        if outcome is Outcome.ANSWERED:
            self.failures = 0
            if self.state is State.HALF_OPEN:
                self._become(State.CLOSED)
        elif outcome is Outcome.FAILED:
            self.failures += 1
            if self.state is State.HALF_OPEN or self.failures >= FAILURES_IN_A_ROW:
                self._opened_at = now
                self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self.state = state
        self._era += 1


@dataclass(slots=True)
class Guard:
    """Stands before one department: counts what is under way, and pauses what has no answers."""

    under_way: int = 0
    hurried: Circuit = field(default_factory=Circuit)
    patient: Circuit = field(default_factory=Circuit)

    def circuit(self, timeout: float) -> Circuit:
        """The circuit of calls that wait `timeout` seconds."""
        return self.hurried if timeout < HURRIED_SECONDS else self.patient

    def enter(self, timeout: float, now: float) -> Ticket:
        """Leave for one call.

        Raises:
            TooManyUnderWay, CircuitOpen: there is none; nothing has to be given back.
        """
        if self.under_way >= MOST_UNDER_WAY:
            raise TooManyUnderWay
        ticket = self.circuit(timeout).enter(now)
        self.under_way += 1
        return ticket

    def leave(self, timeout: float, ticket: Ticket, outcome: Outcome, now: float) -> None:
        """A call that had leave came to its end."""
        self.under_way -= 1
        self.circuit(timeout).leave(ticket, outcome, now)

    def pausing(self) -> bool:
        """Whether some calls are not made now."""
        return {self.hurried.state, self.patient.state} != {State.CLOSED}


def whole_seconds(wait: float) -> int:
    """What Retry-After says: at least a second."""
    return max(1, math.ceil(wait))
