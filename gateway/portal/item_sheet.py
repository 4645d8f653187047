"""The template of items to fill in (/templates/items.xlsx): what `zhengtong import items` reads.

Its columns are the fields of the contract under their Chinese names; the catalogue reads those.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import xlsxwriter
from starlette.responses import Response
from starlette.routing import Route
from zhengtong.catalogue.v1 import catalogue_pb2

from gateway.openapi.texts import chinese_name, describe, only_server_writes
from gateway.portal import labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.protobuf.descriptor import FieldDescriptor
    from starlette.requests import Request
    from starlette.routing import BaseRoute

PATH: Final = "/templates/items.xlsx"
SHEET, LISTS = "事项", "代码"
MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS: Final = 5000
"""As many as one call takes."""
_WIDTHS: Final = {"task_name": 36, "task_code": 36, "dept_code": 24, "dept_name": 24}
_WIDTH, _LONG = 18, 32
_CHOSEN_BY_SERVER: Final = "item_id"
_MADE: Final = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""One template is one file, whenever it is made."""

NEEDED: Final = frozenset({"task_name", "task_type", "dept_name", "region_code"})
"""Headed in red: what a row cannot do without."""
CODES: Final[Mapping[str, Mapping[str, str]]] = {
    "task_type": labels.TASK_TYPES,
    "power_source": labels.POWER_SOURCES,
    "use_level": labels.USE_LEVELS,
    "dept_type": labels.BODY_TYPES,
    "anticipate_type": labels.TIME_UNITS,
    "promise_type": labels.TIME_UNITS,
    "project_type": {**labels.PROJECT_TYPES, "9": "其他"},
    "examine_type": labels.EXAMINATIONS,
    "special_procedure": labels.SPECIAL_PROCEDURES,
    "handle_type": labels.HANDLE_TYPES,
    "online_handle_depth": labels.ONLINE_DEPTHS,
    "handle_area": labels.HANDLE_AREAS,
    "deliver_type": labels.DELIVERIES,
    "server_type": labels.SERVER_TYPES,
    "user_topic_type": labels.PERSON_TOPICS,
    "corp_topic_type": labels.ORGANISATION_TOPICS,
    "result_type": labels.RESULT_TYPES,
    "finish_type": labels.FINISHES,
}
"""What each coded column can hold."""
EXAMPLE: Final[Mapping[str, Any]] = {
    "task_name": "（示例）取水许可——填写前请删去本行",
    "alias": "打井、用水许可",
    "local_task_code": "SL-0001",
    "task_type": "01 行政许可",
    "plan_effective_date": "2026-01-01",
    "by_law": "法律法规名称=中华人民共和国水法|条款号=第四十八条|颁布机关=全国人大常委会",
    "power_source": "1 法定本级行使",
    "use_level": "4 县级",
    "dept_name": "某某县水务局",
    "region_code": "530102000000",
    "anticipate_day": 20,
    "anticipate_type": "1 个工作日",
    "promise_day": 10,
    "promise_type": "1 个工作日",
    "project_type": "2 承诺件",
    "accept_condition": "在本县范围内取水，并已编制论证报告。",
    "handle_type": "1 窗口办理、2 网上办理",
    "limit_scene_num": 0,
    "limit_scene_explain": "无",
    "is_online": "是",
    "handle_flow": "环节=受理|办理时限=当场\n环节=审核\n环节=决定\n环节=办结\n环节=送达",
    "link_way": "0871-00100001",
    "supervise_way": "0871-00100002",
    "server_type": "1 自然人、2 企业法人",
    "user_topic_type": "130 环保绿化",
    "corp_topic_type": "105 水务气象",
    "result_name": "取水许可证",
    "result_type": "1 证照",
    "is_fee": "否",
    "materials": "材料名称=取水许可申请书|材料类型=2|材料必要性=1|来源渠道=10|原件份数=1\n"
    "材料名称=水资源论证报告|材料类型=3|材料必要性=1|来源渠道=10|原件份数=1",
    "faqs": "问题=家庭生活少量取水要办吗？|解答=不需要。",
}


