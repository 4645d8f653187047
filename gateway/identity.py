"""Who stands at the door: anybody, or the operator who holds the token of this installation."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from gateway.refusals import TokenMissing, TokenWrong
from services.common.callers import ANONYMOUS, OPERATOR, Caller

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import Scope

_SCHEME = b"bearer "


class Identity:
    """Knows the operator by the token in a file; the file may change while the gateway runs.

    Args:
        token_file: one line; while it is absent or empty nobody is the operator.
    """

    def __init__(self, token_file: Path) -> None:
        self._file = token_file
        self._seen: tuple[int, int, int] | None = None
        self._token = b""

    def caller(self, scope: Scope) -> Caller:
        """Who makes the request of this ASGI scope.

        Raises:
            TokenWrong: a token came that is not the operator's; it is not let through as nobody.
        """
        authorization = next((v for k, v in scope["headers"] if k == b"authorization"), None)
        if authorization is None:
            return ANONYMOUS
        token = self._current()
        given = authorization[len(_SCHEME) :].strip()
        if (
            authorization[: len(_SCHEME)].lower() != _SCHEME
            or not token
            or not hmac.compare_digest(given, token)
        ):
            raise TokenWrong("身份凭证不正确，请核对 Authorization: Bearer 后的口令。")
        return OPERATOR

    def holds(self, scope: Scope) -> bool:
        """Whether it is the operator; a wrong token is nobody's."""
        try:
            return self.caller(scope) is OPERATOR
        except TokenWrong:
            return False

    def _current(self) -> bytes:
        try:
            about = self._file.stat()
            seen = (about.st_mtime_ns, about.st_ino, about.st_size)
            if seen != self._seen:
                self._token = self._file.read_bytes().strip()
                self._seen = seen
        except OSError:
            self._seen, self._token = None, b""
        return self._token


def require(caller: Caller) -> None:
    """Let only those through who showed who they are.

    Raises:
        TokenMissing: nobody in particular asks for what is not open to all.
    """
    if caller is ANONYMOUS:
        raise TokenMissing("此操作需要操作员凭证：请求头 Authorization: Bearer <口令>。")
