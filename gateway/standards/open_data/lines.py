"""Items as lines of JSON, each as the REST API gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from zhengtong.catalogue.v1 import catalogue_pb2

from gateway.transcode.answers import Printer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Sequence

_DESCRIPTOR: Any = catalogue_pb2.Item.DESCRIPTOR
_PRINT: Final = Printer(_DESCRIPTOR)
CHUNK: Final = 64 * 1024


async def lines(
    pages: AsyncIterable[Sequence[catalogue_pb2.Item]],
) -> AsyncGenerator[bytes, None]:
    """The file, in chunks of whole lines."""
    async for items in pages:
        chunk = bytearray()
        for item in items:
            chunk += orjson.dumps(_PRINT(item), option=orjson.OPT_APPEND_NEWLINE)
            if len(chunk) >= CHUNK:
                yield bytes(chunk)
                chunk.clear()
        if chunk:
            yield bytes(chunk)
