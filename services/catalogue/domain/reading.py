"""How a record becomes an item: field by field, then the rules that join fields."""

from __future__ import annotations

import re
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from services.catalogue.domain import codes as item_codes
from services.catalogue.domain import shapes, tables
from services.catalogue.domain.codes import NATIONAL, CodeProfile
from services.catalogue.domain.item import (
    Fee,
    HandlingItem,
    HandlingStep,
    Intermediary,
    Item,
    LegalBasis,
    Material,
    Question,
    Remedy,
)
from services.common import identifiers
from services.common.errors import Invalid, Violation
from services.common.fields import (
    FieldInvalid,
    Reader,
    code,
    codes,
    day,
    flag,
    matching,
    read_record,
    records,
    region,
    text,
    texts,
    uscc,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What tells each shape of rows that the importer takes.
SHAPES: dict[str, frozenset[str]] = {
    "standard": frozenset({"task_name", "task_type"}),
    "template": frozenset({"事项名称", "事项类型"}),
    "exchange": frozenset({"TASK_NAME", "TASK_TYPE"}),
    "guangan": frozenset({"name", "item_code", "area_code", "task_type", "department"}),
}
# What only the server writes, and 事项状态, of which an import takes 在用 only.
SERVER_FIELDS = frozenset(
    {"item_id", "state", "state_reason", "moved_to", "version", "update_time"}
)
IN_USE = "1"
EARLIEST_PLAN = "1900-01-01"
_BODY_INSIDE = re.compile(r"(?:^|-)([0-9A-Z]{18})(?:-|$)")
LOCAL_CODE = r"[0-9A-Za-z][0-9A-Za-z\-_.]{0,63}"


class ItemInvalid(Invalid):
    """The record cannot be an item; each violation names a field."""

    reason = "ITEM_INVALID"


_LAW = {
    "law_name": text(200),
    "document_number": text(200),
    "article": text(200),
    "content": text(5000, lines=True),
    "issuer": text(200),
    "effective_date": day(),
}
BY_LAW: Final = records(LegalBasis, _LAW, count=100, required=("law_name",))
_STEP = {
    "step": text(100),
    "officer": text(100),
    "time_limit": text(100),
    "standard": text(2000, lines=True),
}
_FEE = {
    "fee_name": text(200),
    "fee_stand": text(1000, lines=True),
    "by_law": text(1000, lines=True),
    "is_desc": flag(),
    "desc_explain": text(1000, lines=True),
}
_MATERIAL = {
    "name": text(300),
    "material_type": code(tables.MATERIAL_TYPES),
    "material_format": code(tables.MATERIAL_FORMATS),
    "is_need": code(tables.MATERIAL_NEEDS),
    "source_type": code(tables.MATERIAL_SOURCES),
    "source_explain": text(500, lines=True),
    "by_law": text(1000, lines=True),
    "accept_stand": text(2000, lines=True),
    "fill_explain": text(2000, lines=True),
    "page_num": whole(0, 1000),
    "copy_num": whole(0, 1000),
    "page_format": text(100),
    "form_guid": text(100),
    "example_guid": text(100),
    "order_num": whole(0, 100_000),
    "receive_type": codes(tables.RECEIPTS),
    "trust_level": code(tables.TRUST_LEVELS),
}
_REMEDY = {
    "kind": code(tables.REMEDIES),
    "body": text(200),
    "address": text(300),
    "phone": text(100),
}
_HANDLING_ITEM = {
    "code": item_codes.handle_item(NATIONAL),
    "name": text(300),
    "accept_condition": text(5000, lines=True),
    "promise_day": whole(0, 3650),
    "promise_type": code(tables.DAY_KINDS),
    "materials": texts(300, 100),
}
_INTERMEDIARY = {
    "name": text(300),
    "by_law": text(1000, lines=True),
    "fee_stand": text(1000, lines=True),
    "explain": text(1000, lines=True),
}
_QUESTION = {
    "question": text(500, lines=True),
    "answer": text(5000, lines=True),
    "order": whole(0, 100_000),
}


def _in_order(reader: Reader, number: str) -> Reader:
    """The records of `reader` in order of their own numbers; those without keep their places."""
    return Reader(lambda value: tuple(sorted(reader.read(value), key=attrgetter(number))), ())


def _plan_day() -> Reader:
    """A day on which an item begins or ends; other systems write 0001-01-01 for none."""
    inner = day().read

    def read(value: Any) -> str:
        found = str(inner(value))
        if found < EARLIEST_PLAN:
            raise FieldInvalid(f"应为 {EARLIEST_PLAN} 以后的日期，没有的请留空")
        return found

    return Reader(read, "")


def _body_codes() -> Reader:
    """At most 50 统一社会信用代码 of bodies, each once."""
    several, one = texts(40, 50).read, uscc(registry=True).read
    return Reader(lambda value: tuple(one(code) for code in several(value)), ())


def _handle_items(readers: Mapping[str, Reader]) -> Reader:
    return records(HandlingItem, readers, count=100, required=("code", "name"))


READERS: dict[str, Reader] = {
    "task_name": text(300),
    "alias": texts(100, 50),
    **item_codes.readers(NATIONAL),
    "local_task_code": matching(LOCAL_CODE, 64, "字母、数字和连字符组成的编码"),
    "parent_code": matching(LOCAL_CODE, 64, "上级事项的实施编码或地方实施编码"),
    "task_type": code(tables.TASK_TYPES, width=2),
    "task_version": whole(0, 100_000),
    "task_state": code({IN_USE: "在用"}),
    "plan_effective_date": _plan_day(),
    "plan_cancel_date": _plan_day(),
    "by_law": BY_LAW,
    "power_source": code(tables.POWER_SOURCES),
    "use_level": code(tables.USE_LEVELS),
    "authority_division": text(2000, lines=True),
    "exercise_content": text(2000, lines=True),
    "jurisdiction": text(1000, lines=True),
    "dept_code": uscc(registry=True),
    "dept_name": text(200),
    "dept_type": code(tables.BODY_TYPES),
    "entrust_name": text(200),
    "accept_org": text(200),
    "decide_org": text(200),
    "undertake_org": text(200),
    "undertake_org_code": uscc(registry=True),
    "region_code": region(),
    "other_dept": texts(200, 50),
    "other_dept_code": _body_codes(),
    "anticipate_day": whole(0, 3650),
    "anticipate_type": code(tables.DAY_KINDS),
    "anticipate_explain": text(2000, lines=True),
    "promise_day": whole(0, 3650),
    "promise_type": code(tables.DAY_KINDS),
    "promise_explain": text(2000, lines=True),
    "project_type": code(tables.PROJECT_TYPES),
    "examine_type": code(tables.EXAMINATIONS),
    "special_procedure": codes(tables.SPECIAL_PROCEDURES),
    "accept_condition": text(5000, lines=True),
    "handle_type": codes(tables.HANDLING_FORMS),
    "online_handle_depth": codes(tables.ONLINE_DEPTHS),
    "limit_scene_num": whole(0, 100),
    "limit_scene_explain": text(1000, lines=True),
    "is_online": flag(),
    "online_handle_url": matching(r"https?://[^\s<>\"']{1,990}", 1000, "http 或 https 网址"),
    "mobile_terminal_url": matching(r"https?://[^\s<>\"']{1,990}", 1000, "http 或 https 网址"),
    "is_entry_center": flag(),
    "transact_addr": text(1000, lines=True),
    "transact_time": text(1000, lines=True),
    "is_schedule": flag(),
    "is_pay_online": flag(),
    "is_express": flag(),
    "handle_area": code(tables.HANDLING_AREAS),
    "handle_flow": records(HandlingStep, _STEP, count=50, required=("step",)),
    "link_way": text(500, lines=True),
    "supervise_way": text(500, lines=True),
    "remedies": records(Remedy, _REMEDY, count=10, required=("kind", "body")),
    "deliver_type": codes(tables.DELIVERIES),
    "is_service_terminals": flag(),
    "limit_explain": text(1000, lines=True),
    "server_type": codes(tables.AUDIENCES),
    "user_topic_type": codes(tables.PERSON_TOPICS, width=3),
    "corp_topic_type": codes(tables.ORGANISATION_TOPICS, width=3),
    "result_name": text(300),
    "result_type": code(tables.RESULT_TYPES),
    "result_guid": text(100),
    "finish_type": code(tables.FINISHES),
    "result_validity": text(200),
    "annual_check": text(500, lines=True),
    "is_fee": flag(),
    "fee_basis": text(2000, lines=True),
    "fees": records(Fee, _FEE, count=50, required=("fee_name",)),
    "service_type": text(500, lines=True),
    "intermediaries": records(Intermediary, _INTERMEDIARY, count=50, required=("name",)),
    "materials": _in_order(
        records(Material, _MATERIAL, count=100, required=("name",)), "order_num"
    ),
    "faqs": _in_order(
        records(Question, _QUESTION, count=50, required=("question", "answer")), "order"
    ),
    "handle_items": _handle_items(_HANDLING_ITEM),
}
"""How each field is read where no other profile of codes is chosen."""
REQUIRED = ("task_name", "task_type", "dept_name", "region_code")


@cache
def _readers(profile: CodeProfile) -> dict[str, Reader]:
    """Rule I-20: the codes are read under a profile."""
    ways = _HANDLING_ITEM | {"code": item_codes.handle_item(profile)}
    return READERS | item_codes.readers(profile) | {"handle_items": _handle_items(ways)}


def item_of(values: Mapping[str, Any], profile: CodeProfile = NATIONAL) -> Item:
    """The item in a record of the standard shape, as JSON, CSV or the message has it.

    Raises:
        ItemInvalid: with each field at fault.
    """
    item, wrong = read(values, profile)
    if wrong:
        raise ItemInvalid("事项信息有误，请按提示更正。", *wrong)
    return item


def read(values: Mapping[str, Any], profile: CodeProfile) -> tuple[Item, list[Violation]]:
    """As much of an item as a record says, and what keeps it from being one."""
    given, wrong = read_record(values, _readers(profile), required=REQUIRED, ignored=SERVER_FIELDS)
    given.pop("task_state", None)
    item = Item(**given)
    if not wrong:
        wrong = [*_identity(item, profile), *_limits(item), *_fees(item), *_dates(item)]
    return item, wrong


def item_of_row(values: Any, shape: str, profile: CodeProfile = NATIONAL) -> Item:
    """The item in one row of a file of the given shape.

    Raises:
        ItemInvalid: with each field at fault.
    """
    if not hasattr(values, "keys"):
        raise ItemInvalid("不是一行完整的数据。", Violation("", "这一行不是一条完整的数据"))
    if shape == "exchange" and shapes.is_removal(values):
        said = "这一行要求删除事项（CD_OPERATION 为 D），导入不作删除，请用“取消事项”并写明原因"
        raise ItemInvalid("导入不作删除。", Violation("CD_OPERATION", said))
    if shape == "template" and shapes.is_example(values):
        raise ItemInvalid(
            "示例不导入。", Violation("task_name", "这是模板的示例行，不导入，请删去")
        )
    turn = _TURNS.get(shape)
    return item_of(turn(values) if turn else values, profile)


def _identity(item: Item, profile: CodeProfile) -> list[Violation]:
    """Rule I-1: an item has an 实施编码 whose parts agree with its fields, or a local one."""
    if not item.item_id:
        return [Violation("task_code", "实施编码和地方实施编码至少填写一项")]
    inside = profile.parts(item.task_code)
    if inside is None:
        return []
    body, level, catalogue = inside
    parts = (
        ("dept_code", item.dept_code, body, "实施主体编码"),
        ("use_level", item.use_level, level, "行使层级"),
        ("catalog_code", item.catalog_code, catalogue, "基本编码"),
    )
    return [
        Violation(field, f"与实施编码中的{name}不一致")
        for field, own, said, name in parts
        if own and own != said
    ]


def _limits(item: Item) -> list[Violation]:
    """Rule I-2 (优化营商环境条例 36): a promise may only shorten the limit of the law."""
    comparable = item.anticipate_type == item.promise_type
    if comparable and 0 < item.anticipate_day < item.promise_day:
        return [Violation("promise_day", "承诺办结时限不得超过法定办结时限")]
    return []


def _fees(item: Item) -> list[Violation]:
    """Rule I-3 (行政许可法 58, 59): what costs something says what, and on what basis."""
    if item.is_fee:
        missing = (
            ("fee_basis", item.fee_basis, "收费的事项须写明收费依据"),
            ("fees", item.fees, "收费的事项须列出收费项目"),
        )
        return [Violation(field, said) for field, value, said in missing if not value]
    return [Violation("fees", "不收费的事项不得列出收费项目")] if item.fees else []


def _dates(item: Item) -> list[Violation]:
    """Rule I-4: an item ends after it begins."""
    if item.plan_cancel_date and item.plan_cancel_date < item.plan_effective_date:
        return [Violation("plan_cancel_date", "计划取消日期不得早于计划生效日期")]
    return []


def _from_guangan(values: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping of the list that 广安区 published, whose rows have other names.

    name → task_name, item_code → local_task_code, area_code → region_code, department → dept_name.
    The item's code or `dept_code` holds the body's 统一社会信用代码; numbers of the old kind in
    their place and `main_item`, a heading, are passed over.
    """
    found: dict[str, Any] = {
        "task_name": values.get("name"),
        "local_task_code": values.get("item_code"),
        "region_code": values.get("area_code"),
        "dept_name": values.get("department"),
        "task_type": values.get("task_type"),
    }
    passed = {"name", "item_code", "area_code", "department", "task_type", "dept_code", "main_item"}
    found |= {name: value for name, value in values.items() if name not in passed}
    inside = _BODY_INSIDE.search(str(values.get("item_code", "")))
    for body in (inside[1] if inside else "", str(values.get("dept_code", ""))):
        if identifiers.uscc_problem(body) is None:
            return found | {"dept_code": body}
    return found


_TURNS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "template": shapes.from_template,
    "exchange": shapes.from_exchange,
    "guangan": _from_guangan,
}
