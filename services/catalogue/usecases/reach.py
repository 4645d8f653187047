"""Whose items somebody may speak of (rule P-23)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.common import access
from services.common.errors import Violation

if TYPE_CHECKING:
    from services.common.access import Caller

LEAD: Final = "list_publisher"
"""The 审改牵头部门 answers for the lists of every department of its region."""


def check_reach(caller: Caller, department: str, region: str) -> None:
    """Raises: OutOfReach."""
    access.check_reach(caller, department=department, region=region, lead=LEAD)


def beyond(caller: Caller, department: str, region: str) -> Violation | None:
    """What puts an item out of the caller's reach: its body or its region."""
    try:
        access.check_reach(caller, department=department, lead=LEAD)
    except access.OutOfReach as refusal:
        return Violation("dept_code", str(refusal))
    try:
        access.check_region(caller, region)
    except access.OutOfReach as refusal:
        return Violation("region_code", str(refusal))
    return None
