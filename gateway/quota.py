"""`GET /api/v1/quota`: how much one may ask, and how much is left just now."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response

from gateway.limits import whose_bucket
from gateway.refusals import MethodRefused, RequestInvalid
from gateway.transcode.bodies import Faults
from gateway.transcode.queries import Query

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from gateway.identity import Identity
    from gateway.limits import RateLimiter

PATH: Final = "/api/v1/quota"
_NO_PARAMETERS: Final = Query([])
_NUMBER = {"type": "number"}
PATHS: Final[dict[str, Any]] = {
    PATH: {
        "get": {
            "operationId": "get_quota",
            "summary": "本调用方的请求配额",
            "description": "按地址、账户或部门系统计算；rate_per_second 为 0 时不限。",
            "tags": ["quota"],
            "parameters": [],
            "responses": {
                "200": {
                    "description": "成功",
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["rate_per_second", "burst", "remaining"],
                                "properties": {
                                    "rate_per_second": _NUMBER,
                                    "burst": {"type": "integer"},
                                    "remaining": {"type": "integer"},
                                },
                            }
                        }
                    },
                }
            },
        }
    }
}


class QuotaEndpoint:
    """Answers from the same buckets that requests take from."""

    def __init__(self, identity: Identity, limiter: RateLimiter) -> None:
        self._identity = identity
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise MethodRefused("GET, HEAD")
        faults = Faults()
        _NO_PARAMETERS.read(scope["query_string"], {}, faults)
        if faults.violations:
            raise RequestInvalid("请求有误，请按 violations 逐项更正。", *faults.violations)
        await self._identity.find(scope)
        quota = self._limiter.quota(*whose_bucket(scope, self._identity))
        headers = {"cache-control": "no-store"}
        body = orjson.dumps(asdict(quota))
        await Response(body, headers=headers, media_type="application/json")(scope, receive, send)
