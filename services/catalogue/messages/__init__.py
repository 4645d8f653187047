"""Domain values to protobuf messages and back. The only room that knows both shapes."""

from services.catalogue.messages.basic_items import basic_fact, basic_item_of, basic_message
from services.catalogue.messages.cards import KIND, card, card_message
from services.catalogue.messages.dossier import part_message
from services.catalogue.messages.drafts import draft_content_of, judged, outline_message
from services.catalogue.messages.gaps import gap_message, reported_of
from services.catalogue.messages.imports import mode_of, preview_message
from services.catalogue.messages.items import (
    IMPORTED,
    PUBLISHED,
    fact_message,
    import_message,
    item_message,
    item_of,
    published_json,
    record_json,
    scheduled_fact,
    scheduled_message,
    scheduled_version_message,
    version_message,
)
from services.catalogue.messages.life_events import (
    event_fact,
    event_message,
    event_of,
    occasion_message,
)
from services.catalogue.messages.listing import asked_of, question_of
from services.catalogue.messages.lists import (
    ADJUSTMENT,
    adjusted_message,
    adjustment_card,
    adjustment_message,
    entry_message,
    kind_of,
    proposal_of,
)
from services.catalogue.messages.quality import check_message, report_message
from services.catalogue.messages.questionnaires import (
    answer_message,
    questionnaire_fact,
    questionnaire_message,
    questionnaire_of,
)
from services.catalogue.messages.synonyms import synonym_fact, synonyms_message, synonyms_of
from services.catalogue.messages.uses import opened_of, use_fact

__all__ = [
    "ADJUSTMENT",
    "IMPORTED",
    "KIND",
    "PUBLISHED",
    "adjusted_message",
    "adjustment_card",
    "adjustment_message",
    "answer_message",
    "asked_of",
    "basic_fact",
    "basic_item_of",
    "basic_message",
    "card",
    "card_message",
    "check_message",
    "draft_content_of",
    "entry_message",
    "event_fact",
    "event_message",
    "event_of",
    "fact_message",
    "gap_message",
    "import_message",
    "item_message",
    "item_of",
    "judged",
    "kind_of",
    "mode_of",
    "occasion_message",
    "opened_of",
    "outline_message",
    "part_message",
    "preview_message",
    "proposal_of",
    "published_json",
    "question_of",
    "questionnaire_fact",
    "questionnaire_message",
    "questionnaire_of",
    "record_json",
    "report_message",
    "reported_of",
    "scheduled_fact",
    "scheduled_message",
    "scheduled_version_message",
    "synonym_fact",
    "synonyms_message",
    "synonyms_of",
    "use_fact",
    "version_message",
]
