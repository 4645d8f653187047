"""What leads to the sample's items: life events, questionnaires, and the lists of two bodies."""

from collections.abc import Iterator

from infra.sample.bodies import PROVINCE, body
from infra.sample.items import basis, items
from infra.sample.places import Row, level, read, region


def basic_items() -> Iterator[Row]:
    """Make the basic catalogue (基本目录): what a body of the province does, and others as well."""
    carried_out: dict[str, list[Row]] = {}
    for one in items():
        carried_out.setdefault(one["catalog_code"], []).append(one)
    for code, done in sorted(carried_out.items()):
        own = next((one for one in done if one["region_code"] == PROVINCE), None)
        if own:
            yield {
                "catalog_code": code,
                "catalog_name": own["task_name"],
                "task_type": own["task_type"],
                "by_law": own["by_law"],
                "use_levels": sorted({one["use_level"] for one in done}),
                "dept_code": own["dept_code"],
                "dept_name": own["dept_name"],
                "server_type": own["server_type"],
                "region_code": PROVINCE,
            }


def life_events() -> Iterator[Row]:
    """Make the life events (一件事), as the message has them."""
    for one in read("authored/life_events.json"):
        place = region(one["region"])["code"]
        lead = body(one["lead"], place)
        day, unit = one.get("joint", (0, ""))
        yield {
            "event_id": one["id"],
            "title": one["title"],
            "alias": one["alias"],
            "summary": one["summary"],
            "server_type": one["who"],
            "region_code": place,
            "dept_code": lead["code"],
            "dept_name": lead["name"],
            "joint_day": day,
            "joint_type": unit,
            "steps": [
                {"catalog_code": f"53{number}", "condition": condition}
                for number, condition in one["steps"]
            ],
        }


def questionnaires() -> Iterator[Row]:
    """Make the questionnaires (情形引导), as the message has them."""
    for one in read("authored/questionnaires.json"):
        yield {
            "item_id": _item_id(one["dept"], region(one["region"])["code"], one["item"]),
            "questions": [
                {
                    "key": key,
                    "question": question,
                    "explain": explain,
                    "options": [{"label": label, "leads_to": to} for label, to in options],
                }
                for key, question, explain, options in one["questions"]
            ],
            "outcomes": [
                {"key": key, "eligible": eligible, "says": says, "materials": materials}
                for key, eligible, says, materials in one["outcomes"]
            ],
            "examples": [
                {"answers": answers, "outcome": outcome} for answers, outcome in one["examples"]
            ],
        }


def list_adjustments() -> Iterator[Row]:
    """Make the adjustments of lists (权责清单), in their order, as the request has them."""
    laws = read("authored/laws.json")
    for one in read("authored/lists.json"):
        place = region(one["region"])["code"]
        department = body(one["dept"], place)
        yield {
            "kind": f"LIST_KIND_{one['kind'].upper()}",
            "dept_code": department["code"],
            "dept_name": department["name"],
            "region_code": place,
            "reason": one["reason"],
            "document_name": one["document"],
            "document_number": one.get("number", ""),
            "changes": [_change(change, one["dept"], place, laws) for change in one["changes"]],
        }


def _change(change: Row, kind: str, place: str, laws: dict[str, list[str]]) -> Row:
    entry: Row = {"entry_code": change["code"]}
    if "name" in change:
        entry |= {
            "name": change["name"],
            "task_type": change.get("type", ""),
            "content": change["content"],
            "accountability": change.get("blame", ""),
            "by_law": [basis(laws, *law) for law in change["law"]],
            "item_ids": [_item_id(kind, place, item) for item in change.get("items", ())],
        }
    made: Row = {"action": f"LIST_ACTION_{change['do']}", "entry": entry}
    if "other" in change:
        other_kind, other_region = change["other"]
        other = body(other_kind, region(other_region)["code"])
        made |= {"other_dept_code": other["code"], "other_dept_name": other["name"]}
    return made


def _item_id(kind: str, place: str, number: str) -> str:
    """实施编码 of an item: the body, its level, and 基本编码."""
    return f"{body(kind, place)['code']}{int(level(place))}53{number}"
