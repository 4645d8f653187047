"""The gateway's own ways to say no; those of the departments pass through with their reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.common.errors import (
    Denied,
    Exhausted,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
    Violation,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class RequestInvalid(Invalid):
    """The request does not have the shape its contract gives."""

    reason = "REQUEST_INVALID"


class TokenMissing(Unauthenticated):
    """The call needs a token and none came with it."""

    reason = "TOKEN_MISSING"


class TokenWrong(Unauthenticated):
    """A token or key came that is nobody's, or nobody's any more."""

    reason = "TOKEN_WRONG"


class PurposeInvalid(Invalid):
    """The header that says why protected data are asked for is no text, or too long."""

    reason = "PURPOSE_INVALID"


class SignInStale(Invalid):
    """A sign-in with an outside provider that this browser did not begin here, or too long ago."""

    reason = "SIGN_IN_STALE"

    def __init__(self) -> None:
        super().__init__("这次登录已过期，或不是从本站开始的，请重新登录。")


class ProviderRefused(Denied):
    """The outside provider signed nobody in."""

    reason = "PROVIDER_REFUSED"

    def __init__(self, *, cancelled: bool = False) -> None:
        super().__init__(
            "您取消了登录，或没有同意提供所需的信息。"
            if cancelled
            else "对方没有完成登录，请重新登录。"
        )


class ProviderAnswerWrong(Unauthenticated):
    """What the outside provider answered does not prove who somebody is."""

    reason = "PROVIDER_ANSWER_WRONG"

    def __init__(self) -> None:
        super().__init__("对方提供的登录信息没有通过核验，为安全起见未予登录，请重新登录。")


class ProviderDown(Unavailable):
    """The outside provider cannot be reached."""

    reason = "PROVIDER_DOWN"

    def __init__(self) -> None:
        super().__init__("对方的登录服务暂时没有应答，请稍后再试，或用登录名和密码登录。")


class FormForged(Denied):
    """A form that changes something was not given out by a page of ours to this browser."""

    reason = "FORM_FORGED"

    def __init__(self) -> None:
        super().__init__("页面已过期，或请求不是由本站页面发出。请刷新页面后重新提交。")


class RouteUnknown(NotFound):
    """Nothing is served at this path."""

    reason = "ROUTE_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("此地址没有提供任何服务，请核对路径。")


class DepartmentUnknown(NotFound):
    """The path names a department that is none."""

    reason = "DEPARTMENT_UNKNOWN"

    def __init__(self, known: Iterable[str]) -> None:
        text = f"没有这个部门，可用：{'、'.join(known)}。"
        super().__init__(text, Violation("department", text))


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


class UploadTypeRefused(Invalid):
    """The file is not of a kind that can be imported, or not of the kind it is said to be."""

    reason = "UPLOAD_TYPE_REFUSED"

    def __init__(self, told: str) -> None:
        super().__init__(told, Violation("file", told))


class FileNameRefused(Invalid):
    """A file's name could lead elsewhere, or be mistaken for another."""

    reason = "FILE_NAME_REFUSED"

    def __init__(self, told: str) -> None:
        super().__init__(told, Violation("filename", told))


class AddressRefused(Invalid):
    """The platform sends no request to this address."""

    reason = "OUTBOUND_ADDRESS_REFUSED"


class AnswerRefused(Unavailable):
    """Another server's answer was too long, too slow or packed."""

    reason = "OUTBOUND_ANSWER_REFUSED"


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


class DepartmentPaused(DepartmentUnavailable):
    """A department gave no answer several times in a row and is not asked; in whole seconds."""

    reason = "DEPARTMENT_PAUSED"

    def __init__(self, department: str, retry_after: int) -> None:
        super().__init__(f"部门 {department} 连续多次没有答复，暂停访问，请稍后再试。")
        self.retry_after = retry_after


class DepartmentBusy(DepartmentUnavailable):
    """As many calls to a department are under way as may be."""

    reason = "DEPARTMENT_BUSY"

    def __init__(self, department: str) -> None:
        super().__init__(f"部门 {department} 正在处理的请求过多，请稍后再试。")


class DepartmentSlow(Unavailable):
    """A department did not answer within the deadline."""

    reason = "DEPARTMENT_TIMED_OUT"


class DepartmentFailed(Exception):
    """A department failed inside; nothing of why is for the caller."""


class CallUnknown(DepartmentFailed):
    """A department does not serve the call at all."""
