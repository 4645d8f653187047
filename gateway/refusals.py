"""The gateway's own ways to say no; those of the departments pass through with their reasons."""

from services.common.errors import (
    Exhausted,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
    Violation,
)


class RequestInvalid(Invalid):
    """The request does not have the shape its contract gives."""

    reason = "REQUEST_INVALID"


class TokenMissing(Unauthenticated):
    """The call needs a token and none came with it."""

    reason = "TOKEN_MISSING"


class TokenWrong(Unauthenticated):
    """A token came that is not the operator's."""

    reason = "TOKEN_WRONG"


class RouteUnknown(NotFound):
    """Nothing is served at this path."""

    reason = "ROUTE_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("此地址没有提供任何服务，请核对路径。")


class MethodRefused(Invalid):
    """Something is served at this path, but not with this method."""

    reason = "METHOD_NOT_ALLOWED"

    def __init__(self, allow: str) -> None:
        super().__init__(f"此地址不接受这种请求方法，可用：{allow}。")
        self.allow = allow


class BodyBroken(Invalid):
    """The body ended before it was whole."""

    reason = "BODY_BROKEN"


class BodyTooSlow(Invalid):
    """The body did not arrive in time."""

    reason = "BODY_TOO_SLOW"


class HeadTooSlow(Invalid):
    """The request line and headers did not arrive in time."""

    reason = "HEAD_TOO_SLOW"


class BodyTooLarge(Invalid):
    """The body is longer than the call takes."""

    reason = "BODY_TOO_LARGE"

    def __init__(self, at_most: int) -> None:
        told = f"请求内容过大，最多 {at_most} 字节。"
        super().__init__(told, Violation("body", told))


class UrlTooLong(Invalid):
    """Path and query together are too long."""

    reason = "URL_TOO_LONG"

    def __init__(self, at_most: int, field: str) -> None:
        told = f"地址过长，路径和参数合计最多 {at_most} 字节。"
        super().__init__(told, Violation(field, told))


class HeadersTooLarge(Invalid):
    """The header fields together are too large."""

    reason = "HEADERS_TOO_LARGE"

    def __init__(self, at_most: int, field: str) -> None:
        told = f"请求头过大，合计最多 {at_most} 字节。"
        super().__init__(told, Violation(field, told))


class MediaTypeRefused(Invalid):
    """The body is in a format the call does not read."""

    reason = "MEDIA_TYPE_UNSUPPORTED"

    def __init__(self, told: str) -> None:
        super().__init__(told, Violation("body", told))


class RateLimited(Exhausted):
    """One address asks faster than it may; `retry_after` is in whole seconds."""

    reason = "RATE_LIMITED"

    def __init__(self, retry_after: int) -> None:
        super().__init__("请求过于频繁，请稍后再试。")
        self.retry_after = retry_after


class RequestTooSlow(Unavailable):
    """The gateway gave up a request after its whole time was used."""

    reason = "REQUEST_TIMED_OUT"


class GatewayBusy(Unavailable):
    """More callers are connected than the gateway takes."""

    reason = "GATEWAY_BUSY"


class GatewayStopping(Unavailable):
    """The gateway was stopped and did not wait for this request any longer."""

    reason = "GATEWAY_STOPPING"


class DepartmentUnavailable(Unavailable):
    """A department cannot be reached."""

    reason = "DEPARTMENT_UNAVAILABLE"


class DepartmentSlow(Unavailable):
    """A department did not answer within the deadline."""

    reason = "DEPARTMENT_TIMED_OUT"


class DepartmentFailed(Exception):
    """A department failed inside; nothing of why is for the caller."""
