"""Page sizes and tokens: a token is the position after the last row, and checks itself."""

import base64
import binascii
import json
from typing import Any

from services.common.errors import Invalid, Violation

DEFAULT_SIZE = 50
LARGEST_SIZE = 200
_WHOLE = range(-(2**63), 2**63)


class PageTokenInvalid(Invalid):
    """The token is not one this list gave for this question."""

    reason = "PAGE_TOKEN_INVALID"


class PageSizeInvalid(Invalid):
    """The page size is negative or too large."""

    reason = "PAGE_SIZE_INVALID"


def page_size(wanted: int) -> int:
    """How many rows to give: 0 means 50.

    Raises:
        PageSizeInvalid: negative or over 200.
    """
    if not 0 <= wanted <= LARGEST_SIZE:
        text = f"每页条数应为 1 到 {LARGEST_SIZE} 的整数。"
        raise PageSizeInvalid(text, Violation("page_size", text))
    return wanted or DEFAULT_SIZE


def page_token(question: str, position: list[Any]) -> str:
    """A token for the page after `position`; `question` names the list and its filters."""
    raw = _written(position)
    check = binascii.crc32(raw, binascii.crc32(question.encode())).to_bytes(4, "big")
    return base64.urlsafe_b64encode(check + raw).rstrip(b"=").decode()


def page_position(question: str, token: str, length: int = 1) -> list[Any] | None:
    """The position that `token` stands for; None for the first page.

    Raises:
        PageTokenInvalid: not a token of this list with these filters.
    """
    if not token:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        check = binascii.crc32(raw[4:], binascii.crc32(question.encode())).to_bytes(4, "big")
        position = json.loads(raw[4:]) if raw[:4] == check else None
        position = position if _written(position) == raw[4:] else None
    except (ValueError, RecursionError):
        position = None
    # The check tells mistakes from tokens, not forgers: what goes into a query is a plain value.
    if not isinstance(position, list) or len(position) != length or not _plain(position):
        raise token_invalid()
    return position


def token_invalid() -> PageTokenInvalid:
    """The refusal of a token; also of one that stands for what no row of the list has."""
    text = "翻页标记无效，请从第一页重新查询。"
    return PageTokenInvalid(text, Violation("page_token", text))


def _written(position: Any) -> bytes:
    """The one way to write a position; a lone surrogate has none and is a ValueError."""
    return json.dumps(position, ensure_ascii=False).encode()


def _plain(position: list[Any]) -> bool:
    """Whether each part can be asked of the database: a text, or a whole number of 64 bits."""
    return all(
        isinstance(part, str) or (isinstance(part, int) and part in _WHOLE) for part in position
    )
