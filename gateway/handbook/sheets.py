"""What a printed 办事指南 says: the fields of the item's page, as plain text for the template."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final

from zhengtong.catalogue.v1 import catalogue_pb2

from gateway.portal import labels
from gateway.portal.details import offers
from gateway.portal.writing import day, limit, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

NOTICE: Final = "办事规定可能调整，请以网上最新版本为准；咨询与投诉请拨打 12345 政务服务便民热线。"
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_KEPT: Final = frozenset("\n\t")
_MATERIALS: Final = ("序号", "材料名称", "材料必要性", "份数", "来源渠道", "材料形式", "要求")
_MATERIAL_WIDTHS: Final = (2, 8, 4, 4, 6, 4, 9)
_STEPS: Final = ("环节", "办理时限", "审查标准", "办理人员")
_STEP_WIDTHS: Final = (3, 4, 11, 5)

Piece = dict[str, Any]


def clean(text: str) -> str:
    """A text without characters that steer a line or a terminal, and show nothing themselves."""
    return "".join(one for one in text if one in _KEPT or unicodedata.category(one) not in _DROPPED)


def guide_of(item: catalogue_pb2.Item, region: str, url: str, *, earlier: bool) -> dict[str, Any]:
    """One item as the template takes it.

    Args:
        region: the name of its region.
        url: its page, for the QR code.
        earlier: this is a version that was asked for by number, and need not hold any more.
    """
    parts = [
        _part("怎么办理", _rows(_how(item))),
        _part("受理条件", *_conditions(item)),
        _part("申请材料", *_materials(item)),
        _part("业务办理项", *_ways(item)),
        _part("中介服务", *_intermediaries(item)),
        _part("办理流程", _steps(item)),
        _part("收费", *_fees(item)),
        _part("设定依据", *_laws(item)),
        _part("常见问题", *_questions(item)),
        _part("咨询与投诉", _rows(_contact(item))),
        _part("基本信息", _rows(_basic(item))),
    ]
    changed = stamp(item.update_time)
    told = {
        "name": item.task_name,
        "body": "　".join(filter(None, (region if item.region_code else "", item.dept_name))),
        "tags": _tags(item),
        "notice": _notice(item, earlier=earlier),
        "figures": _figures(item),
        "parts": [one for one in parts if one["pieces"]],
        "edition": f"第 {item.version} 版" + (f"，{changed}更新" if changed else "") + f"　{url}",
        "url": url,
    }
    cleaned: dict[str, Any] = _cleaned(told)
    return cleaned


def book_of(  # noqa: PLR0913  (plain data)
    items: Sequence[dict[str, Any]],
    publisher: str,
    now: datetime,
    *,
    part: int = 0,
    parts: int = 0,
    left: str = "",
) -> dict[str, Any]:
    """A book of some guides.

    Args:
        part: which volume this is, from 1; 0: a single guide without a title page.
        parts: of how many.
        left: what the title page says of items that are left out.
    """
    as_of = f"截至{day(now.date().isoformat())}"
    says = [f"共 {len(items)} 项", *filter(None, [left]), as_of]
    if parts > 1:
        says.insert(0, f"第 {part} 册　共 {parts} 册")
    told = {
        "title": f"{publisher}办事指南" if part else f"{items[0]['name']}办事指南",
        "publisher": publisher,
        "head": f"{publisher}办事指南",
        "as_of": as_of,
        "cover": bool(part),
        "cover_says": says,
        "notice": NOTICE,
    }
    return {**_cleaned(told), "items": list(items)}


def _cleaned(told: Any) -> Any:
    if isinstance(told, str):
        return clean(told)
    if isinstance(told, dict):
        return {name: _cleaned(value) for name, value in told.items()}
    return [_cleaned(one) for one in told] if isinstance(told, list | tuple) else told


def _part(name: str, *pieces: Piece | None) -> dict[str, Any]:
    return {"name": name, "pieces": [one for one in pieces if one]}


def _rows(pairs: Iterable[tuple[str, str]]) -> Piece | None:
    told = [(name, text) for name, text in pairs if text.strip()]
    return {"kind": "rows", "rows": told} if told else None


def _text(said: str) -> Piece | None:
    return {"kind": "text", "text": said} if said.strip() else None


def _names(codes: Iterable[str], table: Mapping[str, str]) -> str:
    return "、".join(table[code] for code in codes if code in table)


def _on_application(item: catalogue_pb2.Item) -> bool:
    return item.task_type not in labels.BY_DUTY


def _tags(item: catalogue_pb2.Item) -> list[str]:
    visits = "不用跑现场" if item.is_online else ""
    tags = [
        labels.TASK_TYPES.get(item.task_type, ""),
        labels.PROJECT_TYPES.get(item.project_type, ""),
        "可网上办" if item.is_online else "",
        labels.HANDLE_AREAS.get(item.handle_area, ""),
        f"到现场 {item.limit_scene_num} 次" if item.limit_scene_num else visits,
        "收费" if item.is_fee else "不收费",
    ]
    return [one for one in tags if one]


def _notice(item: catalogue_pb2.Item, *, earlier: bool) -> str:
    told = []
    if earlier:
        told.append(f"这是第 {item.version} 版，不一定是现在的规定。")
    if item.state == catalogue_pb2.ITEM_STATE_SUSPENDED:
        why = f"，原因：{item.state_reason}" if item.state_reason else ""
        told.append(f"该事项{'曾' if earlier else ''}暂停受理{why}。")
    if not _on_application(item):
        told.append("这一事项由部门依职权实施，无需申请。")
    return "\n".join(told)


def _figures(item: catalogue_pb2.Item) -> list[tuple[str, str]]:
    promised = limit(item.promise_day, item.promise_type, item.promise_explain)
    statutory = limit(item.anticipate_day, item.anticipate_type, item.anticipate_explain)
    figures = [
        ("承诺时限", "当场办结" if item.project_type == "1" else promised),
        ("法定时限", statutory),
        ("办理结果", item.result_name),
    ]
    return [(name, said) for name, said in figures if said]


def _how(item: catalogue_pb2.Item) -> list[tuple[str, str]]:
    also = [name for name, offered in offers(item).items() if offered]
    return [
        ("服务对象", _names(item.server_type, labels.SERVER_TYPES)),
        ("办理形式", _names(item.handle_type, labels.HANDLE_TYPES)),
        ("办理地点", item.transact_addr),
        ("办理时间", item.transact_time),
        ("到现场原因", item.limit_scene_explain if item.limit_scene_num else ""),
        ("网上可办到", _names(item.online_handle_depth, labels.ONLINE_DEPTHS)),
        ("还支持", "、".join(also)),
        ("结果送达", _names(item.deliver_type, labels.DELIVERIES)),
        ("咨询电话", item.link_way),
    ]


def _conditions(item: catalogue_pb2.Item) -> list[Piece | None]:
    quantity = f"数量限制：{item.limit_explain}" if item.limit_explain else ""
    return [_text(item.accept_condition), _text(quantity)]


def _materials(item: catalogue_pb2.Item) -> list[Piece | None]:
    if not item.materials:
        none = "部门没有列出申请材料，办理前请先咨询。"
        return [_text(none if _on_application(item) else "")]
    lines = [_material(number, one) for number, one in enumerate(item.materials, 1)]
    return [_table(_MATERIALS, _MATERIAL_WIDTHS, lines)]


def _material(number: int, one: catalogue_pb2.Material) -> list[str]:
    copies = [f"{'原件 ' if one.copy_num else ''}{one.page_num} 份"] if one.page_num else []
    copies += [f"复印件 {one.copy_num} 份"] if one.copy_num else []
    asked = [
        one.accept_stand,
        f"填写：{one.fill_explain}" if one.fill_explain else "",
        f"收取方式：{received}" if (received := _names(one.receive_type, labels.RECEIPTS)) else "",
        labels.TRUST_LEVELS.get(one.trust_level, ""),
        f"依据：{one.by_law}" if one.by_law else "",
    ]
    return [
        str(number),
        one.name,
        labels.NEEDS.get(one.is_need, ""),
        "\n".join(copies),
        one.source_explain or labels.MATERIAL_SOURCES.get(one.source_type, ""),
        labels.MATERIAL_FORMATS.get(one.material_format, ""),
        "\n".join(filter(None, asked)),
    ]


def _table(
    names: Sequence[str], widths: Sequence[int], lines: Sequence[Sequence[str]]
) -> Piece | None:
    """A table without the columns that hold nothing; None: there are no lines."""
    held = [at for at in range(len(names)) if any(line[at].strip() for line in lines)]
    pick: Callable[[Sequence[Any]], list[Any]] = lambda row: [row[at] for at in held]  # noqa: E731
    if not held:
        return None
    told = [pick(line) for line in lines]
    return {"kind": "table", "names": pick(names), "widths": pick(widths), "lines": told}


def _ways(item: catalogue_pb2.Item) -> list[Piece | None]:
    return [
        _rows(
            [
                ("业务办理项", way.name),
                ("受理条件", way.accept_condition),
                ("承诺时限", limit(way.promise_day, way.promise_type, "")),
                ("所需材料", "、".join(way.materials) or "全部申请材料"),
                ("编码", way.code),
            ]
        )
        for way in item.handle_items
    ]


def _intermediaries(item: catalogue_pb2.Item) -> list[Piece | None]:
    return [
        _rows(
            [
                ("服务名称", one.name),
                ("设立依据", one.by_law),
                ("收费标准", one.fee_stand),
                ("说明", one.explain),
            ]
        )
        for one in item.intermediaries
    ]


def _steps(item: catalogue_pb2.Item) -> Piece | None:
    lines = [[one.step, one.time_limit, one.standard, one.officer] for one in item.handle_flow]
    return _table(_STEPS, _STEP_WIDTHS, lines)


def _fees(item: catalogue_pb2.Item) -> list[Piece | None]:
    if not item.is_fee:
        return [_text("不收费。")]
    fees = [
        _rows(
            [
                ("收费项目", fee.fee_name),
                ("收费标准", fee.fee_stand),
                ("收费依据", fee.by_law),
                ("减免", (fee.desc_explain or "允许减免") if fee.is_desc else ""),
            ]
        )
        for fee in item.fees
    ]
    return [*fees, _text(f"依据：{item.fee_basis}" if item.fee_basis else "")]


def _laws(item: catalogue_pb2.Item) -> list[Piece | None]:
    told = []
    for law in item.by_law:
        since = f"{day(law.effective_date)}起施行" if law.effective_date else ""
        about = "　".join(filter(None, (law.document_number, law.issuer, since)))
        name = f"《{law.law_name.strip('《》')}》{law.article}"
        told.append(_text("\n".join(filter(None, (name, law.content, about)))))
    return told


def _questions(item: catalogue_pb2.Item) -> list[Piece | None]:
    return [{"kind": "asked", "question": faq.question, "answer": faq.answer} for faq in item.faqs]


def _contact(item: catalogue_pb2.Item) -> list[tuple[str, str]]:
    remedies = [
        (
            labels.REMEDIES.get(one.kind, "救济渠道"),
            "，".join(filter(None, (one.body, one.address, one.phone))),
        )
        for one in item.remedies
    ]
    return [
        ("咨询方式", item.link_way),
        ("监督投诉", item.supervise_way),
        *remedies,
        ("政务热线", "12345"),
    ]


def _basic(item: catalogue_pb2.Item) -> list[tuple[str, str]]:
    return [
        ("实施主体", item.dept_name),
        ("受理机构", item.accept_org),
        ("决定机构", item.decide_org),
        ("承办机构", item.undertake_org),
        ("联办机构", "、".join(item.other_dept)),
        ("委托部门", item.entrust_name),
        ("事项类型", labels.TASK_TYPES.get(item.task_type, "")),
        ("权力来源", labels.POWER_SOURCES.get(item.power_source, "")),
        ("行使层级", labels.USE_LEVELS.get(item.use_level, "")),
        ("权限划分", item.authority_division),
        ("行使内容", item.exercise_content),
        ("行政管辖", item.jurisdiction),
        ("审查类型", labels.EXAMINATIONS.get(item.examine_type, "")),
        ("特别程序", _names(item.special_procedure, labels.SPECIAL_PROCEDURES)),
        ("结果类型", labels.RESULT_TYPES.get(item.result_type, "")),
        ("办结方式", labels.FINISHES.get(item.finish_type, "")),
        ("结果有效期", item.result_validity),
        ("年审年检", item.annual_check),
        ("基本编码", item.catalog_code or item.local_catalog_code),
        ("实施编码", item.task_code or item.local_task_code),
        ("业务办理项编码", item.task_handle_item),
        ("上级事项", item.parent_code),
        ("日常用语", "、".join(item.alias)),
        ("生效日期", day(item.plan_effective_date)),
        ("取消日期", day(item.plan_cancel_date)),
    ]
