"""The ways a rule says no. Transport codes live in status.py and gateway/problems.py."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Violation:
    """One field at fault: its path as the caller knows it, and what to do, in Chinese."""

    field: str
    description: str


class DomainError(Exception):
    """A refusal a caller can act on. `reason` is contract: never rename it."""

    reason: ClassVar[str]

    def __init__(self, message: str, *violations: Violation) -> None:
        super().__init__(message)
        self.violations = violations


class Invalid(DomainError):
    """The request could never succeed, whatever the state."""

    reason = "INVALID"


class Unauthenticated(DomainError):
    """Nobody can tell who calls."""

    reason = "UNAUTHENTICATED"


class Denied(DomainError):
    """The caller is known and may not."""

    reason = "DENIED"


class NotFound(DomainError):
    """The thing named does not exist."""

    reason = "NOT_FOUND"


class Refused(DomainError):
    """Well-formed, but the rules forbid it in the present state."""

    reason = "REFUSED"


class Stale(DomainError):
    """Somebody else changed it first; read again and retry."""

    reason = "STALE"


class Exhausted(DomainError):
    """More was asked than is given in the time."""

    reason = "EXHAUSTED"


class Unavailable(DomainError):
    """Something needed does not answer now; try again."""

    reason = "UNAVAILABLE"
