"""What the 双公示 sheet of 2015 says otherwise than that of 2018: codes, states, periods."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from services.common.errors import Violation
from services.common.fields import FieldInvalid, day, text
from services.credit.domain.periods import months_after
from services.credit.domain.records import Penalty, Record

if TYPE_CHECKING:
    from collections.abc import MutableMapping

# Fields of the sheet that no record has: they become others, or decide about the row.
STATE: Final = "state_2015"
SCOPE: Final = "scope_2015"
SECOND_CATEGORY: Final = "second_category_2015"
PERIOD: Final = "period_2015"
FIELDS: Final = frozenset({STATE, SCOPE, SECOND_CATEGORY, PERIOD})

# 处罚类别1、2, as the sheet numbers them
_CATEGORIES: Final = {
    "0": "警告",
    "1": "罚款",
    "2": "没收违法所得、没收非法财物",
    "3": "责令停产停业",
    "4": "暂扣或者吊销许可证、暂扣或者吊销执照",
    "5": "行政拘留",
    "6": "其他",
}
_PUBLIC_SCOPES: Final = {"0", "公示", "社会公示"}
_STATES: Final = {"正常": "0", "撤销": "1", "异议": "2", "其他": "3"}
_VALIDITY: Final = {"0": "1", "1": "2", "2": "", "3": ""}
_ANNULLED: Final = "1"
_NUMERALS: Final = {"一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "九": 9}
_SPAN: Final = re.compile(r"([0-9]{1,3}|[一两二三四五六九])(年|个?月)")
_DAY: Final = day()
_CATEGORY: Final = text(100)


def converted(kind: type[Record], given: MutableMapping[str, Any]) -> list[Violation]:
    """Turn what a row of 2015 says into the fields of 2018, in place; what is wrong with it.

    Rule K-8: only rows for the public are taken (信息使用范围 0), and no annulled penalty is.
    """
    scope, state = _said(given, SCOPE), _said(given, STATE)
    if scope not in _PUBLIC_SCOPES | {""}:
        return [Violation(SCOPE, "信息使用范围不是 0（公示），本行未予收录")]
    state = _STATES.get(state, state or "0")
    if state not in _VALIDITY:
        return [Violation(STATE, "应为 0 正常、1 撤销、2 异议、3 其他中的一项")]
    if kind is Penalty:
        if state == _ANNULLED:
            return [Violation(STATE, "行政处罚已撤销，不得公示；已经公示的，请办理撤回")]
        return _join_categories(given) + _set_period(given)
    given["validity"] = _VALIDITY[state]
    return []


def _said(given: MutableMapping[str, Any], field: str) -> str:
    value = given.pop(field, "")
    return str(value).strip() if isinstance(value, str | int) else "?"


def _join_categories(given: MutableMapping[str, Any]) -> list[Violation]:
    """处罚类别1 and 处罚类别2, as codes or in words, become one 处罚类别."""
    said: dict[str, None] = {}
    for field in ("category", SECOND_CATEGORY):
        try:
            part = _CATEGORY.read(given.pop(field, ""))
        except FieldInvalid as error:
            return [Violation(field, str(error))]
        if part:
            said[_CATEGORIES.get(part, part)] = None
    given["category"] = "、".join(said)
    return []


def _set_period(given: MutableMapping[str, Any]) -> list[Violation]:
    """公示期限 is a date, 长期, or so many months or years from the decision."""
    period = _said(given, PERIOD)
    if period in ("", "长期") or given.get("publish_until_date"):
        return []
    span = _SPAN.fullmatch(period)
    if span is None:
        try:
            given["publish_until_date"] = _DAY.read(period)
        except FieldInvalid:
            return [Violation(PERIOD, "应为日期，或自决定之日起的期限，如 1年、3个月")]
        return []
    with suppress(FieldInvalid):  # who reads the record says what is wrong with its date
        decided = date.fromisoformat(_DAY.read(given.get("decision_date")))
        given["publish_until_date"] = months_after(decided, _months_of(span)).isoformat()
    return []


def _months_of(span: re.Match[str]) -> int:
    number = _NUMERALS.get(span[1]) or int(span[1])
    return number * 12 if span[2] == "年" else number
