"""The answer as a whole: sources, live credit, readiness."""

import asyncio

import pytest
from zhengtong.credit.v1 import credit_pb2
from zhengtong.credit.v1.credit_service_pb2 import GetCreditResponse

from gateway.indexer.standing import Standing
from gateway.onestop.asked import Asked
from services.common.errors import NotFound, Unavailable
from tests.unit.onestop.shelf import NoDepartment, Shelf, card, now

CODE = "91530100MA6K00014D"
SECOND = 1_000_000


class Credit:
    """The credit department as far as this test needs it."""

    def __init__(self, outcome, delay=0.0):
        self.outcome = outcome
        self.delay = delay
        self.asked = []

    async def call(self, department, method, request, *, timeout):  # noqa: ASYNC109
        self.asked.append((department, method, request.subject_code, timeout))
        await asyncio.sleep(self.delay)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def known_subject():
    subject = credit_pb2.Subject(
        subject_code=CODE,
        name="云南示例商贸有限公司",
        status=1,
        version=4,
        region_code="530100000000",
    )
    return GetCreditResponse(subject=subject, permit_total=2, penalty_total=1)


async def test_a_credit_code_goes_straight_to_the_department(tmp_path):
    credit = Credit(known_subject())
    shelf = Shelf(tmp_path, credit)
    shelf.put(card("云南示例商贸有限公司（旧）", kind="credit", codes=(CODE,)), source="credit")
    shelf.put(card("示例商贸营业厅", kind="utility", codes=(CODE,)))
    answer = await shelf.ask(CODE.lower())
    assert credit.asked == [("credit", "GetCredit", CODE, 0.3)]
    first, second = answer["groups"]
    assert (first["kind"], first["total"]) == ("credit", 1)
    assert first["hits"][0]["title"] == "云南示例商贸有限公司"
    assert first["hits"][0]["url"] == f"/credit/{CODE}"
    assert second["kind"] == "utility"
    assert answer["intent"]["type"] == "subject_code"


async def test_an_unknown_credit_code_is_told_to_be_unknown(tmp_path):
    shelf = Shelf(tmp_path, Credit(NotFound("没有")))
    answer = await shelf.ask(CODE)
    assert answer["groups"] == []
    assert "没有查到" in answer["intent"]["hint"]


@pytest.mark.parametrize("credit", [Credit(Unavailable("停")), Credit(known_subject(), delay=5)])
async def test_without_the_credit_department_the_index_answers_and_that_is_said(tmp_path, credit):
    shelf = Shelf(tmp_path, credit)
    shelf.tell()
    shelf.put(card("云南示例商贸有限公司", kind="credit", codes=(CODE,)), source="credit")
    began = asyncio.get_running_loop().time()
    answer = await shelf.ask(CODE)
    assert asyncio.get_running_loop().time() - began < 1
    assert answer["groups"][0]["hits"][0]["title"] == "云南示例商贸有限公司"
    rows = {row["department"]: row for row in answer["sources"]}
    assert rows["catalogue"]["status"] == "ok"
    assert rows["credit"]["status"] == "unavailable"
    assert rows["credit"]["since"]


async def test_each_source_says_how_fresh_it_is_and_since_when_it_is_not(shelf):
    at = now()
    shelf.tell(
        Standing("catalogue", as_of=at - 400_000),
        Standing("credit", as_of=at - 60 * SECOND, lost_since=at - 59 * SECOND),
        at=at,
    )
    shelf.put(card("食品经营许可"))
    answer = await shelf.ask("食品经营许可")
    fresh, lost = answer["sources"]
    assert (fresh["department"], fresh["status"]) == ("catalogue", "ok")
    assert 400 <= fresh["lag_ms"] < 2000
    assert "since" not in fresh
    assert (lost["department"], lost["status"]) == ("credit", "unavailable")
    assert 60_000 <= lost["lag_ms"] < 62_000
    assert lost["since"] > lost["as_of"]


async def test_a_department_that_answers_but_is_behind_is_stale(shelf):
    shelf.tell(Standing("catalogue", as_of=now() - 6 * SECOND))
    shelf.put(card("食品经营许可"))
    assert (await shelf.ask("食品"))["sources"][0]["status"] == "stale"


async def test_when_the_indexer_is_silent_nothing_counts_as_fresh(shelf):
    long_ago = now() - 10 * SECOND
    shelf.tell(*[Standing(name, as_of=long_ago) for name in shelf.departments], at=long_ago)
    shelf.put(card("食品经营许可"))
    answer = await shelf.ask("食品")
    assert {row["status"] for row in answer["sources"]} == {"stale"}
    assert answer["groups"][0]["total"] == 1
    assert shelf.onestop.ready() == (False, "索引进程没有在更新索引。")


def test_ready_when_every_department_has_been_read(shelf):
    shelf.tell(Standing("catalogue"))
    assert shelf.onestop.ready()[0] is False
    shelf.tell()
    assert shelf.onestop.ready() == (True, "正常")


async def test_a_group_asked_for_by_name_is_answered_even_when_it_is_empty(shelf):
    shelf.put(card("食品经营许可"))
    answer = await shelf.ask("食品经营许可", kind="credit")
    assert answer["groups"] == [{"kind": "credit", "total": 0, "hits": []}]


async def test_the_answer_goes_on_when_the_whole_folder_was_replaced(tmp_path):
    shelf = Shelf(tmp_path / "a")
    shelf.put(card("食品经营许可"))
    assert await shelf.titles("食品经营许可")
    other = Shelf(tmp_path / "b", NoDepartment())
    other.put(card("食品经营许可（新）"))
    (tmp_path / "a").rename(tmp_path / "gone")
    (tmp_path / "b").rename(tmp_path / "a")
    async with asyncio.timeout(10):
        while await shelf.titles("食品经营许可") != ["食品经营许可（新）"]:
            await asyncio.sleep(0.05)


async def test_what_is_answered_is_json_whatever_a_card_says(shelf):
    shelf.put(card('引号"与\\反斜杠<script>', summary="\u2028", aliases=("食品经营许可",)))
    (hit,) = (await shelf.ask("食品经营许可"))["groups"][0]["hits"]
    assert hit["title"] == '引号"与\\反斜杠<script>'
    assert (await shelf.onestop.answer(Asked("食品经营许可"))).json().isascii() is False
