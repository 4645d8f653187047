"""What all calls of the catalogue stand on."""

from services.common.grpc_host import Department


class Desk:
    """Holds the department that makes changes and reads."""

    def __init__(self, department: Department) -> None:
        self._department = department
