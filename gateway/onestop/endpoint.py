"""`GET /api/v1/query` and `/suggest` as plain ASGI: the addresses that must be fast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.onestop.asked import read, read_beginning
from gateway.refusals import MethodRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Scope, Send

    from gateway.onestop.answers import Answer
    from gateway.onestop.asked import Asked

_HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


async def respond(
    answering: Callable[[Asked], Awaitable[Answer]], scope: Scope, send: Send
) -> None:
    """Answer one request; what is refused leaves as a DomainError."""
    if scope["method"] not in ("GET", "HEAD"):
        raise MethodRefused("GET, HEAD")
    answer = await answering(read(scope["query_string"]))
    await _write(answer.json(), scope, send)


async def respond_suggestions(
    suggesting: Callable[[str], Awaitable[bytes]], scope: Scope, send: Send
) -> None:
    """Answer what somebody types; what is refused leaves as a DomainError."""
    if scope["method"] not in ("GET", "HEAD"):
        raise MethodRefused("GET, HEAD")
    await _write(await suggesting(read_beginning(scope["query_string"])), scope, send)


async def _write(body: bytes, scope: Scope, send: Send) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, length]})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
