"""For those who watch: alive, ready with each dependency by name, and metrics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from grpc_health.v1 import health_pb2
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.contracts import SERVICES
from gateway.refusals import DepartmentFailed
from services.common.errors import DomainError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from gateway.clients import Clients
    from gateway.onestop import OneStop

_CHECK_SECONDS = 1.0
_CHECK = "grpc.health.v1.Health.Check"

_CHECKED = {
    "type": "object",
    "required": ["status", "checks"],
    "properties": {
        "status": {"type": "string", "enum": ["ok", "unavailable"]},
        "checks": {
            "type": "object",
            "description": "每项依赖的名称和状态。",
            "additionalProperties": {
                "type": "object",
                "properties": {"status": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def _path(name: str, summary: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    answer = {"description": "成功", "content": {media_type: {"schema": schema}}}
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "description": "",
            "tags": ["health"],
            "parameters": [],
            "responses": {"200": answer},
        }
    }


PATHS = {
    "/healthz": _path("healthz", "是否在运行", "application/json", {"type": "object"}),
    "/readyz": _path("readyz", "各项依赖是否就绪", "application/json", _CHECKED),
    "/metrics": _path("metrics", "运行指标（Prometheus）", "text/plain", {"type": "string"}),
}
PATHS["/readyz"]["get"]["responses"]["503"] = {
    "description": "有依赖没有就绪",
    "content": {"application/json": {"schema": _CHECKED}},
}


def routes(clients: Clients, onestop: OneStop) -> list[BaseRoute]:
    """`/healthz`, `/readyz` and `/metrics`."""

    async def ready(_: Request) -> Response:
        departments = await asyncio.gather(*(_department(clients, name) for name in SERVICES))
        checks = {**dict(zip(SERVICES, departments, strict=True)), "index": onestop.ready()}
        good = all(ok for ok, _ in checks.values())
        body: dict[str, Any] = {
            "status": "ok" if good else "unavailable",
            "checks": {
                name: {"status": "ok" if ok else "unavailable", "detail": detail}
                for name, (ok, detail) in checks.items()
            },
        }
        return JSONResponse(body, 200 if good else 503, headers={"cache-control": "no-store"})

    return [
        Route("/healthz", _alive),
        Route("/readyz", ready),
        Route("/metrics", _metrics),
    ]


async def _alive(_: Request) -> Response:
    return JSONResponse({"status": "ok"}, headers={"cache-control": "no-store"})


async def _metrics(_: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _department(clients: Clients, name: str) -> tuple[bool, str]:
    """Whether a department answers and reaches its database."""
    request = health_pb2.HealthCheckRequest()
    try:
        answer = await clients.call(name, _CHECK, request, timeout=_CHECK_SECONDS)
    except DomainError as refusal:
        return False, str(refusal)
    except DepartmentFailed:
        return False, f"部门 {name} 的健康检查失败。"
    if answer.status == health_pb2.HealthCheckResponse.SERVING:
        return True, "正常（部分请求此前没有得到答复，暂停访问）" if clients.pausing(
            name
        ) else "正常"
    return False, f"部门 {name} 的数据库没有应答。"
