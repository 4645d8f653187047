"""Dossiers over HTTP: all departments are asked, none is waited for, and no code names one."""

import ast
import threading
import time
from pathlib import Path

import jsonschema
import pytest

from gateway.onestop import dossier
from gateway.onestop.openapi import PATHS, SCHEMAS
from gateway.portal import dossier as dossier_page
from services.common.errors import Unavailable
from services.common.settings import DEPARTMENTS
from tests.contract.dossier_house import CODE, DEAD, FakePart, house, section

OTHER = "91530100MA6NXT016P"
RESIDENT = "11010519491231002X"  # the specimen of GB 11643
AS_OF = "2026-11-23T02:00:00.000Z"


class Away(Unavailable):
    reason = "STORE_UNAVAILABLE"


def valid(answer):
    """Hold an answer against the contract."""
    document = {"$ref": "#/components/schemas/Dossier", "components": {"schemas": SCHEMAS}}
    jsonschema.validate(answer, document)
    return answer


async def asked(http, code=CODE):
    reply = await http.get(f"/api/v1/dossiers/{code}")
    assert reply.status_code == 200, reply.text
    return valid(reply.json())


def sources(answer):
    return {source["department"]: source["status"] for source in answer["sources"]}


async def test_parts_of_all_departments_are_gathered(tmp_path):
    credit = FakePart([section()], name="昆明云岭商贸有限公司（示例）")
    sites = FakePart([section(kind="website", title="政府网站", total=40)])
    async with house(tmp_path, credit=credit, websites=sites) as http:
        reply = await http.get(f"/api/v1/dossiers/{CODE}")
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["cache-control"] == "no-store"
        answer = valid(reply.json())
    assert (answer["subject_code"], answer["name"]) == (CODE, "昆明云岭商贸有限公司（示例）")
    told = [(one["department"], one["kind"], one["total"]) for one in answer["sections"]]
    assert told == [("credit", "permit", 1), ("websites", "website", 40)]
    assert answer["sections"][0]["entries"] == [
        {
            "title": "食品经营许可证",
            "summary": "昆明市市场监督管理局",
            "url": f"/credit/{CODE}",
            "code": "许可〔2026〕1号",
            "status": "有效",
            "date": "2026-03-02",
        }
    ]
    assert answer["sources"] == [
        {"department": "credit", "status": "ok", "as_of": AS_OF},
        {"department": "websites", "status": "ok", "as_of": AS_OF},
    ]
    assert credit.asked == [("gateway", CODE)]


async def test_a_department_that_nobody_knows_joins_and_its_section_shows_up(tmp_path):
    tea = FakePart([section(kind="tea", title="古茶树保护", url="/tea/1")], name="某茶厂")
    async with house(tmp_path, tea_trees=tea) as http:
        answer = await asked(http)
        page = await http.get(f"/dossier/{CODE}")
    assert [(one["department"], one["title"]) for one in answer["sections"]] == [
        ("tea_trees", "古茶树保护")
    ]
    assert "古茶树保护" in page.text


