"""Where somebody is sent on to, as a browser would understand it."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.portal.local_paths import HOME, LONGEST, local_path

HERE = "https://zwfw.example.gov.cn"


def as_browsers_read(path):
    """Browsers take backslashes for slashes and leave tabs and line breaks out (WHATWG URL)."""
    read = path.replace("\\", "/").translate({ord(one): None for one in "\t\r\n"}).strip()
    return urlsplit(urljoin(HERE, read))


@given(
    text=st.text(alphabet=st.sampled_from("/\\:@?#.%a\t\r\n\0 \u2028食"), max_size=12)
    | st.text(max_size=600)
)
@example(text="//evil.test")
@example(text="/\t/evil.test")
@example(text="/%0d%0aset-cookie:a=b")
def test_nothing_leads_away_from_here_or_breaks_a_header(text):
    path = local_path(text)
    assert path.startswith("/")
    assert path.isascii()
    assert path.isprintable()
    assert len(path) <= LONGEST
    assert as_browsers_read(path).netloc == urlsplit(HERE).netloc


@given(text=st.text(max_size=600))
def test_a_path_that_was_taken_is_taken_again(text):
    assert local_path(local_path(text)) == local_path(text)


@pytest.mark.parametrize(
    "text", ["/account/mandates", "/?q=a&region=530100", "/items/a%20b#law", "/credit/9153/x"]
)
def test_pages_of_our_own_are_led_to(text):
    assert local_path(text) == text


@pytest.mark.parametrize(
    "text", ["", "account", "/sign-in", "/sign-out", "/register", "/api/v1/account", "/食" * 100]
)
def test_where_nobody_is_to_end_up_the_account_stands_in(text):
    assert local_path(text) == HOME


@pytest.mark.parametrize(
    "text", ["/desk/search?q=11010519491231002X", "/desk?q=110105%2019491231%20002x"]
)
def test_no_identity_number_is_carried_on(text):
    assert local_path(text) == HOME
