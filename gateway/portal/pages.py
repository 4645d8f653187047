"""Pages out of templates: one environment, one set of headers, and pages for what went wrong."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gateway.portal import labels, writing
from gateway.portal.visits import visit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute

_HERE = Path(__file__).parent
_STYLES = {
    name: (_HERE / "static" / f"{name}.css").read_bytes() for name in ("portal", "docs", "hall")
}
_SCRIPTS = {"suggest": (_HERE / "static" / "suggest.js").read_bytes()}
_SCRIPT_URLS = {
    name: f"/static/{name}.js?v={blake2b(script, digest_size=6).hexdigest()}"
    for name, script in _SCRIPTS.items()
}
_STYLE_URLS = {
    name: f"/static/{name}.css?v={blake2b(style, digest_size=6).hexdigest()}"
    for name, style in _STYLES.items()
}
_HEADERS = {"cache-control": "no-store"}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"labels": labels, "styles": _STYLE_URLS, "scripts": _SCRIPT_URLS}
    environment.filters |= {
        "day": writing.day,
        "stamp": writing.stamp,
        "moment": writing.moment,
        "micros": writing.micros,
        "marked": writing.marked,
    }
    return environment


_ENVIRONMENT = _environment()


def render(template: str, **shown: Any) -> str:
    """A page as text; its head says who is signed in."""
    return _ENVIRONMENT.get_template(template).render(visit=visit(), **shown)


def page(
    template: str, status: int = 200, headers: Mapping[str, str] | None = None, **shown: Any
) -> Response:
    """A page as an answer."""
    return HTMLResponse(render(template, **shown), status, headers={**_HEADERS, **(headers or {})})


def not_found(request: Request) -> Response:
    """The page for an address that leads nowhere."""
    del request
    return page(
        "notice.html",
        404,
        title="没有找到这个页面",
        detail="您访问的内容可能已被取消、已经移动，或者地址有误。",
    )


def refused(request: Request, status: int, detail: str) -> Response:
    """The page for everything else that could not be done."""
    del request
    return page("notice.html", status, title=_TITLES.get(status, "请求未能完成"), detail=detail)


_TITLES = {
    400: "请求有误",
    403: "没有权限",
    405: "请求方法不适用",
    410: "内容已取消",
    413: "内容过大",
    429: "请求过于频繁",
    500: "系统出现问题",
    503: "服务暂不可用",
    504: "服务没有及时答复",
}


def _static(name: str, content: bytes, media_type: str) -> Route:
    headers = {"cache-control": "public, max-age=31536000, immutable"}

    async def static(_: Request) -> Response:
        return Response(content, media_type=media_type, headers=headers)

    return Route(f"/static/{name}", static)


ROUTES: list[BaseRoute] = [
    *(_static(f"{name}.css", style, "text/css") for name, style in _STYLES.items()),
    *(_static(f"{name}.js", script, "text/javascript") for name, script in _SCRIPTS.items()),
]
