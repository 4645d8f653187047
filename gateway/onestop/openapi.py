"""The one-stop query and dossiers in the OpenAPI document; transcoded calls describe themselves."""

from typing import Any

from gateway.onestop import dossier_openapi, facets
from gateway.onestop.asked import HITS_IN_OVERVIEW, HITS_IN_PAGE, LARGEST_PAGE, LONGEST_TEXT
from gateway.onestop.facets import LONGEST_VALUE
from gateway.onestop.shapes import TIME, described, listed, said

_FACETS = {
    "department": "只看一个实施主体，用其名称。",
    "audience": "只看一类服务对象：1 自然人，2 企业法人，3 事业法人……（GB/T 39046-2020 A.4）。",
    "theme": "只看一个主题：p 加自然人主题编码，或 c 加法人主题编码。",
    "task_type": "只看一种事项类型，如 01 行政许可。",
    "online_depth": "网上办理深度：1 咨询 至 6 结果反馈。",
    "visits": "到办事现场次数，如 0。",
}


def _parameter(name: str, told: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": name == "q",
        "description": told,
        "schema": schema,
        "example": example,
    }


def _narrowing(name: str, told: str) -> dict[str, Any]:
    schema = {"type": "string", "maxLength": LONGEST_VALUE}
    return _parameter(name, f"{told}须同时指定 kind。", schema, "")


_EXAMPLE = {
    "query": "食品经营许可",
    "intent": {
        "type": "text",
        "text": "食品经营许可",
        "region": None,
        "kind": None,
        "read_as": None,
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
                    "aliases": ["食品经营许可证", "开饭店"],
                    "facets": {"task_type": "01", "visits": "0"},
                    "family": "catalogue/530131002001",
                    "score": 2012.345,
                    "elsewhere": 12,
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

PATHS: dict[str, Any] = dossier_openapi.PATHS | {
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
                    "上一页答复中的 next_page_token，须与原来的其他参数一起使用。",
                    {"type": "string"},
                    "",
                ),
                _parameter(
                    "family",
                    "列出同一事项在各地区的实施清单：某条结果的 family。须同时指定 kind。",
                    {"type": "string", "maxLength": LONGEST_VALUE},
                    "",
                ),
                *(_narrowing(name, told) for name, told in _FACETS.items()),
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
    "/api/v1/suggest": {
        "get": {
            "operationId": "OneStop_Suggest",
            "tags": ["onestop"],
            "summary": "联想：输入时提示可能要查的内容",
            "description": "最多十条，按名称开头、拼音或首字母；有错字时提示改正后的名称。",
            "parameters": [
                _parameter(
                    "q",
                    "已输入的内容。不得包含公民身份号码。",
                    {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT},
                    "gjj",
                )
            ],
            "responses": {
                "200": {
                    "description": "可能要查的内容",
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/OneStopSuggestions"},
                            "example": {
                                "query": "gjj",
                                "suggestions": [{"text": "公积金", "kind": "name"}],
                            },
                        }
                    },
                }
            },
        }
    },
}

SCHEMAS: dict[str, Any] = dossier_openapi.SCHEMAS | {
    "OneStopAnswer": described(
        "一站式查询的答复。",
        {
            "query": said("所查内容，已去掉首尾空格"),
            "intent": {"$ref": "#/components/schemas/OneStopIntent"},
            "took_ms": {"type": "number", "description": "用时，毫秒"},
            "groups": listed("OneStopGroup"),
            "sources": listed("OneStopSource"),
            "suggestions": {
                "type": "array",
                "items": {"type": "string"},
                "description": "没有查到时，可能想查的内容",
            },
        },
    ),
    "OneStopIntent": described(
        "对所查内容的理解。",
        {
            "type": {
                "type": "string",
                "enum": ["text", "code", "case_number", "subject_code"],
                "description": "文字、编码、办件编号、统一社会信用代码",
            },
            "text": said("用于检索的文字，已去掉地名和标点"),
            "region": {
                "type": ["object", "null"],
                "description": "文字中的地名",
                "properties": {"code": said("区划码"), "name": said("名称")},
            },
            "kind": {"type": ["string", "null"], "description": "文字所指的类别"},
            "read_as": {"type": ["string", "null"], "description": "拼音或首字母所指的名称"},
            "corrected": {"type": ["string", "null"], "description": "改正错字后实际查询的文字"},
            "hint": {"type": ["string", "null"], "description": "给查询人的提示"},
        },
    ),
    "OneStopGroup": described(
        "一个类别的结果。",
        {
            "kind": said("类别：item 事项，credit 信用，utility 便民，website 网站……"),
            "total": {"type": "integer", "minimum": 0, "description": "总数"},
            "hits": listed("OneStopHit"),
            "next_page_token": said("还有下一页时给出，仅在指定 kind 时"),
            "facets": listed("OneStopFacet"),
        },
        optional=("next_page_token", "facets"),
    ),
    "OneStopFacet": described(
        "可以用来筛选的一个方面，仅在指定 kind 时给出。",
        {
            "name": {"type": "string", "enum": ["region", *facets.NAMES], "description": "参数名"},
            "values": {
                "type": "array",
                "description": "各个值与条数，多的在前",
                "items": described(
                    "一个值。",
                    {
                        "value": said("值"),
                        "count": {"type": "integer", "minimum": 1, "description": "条数"},
                    },
                ),
            },
        },
    ),
    "OneStopSuggestions": described(
        "联想的答复。",
        {
            "query": said("已输入的内容"),
            "suggestions": {
                "type": "array",
                "maxItems": 10,
                "items": described(
                    "一条。",
                    {
                        "text": said("选中后查询的内容"),
                        "kind": said("name 为事项的名称，其余为所属的类别"),
                    },
                ),
            },
        },
    ),
    "OneStopHit": described(
        "一条结果。",
        {
            "id": said("部门与部门内的标识"),
            "kind": said("类别"),
            "title": said("名称"),
            "summary": said("摘要"),
            "department": said("负责的单位"),
            "region": said("12 位区划码，可为空"),
            "url": said("门户上的页面"),
            "as_of": {"type": "string", "format": "date-time", "description": "该条内容的时间"},
            "version": {"type": "integer", "description": "该条内容的版本"},
            "aliases": {
                "type": "array",
                "items": {"type": "string"},
                "description": "日常用语",
            },
            "facets": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "筛选与卡片所用的值，多个值以逗号分开",
            },
            "family": said("同一事项在各地区共有的标识，可为空"),
            "score": {"type": "number", "description": "相关程度，越大越靠前"},
            "elsewhere": {
                "type": "integer",
                "minimum": 0,
                "description": "另有多少个地区办理同一事项",
            },
        },
    ),
    "OneStopSource": described(
        "一个部门的数据情况。",
        {
            "department": said("部门"),
            "status": {
                "type": "string",
                "enum": ["ok", "stale", "unavailable"],
                "description": "正常、滞后、暂不可用",
            },
            "as_of": TIME | {"description": "该部门的数据截至何时"},
            "lag_ms": {"type": ["integer", "null"], "description": "距今毫秒数"},
            "since": TIME | {"description": "何时起滞后或不可用"},
        },
        optional=("since",),
    ),
}
