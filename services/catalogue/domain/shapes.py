"""Shapes of rows that are not ours: each is turned into the standard one, name by name.

Nothing is judged here: what a shape cannot turn stays as it came, and its reader refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

HEADINGS: Final = {
    "事项名称": "task_name",
    "日常用语": "alias",
    "基本编码": "catalog_code",
    "地方基本编码": "local_catalog_code",
    "实施编码": "task_code",
    "地方实施编码": "local_task_code",
    "业务办理项编码": "task_handle_item",
    "事项类型": "task_type",
    "版本号": "task_version",
    "计划生效日期": "plan_effective_date",
    "计划取消日期": "plan_cancel_date",
    "上级事项的实施编码或者地方实施编码": "parent_code",
    "设定依据": "by_law",
    "权力来源": "power_source",
    "行使层级": "use_level",
    "实施主体编码": "dept_code",
    "实施主体": "dept_name",
    "实施主体性质": "dept_type",
    "委托部门": "entrust_name",
    "区划码": "region_code",
    "共同实施部门": "other_dept",
    "联办机构的统一社会信用代码": "other_dept_code",
    "权限划分": "authority_division",
    "行使内容": "exercise_content",
    "行政管辖": "jurisdiction",
    "受理机构": "accept_org",
    "决定机构": "decide_org",
    "承办机构": "undertake_org",
    "承办机构的统一社会信用代码": "undertake_org_code",
    "法定办结时限": "anticipate_day",
    "法定办结时限单位": "anticipate_type",
    "法定办结时限说明": "anticipate_explain",
    "承诺办结时限": "promise_day",
    "承诺办结时限单位": "promise_type",
    "承诺办结时限说明": "promise_explain",
    "办件类型": "project_type",
    "特别程序种类": "special_procedure",
    "审查类型": "examine_type",
    "受理条件": "accept_condition",
    "办理形式": "handle_type",
    "网上办理深度": "online_handle_depth",
    "到办事现场次数": "limit_scene_num",
    "必须现场办理原因": "limit_scene_explain",
    "是否网办": "is_online",
    "在线办理地址": "online_handle_url",
    "移动端办理地址": "mobile_terminal_url",
    "是否进驻政务大厅": "is_entry_center",
    "办理地点": "transact_addr",
    "办理时间": "transact_time",
    "是否支持预约办理": "is_schedule",
    "是否支持网上支付": "is_pay_online",
    "是否支持物流快递": "is_express",
    "通办范围": "handle_area",
    "办理流程": "handle_flow",
    "咨询方式": "link_way",
    "监督投诉方式": "supervise_way",
    "是否支持自助终端办理": "is_service_terminals",
    "数量限制": "limit_explain",
    "救济渠道": "remedies",
    "送达方式": "deliver_type",
    "服务对象": "server_type",
    "面向自然人的主题分类": "user_topic_type",
    "面向法人的主题分类": "corp_topic_type",
    "审批结果名称": "result_name",
    "结果类型": "result_type",
    "是否收费": "is_fee",
    "收费依据": "fee_basis",
    "收费项目": "fees",
    "申请材料": "materials",
    "常见问题": "faqs",
    "结果样本的附件编号": "result_guid",
    "中介服务": "service_type",
    "办结方式": "finish_type",
    "结果有效期限": "result_validity",
    "年审或者年检": "annual_check",
    "中介服务事项": "intermediaries",
    "业务办理项": "handle_items",
}
"""Fields by what heads their columns: the Chinese names that the contract gives them."""
PARTS: Final = {
    "by_law": {
        "法律法规名称": "law_name",
        "依据文号": "document_number",
        "条款号": "article",
        "条款内容": "content",
        "颁布机关": "issuer",
        "实施日期": "effective_date",
    },
    "handle_flow": {
        "环节": "step",
        "办理人员": "officer",
        "办理时限": "time_limit",
        "审查标准": "standard",
    },
    "remedies": {
        "类别": "kind",
        "受理单位": "body",
        "地址": "address",
        "电话": "phone",
    },
    "fees": {
        "收费项目名称": "fee_name",
        "收费标准": "fee_stand",
        "收费依据": "by_law",
        "是否允许减免": "is_desc",
        "减免依据": "desc_explain",
    },
    "materials": {
        "材料名称": "name",
        "材料类型": "material_type",
        "材料形式": "material_format",
        "材料必要性": "is_need",
        "来源渠道": "source_type",
        "来源渠道说明": "source_explain",
        "材料依据": "by_law",
        "受理标准": "accept_stand",
        "填报须知": "fill_explain",
        "原件份数": "page_num",
        "规格": "page_format",
        "空白表格的附件编号": "form_guid",
        "样表的附件编号": "example_guid",
        "序号": "order_num",
        "复印件份数": "copy_num",
        "收取方式": "receive_type",
        "电子材料可信等级": "trust_level",
    },
    "faqs": {
        "问题": "question",
        "解答": "answer",
        "序号": "order",
    },
    "intermediaries": {
        "中介服务名称": "name",
        "设立依据": "by_law",
        "收费标准": "fee_stand",
        "说明": "explain",
    },
    "handle_items": {
        "业务办理项编码": "code",
        "业务办理项名称": "name",
        "受理条件": "accept_condition",
        "承诺办结时限": "promise_day",
        "承诺办结时限单位": "promise_type",
        "所需材料的名称": "materials",
    },
}
"""The parts of records by their Chinese names, by the field that holds the records."""
LISTS: Final = frozenset(
    {
        "special_procedure",
        "handle_type",
        "online_handle_depth",
        "deliver_type",
        "server_type",
        "user_topic_type",
        "corp_topic_type",
        "receive_type",
    }
)
"""Fields that hold several codes."""
CODED: Final = LISTS | {
    "task_type",
    "power_source",
    "use_level",
    "dept_type",
    "anticipate_type",
    "promise_type",
    "project_type",
    "examine_type",
    "handle_area",
    "result_type",
    "finish_type",
    "material_type",
    "material_format",
    "is_need",
    "source_type",
    "trust_level",
    "kind",
}
"""Fields that hold codes."""
EXCHANGE_AUDIENCES: Final = {
    "5": "6",
    "非法人企业": "6",
    "6": "5",
    "行政机关": "5",
    "9": "6",
    "其他组织": "6",
}
"""Rule I-13: 服务对象 of the national exchange whose codes are others in GB/T 39046-2020 A.4."""
EXAMPLE: Final = "（示例）"
"""Begins the name of the template's example, so that nobody publishes it."""
EARLIEST, LATEST = "1900", "9999"
_EXCHANGE_NAMES: Final = {"area_code": "region_code"}
_EXCHANGE_TEXTS: Final = frozenset({"alias", "other_dept", "other_dept_code"}) | LISTS
_OPERATION, _REMOVAL = "CD_OPERATION", frozenset({"D", "d"})
_SEPARATORS: Final = re.compile(r"[,，、;；|^\n]")
_CODE: Final = re.compile(r"\s*([0-9A-Z]{1,3})\s+\S")
_PART: Final = re.compile(r"\s*([^=＝|｜]{1,20}?)\s*[=＝]\s*(.*)", re.DOTALL)
_LAW: Final = re.compile(r"《([^《》]{1,190})》")
_DAYS: Final = frozenset({"plan_effective_date", "plan_cancel_date"})


