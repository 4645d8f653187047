"""Which addresses a platform may have for people."""

from __future__ import annotations

import pytest

from gateway.public import PublicAddress
from services.common.settings import SettingMissing


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("", ""),
        ("https://zwfw.example.gov.cn", "https://zwfw.example.gov.cn"),
        ("https://ZWFW.example.gov.cn/", "https://zwfw.example.gov.cn"),
        ("https://zwfw.example.gov.cn:443", "https://zwfw.example.gov.cn"),
        ("https://zwfw.example.gov.cn:8443/", "https://zwfw.example.gov.cn:8443"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_an_address_is_kept_as_browsers_write_it(text, origin):
    address = PublicAddress.read(text)
    assert address.origin == origin
    assert address.secure is text.lower().startswith("https")


@pytest.mark.parametrize(
    "text",
    [
        *("zwfw.example.gov.cn", "//zwfw.example.gov.cn", "ftp://a.example", "https://", "https:"),
        *("https://a.example/portal", "https://a.example?x", "https://a.example#x", "https://a b"),
        *("https://me@a.example", "https://a.example:0x50", "https://a.example:99999"),
        *("https://[::1", "https://政务.example", "https://a.example\r\nx", "https://a,b"),
        *(
            "http://a.example",
            "http://10.0.0.1",
            "http://0.0.0.0:8080",
            "http://127.0.0.1.a.example",
        ),
    ],
)
def test_what_is_no_address_of_a_host_or_goes_over_a_network_in_the_clear_stops_the_start(text):
    with pytest.raises(SettingMissing, match="ZHENGTONG_PUBLIC_URL"):
        PublicAddress.read(text)
