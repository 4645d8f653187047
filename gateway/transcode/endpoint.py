"""One call under one binding: from an HTTP request to the department and back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
from google.protobuf.message_factory import GetMessageClass

from gateway.contracts import (
    DEPARTMENT,
    HTTP_BODY,
    SERVICES,
    Binding,
    Call,
    ContractUnclear,
    message_in,
)
from gateway.identity import with_purpose
from gateway.limits import Limits, client_address, header, read_body
from gateway.refusals import DepartmentUnknown, MediaTypeRefused, RequestInvalid, TokenMissing
from gateway.transcode import bodies
from gateway.transcode.answers import Printer
from gateway.transcode.bodies import Faults, Shape
from gateway.transcode.paths import parse
from gateway.transcode.placing import Placing
from gateway.transcode.queries import Query, parameters, put, segment_text
from gateway.uploads import check_upload
from services.common.access import ANONYMOUS, OPEN, authorise
from services.common.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.message import Message
    from starlette.types import Receive, Scope, Send

    from gateway.clients import Clients
    from gateway.identity import Identity
    from services.common.access import Caller

_JSON_TYPES = (b"application/json", b"application/json;charset=utf-8")


class Endpoint:
    """Serves one call under one binding; all that can be known beforehand is made here, once."""

    def __init__(
        self, call: Call, binding: Binding, clients: Clients, identity: Identity, limits: Limits
    ) -> None:
        self._department = call.department
        self._shared = call.shared
        self._name = call.method.full_name if call.shared else call.method.name
        self._permission = call.permission
        self._roles = call.roles
        self._told_address = call.told_address
        self._clients = clients
        self._identity = identity
        self._limits = limits
        self._request: type[Message] = GetMessageClass(call.method.input_type)
        self._print = Printer(call.method.output_type)
        self._placing = Placing(call.method.input_type)
        self.template = parse(binding.path)
        self.route = binding.path

        known = {".".join(one.path): one for one in parameters(call.method.input_type)}
        bound = self.template.variables
        self._bound = [known[name] for name in bound]
        self._body = binding.body
        self._shape: Shape | None = None
        self._upload = False
        if binding.body == "*":
            self._shape = Shape(call.method.input_type, bound=bound)
            known = {}
        elif binding.body:
            message = message_in(call.method.input_type.fields_by_name[binding.body])
            if message is None:
                raise ContractUnclear(f"{call.method.full_name}: the body is one message")
            self._upload = message.full_name == HTTP_BODY
            self._shape = None if self._upload else Shape(message)
            known = {n: p for n, p in known.items() if p.path[0] != binding.body}
        self._query = Query([one for name, one in known.items() if name not in bound])

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, values: Sequence[bytes]
    ) -> None:
        """Answer one request; `values` are the raw segments of the path's variables.

        Raises:
            DomainError: a refusal of the gateway or of the department.
            DepartmentFailed: a defect in the department.
        """
        caller = (await self._identity.find(scope)).caller
        if self._permission != OPEN:
            self._admit(caller)
        if purpose := header(scope, b"purpose"):
            caller = with_purpose(caller, purpose)
        if self._told_address:
            caller = replace(caller, address=client_address(scope))
        fields, faults = self._read_url(scope, values)
        if self._body:
            await self._read_body(scope, receive, fields, faults)
        if faults.violations:
            raise RequestInvalid("请求有误，请按 violations 逐项更正。", *faults.violations)
        try:
            answer = await self._clients.call(
                _department_in(fields) if self._shared else self._department,
                self._name,
                self._request(**fields),
                caller=caller,
                timeout=self._limits.upload_seconds if self._upload else self._limits.call_seconds,
            )
        except DomainError as refusal:
            self._placing.place(refusal)
            raise
        await _send_json(send, self._print(answer))

    def _admit(self, caller: Caller) -> None:
        """Let those through who may make the call; the department decides it once more.

        Raises:
            TokenMissing, PermissionMissing
        """
        if caller is ANONYMOUS:
            raise TokenMissing("此操作需要身份凭证：请求头 Authorization: Bearer <凭证>。")
        authorise(caller, self._permission, self._roles)

    def _read_url(self, scope: Scope, values: Sequence[bytes]) -> tuple[dict[str, Any], Faults]:
        fields: dict[str, Any] = {}
        faults = Faults()
        for parameter, raw in zip(self._bound, values, strict=True):
            name = ".".join(parameter.path)
            put(parameter, name, segment_text(raw), fields, faults)
        if query := scope["query_string"]:
            self._query.read(query, fields, faults)
        return fields, faults

    async def _read_body(
        self, scope: Scope, receive: Receive, fields: dict[str, Any], faults: Faults
    ) -> None:
        content_type = header(scope, b"content-type")
        if header(scope, b"content-encoding") not in (b"", b"identity"):
            raise MediaTypeRefused("请求内容不得压缩（Content-Encoding）。")
        if self._upload:
            data = await read_body(scope, receive, self._limits.upload_bytes, self._limits)
            media_type = content_type.decode("latin-1")
            check_upload(media_type, header(scope, b"content-disposition").decode("latin-1"), data)
            fields[self._body] = {"content_type": media_type, "data": data}
            return
        if content_type and content_type.lower().replace(b" ", b"") not in _JSON_TYPES:
            raise MediaTypeRefused("请求内容应为 application/json（UTF-8）。")
        raw = await read_body(scope, receive, self._limits.body_bytes, self._limits)
        tree = bodies.parse(raw, faults)
        if faults.violations or self._shape is None:
            return
        if self._body == "*":
            fields |= self._shape.read(tree, "", faults)
        else:
            fields[self._body] = self._shape.read(tree, f"{self._body}.", faults)


def _department_in(fields: Mapping[str, Any]) -> str:
    """Which department is asked for what all of them serve; raises DepartmentUnknown."""
    name: str = fields.get(DEPARTMENT, "")
    if name not in SERVICES:
        raise DepartmentUnknown(SERVICES)
    return name


async def _send_json(send: Send, tree: dict[str, Any]) -> None:
    body = orjson.dumps(tree)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
