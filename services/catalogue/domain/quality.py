"""The quality rules of items (Q-1 …): what a complete and correct guide looks like.

What each rule says, what it weighs, whether it keeps an item from being published, and examples
that pass and fail it stand in quality.json; here is how each is judged.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from services.catalogue.domain.tables import ON_APPLICATION
from services.common.errors import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from services.catalogue.domain.item import Item

PERMIT: Final = "01"
BY_POST: Final = "4"
PERSON: Final = "1"
NOTHING: Final = "无"
STATUTORY_DAYS: Final = 20
WORKING_DAYS: Final = "1"
ALL_ONLINE: Final = frozenset({"2", "4", "5", "6"})
STEPS: Final = (("受理",), ("审核", "审查"), ("审批", "决定", "批准"), ("办结",), ("送达",))
FINISH_BY_RESULT: Final = (("批复", "3"), ("批文", "3"), ("证", "1"), ("文", "2"))
_PHONE: Final = re.compile(r"(?<![0-9])0[0-9]{2,3}[-—－ ]?[0-9]{7,8}(?![0-9])")
_INSTANT: Final = re.compile("即办|即时|当场")
_LAW: Final = re.compile("法(?![规律院人])|条例|国务院")
_CATCH_ALL: Final = re.compile(
    "(?:其他|其它)(?:相关|有关|必要|需要|证明)?(?:的)?(?:材料|资料|文件)$|等$"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A quality rule.

    Args:
        says: what it asks for, in Chinese.
        blocking: an item that fails it is not published.
        weight: what it counts in the score.
        passes: fields of items that pass it, over the least that an item has.
        fails: fields of items that fail it.
    """

    number: str
    says: str
    blocking: bool
    weight: int
    source: str
    mark: str
    passes: tuple[Mapping[str, Any], ...]
    fails: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that an item fails, and the fields at fault.

    Args:
        share: how much of the rule's weight it costs, above 0 to 1.
    """

    rule: Rule
    fields: tuple[str, ...]
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Quality:
    """What the rules say of an item.

    Args:
        score: from 0 to 100, of the rules that apply to it.
    """

    score: int
    findings: tuple[Finding, ...]

    @property
    def blocking(self) -> list[Violation]:
        """What keeps it from being published, by field."""
        return [
            Violation(field, f"{finding.rule.number}：{finding.rule.says}")
            for finding in self.findings
            if finding.rule.blocking
            for field in finding.fields
        ]


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, by number."""
    raw = (files("services.catalogue.domain") / "quality.json").read_text("utf-8")
    return tuple(
        Rule(**{**one, "passes": tuple(one["passes"]), "fails": tuple(one["fails"])})
        for one in json.loads(raw)
    )


def check(item: Item) -> Quality:
    """What the rules say of an item."""
    findings, weighed, lost = [], 0, 0.0
    for rule in rules():
        wrong = _CHECKS[rule.number](item)
        if wrong is None:
            continue
        weighed += rule.weight
        if wrong:
            share = len(wrong) / len(_elements(item)) if rule.number == _COMPLETE else 1.0
            findings.append(Finding(rule, wrong, share))
            lost += rule.weight * share
    score = round(100 * (weighed - lost) / weighed) if weighed else 100
    return Quality(score, tuple(findings))


# How each rule judges an item: the fields at fault; none: it passes; None: it does not apply.


def _wrong(**faults: bool) -> tuple[str, ...]:
    return tuple(name for name, fault in faults.items() if fault)


def _instant(item: Item) -> tuple[str, ...] | None:
    if item.project_type == "1":
        return _wrong(promise_day=item.promise_day > 0, examine_type=item.examine_type == "2")
    if item.promise_day == 0 and _INSTANT.search(item.promise_explain):
        return ("project_type",)
    return () if item.project_type else None


def _promised(item: Item) -> tuple[str, ...] | None:
    if not item.promise_day:
        return None
    return _wrong(project_type=item.project_type != "2", examine_type=item.examine_type == "1")


def _finish(item: Item) -> tuple[str, ...] | None:
    for ending, finish in FINISH_BY_RESULT:
        if item.result_name.endswith(ending):
            return _wrong(finish_type=item.finish_type != finish)
    return None


def _on_site(item: Item) -> tuple[str, ...] | None:
    said = item.limit_scene_explain
    if item.limit_scene_num:
        return _wrong(limit_scene_explain=said in ("", NOTHING))
    return _wrong(limit_scene_explain=said != NOTHING) if said else None


def _off_site(item: Item) -> tuple[str, ...] | None:
    if item.limit_scene_num or item.is_online or not item.handle_type:
        return () if item.handle_type else None
    return _wrong(handle_type=BY_POST not in item.handle_type)


