"""The one-stop query and dossiers in the OpenAPI document; transcoded calls describe themselves."""

from typing import Any

from gateway.onestop import dossier
from gateway.onestop.asked import HITS_IN_OVERVIEW, HITS_IN_PAGE, LARGEST_PAGE, LONGEST_TEXT

_TIME: dict[str, Any] = {"type": ["string", "null"], "format": "date-time"}


def _parameter(name: str, told: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": name == "q",
        "description": told,
        "schema": schema,
        "example": example,
    }


def _object(
    told: str, properties: dict[str, Any], optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "type": "object",
        "description": told,
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


def _text(told: str) -> dict[str, Any]:
    return {"type": "string", "description": told}


def _list(of: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{of}"}}


_EXAMPLE = {
    "query": "食品经营许可",
    "intent": {
        "type": "text",
        "text": "食品经营许可",
        "region": None,
        "kind": None,
        "corrected": None,
        "hint": None,
    },
    "took_ms": 1.2,
    "groups": [
        {
            "kind": "item",
            "total": 1,
            "hits": [
                {
                    "id": "catalogue/530100-0001",
                    "kind": "item",
                    "title": "食品经营许可",
                    "summary": "承诺 5 个工作日办结",
                    "department": "昆明市市场监督管理局",
                    "region": "530100000000",
                    "url": "/items/530100-0001",
                    "as_of": "2026-11-22T08:30:00.000Z",
                    "version": 3,
                    "score": 2012.345,
                }
            ],
        }
    ],
    "sources": [
        {
            "department": "catalogue",
            "status": "ok",
            "as_of": "2026-11-22T08:30:00.000Z",
            "lag_ms": 412,
        }
    ],
    "suggestions": [],
}

_DOSSIER = {
    "subject_code": "91530100010090011J",
    "name": "昆明示例供水有限公司",
    "sections": [
        {
            "department": "credit",
            "kind": "permit",
            "title": "行政许可",
            "total": 1,
            "entries": [
                {
                    "title": "卫生许可证",
                    "summary": "昆明市卫生健康委员会 · 集中式供水",
                    "url": "/credit/91530100010090011J",
                    "code": "示例卫许〔2026〕1号",
                    "status": "有效",
                    "date": "2026-03-02",
                }
            ],
            "url": "/credit/91530100010090011J",
        }
    ],
    "sources": [
        {"department": "credit", "status": "ok", "as_of": "2026-11-22T08:30:00.000Z"},
        {"department": "websites", "status": "timed_out", "as_of": None},
    ],
}

PATHS: dict[str, Any] = {
    "/api/v1/query": {
        "get": {
            "operationId": "OneStop_Query",
            "tags": ["onestop"],
            "summary": "一站式查询：一次提问，各部门一起回答",
            "description": (
                "按类别分组返回事项、信用主体、公共企事业单位与停供公告、政府网站。"
                "某个部门暂时不可用时仍照常回答，并在 sources 中说明该部门的数据截至何时。"
                "输入统一社会信用代码时，实时查询该主体的信用信息。"
            ),
            "parameters": [
                _parameter(
                    "q",
                    "要查询的内容：名称、日常用语、拼音或首字母、编码、统一社会信用代码；可带地名。"
                    "不得包含公民身份号码。",
                    {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT},
                    "食品经营许可",
                ),
                _parameter(
                    "region",
                    "行政区划代码，2、4、6、9 或 12 位；返回该地区、其下级与上级地区的内容。",
                    {"type": "string", "pattern": "^([1-9][0-9]([0-9]{2}){0,5}[0-9]?)?$"},
                    "530100",
                ),
                _parameter(
                    "kind",
                    "只看一个类别：item、credit、utility、website 等。",
                    {"type": "string", "pattern": "^[A-Za-z0-9_]{0,40}$"},
                    "item",
                ),
                _parameter(
                    "page_size",
                    f"每类返回的条数，默认 {HITS_IN_OVERVIEW}，指定 kind 时默认 {HITS_IN_PAGE}。",
                    {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE},
                    10,
                ),
                _parameter(
                    "page_token",
                    "上一页答复中的 next_page_token，须与原来的 q、region、kind 一起使用。",
                    {"type": "string"},
                    "",
                ),
            ],
            "responses": {
                "200": {
                    "description": "各部门的回答",
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/OneStopAnswer"},
                            "example": _EXAMPLE,
                        }
                    },
                }
            },
        }
    },
    dossier.PATH: {
        "get": {
            "operationId": "OneStop_Dossier",
            "tags": ["onestop"],
            "summary": "企业档案：按统一社会信用代码汇集各部门公开的信息",
            "description": (
                "同时实时询问各部门，每个部门最多等待半秒。"
                "某个部门没有答复时仍照常回答，并在 sources 中说明。"
                "只有各部门都已答复且都没有该代码的公开信息时，才答复 404。不含自然人的信息。"
            ),
            "parameters": [
                {
                    "name": "subject_code",
                    "in": "path",
                    "required": True,
                    "description": "统一社会信用代码；小写、全角和空格也能识别。",
                    "schema": {"type": "string"},
                    "example": "91530100010090011J",
                }
            ],
            "responses": {
                "200": {
                    "description": "各部门公开的信息",
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Dossier"},
                            "example": _DOSSIER,
                        }
                    },
                },
                "404": {"$ref": "#/components/responses/Problem404"},
            },
            "x-refuses": [
                dossier.DossierCodeInvalid.reason,
                dossier.DossierCodeIsPersonal.reason,
                dossier.DossierNotFound.reason,
            ],
        }
    },
}

