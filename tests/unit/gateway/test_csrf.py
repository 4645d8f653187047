"""Which forms are believed to come from a page of ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cookies import SESSION, VISIT
from gateway.csrf import FormGuard
from gateway.public import PublicAddress
from gateway.refusals import FormForged
from infra.local.keys import make_pair

HERE = PublicAddress.read("https://zwfw.example.test")
GUARD = FormGuard(b"k" * 32, HERE)
OWN = GUARD.token(SESSION, "session-1")
values = st.text(max_size=60)


def sent(**headers):
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "scheme": "http", "headers": named}


def is_taken(scope, token, cookie=SESSION, value="session-1", guard=GUARD):
    try:
        guard.check(scope, token, cookie, value)
    except FormForged:
        return False
    return True


@given(value=st.text(min_size=1, max_size=60))
def test_a_token_is_good_for_the_browser_it_was_given_to(value):
    for cookie in (SESSION, VISIT):
        assert is_taken(sent(), GUARD.token(cookie, value), cookie, value)


@given(mine=values, theirs=values)
def test_no_other_sessions_token_passes(mine, theirs):
    if mine.encode("utf-8", "replace") != theirs.encode("utf-8", "replace"):
        assert not is_taken(sent(), GUARD.token(SESSION, theirs), SESSION, mine)


@given(position=st.integers(0, len(OWN) - 1), other=st.characters())
def test_a_token_with_any_character_changed_fails(position, other):
    changed = OWN[:position] + other + OWN[position + 1 :]
    assert is_taken(sent(), changed) is (changed == OWN)


@given(token=st.text(max_size=120))
def test_no_text_whatever_passes_or_breaks_the_check(token):
    assert not is_taken(sent(), token)


PARTS = {
    "nothing": "",
    "all but the last": OWN[:-1],
    "one more": f"{OWN}0",
    "capitals": OWN.upper(),
    "no nonce": OWN[22:],
    "the nonce alone": OWN[:22],
    "a surrogate": "\ud800",
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_a_token_is_none(part):
    assert not is_taken(sent(), PARTS[part])


def test_a_visitors_token_is_not_good_for_a_session_and_the_other_way_round():
    assert not is_taken(sent(), GUARD.token(VISIT, "session-1"))
    assert not is_taken(sent(), OWN, VISIT)


def test_nobody_without_a_cookie_passes():
    assert not is_taken(sent(), GUARD.token(SESSION, ""), SESSION, "")


def test_a_form_never_carries_the_same_token_twice():
    assert len({GUARD.token(SESSION, "session-1") for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "none"}, True),
        ({"sec_fetch_site": "same-origin", "origin": "null"}, True),
        ({"sec_fetch_site": "same-origin", "origin": "https://zwfw.example.test"}, True),
        ({"origin": "https://zwfw.example.test"}, True),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "anything"}, False),
        ({"sec_fetch_site": "cross-site", "origin": "https://zwfw.example.test"}, False),
        ({"sec_fetch_site": "same-origin", "origin": "https://evil.example.test"}, False),
        ({"origin": "https://evil.example.test"}, False),
        ({"origin": "http://zwfw.example.test"}, False),
        ({"origin": "https://zwfw.example.test.evil.test"}, False),
        ({"origin": "https://zwfw.example.test:444"}, False),
    ],
    ids=str,
)
def test_what_a_browser_says_of_another_site_is_believed(headers, passes):
    assert is_taken(sent(**headers), OWN) is passes


def test_without_a_public_address_the_host_that_was_asked_is_the_origin():
    guard = FormGuard(b"k" * 32, PublicAddress())
    for origin, passes in (("http://127.0.0.1:8080", True), ("http://127.0.0.1:9090", False)):
        scope = sent(host="127.0.0.1:8080", origin=origin)
        assert is_taken(scope, OWN, guard=guard) is passes


def test_a_form_outlives_the_process_and_is_worth_nothing_under_another_key(tmp_path):
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        make_pair(tmp_path / folder, "gateway")
    before, after = (FormGuard.load(tmp_path / "one", HERE) for _ in range(2))
    other = FormGuard.load(tmp_path / "other", HERE)
    token = before.token(SESSION, "session-1")
    assert is_taken(sent(), token, guard=after)
    assert not is_taken(sent(), token, guard=other)


def test_a_refusal_tells_the_person_what_to_do():
    with pytest.raises(FormForged, match="刷新页面后重新提交"):
        GUARD.check(sent(), "", SESSION, "session-1")
