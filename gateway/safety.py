"""The headers that every answer carries, so that no browser does more with it than show it."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Scope

Header = tuple[bytes, bytes]

PAGE_POLICY: Final = (
    # Nothing but this server's own style and script: what departments write can never run.
    b"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    b"img-src 'self' data:; form-action 'self'; "
    b"base-uri 'none'; frame-ancestors 'none'"
)
DATA_POLICY: Final = b"default-src 'none'; frame-ancestors 'none'"
_POLICY: Final = b"content-security-policy"
_UNUSED: Final = (
    *("accelerometer", "autoplay", "browsing-topics", "camera", "display-capture"),
    *("encrypted-media", "fullscreen", "geolocation", "gyroscope", "hid", "magnetometer"),
    *("microphone", "midi", "payment", "publickey-credentials-get", "screen-wake-lock", "serial"),
    *("usb", "xr-spatial-tracking"),
)
_ALWAYS: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", ", ".join(f"{name}=()" for name in _UNUSED).encode()),
    (b"x-frame-options", b"DENY"),
)
# A year; without subdomains, which may belong to others and be without TLS.
_BY_TLS_ONLY: Final = (b"strict-transport-security", b"max-age=31536000")
_LINE_BREAKING: Final = re.compile(rb"[\r\n\0]")

logger = logging.getLogger(__name__)


def guarding(scope: Scope, headers: Iterable[Header], *, by_tls: bool) -> list[Header]:
    """The headers of an answer, with those that guard it.

    A policy that the answer brings itself stays: a page may need less, or another place to send
    its form to. A header with a line break in it would begin another one: it is left out, and the
    log says that its maker has let something through.

    Args:
        by_tls: browsers reach the platform by TLS, whatever the last stretch to this process is.
    """
    kept = [*(field for field in headers if _is_one_line(field)), *_ALWAYS]
    if all(name.lower() != _POLICY for name, _ in kept):
        kept.append((_POLICY, PAGE_POLICY if _is_page(kept) else DATA_POLICY))
    if by_tls or scope.get("scheme") == "https":
        kept.append(_BY_TLS_ONLY)
    return kept


def guarding_data() -> tuple[Header, ...]:
    """The same for an answer that is written without the application; never a page."""
    return (*_ALWAYS, (_POLICY, DATA_POLICY))


def _is_one_line(header: Header) -> bool:
    name, value = header
    if not _LINE_BREAKING.search(name + value):
        return True
    logger.error("a header with a line break was left out: %r", name[:40])
    return False


def _is_page(headers: Iterable[Header]) -> bool:
    return any(
        name.lower() == b"content-type" and value.lower().startswith(b"text/html")
        for name, value in headers
    )