def test_the_code_names_no_department():
    for file in (Path(dossier.__file__), Path(dossier_page.__file__)):
        texts = {
            node.value
            for node in ast.walk(ast.parse(file.read_text("utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not texts & set(DEPARTMENTS)


@pytest.mark.rule("P-31")
async def test_who_is_slow_dead_or_broken_is_named_and_costs_the_others_nothing(tmp_path):
    departments = {
        "credit": FakePart([section()]),
        "slow": FakePart([section()], hold=threading.Event()),
        "dead": DEAD,
        "broken": FakePart(error=RuntimeError("inside")),
        "away": FakePart(error=Away("数据库暂不可用。")),
        "silent": None,
    }
    async with house(tmp_path, **departments) as http:
        began = time.monotonic()
        answer = await asked(http)
        took = time.monotonic() - began
    assert sources(answer) == {
        "credit": "ok",
        "slow": "timed_out",
        "dead": "unavailable",
        "broken": "unavailable",
        "away": "unavailable",
    }
    assert [one["as_of"] for one in answer["sources"]] == [AS_OF, None, None, None, None]
    assert [one["department"] for one in answer["sections"]] == ["credit"]
    assert took < 3 * dossier.DEADLINE
    assert "inside" not in str(answer)


@pytest.mark.rule("P-31")
async def test_nobody_is_unknown_while_a_department_has_not_answered(tmp_path):
    known = {"credit": FakePart([section()]), "silent": None}
    async with house(tmp_path, **known) as http:
        refused = await http.get(f"/api/v1/dossiers/{OTHER}")
        assert (refused.status_code, refused.json()["reason"]) == (404, "DOSSIER_NOT_FOUND")
        assert refused.headers["content-type"] == "application/problem+json"
    async with house(tmp_path, **known, dead=DEAD) as http:
        answer = await asked(http, OTHER)
    assert answer["sections"] == []
    assert answer["name"] == ""
    assert sources(answer) == {"credit": "ok", "dead": "unavailable"}


@pytest.mark.rule("P-31")
async def test_where_nobody_has_answered_there_is_no_answer_but_when_to_come_back(tmp_path):
    away = {"away": FakePart(error=Away("数据库暂不可用。")), "dead": DEAD, "silent": None}
    async with house(tmp_path, **away) as http:
        reply = await http.get(f"/api/v1/dossiers/{CODE}")
        head = await http.head(f"/api/v1/dossiers/{CODE}")
    assert (reply.status_code, reply.json()["reason"]) == (503, "DOSSIER_UNAVAILABLE")
    assert reply.headers["content-type"] == "application/problem+json"
    assert int(reply.headers["retry-after"]) > 0
    assert "away、dead" in reply.json()["detail"]
    assert "silent" not in reply.json()["detail"]
    assert (head.status_code, head.content) == (503, b"")
    async with house(tmp_path, **away, credit=FakePart()) as http:
        assert (await asked(http))["sections"] == []


async def test_identity_is_no_part_of_a_dossier(tmp_path):
    identity = FakePart([section()])
    async with house(tmp_path, credit=FakePart([section()]), identity=identity) as http:
        assert sources(await asked(http)) == {"credit": "ok"}
    assert identity.asked == []


@pytest.mark.parametrize(
    "typed", [CODE.lower(), f"%20{CODE}%20", "91530100-MA6K-00014D", "９１５３０１００MA6K00014D"]
)
async def test_a_code_is_understood_however_it_is_typed(tmp_path, typed):
    async with house(tmp_path, credit=FakePart([section()])) as http:
        assert (await asked(http, typed))["subject_code"] == CODE


@pytest.mark.rule("P-3")
async def test_a_lawful_code_that_fails_its_check_is_asked_for(tmp_path):
    lawful = "91350203M0001QAY9B"
    async with house(tmp_path, credit=FakePart([section()], knows=lawful)) as http:
        assert (await asked(http, lawful))["sections"]


@pytest.mark.parametrize(
    "typed", ["1", "91530100MA6K00014E", "91530100MA6K00014O", "%00", "%F0%9F%92%A5", "A" * 4000]
)
async def test_what_is_no_code_is_refused_and_nobody_is_asked(tmp_path, typed):
    credit = FakePart([section()])
    async with house(tmp_path, credit=credit) as http:
        reply = await http.get(f"/api/v1/dossiers/{typed}")
    assert (reply.status_code, reply.json()["reason"]) == (400, "DOSSIER_CODE_INVALID")
    assert reply.headers["content-type"] == "application/problem+json"
    assert [one["field"] for one in reply.json()["violations"]] == ["subject_code"]
    assert credit.asked == []


@pytest.mark.rule("P-30")
@pytest.mark.parametrize("typed", [RESIDENT, RESIDENT.lower(), "110105-19491231-002X"])
async def test_an_identity_number_is_refused_and_nobody_is_asked(tmp_path, typed):
    credit = FakePart([section()])
    async with house(tmp_path, credit=credit) as http:
        reply = await http.get(f"/api/v1/dossiers/{typed}")
    assert (reply.status_code, reply.json()["reason"]) == (400, "DOSSIER_CODE_IS_PERSONAL")
    assert "19491231" not in reply.text
    assert credit.asked == []


async def test_methods_and_parameters_that_are_not_served_are_refused(tmp_path):
    async with house(tmp_path, credit=FakePart([section()])) as http:
        head = await http.head(f"/api/v1/dossiers/{CODE}")
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) > 0
        posted = await http.post(f"/api/v1/dossiers/{CODE}")
        assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")
        odd = await http.get(f"/api/v1/dossiers/{CODE}?colour=red")
        assert (odd.status_code, odd.json()["violations"][0]["field"]) == (400, "colour")


async def test_a_department_leads_nobody_out_of_the_portal_and_tells_twenty_at_most(tmp_path):
    entries = [{"title": f"{number}", "url": "//evil.example"} for number in range(30)]
    urls = ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
    sections = [section(url=url, entries=entries) for url in urls]
    async with house(tmp_path, credit=FakePart(sections)) as http:
        answer = await asked(http)
    assert [one["url"] for one in answer["sections"]] == [""] * 4
    assert {entry["url"] for entry in answer["sections"][0]["entries"]} == {""}
    assert len(answer["sections"][0]["entries"]) == 20


def test_the_example_of_the_contract_is_as_the_contract_says():
    operation = PATHS[dossier.PATH]["get"]
    example = operation["responses"]["200"]["content"]["application/json"]["example"]
    assert valid(example)["sections"]


async def test_the_log_names_the_route_and_not_the_code(tmp_path, caplog):
    caplog.set_level("INFO", "gateway.access")
    async with house(tmp_path, credit=FakePart([section()])) as http:
        await asked(http)
    (told,) = [one.getMessage() for one in caplog.records if one.name == "gateway.access"]
    assert told.startswith(f"GET {dossier.PATH} 200")
