"""Sets books in processes of their own: few at once, each with an end, equal ones only once."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections import OrderedDict
from contextlib import suppress
from hashlib import blake2b
from typing import Final

from gateway.refusals import DepartmentSlow, GatewayBusy

AT_ONCE: Final = 2
WAITING: Final = 6
"""More than these are told to come later."""
SECONDS: Final = 45.0
KEPT_BYTES: Final = 64 * 1024 * 1024
_NEEDED: Final = ("PATH", "PYTHONPATH", "LANG")
_CHILD: Final = (sys.executable, "-m", "gateway.handbook.child")

logger = logging.getLogger(__name__)


class NotSet(Exception):
    """The process that sets books failed: a defect, never what a department wrote."""


class Press:
    """Books by what is in them.

    Args:
        seconds: that a book may take.
        kept_bytes: of books that are remembered, the latest.
    """

    def __init__(self, seconds: float = SECONDS, kept_bytes: int = KEPT_BYTES) -> None:
        self._seconds = seconds
        self._most = kept_bytes
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._under_way: dict[str, tuple[asyncio.Task[bytes], list[None]]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    async def pdf(self, book: bytes) -> bytes:
        """A book as PDF; the work ends when nobody waits for it any more.

        Raises:
            GatewayBusy: too many others are being set.
            DepartmentSlow: it took too long.
        """
        key = digest(book)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._under_way:
            if len(self._under_way) >= AT_ONCE + WAITING:
                raise GatewayBusy("正在排版的办事指南太多，请稍后再试。")
            task = asyncio.create_task(self._set(key, book))
            self._under_way[key] = (task, [])
        task, waiting = self._under_way[key]
        waiting.append(None)
        try:
            return await asyncio.shield(task)
        finally:
            waiting.pop()
            if not waiting:
                task.cancel()
                if self._under_way.get(key) == (task, waiting):
                    del self._under_way[key]

    async def _set(self, key: str, book: bytes) -> bytes:
        async with self._places:
            pdf = await self._in_a_process(book)
        self._keep(key, pdf)
        return pdf

    async def _in_a_process(self, book: bytes) -> bytes:
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            *_CHILD, stdin=pipe, stdout=pipe, stderr=pipe, env=_environment()
        )
        try:
            async with asyncio.timeout(self._seconds):
                pdf, said = await child.communicate(book)
        except TimeoutError:
            raise DepartmentSlow("排版用时太长，请稍后再试。") from None
        finally:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()
        if child.returncode:
            logger.error("a book was not set: %s", said[-2000:].decode(errors="replace"))
            raise NotSet
        return pdf

    def _keep(self, key: str, pdf: bytes) -> None:
        self._kept[key] = pdf
        self._size += len(pdf)
        while self._size > self._most:
            _, dropped = self._kept.popitem(last=False)
            self._size -= len(dropped)


def _environment() -> dict[str, str]:
    """What a child needs to find its code, and nothing of what the gateway was told."""
    return {name: os.environ[name] for name in _NEEDED if name in os.environ}


def digest(book: bytes) -> str:
    """What a book is known by: the same contents, the same book."""
    return blake2b(book, digest_size=16).hexdigest()
