"""Questionnaires in MongoDB."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bson.int64 import Int64

from services.catalogue import messages
from services.catalogue.domain.questionnaires import KeptQuestionnaire, Questionnaire
from services.catalogue.store import versioned
from services.catalogue.store.documents import QUESTIONNAIRES, QuestionnaireDocument
from services.common import fields
from services.common.eventlog import outbox

if TYPE_CHECKING:
    from services.common.transaction import Unit

    Document = dict[str, Any]


class MongoQuestionnaires:
    """The questionnaires of one unit of work."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._rows = unit.database[QUESTIONNAIRES]
        self._ticks: dict[str, int] = {}

    def find(self, item_id: str) -> KeptQuestionnaire | None:
        document = self._rows.find_one({"_id": item_id}, session=self._unit.session)
        if document is None:
            return None
        self._ticks[item_id] = document["tick"]
        return KeptQuestionnaire(
            questionnaire=fields.restore(Questionnaire, document["questionnaire"]),
            version=int(document["version"]),
            active=document["active"],
            update_time=document["update_time"],
        )

    def save(self, kept: KeptQuestionnaire, *, newly: bool = False) -> KeptQuestionnaire:
        kept = replace(kept, update_time=self._unit.now)
        item_id = kept.questionnaire.item_id
        tick = outbox.next_tick(self._ticks.get(item_id, 0))
        document = {
            "_id": item_id,
            "version": Int64(kept.version),
            "tick": Int64(tick),
            "active": kept.active,
            "update_time": kept.update_time,
            "questionnaire": fields.plain(kept.questionnaire),
        }
        QuestionnaireDocument._from_son(document).validate()  # noqa: SLF001  (the one way in)
        versioned.write(self._rows, document, self._unit, "该情形引导")
        self._unit.tell(
            outbox.tell(
                messages.questionnaire_fact(kept, newly=newly),
                subject=f"questionnaire/{item_id}",
                version=kept.version,
                tick=tick,
            )
        )
        return kept