def _online(item: Item) -> tuple[str, ...] | None:
    if not item.is_online or not ALL_ONLINE.issubset(item.online_handle_depth):
        return None
    return _wrong(limit_scene_num=item.limit_scene_num > 0)


def _fees(item: Item) -> tuple[str, ...] | None:
    if not item.is_fee:
        return _wrong(is_pay_online=item.is_pay_online)
    vague = not item.fees or any(not fee.fee_stand for fee in item.fees)
    return _wrong(fee_basis=not item.fee_basis, fees=vague)


def _phones(item: Item) -> tuple[str, ...] | None:
    ask, complain = (
        {re.sub("[^0-9]", "", one) for one in _PHONE.findall(text)}
        for text in (item.link_way, item.supervise_way)
    )
    return _wrong(link_way=not ask, supervise_way=not complain or bool(ask & complain))


def _topics(item: Item) -> tuple[str, ...] | None:
    if not (item.server_type or item.user_topic_type or item.corp_topic_type):
        return None
    persons = PERSON in item.server_type
    others = any(one != PERSON for one in item.server_type)
    return _wrong(
        user_topic_type=persons != bool(item.user_topic_type),
        corp_topic_type=others != bool(item.corp_topic_type),
    )


def _permit_guide(item: Item) -> tuple[str, ...] | None:
    if item.task_type != PERMIT:
        return None
    said = [step.step for step in item.handle_flow]
    missing = [names for names in STEPS if not any(name in one for one in said for name in names)]
    return _wrong(faqs=not item.faqs, handle_flow=bool(missing))


def _sample(item: Item) -> tuple[str, ...] | None:
    if item.result_type == "4" or item.result_name in ("", NOTHING):
        return () if item.result_type == "4" else None
    return _wrong(result_guid=not item.result_guid)


def _statutory(item: Item) -> tuple[str, ...] | None:
    if item.task_type != PERMIT or item.anticipate_type != WORKING_DAYS:
        return None
    longer = item.anticipate_day > STATUTORY_DAYS
    return _wrong(anticipate_explain=longer and not _LAW.search(item.anticipate_explain))


def _permit_fee(item: Item) -> tuple[str, ...] | None:
    if item.task_type != PERMIT or not item.is_fee:
        return None
    said = " ".join([item.fee_basis, *(fee.by_law for fee in item.fees)])
    return _wrong(fee_basis=not _LAW.search(said))


def _materials(item: Item) -> tuple[str, ...] | None:
    if not item.materials:
        return None
    return _wrong(materials=any(_CATCH_ALL.search(one.name) for one in item.materials))


def _intermediaries(item: Item) -> tuple[str, ...] | None:
    if not item.intermediaries:
        return None
    return _wrong(intermediaries=any(not _LAW.search(one.by_law) for one in item.intermediaries))


def _handle_items(item: Item) -> tuple[str, ...] | None:
    if not item.handle_items:
        return None
    known = {one.name for one in item.materials}
    foreign = any(not known.issuperset(one.materials) for one in item.handle_items)
    numbered = re.compile(re.escape(item.task_code) + "[0-9]{2}")
    odd = item.task_code and any(not numbered.fullmatch(one.code) for one in item.handle_items)
    return _wrong(handle_items=foreign or bool(odd))


def _elements(item: Item) -> dict[str, bool]:
    """The elements of a guide, by field, and whether the item has each."""
    always = {
        "by_law": bool(item.by_law),
        "accept_condition": bool(item.accept_condition),
        "handle_flow": bool(item.handle_flow),
        "promise_day": item.promise_day > 0 or item.project_type == "1",
        "link_way": bool(item.link_way),
        "supervise_way": bool(item.supervise_way),
    }
    if item.task_type not in ON_APPLICATION:
        return always
    return always | {
        "server_type": bool(item.server_type),
        "handle_type": bool(item.handle_type),
        "transact_addr": bool(item.transact_addr) or item.is_online,
        "transact_time": bool(item.transact_time) or item.is_online,
        "materials": bool(item.materials),
    }


def _complete(item: Item) -> tuple[str, ...] | None:
    return tuple(name for name, there in _elements(item).items() if not there)


_COMPLETE: Final = "Q-17"
_CHECKS: Final[Mapping[str, Callable[[Item], tuple[str, ...] | None]]] = {
    "Q-1": _instant,
    "Q-2": _promised,
    "Q-3": _finish,
    "Q-4": _on_site,
    "Q-5": _off_site,
    "Q-6": _online,
    "Q-7": _fees,
    "Q-8": _phones,
    "Q-9": _topics,
    "Q-10": _permit_guide,
    "Q-11": _sample,
    "Q-12": _statutory,
    "Q-13": _permit_fee,
    "Q-14": _materials,
    "Q-15": _intermediaries,
    "Q-16": _handle_items,
    _COMPLETE: _complete,
}
