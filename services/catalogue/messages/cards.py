"""What a searcher sees of an item."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from zhengtong.search.v1 import search_pb2

from services.catalogue.domain.tables import ON_APPLICATION, PROJECT_TYPES, TASK_TYPES

if TYPE_CHECKING:
    from services.catalogue.domain import Item

KIND: Final = "item"
_OTHER: Final = "9"  # 其他: no depth of its own
_UNITS: Final = {"2": "个自然日", "3": "小时", "4": "个月", "5": "年"}


def card_message(item: Item) -> search_pb2.Card:
    values = card(item)
    for name in ("visible_from_time", "visible_until_time"):
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    return search_pb2.Card(**values)


def card(item: Item) -> dict[str, Any]:
    """The card of an item, as the JSON form of its message."""
    values: dict[str, Any] = {
        "kind": KIND,
        "title": item.task_name,
        "summary": _summary(item),
        "department": item.dept_name,
        "region_code": item.region_code,
        "url": f"/items/{item.item_id}",
        "codes": _codes(item),
        "facets": _facets(item),
        "family": item.family,
    }
    if item.alias:
        values["aliases"] = list(item.alias)
    start, end = item.visibility()
    if start:
        values["visible_from_time"] = _rfc3339(start)
    if end:
        values["visible_until_time"] = _rfc3339(end)
    return values


def _facets(item: Item) -> dict[str, str]:
    """What a searcher may filter by and sees on the card (事项卡片); codes as the tables have them.

    Audiences and themes are parted by commas; themes of legal persons begin with c, those of
    natural persons with p, as both lists count from 005.
    """
    facets = {
        "task_type": item.task_type,
        "project_type": item.project_type,
        "audience": ",".join(item.server_type),
        "theme": ",".join(
            [*(f"p{code}" for code in item.user_topic_type)]
            + [f"c{code}" for code in item.corp_topic_type]
        ),
        "online_depth": max((d for d in item.online_handle_depth if d != _OTHER), default=""),
        "handle_area": item.handle_area,
        "promise": _limit(item.promise_day, item.promise_type),
        "statutory": _limit(item.anticipate_day, item.anticipate_type),
        "is_fee": "1" if item.is_fee else "",
        "is_online": "1" if item.is_online else "",
        "is_schedule": "1" if item.is_schedule else "",
        "address": "" if item.is_online else item.transact_addr,
    }
    if item.limit_scene_explain or item.is_online:
        # An item that says nothing of visits has the number 0 as well, and promises nothing.
        facets["visits"] = str(item.limit_scene_num)
    return {name: value for name, value in facets.items() if value}


def _limit(days: int, unit: str) -> str:
    return f"{days} {_UNITS.get(unit, '个工作日')}" if days else ""


def _codes(item: Item) -> list[str]:
    """Its codes, the most exact first: 实施编码, 基本编码, and the local ones of both."""
    local = (item.local_task_code, item.local_catalog_code)
    return [code for code in (item.task_code, item.catalog_code, *local) if code]


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _summary(item: Item) -> str:
    """What a searcher wants to know first: what it is, how long it takes, what it costs."""
    parts = [TASK_TYPES.get(item.task_type, "")]
    if item.task_type not in ON_APPLICATION:
        parts.append("依职权实施，无需申请")
    elif item.project_type:
        parts.append(PROJECT_TYPES[item.project_type])
    if item.promise_day:
        parts.append(f"承诺 {item.promise_day} {_UNITS.get(item.promise_type, '个工作日')}")
    if item.is_fee:
        parts.append("收费")
    if item.is_online:
        parts.append("可网上办理")
    return " · ".join(part for part in parts if part)
