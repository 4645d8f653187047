"""What codes are called on pages (GB/T 39046-2020 appendix A; the national exchange; credit)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS: Final = {
    "item": "办事",
    "life_event": "一件事",
    "credit": "信用",
    "utility": "便民",
    "adjustment": "清单调整",
    "website": "网站",
}
"""The groups of the one-stop query."""

DEPARTMENTS: Final = {
    "catalogue": "办事指南查询",
    "credit": "信用查询",
    "utilities": "便民服务查询",
    "websites": "政府网站查询",
}
"""What a searcher loses while a department does not answer."""

TASK_TYPES: Final = {
    "01": "行政许可",
    "02": "行政处罚",
    "03": "行政强制",
    "04": "行政征收",
    "05": "行政给付",
    "06": "行政检查",
    "07": "行政确认",
    "08": "行政奖励",
    "09": "行政裁决",
    "10": "其他类别事项",
    "20": "公共服务事项",
}
BY_DUTY: Final = frozenset({"02", "03", "04", "06"})
"""Types that a department exercises by duty (依职权): nobody applies for them."""
USE_LEVELS: Final = {
    "1": "国家级",
    "2": "省级",
    "3": "市级",
    "4": "县级",
    "5": "乡镇（街道）级",
    "6": "村（社区）级",
    "7": "分级管理",
}
SERVER_TYPES: Final = {
    "1": "自然人",
    "2": "企业法人",
    "3": "事业法人",
    "4": "社会组织法人",
    "5": "行政机关",
    "6": "其他组织",
}
PROJECT_TYPES: Final = {"1": "即办件", "2": "承诺件"}
POWER_SOURCES: Final = {
    "1": "法定本级行使",
    "2": "上级下放",
    "3": "上级授权",
    "4": "同级授权",
    "5": "上级委托",
    "6": "同级委托",
}
SPECIAL_PROCEDURES: Final = {"1": "延长审批", "2": "除延长审批之外的特别程序"}
HANDLE_TYPES: Final = {
    "1": "窗口办理",
    "2": "网上办理",
    "3": "掌上办理",
    "4": "快递申请",
    "9": "其他方式",
}
HANDLE_AREAS: Final = {
    "1": "全国通办",
    "2": "全省通办",
    "3": "全市通办",
    "4": "全县通办",
    "5": "全镇通办",
    "6": "跨村（社区）通办",
}
ONLINE_DEPTHS: Final = {
    "1": "互联网咨询",
    "2": "收件",
    "3": "预审",
    "4": "受理",
    "5": "办理",
    "6": "结果信息反馈",
    "7": "其他",
    "9": "其他",
}
TIME_UNITS: Final = {"1": "个工作日", "2": "个自然日", "3": "小时", "4": "个月", "5": "年"}
EXAMINATIONS: Final = {"1": "即审即办", "2": "前审后批"}
FINISHES: Final = {"1": "出证办结", "2": "出文办结", "3": "审批办结", "9": "其他"}
DELIVERIES: Final = {"2": "公告", "4": "物流", "5": "短信", "6": "自取", "7": "直接送达"}
RECEIPTS: Final = {"1": "纸质收取", "2": "附件上传", "3": "扫描", "4": "容缺后补", "5": "证照库"}
TRUST_LEVELS: Final = {
    "A": "本部门核发，无需提交",
    "B": "窗口核验后可以复用",
    "C": "上传后由窗口核对原件",
    "D": "自制并承诺属实",
}
REMEDIES: Final = {"1": "行政复议", "2": "行政诉讼"}
RESULT_TYPES: Final = {"1": "证照", "2": "批文", "3": "其他", "4": "无"}
NEEDS: Final = {"1": "必要", "2": "非必要", "3": "容缺后补"}
MATERIAL_FORMATS: Final = {"1": "纸质", "2": "电子", "3": "纸质或电子"}
MATERIAL_SOURCES: Final = {"10": "申请人自备", "20": "政府部门核发", "99": "其他"}

SUBJECT_STATUSES: Final = {1: "存续", 2: "注销", 3: "吊销"}
VALIDITIES: Final = {"1": "有效", "2": "无效"}

SECTORS: Final = {
    1: "教育",
    2: "卫生健康",
    3: "供水",
    4: "供电",
    5: "供气",
    6: "供热",
    7: "公共交通",
    8: "通信",
    9: "社会保障",
    10: "环境保护",
    11: "农业农村",
    12: "文化",
    13: "体育",
    14: "科技",
    15: "金融",
}
STOPS: Final = {3: "停水", 4: "停电", 5: "停气", 6: "停暖"}
OUTAGE_KINDS: Final = {1: "计划", 2: "临时", 3: "故障"}
SITE_STATES: Final = {1: "正常运行", 2: "临时下线", 3: "已关停"}

ROLES: Final = {
    "person": "个人",
    "institution_user": "公共企事业单位用户",
    "item_editor": "事项编辑员",
    "list_publisher": "清单发布员",
    "case_handler": "受理经办人",
    "approver": "审批人",
    "credit_officer": "信用专管员",
    "website_editor": "网站编辑",
    "supervisor": "监察员",
    "publication_reviewer": "公开审查员",
    "auditor": "审计员",
    "administrator": "系统管理员",
}
"""What accounts are there for, by the name of zhengtong.access.v1.Role in lower case."""
ITEM_STATES: Final = {1: "在用", 2: "取消", 3: "暂停"}
SUBMISSION_STATES: Final = {1: "待审查", 2: "已通过", 3: "未通过", 4: "已撤回"}
SYNONYM_STATES: Final = {
    "own": "原词组",
    "edited": "已修改",
    "new": "新增",
    "removed": "已停用",
}
MANDATE_KINDS: Final = {1: "法定代表人", 2: "经办人"}
MANDATE_STATES: Final = {1: "有效", 2: "已收回"}

BODY_TYPES: Final = {"1": "法定机关", "2": "授权组织", "3": "受委托组织", "9": "其他"}
PERSON_TOPICS: Final = {
    "005": "生育收养",
    "010": "户籍办理",
    "015": "民族宗教",
    "020": "教育科研",
    "025": "入伍服役",
    "030": "就业创业",
    "035": "设立变更",
    "040": "准营准办",
    "045": "抵押质押",
    "050": "职业资格",
    "055": "行政缴费",
    "060": "婚姻登记",
    "065": "优待抚恤",
    "070": "规划建设",
    "075": "住房保障",
    "085": "社会保障",
    "090": "证件办理",
    "095": "交通出行",
    "100": "旅游观光",
    "105": "出境入境",
    "110": "消费维权",
    "115": "公共安全",
    "120": "司法公证",
    "125": "知识产权",
    "130": "环保绿化",
    "135": "文化体育",
    "140": "公用事业",
    "145": "医疗卫生",
    "150": "离职退休",
    "155": "死亡殡葬",
    "998": "地方特色",
    "999": "其他",
}
ORGANISATION_TOPICS: Final = {
    "005": "设立变更",
    "010": "准营准办",
    "015": "资质认证",
    "020": "年检年审",
    "025": "税收财务",
    "030": "人力资源",
    "035": "社会保障",
    "040": "投资审批",
    "045": "融资信贷",
    "050": "抵押质押",
    "055": "商务贸易",
    "060": "招标拍卖",
    "065": "海关口岸",
    "070": "涉外服务",
    "075": "农林牧渔",
    "085": "国土和规划建设",
    "090": "交通运输",
    "095": "环保绿化",
    "100": "应对气候变化",
    "105": "水务气象",
    "110": "医疗卫生",
    "115": "科技创新",
    "120": "文体教育",
    "125": "知识产权",
    "130": "民族宗教",
    "135": "质量技术",
    "140": "检验检疫",
    "145": "安全生产",
    "150": "公安消防",
    "155": "司法公证",
    "160": "公用事业",
    "165": "法人注销",
    "170": "档案文物",
    "998": "地方特色",
    "999": "其他",
}
"""主题分类 of what is for persons, and of what is for 法人."""
LIST_KINDS: Final = {1: "权力清单", 2: "责任清单", 3: "负面清单"}
LIST_ACTIONS: Final = {1: "增加", 2: "修改", 3: "取消", 4: "下放", 5: "承接"}
ROW_OUTCOMES: Final = {1: "新增", 2: "变更", 3: "未变", 4: "保留", 5: "被拒"}
"""What an import makes, or would make, of a row."""
GAP_OUTCOMES: Final = {
    1: "已新增事项",
    2: "已补充别名",
    3: "已发提示函",
    4: "不属于政务服务",
}
"""What became of a gap of the catalogue, as `GapOutcome` has them."""

FACETS: Final = {
    "department": "实施主体",
    "audience": "服务对象",
    "theme": "主题",
    "task_type": "事项类型",
    "online_depth": "网上办理深度",
    "visits": "到现场次数",
}
"""What the items of an answer may be narrowed by."""
_FACET_TABLES: Final = {
    "audience": SERVER_TYPES,
    "task_type": TASK_TYPES,
    "online_depth": ONLINE_DEPTHS,
}


def facet_value(name: str, value: str) -> str:
    """What a value of a facet is called; the value itself where nobody knows."""
    match name:
        case "theme":
            table = PERSON_TOPICS if value.startswith("p") else ORGANISATION_TOPICS
            of = "" if value.startswith("p") else "（法人）"
            return table.get(value[1:], value) + of
        case "visits":
            return f"跑 {value} 次"
        case _:
            return _FACET_TABLES.get(name, {}).get(value, value)


def item_tags(facets: Mapping[str, str]) -> list[str]:
    """The tags of an item's card (事项卡片): what makes it quick or costly."""
    tags = [
        "即办件" if facets.get("project_type") == "1" else "",
        "全程网办" if facets.get("visits") == "0" and facets.get("is_online") else "",
        f"跑 {facets['visits']} 次" if "visits" in facets else "",
        HANDLE_AREAS.get(facets.get("handle_area", ""), ""),
        "收费" if facets.get("is_fee") else "",
    ]
    return [tag for tag in tags if tag]


def outage_tag(facets: Mapping[str, str], now: int) -> str:
    """Where a stop of supply (停水、停电、停气) stands by the clock, and how long it goes on.

    Args:
        now: microseconds since 1970.
    """
    if facets.get("record") != "outage" or not {"start_time", "end_time"} <= facets.keys():
        return ""
    start, end = (datetime.fromisoformat(facets[name]) for name in ("start_time", "end_time"))
    at = datetime.fromtimestamp(now / 1_000_000, UTC)
    if at < start:
        return "预告"
    if at >= end:
        return "预计已恢复"
    hours, minutes = divmod(-(-(end - at) // timedelta(minutes=1)), 60)
    left = f"{hours} 小时" * bool(hours) + f" {minutes} 分钟" * bool(minutes)
    return f"进行中，预计还有 {left.strip()}"
