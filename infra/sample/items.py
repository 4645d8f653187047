"""Service items of the sample: hand-written templates, one item per place that offers them."""

from collections.abc import Iterator
from typing import Any

from infra.sample.bodies import body
from infra.sample.places import FOLDER, Row, dial, expanded, level, read, region
from services.common.identifiers import RegionLevel

_PERMIT = "01"
_AREA = {RegionLevel.PROVINCE: "2", RegionLevel.PREFECTURE: "3", RegionLevel.COUNTY: "4"}
_DEPTH = {"full": list("123456"), "partial": list("123"), "none": ["1"]}
_MATERIAL = (
    "name",
    "material_type",
    "material_format",
    "is_need",
    "source_type",
    "source_explain",
    "page_num",
    "accept_stand",
)
_COMMON = {
    "@id": "申请人居民身份证|1|3|1|20|公安机关|1|在有效期内，原件核验或者电子证照",
    "@household": "居民户口簿|1|3|1|20|公安机关|1|原件核验或者电子证照",
    "@licence": "营业执照|1|2|1|20|市场监督管理部门|1|共享核验，免于提交",
}


def items() -> Iterator[Row]:
    """Make every item of the sample, in the order of template files, templates and places."""
    laws = read("authored/laws.json")
    number = 0
    for path in sorted((FOLDER / "authored/items").glob("*.json")):
        for template in read(f"authored/items/{path.name}"):
            for place in expanded(template["at"]):
                number += 1
                yield _item(template, region(place), laws, number)


def _item(template: Row, place: Row, laws: dict[str, list[str]], number: int) -> Row:
    code = place["code"]
    department = body(template["dept"], code)
    use_level = str(int(level(code)))
    catalog_code = "53" + template["id"]
    return {
        "task_name": template["name"],
        "alias": template["alias"],
        "catalog_code": catalog_code,
        "task_code": department["code"] + use_level + catalog_code,
        "task_type": template["id"][:2],
        "task_version": 1,
        "task_state": "1",
        "region_code": code,
        "dept_code": department["code"],
        "dept_name": department["name"],
        "use_level": use_level,
        "by_law": [basis(laws, *law) for law in template["law"]],
        "power_source": "1",
        **_limits(template),
        **_conduct(template, place, number),
        **_audience(template),
        **_result(template),
        "materials": [_material(text) for text in template["materials"]],
        "faqs": [{"question": ask, "answer": answer} for ask, answer in template["faqs"]],
    }


def basis(laws: dict[str, list[str]], law: str, article: str, content: str) -> Row:
    name, document_number, issuer, effective_date = laws[law]
    return {
        "law_name": name,
        "document_number": document_number,
        "article": article,
        "content": content,
        "issuer": issuer,
        "effective_date": effective_date,
    }


def _limits(template: Row) -> Row:
    statutory, promised, unit = template["limit"]
    return {
        "anticipate_day": statutory,
        "anticipate_type": unit,
        "anticipate_explain": template.get("longer", ""),
        "promise_day": promised,
        "promise_type": unit,
        "project_type": "2" if promised else "1",
    }


def _conduct(template: Row, place: Row, number: int) -> Row:
    online = template["online"]
    code = place["code"]
    full = online == "full"
    return {
        "accept_condition": template["accept"],
        "handle_type": ["1", "2", "3", "4"]
        if full
        else ["1", "2", "3"]
        if online == "partial"
        else ["1"],
        "online_handle_depth": _DEPTH[online],
        "limit_scene_num": 0 if full else template.get("visits", 1),
        "limit_scene_explain": "无" if full else template["why"],
        "is_online": online != "none",
        "is_entry_center": True,
        "transact_addr": _address(place, number),
        "transact_time": "工作日 9:00—12:00，13:00—17:00（法定节假日除外）",
        "is_schedule": True,
        "is_pay_online": "fee" in template and online != "none",
        "is_express": full,
        "handle_area": template["area"] if template["area"] in "12" else _AREA[level(code)],
        "handle_flow": _flow(template),
        "link_way": dial(code, 100_000 + number),
        "supervise_way": dial(code, 900_000 - number),
    }


def _address(place: Row, number: int) -> str:
    window = number % 60 + 1
    return f"{place['name']}政务服务中心（示例地址）{window // 20 + 1}楼{window}号综合窗口"


def _flow(template: Row) -> list[Row]:
    """Describe the steps: a permit always has the five of the law, others may need fewer."""
    _, promised, unit = template["limit"]
    days = "个工作日" if unit == "1" else "日"
    review = f"{max(promised - 1, 1)}{days}" if promised else "当场"
    decision = f"1{days}" if promised > 1 else "当日"
    steps = [
        (
            "受理",
            "窗口受理人员",
            "当场",
            "材料齐全、符合法定形式的受理；不齐全的一次性告知补正内容",
        ),
        ("审核", "业务审核人员", review, template["review"]),
        ("决定", "部门负责人", decision, "符合条件的准予，不符合的说明理由并告知救济途径"),
        ("办结", "业务审核人员", "当日", "制作结果文书或者证照，公开办理结果"),
        ("送达", "窗口发证人员", "10个工作日内", "窗口领取、邮寄或者电子送达"),
    ]
    if template["id"][:2] != _PERMIT and not promised:
        steps = [steps[0], steps[1], steps[3]]
    return [
        {"step": step, "officer": officer, "time_limit": time_limit, "standard": standard}
        for step, officer, time_limit, standard in steps
    ]


def _audience(template: Row) -> Row:
    return {
        "server_type": list(template["who"]),
        "user_topic_type": template.get("user", []),
        "corp_topic_type": template.get("corp", []),
    }


def _result(template: Row) -> Row:
    name, kind = template["result"]
    basis, fees = template.get("fee", ("", []))
    keys = ("fee_name", "fee_stand", "by_law", "is_desc", "desc_explain")
    return {
        "result_name": name,
        "result_type": kind,
        "is_fee": bool(fees),
        "fee_basis": basis,
        "fees": [dict(zip(keys, fee, strict=True)) for fee in fees],
    }


def _material(text: str) -> Row:
    if text.startswith("@form "):
        text = f"{text[6:]}|2|3|1|10|申请人自备，可在线填写|1|填写完整，签字或者盖章"
    values: list[Any] = _COMMON.get(text, text).split("|")
    material = dict(zip(_MATERIAL, values, strict=True))
    return {**material, "page_num": int(material["page_num"])}
