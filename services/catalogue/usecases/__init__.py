"""What the catalogue does: load, decide, save. No transport, no database.

`ports` says what that needs, `reach` whose items somebody may speak of.
"""

from services.catalogue.usecases.basic_items import (
    Basics,
    get_basic,
    publish_basic,
    withdraw_basic,
)
from services.catalogue.usecases.drafts import (
    Drafts,
    Origin,
    Scope,
    discard_draft,
    get_draft,
    judge_draft,
    list_drafts,
    publish_from,
    save_draft,
)
from services.catalogue.usecases.gaps import Gaps, list_gaps, report_gaps, settle_gap
from services.catalogue.usecases.imports import import_items, preview_import
from services.catalogue.usecases.items import (
    bring_into_force,
    check,
    get,
    list_quality,
    list_versions,
    part_of,
    publish,
    resume,
    suspend,
    unschedule,
    withdraw,
)
from services.catalogue.usecases.life_events import (
    Events,
    Occasion,
    get_event,
    publish_event,
    withdraw_event,
)
from services.catalogue.usecases.lists import ListStore, adjust
from services.catalogue.usecases.ports import Marks, Store
from services.catalogue.usecases.questionnaires import (
    Questionnaires,
    answer,
    publish_questionnaire,
    withdraw_questionnaire,
)
from services.catalogue.usecases.succession import Succession, succeed
from services.catalogue.usecases.synonyms import (
    Synonyms,
    get_synonyms,
    remove_synonyms,
    save_synonyms,
)
from services.catalogue.usecases.uses import Uses, let_fall, report_uses

__all__ = [
    "Basics",
    "Drafts",
    "Events",
    "Gaps",
    "ListStore",
    "Marks",
    "Occasion",
    "Origin",
    "Questionnaires",
    "Scope",
    "Store",
    "Succession",
    "Synonyms",
    "Uses",
    "adjust",
    "answer",
    "bring_into_force",
    "check",
    "discard_draft",
    "get",
    "get_basic",
    "get_draft",
    "get_event",
    "get_synonyms",
    "import_items",
    "judge_draft",
    "let_fall",
    "list_drafts",
    "list_gaps",
    "list_quality",
    "list_versions",
    "part_of",
    "preview_import",
    "publish",
    "publish_basic",
    "publish_event",
    "publish_from",
    "publish_questionnaire",
    "remove_synonyms",
    "report_gaps",
    "report_uses",
    "resume",
    "save_draft",
    "save_synonyms",
    "settle_gap",
    "succeed",
    "suspend",
    "unschedule",
    "withdraw",
    "withdraw_basic",
    "withdraw_event",
    "withdraw_questionnaire",
]
