"""What readers of the files are told of them."""

from __future__ import annotations

from typing import Final

LICENCE: Final = "可自由使用，注明来源"
MOST_ROWS: Final = 200_000
"""Items in the workbook; spreadsheets open a million rows, but not on every machine."""
