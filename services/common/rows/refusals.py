"""What is refused of a file of rows, and how much of one a call takes."""

from __future__ import annotations

from typing import Final

from services.common.errors import Invalid, Violation

LARGEST_FILE: Final = 4 * 1024 * 1024
MOST_ROWS: Final = 5000


class ImportUnreadable(Invalid):
    """The file is not JSON, JSON Lines, a workbook, or CSV in UTF-8 or GB 18030."""

    reason = "IMPORT_UNREADABLE"


class ImportTooLarge(Invalid):
    """The file has more bytes or rows than one call takes."""

    reason = "IMPORT_TOO_LARGE"


class ImportShapeUnknown(Invalid):
    """Nothing in the rows says what they are, or the shape named does not exist."""

    reason = "IMPORT_SHAPE_UNKNOWN"


def unreadable(text: str) -> ImportUnreadable:
    """The refusal of a file that cannot be read.

    Args:
        text: why, and what to do, in Chinese.
    """
    return ImportUnreadable(text, Violation("file", text))


def too_large() -> ImportTooLarge:
    """The refusal of a file that is more than a call takes."""
    text = f"每次最多 {MOST_ROWS} 行、4 MB，请分次导入。"
    return ImportTooLarge(text, Violation("file", text))
