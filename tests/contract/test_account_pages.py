"""One's own account, mandates of enterprises and registration by pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from zhengtong.identity.v1 import identity_service_pb2 as pb

from services.common.errors import Violation
from services.identity import domain
from tests.contract.identity_house import ENTERPRISE, PASSWORD, identity_house, representative
from tests.contract.test_onestop_portal import Page

ALMOST_OVER = timedelta(seconds=30)


@pytest.fixture
async def house(tmp_path):
    async with identity_house(tmp_path) as house:
        yield house


async def test_the_account_is_shown_masked(house):
    await house.sign_in()
    text = await house.open("/account")
    assert "个人" in text
    assert "11010519491231002X" not in text
    assert "13800138000" not in text
    assert "138****8000" in text
    assert Page(text).headings.count(1) == 1


async def test_a_session_elsewhere_is_ended(house):
    await house.sign_in()
    other = replace(house.identity.sessions["s1"], session_id="s9")
    house.identity.sessions["s9"] = other
    reply = await house.send("/account", "/account/sessions/end", session_id="s9")
    assert reply.headers["location"] == "/account?said=ended"
    reply = await house.send("/account", "/account/sessions/end", session_id="s9")
    assert reply.status_code == 404
    assert "没有这个会话" in reply.text
    reply = await house.send("/account", "/account/sessions/end", session_id="s1")
    assert reply.headers["location"] == "/sign-in?said=out"
    assert "zt_session" not in house.http.cookies


async def test_a_new_password_holds_though_the_session_cannot_go_on(house):
    await house.sign_in()
    house.identity.errors["RenewSession"] = domain.SessionEnded()
    fields = {"password": PASSWORD, "new_password": "n3w-own-secret", "again": "n3w-own-secret"}
    reply = await house.send("/account/password", "/account/password", **fields)
    assert reply.headers["location"] == "/sign-in?said=password"
    assert "zt_session" not in house.http.cookies


async def test_somebody_acts_for_an_enterprise_and_for_themselves_again(house):
    house.identity.mandates = [representative()]
    await house.sign_in()
    assert "代表该企业办事" in await house.open("/account")
    await house.send("/account", "/account/act", subject_code=ENTERPRISE)
    assert f'您正代表 <span class="code">{ENTERPRISE}' in await house.open("/account")
    assert "切换为本人" in await house.open("/account/mandates")
    await house.send("/account", "/account/act", subject_code="")
    assert "您正代表" not in await house.open("/account")
    reply = await house.send("/account", "/account/act", subject_code="91530100000000000X")
    assert reply.status_code == 403


async def test_whoever_acts_for_an_enterprise_goes_on_doing_so_when_tokens_change(house):
    house.identity.mandates = [representative()]
    house.identity.access = ALMOST_OVER
    await house.sign_in()
    await house.send("/account", "/account/act", subject_code=ENTERPRISE)
    assert "您正代表" in await house.open("/account")
    house.identity.mandates = []
    text = await house.open("/account")
    assert "已切换为本人办事" in text
    assert "您正代表" not in text


SCOPE = "identity.mandate.read"


@pytest.fixture
async def office(house):
    """A representative is at the gateway."""
    house.identity.mandates = [representative()]
    await house.sign_in()
    return house


async def test_what_is_handed_on_is_ticked_by_its_chinese_name(office):
    text = await office.open("/account/mandates")
    assert f'<label for="scope.{SCOPE}">查看企业的授权' in text
    page = Page(text)
    assert set(page.fields) <= page.labels
    fields = {"subject_code": ENTERPRISE, "agent_login": "han.mei", "expire_date": "2027-01-31"}
    ticked = {**fields, f"scope.{SCOPE}": "1"}
    await office.send("/account/mandates", "/account/mandates/grant", **ticked)
    (asked,) = office.identity.calls(pb.GrantMandateRequest)
    assert list(asked.scopes) == [SCOPE]


async def test_a_refused_mandate_comes_back_as_it_was_filled_in(office):
    told = "请填写授权截止日期，自今日起不超过两年。"
    wrong = domain.mandates.MandateInvalid("授权有误。", Violation("expire_date", told))
    office.identity.errors["GrantMandate"] = wrong
    fields = {"subject_code": ENTERPRISE, "agent_login": "han.mei", "expire_date": "2099-01-31"}
    ticked = {**fields, f"scope.{SCOPE}": "1"}
    reply = await office.send("/account/mandates", "/account/mandates/grant", **ticked)
    assert reply.status_code == 400
    for words in (told, 'value="han.mei"', 'value="2099-01-31"', "checked"):
        assert words in reply.text


async def test_an_unknown_scope_is_refused(office):
    fields = {"subject_code": ENTERPRISE, "agent_login": "han.mei", "expire_date": "2027-01-31"}
    unknown = {**fields, "scope.identity.mandate.grant": "1"}
    reply = await office.send("/account/mandates", "/account/mandates/grant", **unknown)
    assert reply.status_code == 400
    assert office.identity.calls(pb.GrantMandateRequest) == []


async def test_a_representative_authorises_and_takes_back(house):
    agent = replace(
        representative(),
        mandate_id="m2",
        representative=False,
        account_id="a7",
        login="han.mei",
        scopes=(SCOPE,),
    )
    house.identity.mandates = [representative(), agent]
    await house.sign_in()
    text = await house.open("/account/mandates")
    assert "有效的授权" in text
    assert '<strong><span class="code">han.mei</span></strong>' in text
    fields = {"subject_code": ENTERPRISE, "agent_login": "han.mei", "expire_date": "2027-01-31"}
    reply = await house.send("/account/mandates", "/account/mandates/grant", **fields)
    assert reply.headers["location"] == "/account/mandates?said=granted"
    (asked,) = house.identity.calls(pb.GrantMandateRequest)
    assert (asked.agent_login, asked.expire_date) == ("han.mei", "2027-01-31")
    fields = {"mandate_id": "m2", "version": "1"}
    reply = await house.send("/account/mandates", "/account/mandates/end", **fields)
    assert reply.headers["location"] == "/account/mandates?said=taken"


REGISTERED = {
    "name": "韩梅梅",
    "identity_number": "11010519491231002X",
    "phone": "",
    "login": "han.mei",
    "password": "a-Very-0wn-pass",
    "again": "a-Very-0wn-pass",
    "consent": "1",
}


async def test_a_person_makes_an_account(house):
    reply = await house.send("/register", "/register", **REGISTERED)
    assert reply.headers["location"] == "/sign-in?said=registered"
    (asked,) = house.identity.calls(pb.RegisterAccountRequest)
    assert (asked.login, asked.name) == ("han.mei", "韩梅梅")


async def test_nothing_is_kept_of_a_person_who_did_not_agree(house):
    without = {name: text for name, text in REGISTERED.items() if name != "consent"}
    reply = await house.send("/register", "/register", **without)
    assert reply.status_code == 400
    assert "请阅读个人信息处理说明" in reply.text
    assert "11010519491231002X" not in reply.text
    assert "a-Very-0wn-pass" not in reply.text
    assert 'value="韩梅梅"' in reply.text
    assert house.identity.calls(pb.RegisterAccountRequest) == []


async def test_a_refusal_of_identity_stands_at_its_field(house):
    house.identity.errors["RegisterAccount"] = domain.LoginTaken()
    reply = await house.send("/register", "/register", **REGISTERED)
    assert reply.status_code == 409
    assert 'id="login-wrong"' in reply.text


async def test_the_privacy_page_says_what_why_how_long_and_which_rights(house):
    text = await house.open("/privacy")
    for word in ("第十七条", "公民身份号码", "保存", "更正", "删除", "撤回同意", "12345"):
        assert word in text
