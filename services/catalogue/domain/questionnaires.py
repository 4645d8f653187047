"""Questionnaires (情形引导): a few questions that tell an applicant what applies to them.

Each is a small decision tree as data, with examples that are run whenever it is published.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from services.common.errors import Invalid, NotFound, Violation
from services.common.fields import (
    FieldInvalid,
    Reader,
    flag,
    matching,
    read_record,
    records,
    text,
    texts,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.catalogue.domain.item import Item

MOST_QUESTIONS: Final = 50
MOST_OPTIONS: Final = 12
SERVER_FIELDS: Final = frozenset({"version", "active", "update_time"})


class QuestionnaireInvalid(Invalid):
    """The record cannot be a questionnaire; each violation names a field."""

    reason = "QUESTIONNAIRE_INVALID"


class QuestionnaireNotFound(NotFound):
    """The item has no questionnaire."""

    reason = "QUESTIONNAIRE_NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("该事项没有情形引导。")


class AnswerInvalid(Invalid):
    """An answer is none of the question's options."""

    reason = "ANSWER_INVALID"

    def __init__(self) -> None:
        wanted = "答案不在选项之中，请从头回答。"
        super().__init__(wanted, Violation("answers", wanted))


@dataclass(frozen=True, slots=True)
class Option:
    """An answer, and what follows: the key of a question or of an outcome."""

    label: str = ""
    leads_to: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question of the tree."""

    key: str = ""
    question: str = ""
    explain: str = ""
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What applies to somebody.

    Args:
        eligible: the item can be applied for.
        handle_item: code of the 业务办理项 that is theirs; empty: the item itself.
        materials: names of those that they hand in; none: all.
    """

    key: str = ""
    eligible: bool = False
    says: str = ""
    handle_item: str = ""
    materials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """Answers in their order, by label, and the key of the outcome that they have to lead to."""

    answers: tuple[str, ...] = ()
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """The decision tree of one item; the first question begins it."""

    item_id: str = ""
    questions: tuple[Ask, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptQuestionnaire:
    """A questionnaire as the catalogue keeps it.

    Args:
        active: it is asked; False: taken back.
    """

    questionnaire: Questionnaire
    version: int
    active: bool = True
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """Where answers lead: to a question, or to an outcome."""

    question: Ask | None = None
    outcome: Outcome | None = None


def _answers() -> Reader:
    """Labels in their order; two questions may be answered alike."""
    one = text(100).read

    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or len(value) > MOST_QUESTIONS:
            raise FieldInvalid(f"应为不超过 {MOST_QUESTIONS} 项的列表")
        return tuple(str(one(part)) for part in value)

    return Reader(read, ())


_KEY: Final = matching(r"[a-z0-9][a-z0-9-]{0,39}", 40, "小写字母、数字和连字符组成的标识")
_OPTION: Final = {"label": text(100), "leads_to": _KEY}
_QUESTION: Final = {
    "key": _KEY,
    "question": text(300),
    "explain": text(1000, lines=True),
    "options": records(Option, _OPTION, count=MOST_OPTIONS, required=("label", "leads_to")),
}
_OUTCOME: Final = {
    "key": _KEY,
    "eligible": flag(),
    "says": text(1000, lines=True),
    "handle_item": text(50),
    "materials": texts(300, 100),
}
_EXAMPLE: Final = {"answers": _answers(), "outcome": _KEY}
READERS: Final = {
    "item_id": text(64),
    "questions": records(
        Ask, _QUESTION, count=MOST_QUESTIONS, required=("key", "question", "options")
    ),
    "outcomes": records(Outcome, _OUTCOME, count=MOST_QUESTIONS, required=("key", "says")),
    "examples": records(Example, _EXAMPLE, count=200, required=("answers", "outcome")),
}


def questionnaire_of(values: Mapping[str, Any]) -> Questionnaire:
    """The questionnaire in a record, as JSON or the message has it.

    Rule I-11: every way through it ends, every outcome can be reached and has an example, and
    every example leads where it says.

    Raises:
        QuestionnaireInvalid: with each field at fault.
    """
    given, wrong = read_record(values, READERS, required=tuple(READERS), ignored=SERVER_FIELDS)
    made = Questionnaire(**given)
    wrong = wrong or _shape_faults(made) or _example_faults(made)
    if wrong:
        raise QuestionnaireInvalid("情形引导有误，请按提示更正。", *wrong)
    return made


def check_fits(made: Questionnaire, item: Item) -> None:
    """Rule I-11: an outcome names 业务办理项 and materials that the item has.

    Raises:
        QuestionnaireInvalid
    """
    codes = {one.code for one in item.handle_items}
    names = {one.name for one in item.materials}
    wrong = [
        Violation(f"outcomes[{place}].{field}", told)
        for place, one in enumerate(made.outcomes)
        for field, fault, told in (
            ("handle_item", one.handle_item and one.handle_item not in codes, _NO_WAY),
            ("materials", not names.issuperset(one.materials), _NO_MATERIAL),
        )
        if fault
    ]
    if wrong:
        raise QuestionnaireInvalid("情形引导与事项不一致，请按提示更正。", *wrong)


_NO_WAY: Final = "事项没有这个业务办理项"
_NO_MATERIAL: Final = "事项的申请材料中没有这些材料"


def reached(made: Questionnaire, answers: Sequence[str]) -> Reached:
    """Where the answers lead so far.

    Args:
        answers: labels of options, in the order of the questions.

    Raises:
        AnswerInvalid: one is no option of its question, or there are more than are asked for.
    """
    outcomes = {one.key: one for one in made.outcomes}
    questions = {one.key: one for one in made.questions}
    question: Ask | None = made.questions[0]
    outcome: Outcome | None = None
    for answer in answers:
        if question is None:
            raise AnswerInvalid
        chosen = next((one for one in question.options if one.label == answer), None)
        if chosen is None:
            raise AnswerInvalid
        question, outcome = questions.get(chosen.leads_to), outcomes.get(chosen.leads_to)
    return Reached(question, outcome)


def publish(kept: KeptQuestionnaire | None, made: Questionnaire) -> KeptQuestionnaire | None:
    """Publish a questionnaire; what is said already changes nothing: None."""
    if kept is None:
        return KeptQuestionnaire(made, version=1)
    if kept.active and kept.questionnaire == made:
        return None
    return KeptQuestionnaire(made, version=kept.version + 1)


def withdraw(kept: KeptQuestionnaire) -> KeptQuestionnaire:
    """Take a questionnaire back. Raises: QuestionnaireNotFound, where it is not asked."""
    if not kept.active:
        raise QuestionnaireNotFound
    return replace(kept, version=kept.version + 1, active=False)


def _shape_faults(made: Questionnaire) -> list[Violation]:
    keys = [*(one.key for one in made.questions), *(one.key for one in made.outcomes)]
    if len(set(keys)) < len(keys):
        return [Violation("questions", "问题和结论的标识不得重复")]
    wrong = [
        Violation(f"questions[{place}].options", "选项的文字不得重复")
        for place, one in enumerate(made.questions)
        if len({option.label for option in one.options}) < len(one.options)
    ]
    wrong += [
        Violation(f"questions[{place}].options", "选项须指向已有的问题或者结论")
        for place, one in enumerate(made.questions)
        if any(option.leads_to not in keys for option in one.options)
    ]
    return wrong or _way_faults(made)


def _way_faults(made: Questionnaire) -> list[Violation]:
    """Ways that go round in a circle, and what no way leads to."""
    following = {one.key: {option.leads_to for option in one.options} for one in made.questions}
    seen, under_way = set[str](), set[str]()

    def circles(key: str) -> bool:
        if key in under_way:
            return True
        if key in seen:
            return False
        seen.add(key)
        under_way.add(key)
        found = any(circles(one) for one in following.get(key, ()))
        under_way.discard(key)
        return found

    if circles(made.questions[0].key):
        return [Violation("questions", "问题不得循环，每种回答最后都应得出结论")]
    named = [(f"questions[{place}]", one.key) for place, one in enumerate(made.questions)]
    named += [(f"outcomes[{place}]", one.key) for place, one in enumerate(made.outcomes)]
    return [Violation(field, "没有任何回答会到达这里") for field, key in named if key not in seen]


def _example_faults(made: Questionnaire) -> list[Violation]:
    wrong = [
        Violation(f"examples[{place}]", "按这些回答得不到所写的结论")
        for place, one in enumerate(made.examples)
        if not _holds(made, one)
    ]
    shown = {one.outcome for one in made.examples}
    return wrong + [
        Violation(f"outcomes[{place}]", "请为这个结论至少写一个例子")
        for place, one in enumerate(made.outcomes)
        if one.key not in shown
    ]


def _holds(made: Questionnaire, example: Example) -> bool:
    try:
        outcome = reached(made, example.answers).outcome
    except AnswerInvalid:
        return False
    return outcome is not None and outcome.key == example.outcome
