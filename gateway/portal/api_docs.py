"""`/api/openapi.json` and `/api/docs`: the document, and the same document as a Chinese page."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from markupsafe import Markup
from starlette.responses import Response
from starlette.routing import Route

from gateway import health, quota, refusals
from gateway.limits import Limits
from gateway.onestop import openapi as onestop_openapi
from gateway.openapi import document
from gateway.portal.pages import render
from gateway.problems import INTERNAL, TITLES, status_of_kind
from services.common import callers, paging
from services.common.errors import DomainError
from services.common.status import CODES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    Tree = dict[str, Any]

_CACHE = {"cache-control": "public, max-age=300"}


def routes() -> list[BaseRoute]:
    """`/api/openapi.json` and `/api/docs`."""
    return [Route("/api/openapi.json", _openapi), Route("/api/docs", _docs)]


async def _openapi(_: Request) -> Response:
    return Response(_written(), media_type="application/json", headers=_CACHE)


async def _docs(_: Request) -> Response:
    return Response(_page(), media_type="text/html", headers=_CACHE)


@cache
def _document() -> Tree:
    return document(
        {**onestop_openapi.PATHS, **quota.PATHS, **health.PATHS}, onestop_openapi.SCHEMAS
    )


@cache
def _written() -> bytes:
    return orjson.dumps(_document(), option=orjson.OPT_INDENT_2)


@cache
def _page() -> bytes:
    return render(
        "api_docs.html",
        **view(_document()),
        type_text=type_text,
        pretty=_pretty,
        size=_size,
        coded=_coded,
    ).encode()


def view(whole: Tree) -> Tree:
    """What the page shows: operations by department, shapes, and reasons with their calls."""
    operations = list(_operations(whole))
    own = _own_reasons()
    reasons: dict[str, list[Tree]] = {reason: [] for reason in own}
    for one in operations:
        for reason in one.get("x-refuses", ()):
            reasons.setdefault(reason, []).append(one)
    return {
        "info": whole["info"],
        "groups": [
            (tag, [one for one in operations if tag["name"] in one["tags"]])
            for tag in whole["tags"]
        ],
        "schemas": whole["components"]["schemas"],
        "reasons": [(reason, own.get(reason, ""), reasons[reason]) for reason in sorted(reasons)],
        "titles": TITLES,
        "limits": Limits(),
    }


def _own_reasons() -> dict[str, str]:
    """The reasons that any request may be refused with, and what they mean."""
    kinds = [*vars(refusals).values(), *vars(callers).values(), *vars(paging).values(), *CODES]
    found = {
        kind.reason: TITLES[status_of_kind(kind)]
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, DomainError) and hasattr(kind, "reason")
    }
    return found | {INTERNAL: TITLES[500]}


def _operations(whole: Tree) -> Iterator[Tree]:
    for path, item in whole["paths"].items():
        for verb, one in item.items():
            body = one.get("requestBody", {}).get("content", {})
            yield {
                **one,
                "verb": verb.upper(),
                "path": path,
                "anchor": one["operationId"],
                "body": body,
                "answer": one["responses"].get("200", {}).get("content", {}),
                "curl": _curl(verb.upper(), path, one, body),
            }


def type_text(schema: Mapping[str, Any]) -> Tree:
    """A schema in a few words, and the component it leads to (or "")."""
    if "$ref" in schema:
        target = schema["$ref"].rpartition("/")[2]
        return {"text": target, "target": target}
    kind = schema.get("type", "")
    if kind == "array":
        inner = type_text(schema.get("items", {}))
        return {"text": f"{inner['text']} 的数组", "target": inner["target"]}
    words = {
        "string": "字符串",
        "integer": "整数",
        "number": "数",
        "boolean": "布尔",
        "object": "对象",
    }
    names = [words.get(one, one) for one in ([kind] if isinstance(kind, str) else kind)]
    text = "或".join(name for name in names if name) or "任意内容"
    formats = {"date-time": "RFC 3339 时间", "int64": "64 位整数，写成字符串"}
    if note := formats.get(schema.get("format", "")):
        text = f"{text}（{note}）"
    return {"text": text, "target": ""}


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _size(count: int) -> str:
    """A number of bytes in the largest unit that holds it whole: 8 KB, 1 MB."""
    for unit, name in ((1024 * 1024, "MB"), (1024, "KB")):
        if count % unit == 0:
            return f"{count // unit} {name}"
    return f"{count} 字节"


def _coded(text: str) -> Markup:
    """A text with what stands between backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else Markup.escape(part)
        for number, part in enumerate(parts)
    )


def _curl(verb: str, path: str, one: Tree, body: Tree) -> str:
    """A command line to try the call with, made of the examples."""
    for parameter in one.get("parameters", ()):
        if parameter["in"] == "path":
            value = str(parameter.get("example", "…"))
            path = path.replace(f"{{{parameter['name']}}}", value)
    queries = [
        f"{parameter['name']}={parameter['example']}"
        for parameter in one.get("parameters", ())
        if parameter["in"] == "query" and parameter.get("example") not in (None, "")
    ]
    url = f"http://127.0.0.1:8080{path}"
    if verb != "GET" and queries:
        url += "?" + "&".join(queries)
    asks = verb == "GET" and queries
    way = " -G" if asks else "" if verb in ("GET", "POST") else f" -X {verb}"
    parts = [f"curl{way} '{url}'"]
    if asks:
        parts += [f"--data-urlencode '{query}'" for query in queries]
    if one.get("security"):
        parts.append('-H "Authorization: Bearer $(cat .run/api.key)"')
    example = body.get("application/json", {}).get("example")
    if example is not None:
        parts.append("-H 'Content-Type: application/json'")
        parts.append(f"-d '{json.dumps(example, ensure_ascii=False)}'")
    elif body:
        parts.append("-H 'Content-Type: text/csv' --data-binary @文件.csv")
    return " \\\n  ".join(parts)
