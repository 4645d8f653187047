"""Questionnaires: publish, withdraw, and where answers lead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from services.catalogue.domain import questionnaires
from services.catalogue.usecases.reach import check_reach
from services.common.errors import Stale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.catalogue.domain import Item
    from services.catalogue.domain.questionnaires import KeptQuestionnaire, Questionnaire, Reached
    from services.catalogue.usecases.ports import Store
    from services.common.access import Caller


class Questionnaires(Protocol):
    """What use cases of questionnaires need to remember things."""

    def find(self, item_id: str) -> KeptQuestionnaire | None:
        """The questionnaire of an item, asked or taken back."""

    def save(self, kept: KeptQuestionnaire, *, newly: bool = False) -> KeptQuestionnaire:
        """Write it and tell its fact; `newly`: it was not asked before. Raises: Stale."""


def publish_questionnaire(
    made: Questionnaire, *, seen: int, caller: Caller, rows: Questionnaires, store: Store
) -> KeptQuestionnaire:
    """Publish the questionnaire of an item.

    Raises:
        ItemNotFound, OutOfReach (Rule P-23), QuestionnaireInvalid, Stale.
    """
    item = _own_item(made.item_id, caller, store)
    questionnaires.check_fits(made, item)
    kept = rows.find(made.item_id)
    _check_version(kept, seen)
    changed = questionnaires.publish(kept, made)
    if changed is None:
        assert kept is not None  # only what is kept can be said already
        return kept
    return rows.save(changed, newly=kept is None or not kept.active)


def withdraw_questionnaire(
    item_id: str, *, seen: int, caller: Caller, rows: Questionnaires, store: Store
) -> KeptQuestionnaire:
    """Take the questionnaire of an item back.

    Raises:
        ItemNotFound, OutOfReach (Rule P-23), QuestionnaireNotFound, Stale.
    """
    _own_item(item_id, caller, store)
    kept = rows.find(item_id)
    if kept is None:
        raise questionnaires.QuestionnaireNotFound
    _check_version(kept, seen)
    return rows.save(questionnaires.withdraw(kept))


def answer(
    item_id: str, answers: Sequence[str], *, rows: Questionnaires
) -> tuple[KeptQuestionnaire, Reached]:
    """Where the answers lead so far.

    Raises:
        QuestionnaireNotFound, AnswerInvalid.
    """
    kept = rows.find(item_id)
    if kept is None or not kept.active:
        raise questionnaires.QuestionnaireNotFound
    return kept, questionnaires.reached(kept.questionnaire, answers)


def _own_item(item_id: str, caller: Caller, store: Store) -> Item:
    item = store.get(item_id).item
    check_reach(caller, item.dept_code, item.region_code)
    return item


def _check_version(kept: KeptQuestionnaire | None, seen: int) -> None:
    if seen and seen != (kept.version if kept else 0):
        raise Stale("该情形引导已被他人修改，请重新读取后再提交。")
