"""The pages on which the leading body edits synonyms and sees beforehand what changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from zhengtong.catalogue.v1 import catalogue_service_pb2 as pb
from zhengtong.catalogue.v1 import synonym_group_pb2

from gateway.onestop import editing
from gateway.onestop.synonyms import own_groups
from gateway.portal.labels import SYNONYM_STATES
from gateway.portal.synonyms import EDITED, NEW, OWN, PATH, REMOVED, RESTORE
from services.catalogue.domain import synonyms as domain
from services.catalogue.domain.synonyms import SynonymGroupInvalid
from services.common.access import OutOfReach
from services.common.errors import Stale, Violation
from tests.contract.catalogue_house import catalogue_house
from tests.contract.gateway_house import FakeCatalogue
from tests.contract.identity_house import person_with, token_in
from tests.contract.test_onestop_portal import Page
from tests.publications import DEPARTMENT, KUNMING
from tests.unit.onestop.shelf import Shelf, card

RESIDENT_ID = "11010519491231002X"
LOW = card("最低生活保障对象认定", aliases=("救济金",), url="/items/T-1", family="F1")


def group(name, *words, version=1, note=""):
    return synonym_group_pb2.SynonymGroup(name=name, words=words, version=version, note=note)


GROUPS = (
    group("低保", "低保", "困难补助", note="窗口<b>常听到", version=3),
    group("卡拉ok", "卡拉ok", "歌厅"),
    group("营业执照"),
)


class Catalogue(FakeCatalogue):
    """Has groups in pages of one; refuses to change them with `refusal`."""

    groups = GROUPS
    refusal: Exception | None = None

    def ListSynonymGroups(self, request, context):  # noqa: N802
        self._hear(request, context)
        at = int(request.page_token or 0)
        more = str(at + 1) if at + 1 < len(self.groups) else ""
        return pb.ListSynonymGroupsResponse(groups=self.groups[at : at + 1], next_page_token=more)

    def SaveSynonymGroup(self, request, context):  # noqa: N802
        self._hear(request, context)
        if self.refusal:
            raise self.refusal
        return pb.SaveSynonymGroupResponse(group=request.group)

    def RemoveSynonymGroup(self, request, context):  # noqa: N802
        self._hear(request, context)
        if self.refusal:
            raise self.refusal
        return pb.RemoveSynonymGroupResponse()

    def heard(self, kind):
        return [one for one in self.asked if isinstance(one, kind)]


@pytest.fixture
def catalogue():
    return Catalogue()


@pytest.fixture
async def house(tmp_path: Path, catalogue):
    async with catalogue_house(tmp_path, catalogue) as house:
        yield house


@pytest.fixture
async def publisher(house, tmp_path):
    shelf = Shelf(tmp_path / "index")
    shelf.put(LOW)
    shelf.tell()
    await come(house, "list_publisher")
    return house


async def come(house, *roles):
    house.http.cookies.clear()
    house.identity.account = person_with(*roles, department=DEPARTMENT, region=KUNMING)
    await house.sign_in()


def hidden(text, name):
    return re.search(f'name="{name}" value="([^"]*)"', text)[1]


async def send(house, page, act="preview", **fields):
    carried = {name: hidden(page, name) for name in ("version", "request_id")}
    form = {"form_token": token_in(page), "note": "", "act": act} | carried | fields
    return await house.http.post(PATH, data=form)


def plain(text):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", text))


async def test_the_account_leads_the_leading_body_to_it_and_nobody_else(house):
    await come(house, "list_publisher")
    assert f'href="{PATH}"' in await house.open("/account")
    await come(house, "item_editor")
    assert PATH not in await house.open("/account")
    assert "您没有办理此操作的权限" in await house.open(PATH, 403)


async def test_the_list_tells_what_was_edited_and_what_the_platform_brings_along(publisher):
    text = await publisher.open(PATH)
    page = Page(text)
    assert page.headings.count(1) == 1
    assert f"{len({*own_groups(), *(one.name for one in GROUPS)})} 组" in text
    shown = plain(text)
    for words in (
        "低保 已修改 低保、困难补助",
        "卡拉ok 新增 卡拉ok、歌厅",
        "营业执照 已停用 营业执照、执照",
        "结婚证 原词组",
        "窗口&lt;b&gt;常听到",
        "恢复原词组：低保",
        "删去：卡拉ok",
    ):
        assert words in shown
    assert "恢复原词组：结婚证" not in shown
    assert set(SYNONYM_STATES) == {OWN, EDITED, NEW, REMOVED}


async def test_the_list_is_narrowed_by_a_text_however_it_is_written(publisher):
    text = await publisher.open(f"{PATH}?filter=ＯＫ")
    assert "1 组" in plain(text)
    assert "卡拉ok" in text
    assert "结婚证" not in text
    nothing = await publisher.open(f"{PATH}?filter=从来没有<i>")
    assert "没有含有“从来没有&lt;i&gt;”的词组" in nothing


async def test_everyday_names_of_no_group_lead_to_a_form_with_both_names(publisher):
    text = await publisher.open(PATH)
    link = next(one for one in Page(text).links if "word=" in one)
    form = await publisher.open(link)
    assert 'value="救济金"' in form
    assert "救济金\n最低生活保障对象认定</textarea>" in form
    assert ">保存<" not in form


async def test_without_an_index_the_groups_are_there_and_a_preview_says_why_not(house):
    await come(house, "list_publisher")
    page = await house.open(PATH)
    assert "目前没有" in page
    reply = await send(house, await house.open(f"{PATH}?new=1"), name="甲", words="甲\n乙")
    assert reply.status_code == 503
    assert "正在准备数据" in reply.text


async def test_a_form_holds_the_words_that_the_group_has(publisher):
    edited = await publisher.open(f"{PATH}?name=低保&word=救济")
    assert "低保\n困难补助\n救济</textarea>" in edited
    assert (hidden(edited, "name"), hidden(edited, "version")) == ("低保", "3")
    assert "原词组：低保、最低生活保障" in edited
    own = await publisher.open(f"{PATH}?name=执照&word=营业执照")
    assert "组名" in own
    untouched = await publisher.open(f"{PATH}?name=结婚证")
    assert (hidden(untouched, "name"), hidden(untouched, "version")) == ("结婚证", "0")


@pytest.mark.rule("I-33")
async def test_a_preview_shows_what_comes_and_goes_and_saves_nothing(publisher, catalogue):
    form = await publisher.open(f"{PATH}?new=1")
    words = "穷人钱\r\n 最低生活保障 \r\n\r\n穷人钱"
    reply = await send(publisher, form, name="穷人钱", words=words, note="听到")
    assert reply.status_code == 200
    shown = plain(reply.text)
    for words in (
        "穷人钱 0 条变为 1 条 原来查不到，修改后查得到",
        f"{LOW.title} 新进入前五",
        "结果没有变化的词：最低生活保障",
    ):
        assert words in shown
    assert 'href="/items/T-1"' in reply.text
    assert ">保存<" in reply.text
    assert "穷人钱\n 最低生活保障" in reply.text.replace("\r", "")
    assert not catalogue.heard(pb.SaveSynonymGroupRequest)
    Page(reply.text)
    taken_away = await send(publisher, form, name="低保", words="", version="3")
    assert "原来查得到，修改后查不到" in plain(taken_away.text)
    assert "退出前五" in taken_away.text
    same = await send(publisher, form, name="甲", words="甲乙丙\n丁戊己")
    assert "都没有变化" in same.text


async def test_what_was_previewed_is_saved_and_leads_back_to_the_group(publisher, catalogue):
    form = await publisher.open(f"{PATH}?name=低保")
    reply = await send(publisher, form, "save", name="低保", words="低保\r\n救济", note="说明")
    assert reply.status_code == 303
    (asked,) = catalogue.heard(pb.SaveSynonymGroupRequest)
    assert (asked.group.name, list(asked.group.words)) == ("低保", ["低保", "救济"])
    assert (asked.group.note, asked.version) == ("说明", 3)
    assert asked.request_id == hidden(form, "request_id")
    text = await publisher.open(reply.headers["location"])
    assert "词组已保存" in text
    assert "2 组" in plain(text) or "1 组" in plain(text)


async def test_an_edit_is_forgotten_by_the_version_that_was_seen(publisher, catalogue):
    text = await publisher.open(PATH)
    form = {name: hidden(text, name) for name in ("name", "version", "request_id")}
    form["form_token"] = token_in(text)
    reply = await publisher.http.post(RESTORE, data=form)
    assert reply.status_code == 303
    (asked,) = catalogue.heard(pb.RemoveSynonymGroupRequest)
    assert (asked.group_name, asked.version) == ("低保", 3)
    assert "修改已撤销" in await publisher.open(reply.headers["location"])
    catalogue.refusal = Stale("该同义词组已被他人修改")
    reply = await publisher.http.post(RESTORE, data=form)
    assert (reply.status_code, "已被他人修改" in reply.text) == (409, True)


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(publisher, catalogue):
    form = await publisher.open(f"{PATH}?new=1")
    many = "\n".join(f"词{chr(0x4E00 + n)}" for n in range(editing.MOST_WORDS + 1))
    for words, told in ((many, "最多 30 个词"), ("甲\n……", "没有文字或数字")):
        reply = await send(publisher, form, name="<i>甲", words=words)
        assert reply.status_code == 400
        assert told in reply.text
        assert "&lt;i&gt;甲" in reply.text
    reply = await send(publisher, form, name="卡拉ＯＫ", words="甲\n乙")
    assert (reply.status_code, "已有这个组名的词组" in reply.text) == (400, True)
    reply = await send(publisher, form, name=" ", words="甲\n乙")
    assert (reply.status_code, "请填写" in reply.text) == (400, True)
    catalogue.refusal = SynonymGroupInvalid("有误", Violation("name", "组名不妥"))
    reply = await send(publisher, form, "save", name="甲", words="甲\n乙")
    assert 'id="name-wrong">组名不妥' in reply.text
    catalogue.refusal = OutOfReach("请由省级清单发布员修改")
    reply = await send(publisher, form, "save", name="甲", words="甲\n乙")
    assert (reply.status_code, "请由省级清单发布员修改" in reply.text) == (403, True)


async def test_an_identity_number_is_neither_asked_for_nor_shown_again(publisher, catalogue):
    form = await publisher.open(f"{PATH}?new=1")
    for act in ("preview", "save"):
        reply = await send(publisher, form, act, name="甲", words=f"甲\n{RESIDENT_ID}")
        assert reply.status_code == 400
        assert RESIDENT_ID not in reply.text
        assert ">甲</textarea>" in reply.text
    assert not catalogue.heard(pb.SaveSynonymGroupRequest)


@pytest.mark.parametrize("field", ["name", "note"])
async def test_an_identity_number_in_any_field_is_refused_and_not_shown_again(
    publisher, catalogue, field
):
    form = await publisher.open(f"{PATH}?new=1")
    for act in ("preview", "save"):
        typed = {"name": "甲", "note": "", "words": "甲\n乙", field: f"张三{RESIDENT_ID}"}
        reply = await send(publisher, form, act, **typed)
        assert (reply.status_code, RESIDENT_ID in reply.text) == (400, False)
        assert ">保存<" not in reply.text
    assert not catalogue.heard(pb.SaveSynonymGroupRequest)
    for asked in (f"filter={RESIDENT_ID}", f"word={RESIDENT_ID}", f"name={RESIDENT_ID}"):
        assert RESIDENT_ID not in await publisher.open(f"{PATH}?{asked}")


async def test_what_another_officer_saved_meanwhile_is_not_lost(publisher, catalogue):
    """Both began with a group that nobody had edited; the form of the second says version 0."""
    form = await publisher.open(f"{PATH}?name=结婚证")
    catalogue.groups = (*GROUPS, group("结婚证", "结婚证", "扯证"))
    for act in ("preview", "save"):
        reply = await send(publisher, form, act, name="结婚证", words="结婚证\n领证")
        assert (reply.status_code, "已有这个组名的词组" in reply.text) == (400, True)
    assert not catalogue.heard(pb.SaveSynonymGroupRequest)
    again = await send(publisher, form, "save", name="结婚证", words="结婚证\n扯证")
    assert again.status_code == 303


async def test_a_form_that_is_none_of_ours_and_an_officer_without_the_right_are_refused(house):
    await come(house, "list_publisher")
    page = await house.open(f"{PATH}?new=1")
    reply = await send(house, page, form_token="x", name="甲", words="")
    assert reply.status_code == 403
    await come(house, "item_editor")
    for path in (PATH, RESTORE):
        assert (await house.http.post(path, data={})).status_code == 403


def test_a_form_takes_as_many_words_and_as_long_ones_as_the_catalogue():
    assert (editing.MOST_WORDS, editing.LONGEST_WORD) == (domain.MOST_WORDS, domain.LONGEST_WORD)
