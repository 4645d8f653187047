"""What the catalogue does: load, decide, save. No transport, no database.

`ports` says what that needs, `reach` whose items somebody may speak of.
"""

from services.catalogue.usecases.imports import import_items, preview_import
from services.catalogue.usecases.items import (
    check,
    get,
    list_quality,
    list_versions,
    publish,
    resume,
    suspend,
    withdraw,
)
from services.catalogue.usecases.ports import Marks, Store

__all__ = [
    "Marks",
    "Store",
    "check",
    "get",
    "import_items",
    "list_quality",
    "list_versions",
    "preview_import",
    "publish",
    "resume",
    "suspend",
    "withdraw",
]
