"""Where one request's head ends, and what is kept of it, before any parser sees it."""

from __future__ import annotations

import re
from typing import Final

KEPT: Final = 64 * 1024
"""Bytes of a head that are kept: more than a request may have (gateway/limits.py)."""
READ: Final = 8 * 1024 * 1024
"""Bytes of a head that are read, so that a caller who is still sending gets its answer."""

_END = re.compile(rb"\n\r?\n")
_ABOVE_ASCII = re.compile(rb"[\x80-\xff]")
_CLOSE = b"Connection: close\r\n\r\n"


class Head:
    """Collects a head of any length, in not much more than `KEPT` bytes of memory.

    Attributes:
        size: bytes of the head so far.
    """

    __slots__ = ("_kept", "_tail", "size")

    def __init__(self) -> None:
        self._kept = bytearray()
        self._tail = b""
        self.size = 0

    def take(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Take the bytes that came; once the head is whole, what to parse and what came behind it.

        A head of more than `KEPT` bytes is shortened: it still parses, and ends the connection. One
        of more than `READ` ends there. What does not begin with a letter is no head: the parser
        refuses it at once.
        """
        if not self.size:
            data = data.lstrip(b"\r\n")
            if data and not data[:1].isalpha():
                return data, b""
        seen = self._tail + data
        found = _END.search(seen)
        came = found.end() - len(self._tail) if found else len(data)
        self.size += came
        self._kept += data[: min(came, KEPT - len(self._kept))]
        self._tail = seen[-2:]
        if found or self.size > READ:
            return self._parsable(), data[came:]
        return None

    def _parsable(self) -> bytes:
        head = bytes(self._kept)
        if self.size > KEPT:
            head = _shortened(head)
        line, newline, rest = head.partition(b"\n")
        return head if line.isascii() else _percent_encoded(line) + newline + rest


def _shortened(head: bytes) -> bytes:
    """A head cut off somewhere, ended so that it parses and is the connection's last."""
    lines, newline, cut = head.rpartition(b"\n")
    if not newline:
        return b" ".join(cut.split(b" ")[:2]) + b" HTTP/1.1\r\n" + _CLOSE
    has_name = b":" in cut[1:]
    return lines + newline + (cut.rstrip(b"\r") + b"\r\n" if has_name else b"") + _CLOSE


def _percent_encoded(line: bytes) -> bytes:
    """A request line as RFC 3986 wants it: `curl '…?q=食品'` sends UTF-8 as it is."""
    return _ABOVE_ASCII.sub(lambda found: b"%%%02X" % ord(found[0]), line)
