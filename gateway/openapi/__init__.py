"""The OpenAPI 3.1 document: from the same walk over the contracts that serves the calls."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from gateway.contracts import SERVED, served_calls
from gateway.openapi.operations import (
    ALWAYS,
    TOKEN,
    operation,
    problem_components,
    problem_responses,
)
from gateway.openapi.schemas import Schemas
from gateway.openapi.texts import department, describe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.descriptor import ServiceDescriptor

__all__ = ["document"]

_ABOUT = """\
政通的开放接口。字段名与契约（protobuf）一致，用下划线写法；64 位整数写成字符串；\
时间是 RFC 3339 的 UTC 时间；没有值的字段也会写出默认值。\
未知的字段、参数和枚举取值一律拒绝（400），`violations` 逐项指出字段和更正办法。

标有凭证的操作须先登录，或使用部门系统的接口密钥；\
更改类操作可带 `request_id`：同一编号只生效一次，超时后可放心重试。\
"""
_PROBLEM = {
    "type": "object",
    "description": "请求未能完成的说明（RFC 9457）。",
    "required": ["type", "title", "status", "detail", "reason", "violations", "instance"],
    "properties": {
        "type": {"type": "string", "description": "说明此原因的地址。"},
        "title": {"type": "string", "description": "这类问题的名称。"},
        "status": {"type": "integer", "description": "HTTP 状态码。"},
        "detail": {"type": "string", "description": "给人看的说明。"},
        "reason": {"type": "string", "description": "给程序用的原因，不会改名。"},
        "violations": {
            "type": "array",
            "description": "有误的字段。",
            "items": {
                "type": "object",
                "required": ["field", "description"],
                "properties": {
                    "field": {"type": "string", "description": "字段的路径。"},
                    "description": {"type": "string", "description": "如何更正。"},
                },
            },
        },
        "trace_id": {"type": "string", "description": "报告问题时请附上。"},
        "instance": {"type": "string", "description": "请求的路径。"},
    },
}
_SIGNING = "登录后的访问令牌，或部门系统的接口密钥。"
_OWN_TAGS = ("onestop", "quota", "health")


def document(
    paths: Mapping[str, Any],
    schemas: Mapping[str, Any],
    services: Mapping[str, ServiceDescriptor] = SERVED,
) -> dict[str, Any]:
    """The whole document.

    Args:
        paths: path items of what the gateway serves by itself; problem answers are added.
        schemas: component schemas that these refer to.
    """
    own = Schemas()
    made: dict[str, dict[str, Any]] = {path: _with_problems(item) for path, item in paths.items()}
    for call in served_calls(services):
        for place, binding in enumerate(call.bindings):
            one = operation(call, binding, own)
            if place:
                one["operationId"] += f"_{place}"
            made.setdefault(binding.path, {})[binding.verb.lower()] = one
    return {
        "openapi": "3.1.0",
        "info": {"title": "政通 Zhengtong", "version": version("zhengtong"), "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": _tags(services),
        "paths": made,
        "components": {
            "schemas": {"Problem": _PROBLEM, **own.components, **schemas},
            "responses": problem_components(),
            "securitySchemes": {
                TOKEN: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "登录后的访问令牌，或部门系统的接口密钥。",
                }
            },
        },
    }


def _tags(services: Mapping[str, ServiceDescriptor]) -> list[dict[str, str]]:
    departments = [
        {"name": name, "description": f"{department(name)}：{describe(service.full_name)}"}
        for name, service in services.items()
    ]
    first, *rest = ({"name": name, "description": department(name)} for name in _OWN_TAGS)
    return [first, *departments, *rest]


def _with_problems(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        verb: {**one, "responses": problem_responses(ALWAYS) | one["responses"]}
        for verb, one in item.items()
    }