def from_template(values: Mapping[str, Any]) -> dict[str, Any]:
    """The row of a sheet that was filled after the template, its columns headed in Chinese.

    A code may stand before its name (`1 即办件`), as the lists to choose from have it. Records are
    lines of a cell: `法律法规名称=…|条款号=…`; a part that names nothing is the record's first.
    """
    found: dict[str, Any] = {}
    for heading, value in values.items():
        name = HEADINGS.get(heading, heading)
        if name in PARTS and isinstance(value, str):
            found[name] = _records(value, PARTS[name])
        else:
            found[name] = _codes(name, value)
    return found


def _codes(name: str, value: Any) -> Any:
    """A value of a coded field without the names of its codes."""
    if name not in CODED or not isinstance(value, str):
        return value
    if name not in LISTS:
        return _code(value)
    return "、".join(_code(part) for part in _SEPARATORS.split(value))


def _code(text: str) -> str:
    before = _CODE.match(text)
    return before[1] if before else text


def _records(cell: str, parts: Mapping[str, str]) -> Any:
    """The records in a cell: JSON stays what it is."""
    if not cell.strip() or cell.lstrip().startswith("["):
        return cell
    return [_record(line, parts) for line in cell.splitlines() if line.strip()]


def _record(line: str, parts: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    first = next(iter(parts.values()))
    for part in re.split(r"[|｜]", line):
        named = _PART.fullmatch(part)
        if named and (named[1] in parts or named[1] in parts.values()):
            name = parts.get(named[1], named[1])
            found[name] = _codes(name, named[2].strip())
        elif part.strip():
            # A second part without a name is kept under what stands there, which no reader knows.
            found[first if first not in found else part.strip()] = part.strip()
    return found


def is_example(values: Mapping[str, Any]) -> bool:
    """Whether a row is the example that the template has, left where it stood."""
    name = values.get("事项名称")
    return isinstance(name, str) and name.lstrip().startswith(EXAMPLE)


def is_removal(values: Mapping[str, Any]) -> bool:
    """Whether a row of the national exchange says that its item is to be deleted."""
    return values.get(_OPERATION) in _REMOVAL


def from_exchange(values: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the national exchange, whose columns have our names in capitals.

    Rule I-13: 服务对象 is told by other codes there, and 0001-01-01 stands for no day. Several
    codes may stand between `^`. Laws and steps are texts. Columns of the exchange itself (CD_…,
    ROW_GUID) are passed over.
    """
    found: dict[str, Any] = {}
    for column, value in values.items():
        if column == "ROW_GUID" or column.startswith("CD_"):
            continue
        lower = column.lower() if column.isupper() else column
        name = _EXCHANGE_NAMES.get(lower, lower)
        if found.get(name) in (None, ""):
            found[name] = _exchanged(name, value)
    return found


def _exchanged(name: str, value: Any) -> Any:
    if name == "server_type":
        return _audiences(value)
    if not isinstance(value, str):
        return value
    if name in _DAYS:
        year = value.strip()[:4]
        return "" if year.isdecimal() and (year < EARLIEST or year == LATEST) else value
    if name in _EXCHANGE_TEXTS and not value.lstrip().startswith("["):
        return value.replace("^", "、")
    if value.strip() and not value.lstrip().startswith("["):
        return _AS_TEXT[name](value.strip()) if name in _AS_TEXT else value
    return value


def _audiences(value: Any) -> Any:
    """服务对象 by the codes of GB/T 39046-2020; what is no code there stays for its reader."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        value = _SEPARATORS.split(value)
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, list):
        return value
    parts = [str(one).strip() if isinstance(one, str | int) else one for one in value]
    return [EXCHANGE_AUDIENCES.get(one, one) if isinstance(one, str) else one for one in parts]


def _laws(text: str) -> list[dict[str, str]]:
    """What an item rests on, where it is one text."""
    if len(text) <= 200 and "\n" not in text:
        return [{"law_name": text}]
    named = _LAW.search(text)
    return [{"law_name": named[1] if named else text.splitlines()[0][:200], "content": text}]


def _steps(text: str) -> list[dict[str, str]]:
    """The steps of the handling, where they are one text: lines, or parts behind arrows."""
    steps = [part.strip() for part in re.split(r"\n|→|->|—>", text) if part.strip()]
    if all(len(step) <= 100 for step in steps):
        return [{"step": step} for step in steps]
    return [{"step": "办理流程", "standard": text}]


_AS_TEXT: Final = {"by_law": _laws, "handle_flow": _steps}