def columns() -> list[FieldDescriptor]:
    """The fields that people fill in, in the order of the contract."""
    fields: Any = catalogue_pb2.Item.DESCRIPTOR.fields
    return [
        one
        for one in fields
        if one.name != _CHOSEN_BY_SERVER and not only_server_writes(one.full_name)
    ]


def items_workbook(rows: Sequence[Mapping[str, Any]] = (EXAMPLE,)) -> bytes:
    """The template with these rows in it, each by the names of the fields."""
    file = io.BytesIO()
    as_text = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    book = xlsxwriter.Workbook(file, as_text)
    book.set_properties({"title": "政务服务事项导入模板", "created": _MADE})
    sheet, lists = book.add_worksheet(SHEET), book.add_worksheet(LISTS)
    lists.hide()
    sheet.freeze_panes(1, 1)
    heading = {"bold": True, "bg_color": "#E8EEF7", "border": 1, "text_wrap": True}
    plain = book.add_format(heading)
    needed = book.add_format({**heading, "font_color": "#B00020"})
    forms = {
        "text": book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"}),
        "day": book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"}),
        "number": book.add_format({"num_format": "0", "valign": "top"}),
    }
    for place, field in enumerate(columns()):
        kind = _kind(field)
        width = _WIDTHS.get(field.name, _LONG if field.message_type else _WIDTH)
        sheet.set_column(place, place, width, forms[kind])
        sheet.write_string(
            0, place, chinese_name(field.full_name), needed if field.name in NEEDED else plain
        )
        sheet.write_comment(0, place, _told(field), {"x_scale": 2, "y_scale": 2})
        if held := _held(field, kind, lists, place):
            sheet.data_validation(1, place, ROWS, place, held)
        for number, row in enumerate(rows, 1):
            if (value := row.get(field.name, "")) != "":
                sheet.write(number, place, value, forms[kind])
    book.close()
    return file.getvalue()


def _kind(field: FieldDescriptor) -> str:
    if field.name.endswith("_date"):
        return "day"
    is_number = field.type == field.TYPE_INT32
    return "number" if is_number else "text"


def _held(field: FieldDescriptor, kind: str, lists: Any, place: int) -> dict[str, Any] | None:
    """What a column may hold: a list to choose from, a number; None: any text."""
    if table := CODES.get(field.name):
        said = [f"{code} {name}" for code, name in table.items()]
        lists.write_column(0, place, said)
        column = xlsxwriter.utility.xl_col_to_name(place, col_abs=True)
        held = {"validate": "list", "source": f"={LISTS}!{column}$1:{column}${len(said)}"}
        if field.is_repeated:  # several are typed one after another, which no list knows
            return {**held, "show_error": False}
        return {**held, "error_title": "请选择", "error_message": "请从下拉列表中选择一项。"}
    if field.type == field.TYPE_BOOL:
        return {"validate": "list", "source": ["是", "否"]}
    if kind == "number":
        wrong = {"error_title": "请填整数", "error_message": "请填写不小于 0 的整数。"}
        return {"validate": "integer", "criteria": ">=", "value": 0, **wrong}
    return None


def _told(field: FieldDescriptor) -> str:
    """What a heading's comment says: the field's name, what it means, and how it is written."""
    said = [f"字段：{field.name}", describe(field.full_name)]
    if field.name in NEEDED:
        said.append("必填。")
    if message := field.message_type:
        parts = "|".join(f"{chinese_name(part.full_name)}=…" for part in message.fields)
        said.append(f"每行一条，没有的部分不写：{parts}")
    elif field.is_repeated:
        said.append("多项之间用“、”隔开。")
    if field.name.endswith("_date"):
        said.append("如 2026-01-01。")
    return "\n".join(said)


@cache
def _template() -> bytes:
    return items_workbook()


async def _answer(_: Request) -> Response:
    headers = {
        "content-disposition": 'attachment; filename="items.xlsx"; '
        "filename*=UTF-8''%E6%94%BF%E5%8A%A1%E6%9C%8D%E5%8A%A1%E4%BA%8B%E9%A1%B9%E6%A8%A1%E6%9D%BF.xlsx",
        "cache-control": "public, max-age=3600",
    }
    return Response(_template(), media_type=MEDIA_TYPE, headers=headers)


ROUTES: list[BaseRoute] = [Route(PATH, _answer)]
