"""What the catalogue does: load, decide, save. No transport, no database.

`ports` says what that needs, `reach` whose items somebody may speak of.
"""

from services.catalogue.usecases.items import (
    check,
    get,
    import_items,
    list_quality,
    list_versions,
    publish,
    resume,
    suspend,
    withdraw,
)
from services.catalogue.usecases.lists import ListStore, adjust
from services.catalogue.usecases.ports import Marks, Store

__all__ = [
    "ListStore",
    "Marks",
    "Store",
    "adjust",
    "check",
    "get",
    "import_items",
    "list_quality",
    "list_versions",
    "publish",
    "resume",
    "suspend",
    "withdraw",
]
