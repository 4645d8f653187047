"""Questionnaires on a real database."""

from dataclasses import replace

import pytest

from services.catalogue import domain, usecases
from services.catalogue import store as catalogue_store
from services.catalogue.domain.questionnaires import QuestionnaireNotFound, questionnaire_of
from services.catalogue.store import MongoQuestionnaires, MongoStore
from services.common.access import OutOfReach
from services.common.errors import Stale
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.publications import ITEM, QUESTIONNAIRE, QUJING, officer

pytestmark = pytest.mark.rule("I-11")


@pytest.fixture
def keeping(database, committed, planned):
    catalogue_store.ensure(database)
    item = domain.item_of(ITEM)
    committed(lambda unit: usecases.publish(item, seen=0, caller=SYSTEM, store=MongoStore(unit)))
    return committed


def publish(unit, caller=SYSTEM, seen=0, **changes):
    return usecases.publish_questionnaire(
        questionnaire_of(QUESTIONNAIRE | changes),
        seen=seen,
        caller=caller,
        rows=MongoQuestionnaires(unit),
        store=MongoStore(unit),
    )


def withdraw(unit, seen=0):
    return usecases.withdraw_questionnaire(
        "T-1", seen=seen, caller=SYSTEM, rows=MongoQuestionnaires(unit), store=MongoStore(unit)
    )


def answer(unit, *answers):
    return usecases.answer("T-1", answers, rows=MongoQuestionnaires(unit))


def test_what_is_published_is_asked_until_it_is_taken_back(keeping):
    kept = keeping(publish)
    assert (kept.version, kept.update_time) == (1, NOW)
    found, reached = keeping(lambda unit: answer(unit, "有"))
    assert (found, reached.outcome.eligible) == (kept, True)
    keeping(withdraw)
    with pytest.raises(QuestionnaireNotFound):
        keeping(answer)
    assert keeping(publish).version == 3


def test_only_an_item_that_is_there_has_one(keeping):
    with pytest.raises(domain.ItemNotFound):
        keeping(lambda unit: publish(unit, item_id="nowhere"))
    with pytest.raises(QuestionnaireNotFound):
        keeping(answer)


def test_two_changes_from_one_version_are_not_both_made(keeping):
    keeping(publish)
    with pytest.raises(Stale):
        keeping(lambda unit: withdraw(unit, seen=7))
    keeping(lambda unit: withdraw(unit, seen=1))


def test_who_publishes_answers_for_the_item(keeping):
    editor = officer("editor", "item_editor")
    keeping(lambda unit: publish(unit, editor))
    with pytest.raises(OutOfReach):
        keeping(lambda unit: publish(unit, replace(editor, region=QUJING)))
