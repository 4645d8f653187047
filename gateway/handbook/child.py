"""The process that sets one book: a book as JSON comes in, its PDF goes out.

A process of its own, so that a book that takes too long or too much can be ended.
"""

from __future__ import annotations

import resource
import sys
from importlib.resources import files
from pathlib import Path
from typing import Final

import orjson
import segno
import typst

MEMORY: Final = 3 * 1024**3
"""Address space, far more than what is touched: threads and fonts are mapped into it."""
SECONDS: Final = 90
"""Of processor; the gateway ends the process by the clock before that."""
TEMPLATE: Final = Path(__file__).with_name("book.typ")
FONTS: Final = "pylopdf_fonts_zh_cn"


def set_book(book: bytes) -> bytes:
    """A book as PDF.

    Args:
        book: JSON, as gateway.handbook.sheets makes it; each item's `url` becomes its QR code.
    """
    told = orjson.loads(book)
    for item in told["items"]:
        item["qr"] = segno.make(item["url"], error="m", micro=False).svg_inline(border=2)
    pdf: bytes = typst.compile(  # type: ignore[misc]  # its stub leaves a parameter open
        TEMPLATE,
        root=TEMPLATE.parent,
        font_paths=[str(files(FONTS))],
        ignore_system_fonts=True,
        pdf_tags=len(told["items"]) == 1,
        sys_inputs={"book": orjson.dumps(told).decode()},
    )
    return pdf


def main() -> None:
    """Set the book on standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.buffer.write(set_book(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
