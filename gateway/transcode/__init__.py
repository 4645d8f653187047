"""gRPC calls as REST (AIP-127): every annotated call of every department, from the contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.contracts import SERVED, served_calls
from gateway.refusals import MethodRefused
from gateway.transcode.endpoint import Endpoint
from gateway.transcode.paths import PathTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor import ServiceDescriptor
    from starlette.types import ASGIApp, Receive, Scope, Send

    from gateway.clients import Clients
    from gateway.identity import Identity
    from gateway.limits import Limits
    from gateway.transcode.paths import Found

__all__ = ["Transcoder"]


class Transcoder:
    """Finds and serves the calls of the departments.

    Raises:
        ContractUnclear: a contract asks for something that is not served; said at start.
    """

    def __init__(
        self,
        clients: Clients,
        identity: Identity,
        limits: Limits,
        services: Mapping[str, ServiceDescriptor] = SERVED,
    ) -> None:
        self._table: PathTable[Endpoint] = PathTable()
        for call in served_calls(services):
            for binding in call.bindings:
                endpoint = Endpoint(call, binding, clients, identity, limits)
                self._table.add(binding.verb, endpoint.template, endpoint)

    def find(self, scope: Scope) -> ASGIApp | None:
        """What serves the path of a request; None: no call does."""
        found = self._table.find(scope["raw_path"])
        return _Serving(found) if found else None


class _Serving:
    """The calls at one path, for one request."""

    __slots__ = ("_found",)

    def __init__(self, found: Found[Endpoint]) -> None:
        self._found = found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        targets = self._found.targets
        method = scope["method"]
        endpoint = targets.get("GET" if method == "HEAD" else method)
        if endpoint is None:
            raise MethodRefused(", ".join(sorted({*targets, *(["HEAD"] * ("GET" in targets))})))
        scope["route_name"] = endpoint.route
        await endpoint(scope, receive, send, self._found.values)
