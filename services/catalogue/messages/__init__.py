"""Domain values to protobuf messages and back. The only room that knows both shapes."""

from services.catalogue.messages.cards import KIND, card, card_message
from services.catalogue.messages.imports import mode_of, preview_message
from services.catalogue.messages.items import (
    IMPORTED,
    fact_message,
    import_message,
    item_message,
    item_of,
    record_json,
    version_message,
)
from services.catalogue.messages.quality import check_message, report_message

__all__ = [
    "IMPORTED",
    "KIND",
    "card",
    "card_message",
    "check_message",
    "fact_message",
    "import_message",
    "item_message",
    "item_of",
    "mode_of",
    "preview_message",
    "record_json",
    "report_message",
    "version_message",
]
