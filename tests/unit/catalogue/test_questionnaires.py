"""Questionnaires: trees that end, with examples that are run."""

import copy
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalogue.domain import item_of, questionnaires
from services.catalogue.domain.questionnaires import (
    AnswerInvalid,
    QuestionnaireInvalid,
    QuestionnaireNotFound,
    check_fits,
    questionnaire_of,
    reached,
)
from tests.publications import ITEM, QUESTIONNAIRE

pytestmark = pytest.mark.rule("I-11")
TWO = {
    "item_id": "T-1",
    "questions": [
        {
            "key": "place",
            "question": "有固定的经营场所吗？",
            "options": [
                {"label": "是", "leads_to": "staff"},
                {"label": "否", "leads_to": "cannot"},
            ],
        },
        {
            "key": "staff",
            "question": "有食品安全管理人员吗？",
            "options": [
                {"label": "是", "leads_to": "can"},
                {"label": "否", "leads_to": "cannot"},
            ],
        },
    ],
    "outcomes": [
        {"key": "can", "eligible": True, "says": "可以申请。"},
        {"key": "cannot", "says": "暂时不能申请。"},
    ],
    "examples": [
        {"answers": ["是", "是"], "outcome": "can"},
        {"answers": ["否"], "outcome": "cannot"},
    ],
}


def changed(change):
    made = copy.deepcopy(TWO)
    change(made)
    return made


def faults(record):
    with pytest.raises(QuestionnaireInvalid) as refusal:
        questionnaire_of(record)
    return [one.field for one in refusal.value.violations]


def test_answers_lead_from_question_to_question_and_to_an_outcome():
    made = questionnaire_of(TWO)
    assert reached(made, ()).question.key == "place"
    assert reached(made, ("是",)).question.key == "staff"
    assert reached(made, ("是", "是")).outcome.key == "can"
    assert reached(made, ("否",)).outcome.key == "cannot"


@pytest.mark.parametrize("answers", [("也许",), ("否", "是"), ("是", "是", "是"), ("",)])
def test_an_answer_that_is_no_option_is_refused(answers):
    with pytest.raises(AnswerInvalid):
        reached(questionnaire_of(TWO), answers)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda m: m["questions"][1]["options"][0].update(leads_to="place"), "questions"),
        (lambda m: m["questions"][0]["options"][0].update(leads_to="place"), "questions"),
        (lambda m: m["questions"][0]["options"][0].update(leads_to="x"), "questions[0].options"),
        (lambda m: m["questions"][0]["options"][0].update(label="否"), "questions[0].options"),
        (lambda m: m["outcomes"][0].update(key="place"), "questions"),
        (lambda m: m["questions"][0]["options"][0].update(leads_to="can"), "questions[1]"),
        (lambda m: m["examples"][0].update(outcome="cannot"), "examples[0]"),
        (lambda m: m["examples"][0].update(answers=["是"]), "examples[0]"),
        (lambda m: m["examples"].pop(1), "outcomes[1]"),
        (lambda m: m.update(examples=[]), "examples"),
        (lambda m: m["examples"][0].update(answers="是"), "examples[0].answers"),
        (lambda m: m.update(surprise=1), "surprise"),
        (lambda m: m["questions"][0].update(options=[]), "questions[0].options"),
    ],
)
def test_a_tree_that_does_not_end_or_an_example_that_fails_is_refused(change, field):
    assert faults(changed(change))[0] == field


def test_an_outcome_names_what_the_item_has():
    materials = [{"name": "申请书"}]
    ways = [{"code": "T-1-01", "name": "新办", "materials": ["申请书"]}]
    item = item_of(ITEM | {"materials": materials, "handle_items": ways})

    def outcome(**said):
        return questionnaire_of(changed(lambda made: made["outcomes"][0].update(said)))

    check_fits(outcome(handle_item="T-1-01", materials=["申请书"]), item)
    for said, field in (
        ({"handle_item": "T-1-02"}, "outcomes[0].handle_item"),
        ({"materials": ["身份证"]}, "outcomes[0].materials"),
    ):
        with pytest.raises(QuestionnaireInvalid) as refusal:
            check_fits(outcome(**said), item)
        assert [one.field for one in refusal.value.violations] == [field]


def test_publishing_says_nothing_twice_and_taking_back_is_done_once():
    made = questionnaire_of(QUESTIONNAIRE)
    first = questionnaires.publish(None, made)
    assert (first.version, first.active) == (1, True)
    assert questionnaires.publish(first, made) is None
    gone = questionnaires.withdraw(first)
    assert (gone.version, gone.active) == (2, False)
    with pytest.raises(QuestionnaireNotFound):
        questionnaires.withdraw(gone)
    assert questionnaires.publish(gone, made).version == 3


@given(st.lists(st.sampled_from(["是", "否"]), max_size=6))
def test_whatever_is_answered_leads_somewhere_or_is_refused(answers):
    made = questionnaire_of(TWO)
    try:
        found = reached(made, answers)
    except AnswerInvalid:
        assert len(answers) > 1
    else:
        assert (found.question is None) != (found.outcome is None)


def test_every_whole_way_ends_in_an_outcome():
    made = questionnaire_of(TWO)
    for answers in product(("是", "否"), repeat=2):
        way = answers[:1] if answers[0] == "否" else answers
        assert reached(made, way).outcome is not None
