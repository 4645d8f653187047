"""Where in a request the fields stand that a department finds wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.contracts import HTTP_BODY, message_in
from services.common.errors import Violation

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

    from services.common.errors import DomainError

_HEAD = re.compile(r"[^.\[]*")


class Placing:
    """Writes a department's violations with their whole path in the request.

    A department judges a record by itself, wherever it came from, and names `task_name`; whoever
    sent it in a request knows it as `item.task_name`, which is how a fault of its shape is told.
    """

    def __init__(self, request: Descriptor) -> None:
        self._own = {field.name for field in request.fields}
        self._record, self._fields = "", frozenset[str]()
        records = [
            (field.name, message)
            for field in request.fields
            if (message := message_in(field)) and message.full_name != HTTP_BODY
        ]
        if len(records) == 1:
            ((self._record, message),) = records
            self._fields = frozenset(field.name for field in message.fields)

    def place(self, refusal: DomainError) -> None:
        """Give the violations of `refusal` the path that its caller knows."""
        refusal.violations = tuple(
            Violation(self._placed(violation.field), violation.description)
            for violation in refusal.violations
        )

    def _placed(self, field: str) -> str:
        head = _HEAD.match(field)
        inside = head is not None and head.group() in self._fields - self._own
        return f"{self._record}.{field}" if inside else field
