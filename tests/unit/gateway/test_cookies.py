"""Cookies as browsers get them, and the ones that are not believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cookies import LONGEST_VALUE, REFRESH, SESSION, VISIT, Cookies

TLS, PLAIN = Cookies(secure=True), Cookies(secure=False)


def bringing(*lines):
    return {"headers": [(b"cookie", line) for line in lines]}


def test_over_tls_a_cookie_is_this_hosts_alone_and_no_scripts():
    name, value = TLS.put(SESSION, "abc")
    assert name == b"set-cookie"
    assert value == b"__Host-zt_session=abc; Path=/; HttpOnly; Secure; SameSite=Lax"


def test_on_ones_own_machine_it_works_without_tls():
    assert PLAIN.put(SESSION, "a")[1] == b"zt_session=a; Path=/; HttpOnly; SameSite=Lax"


def test_what_prolongs_a_session_never_comes_along_from_elsewhere():
    value = TLS.put(REFRESH, "abc", seconds=3600)[1]
    assert value.startswith(b"__Host-zt_refresh=abc;")
    assert value.endswith(b"; SameSite=Strict; Max-Age=3600")


@pytest.mark.parametrize("cookies", [TLS, PLAIN])
@pytest.mark.parametrize("cookie", [SESSION, REFRESH, VISIT])
def test_a_dropped_cookie_has_the_attributes_it_was_given_with(cookies, cookie):
    put, drop = (
        header.split(b"; ") for _, header in (cookies.put(cookie, "x"), cookies.drop(cookie))
    )
    assert drop == [put[0].removesuffix(b"x"), *put[1:], b"Max-Age=0"]


@pytest.mark.parametrize("cookies", [TLS, PLAIN])
@given(value=st.from_regex(r"\A[A-Za-z0-9._~-]{1,3800}\Z"))
def test_what_was_put_is_read(cookies, value):
    pair = cookies.put(SESSION, value)[1].partition(b";")[0]
    assert cookies.read(bringing(b"a=b; " + pair + b"; c=d"), SESSION) == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        "a;b",
        "a b",
        "a\r\nb",
        "a,b",
        '"a"',
        "é",
        "政",
        "a\x00",
        "a=b",
        "x" * (LONGEST_VALUE + 1),
    ],
)
def test_a_value_that_could_be_more_than_a_value_is_never_put(value):
    with pytest.raises(ValueError, match="no value"):
        TLS.put(SESSION, value)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b""],
        [b";;;"],
        [b"zt_session"],
        [b"zt_session="],
        [b"=zt_session"],
        [b"zt_session=a; zt_session=b"],
        [b"zt_session=a", b"zt_session=b"],
        [b'zt_session="a"'],
        [b"zt_session=\xff\xfe"],
        [b"zt_session=a\x00b"],
        [b"ZT_SESSION=a"],
        [b"xzt_session=a"],
        [b"__Host-zt_session=a"],
        [b"zt_session=" + b"x" * (LONGEST_VALUE + 1)],
        [b"; ".join([b"zt_session=%d" % n for n in range(5000)])],
    ],
    ids=lambda lines: repr(lines)[:40],
)
def test_what_is_absent_or_in_doubt_is_nobodys(lines):
    assert PLAIN.read(bringing(*lines), SESSION) == ""


def test_the_same_value_twice_is_no_doubt():
    assert PLAIN.read(bringing(b"zt_session=a", b"x=1;zt_session=a ;"), SESSION) == "a"


def test_over_tls_a_cookie_without_the_prefix_is_not_ours():
    assert TLS.read(bringing(b"zt_session=planted"), SESSION) == ""
    assert TLS.read(bringing(b"zt_session=planted; __Host-zt_session=own"), SESSION) == "own"


@given(lines=st.lists(st.binary(max_size=200), max_size=4))
def test_no_header_whatever_breaks_the_reader(lines):
    for cookies in (TLS, PLAIN):
        assert isinstance(cookies.read(bringing(*lines), SESSION), str)
