"""The dossier of an organisation in the OpenAPI document."""

from typing import Any

from gateway.onestop import dossier
from gateway.onestop.shapes import TIME, described, listed, said

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
    dossier.PATH: {
        "get": {
            "operationId": "OneStop_Dossier",
            "tags": ["onestop"],
            "summary": "企业档案：按统一社会信用代码汇集各部门公开的信息",
            "description": (
                "同时实时询问各部门，每个部门最多等待半秒。"
                "某个部门没有答复时仍照常回答，并在 sources 中说明；各部门都没有答复时，答复 503。"
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
                "503": {"$ref": "#/components/responses/Problem503"},
            },
            "x-refuses": [
                dossier.DossierCodeInvalid.reason,
                dossier.DossierCodeIsPersonal.reason,
                dossier.DossierNotFound.reason,
                dossier.DossierUnavailable.reason,
            ],
        }
    },
}

SCHEMAS: dict[str, Any] = {
    "Dossier": described(
        "一个单位的档案。",
        {
            "subject_code": said("统一社会信用代码"),
            "name": said("单位名称，可为空"),
            "sections": listed("DossierSection"),
            "sources": listed("DossierSource"),
        },
    ),
    "DossierSection": described(
        "某部门公开的一类信息。",
        {
            "department": said("部门"),
            "kind": said("类别"),
            "title": said("类别的名称"),
            "total": {"type": "integer", "minimum": 0, "description": "总数，最多计到 10,000"},
            "entries": {
                "type": "array",
                "maxItems": dossier.MOST_ENTRIES,
                "items": {"$ref": "#/components/schemas/DossierEntry"},
            },
            "url": said("门户上的详情页面，可为空"),
        },
    ),
    "DossierEntry": described(
        "一条信息。",
        {
            "title": said("名称"),
            "summary": said("摘要，可为空"),
            "url": said("门户上的页面，可为空"),
            "code": said("编号或文书号，可为空"),
            "status": said("状态，可为空"),
            "date": said("日期，ISO 8601，可为空"),
        },
    ),
    "DossierSource": described(
        "一个部门的答复情况。",
        {
            "department": said("部门"),
            "status": {
                "type": "string",
                "enum": [dossier.OK, dossier.UNAVAILABLE, dossier.TIMED_OUT],
                "description": "已答复、暂不可用、没有及时答复",
            },
            "as_of": TIME | {"description": "该部门答复的时间"},
        },
    ),
}