SCHEMAS: dict[str, Any] = {
    "Dossier": _object(
        "一个单位的档案。",
        {
            "subject_code": _text("统一社会信用代码"),
            "name": _text("单位名称，可为空"),
            "sections": _list("DossierSection"),
            "sources": _list("DossierSource"),
        },
    ),
    "DossierSection": _object(
        "某部门公开的一类信息。",
        {
            "department": _text("部门"),
            "kind": _text("类别"),
            "title": _text("类别的名称"),
            "total": {"type": "integer", "minimum": 0, "description": "总数，最多计到 10,000"},
            "entries": {
                "type": "array",
                "maxItems": dossier.MOST_ENTRIES,
                "items": {"$ref": "#/components/schemas/DossierEntry"},
            },
            "url": _text("门户上的详情页面，可为空"),
        },
    ),
    "DossierEntry": _object(
        "一条信息。",
        {
            "title": _text("名称"),
            "summary": _text("摘要，可为空"),
            "url": _text("门户上的页面，可为空"),
            "code": _text("编号或文书号，可为空"),
            "status": _text("状态，可为空"),
            "date": _text("日期，ISO 8601，可为空"),
        },
    ),
    "DossierSource": _object(
        "一个部门的答复情况。",
        {
            "department": _text("部门"),
            "status": {
                "type": "string",
                "enum": [dossier.OK, dossier.UNAVAILABLE, dossier.TIMED_OUT],
                "description": "已答复、暂不可用、没有及时答复",
            },
            "as_of": _TIME | {"description": "该部门答复的时间"},
        },
    ),
    "OneStopAnswer": _object(
        "一站式查询的答复。",
        {
            "query": _text("所查内容，已去掉首尾空格"),
            "intent": {"$ref": "#/components/schemas/OneStopIntent"},
            "took_ms": {"type": "number", "description": "用时，毫秒"},
            "groups": _list("OneStopGroup"),
            "sources": _list("OneStopSource"),
            "suggestions": {
                "type": "array",
                "items": {"type": "string"},
                "description": "没有查到时，可能想查的内容",
            },
        },
    ),
    "OneStopIntent": _object(
        "对所查内容的理解。",
        {
            "type": {
                "type": "string",
                "enum": ["text", "code", "subject_code"],
                "description": "文字、编码、统一社会信用代码",
            },
            "text": _text("用于检索的文字，已去掉地名和标点"),
            "region": {
                "type": ["object", "null"],
                "description": "文字中的地名",
                "properties": {"code": _text("区划码"), "name": _text("名称")},
            },
            "kind": {"type": ["string", "null"], "description": "文字所指的类别"},
            "corrected": {"type": ["string", "null"], "description": "改正错字后实际查询的文字"},
            "hint": {"type": ["string", "null"], "description": "给查询人的提示"},
        },
    ),
    "OneStopGroup": _object(
        "一个类别的结果。",
        {
            "kind": _text("类别：item 事项，credit 信用，utility 便民，website 网站……"),
            "total": {"type": "integer", "minimum": 0, "description": "总数"},
            "hits": _list("OneStopHit"),
            "next_page_token": _text("还有下一页时给出，仅在指定 kind 时"),
        },
        optional=("next_page_token",),
    ),
    "OneStopHit": _object(
        "一条结果。",
        {
            "id": _text("部门与部门内的标识"),
            "kind": _text("类别"),
            "title": _text("名称"),
            "summary": _text("摘要"),
            "department": _text("负责的单位"),
            "region": _text("12 位区划码，可为空"),
            "url": _text("门户上的页面"),
            "as_of": {"type": "string", "format": "date-time", "description": "该条内容的时间"},
            "version": {"type": "integer", "description": "该条内容的版本"},
            "score": {"type": "number", "description": "相关程度，越大越靠前"},
        },
    ),
    "OneStopSource": _object(
        "一个部门的数据情况。",
        {
            "department": _text("部门"),
            "status": {
                "type": "string",
                "enum": ["ok", "stale", "unavailable"],
                "description": "正常、滞后、暂不可用",
            },
            "as_of": _TIME | {"description": "该部门的数据截至何时"},
            "lag_ms": {"type": ["integer", "null"], "description": "距今毫秒数"},
            "since": _TIME | {"description": "何时起滞后或不可用"},
        },
        optional=("since",),
    ),
}
