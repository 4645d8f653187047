"""What all calls of the catalogue stand on."""

from services.catalogue.domain import CodeProfile
from services.common.grpc_host import Department


class Desk:
    """Holds the department that makes changes and reads.

    Args:
        profile: what codes of items look like here (Rule I-20).
    """

    def __init__(self, department: Department, profile: CodeProfile) -> None:
        self._department = department
        self._profile = profile
