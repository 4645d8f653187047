"""What a first start with the sample data answers to a person's first questions."""

from __future__ import annotations

import pytest

from services.common.settings import DEPARTMENTS, PRIVATE
from tests.e2e.city import titles

RESIDENT = "11010519491231002X"  # the specimen of GB 11643
BIRTH = "19491231"
TYPED = (
    RESIDENT,
    f"查询{RESIDENT}的许可",
    "1101 0519 4912 3100 2X",
    "１１０１０５１９４９１２３１００２Ｘ",
)
ANSWER = {"query", "intent", "took_ms", "groups", "sources", "suggestions"}
GROUP = {"kind", "total", "hits"}
HIT = {
    *("id", "kind", "title", "summary", "department", "region", "url"),
    *("as_of", "version", "aliases", "facets", "family", "score", "elsewhere"),
}
SOURCE = {"department", "status", "as_of", "lag_ms"}


def subject(city):
    """A subject of the sample: its code and name."""
    hits = city.query("有限公司", kind="credit")["groups"][0]["hits"]
    return hits[0]["id"].removeprefix("credit/"), hits[0]["title"]


def test_the_first_question_is_answered_with_service_items(city):
    answer = city.query("食品经营许可")
    (items,) = (group for group in answer["groups"] if group["kind"] == "item")
    assert items["total"] >= 8
    assert items["hits"][0]["elsewhere"] > 20, "the same item of other regions is no hit of its own"
    assert all("食品经营许可" in hit["title"] for hit in items["hits"])


@pytest.mark.parametrize(
    "asked", ["食品经营许可", "昆明 供水", "有限公司", "门户网站", "xyz不存在"]
)
def test_an_answer_has_exactly_the_fields_that_are_promised(city, asked):
    answer = city.query(asked)
    assert answer.keys() == ANSWER
    assert [source["department"] for source in answer["sources"]] == [
        name for name in DEPARTMENTS if name not in PRIVATE
    ]
    for source in answer["sources"]:
        assert (source["status"], source.keys()) == ("ok", SOURCE)
        assert source["lag_ms"] < 3000
    for group in answer["groups"]:
        assert group.keys() - {"next_page_token"} == GROUP
        assert 0 < len(group["hits"]) <= group["total"]
        assert all(hit.keys() == HIT and hit["kind"] == group["kind"] for hit in group["hits"])


def test_one_question_reaches_the_utilities_and_other_departments(city):
    groups = {group["kind"]: group for group in city.query("昆明 供水")["groups"]}
    assert groups.keys() > {"utility"}
    for group in groups.values():
        assert all(hit["region"].startswith("5301") for hit in group["hits"])


@pytest.mark.parametrize("asked", ["食品经营许可", "昆明 供水", "停水", "门户网站", "有限公司"])
def test_every_hit_leads_to_a_page_that_opens(city, asked):
    hits = [hit for group in city.query(asked)["groups"] for hit in group["hits"]]
    assert hits
    for hit in hits:
        page = city.http.get(hit["url"], headers={"Accept": "text/html"})
        assert page.status_code == 200, hit
        assert page.headers["content-type"].startswith("text/html")
        assert hit["title"] in page.text


def test_a_credit_code_goes_straight_to_the_live_answer(city):
    code, name = subject(city)
    for typed in (code, code.lower(), f" {code} "):
        answer = city.query(typed)
        assert answer["intent"]["type"] == "subject_code"
        (hit,) = answer["groups"][0]["hits"]
        assert (hit["title"], hit["url"]) == (name, f"/credit/{code}")
        assert "行政许可" in hit["summary"]  # the index knows of no decisions, credit itself does


def test_a_credit_code_that_is_nobodys_finds_nothing_and_blames_nobody(city):
    answer = city.query("91530100MA6K00014D")
    assert titles(answer) == []
    assert {source["status"] for source in answer["sources"]} == {"ok"}


@pytest.mark.parametrize("typed", TYPED)
@pytest.mark.parametrize("path", ["/api/v1/query", "/"])
def test_an_identity_number_is_refused_and_told_to_nobody(city, path, typed):
    answer = city.http.get(path, params={"q": typed})
    assert answer.status_code == 400
    assert "身份号码" in answer.text
    assert BIRTH not in answer.text + str(answer.headers)
    assert typed not in answer.text


def test_no_log_of_any_process_has_ever_held_an_identity_number(city):
    for typed in TYPED:
        city.http.get("/api/v1/query", params={"q": typed})
        city.http.get("/", params={"q": typed})
        city.http.get(f"/credit/{RESIDENT}")
        city.http.get(f"/api/v1/credit/subjects/{RESIDENT}")
        city.http.get(f"/nowhere/{RESIDENT}", headers={"Referer": f"http://x/?q={RESIDENT}"})
    logs = city.logs()
    assert {"gateway.log", "servicer.log", "worker.log", "mongo.log"} <= logs.keys()
    assert "/api/v1/query" in logs["gateway.log"]
    assert [name for name, said in logs.items() if BIRTH in said or RESIDENT[-6:] in said] == []
