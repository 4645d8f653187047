"""Which addresses are of the public network, and what a setting opens besides."""

from __future__ import annotations

import ipaddress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.outbound import Allowed
from gateway.outbound.addresses import is_public, judge, target
from gateway.refusals import AddressRefused
from services.common.settings import SettingMissing

NOTHING = Allowed()
INSIDE = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.1.2.3"),
    *("169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1"),
    *("192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
    *("239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:169.254.169.254"),
    *("64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1"),
    *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "3fff::1"),
    *("4000::1", "not an address", "127.1", "2130706433", "0x7f000001", ""),
)
OUTSIDE = (
    "8.8.8.8",
    "114.114.114.114",
    "172.32.0.1",
    "100.128.0.1",
    "2400:3200::1",
    "2606:4700::1",
)


@pytest.mark.parametrize("address", INSIDE)
def test_nothing_of_the_inside_is_asked(address):
    with pytest.raises(AddressRefused) as refused:
        judge("a.example.test", 443, address, NOTHING)
    assert [violation.field for violation in refused.value.violations] == ["url"]


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_public_network_is_asked_at_its_usual_ports(address):
    for port in (80, 443):
        judge("a.example.test", port, address, NOTHING)
    for port in (22, 25, 3306, 6379, 8080, 27017):
        with pytest.raises(AddressRefused, match="端口"):
            judge("a.example.test", port, address, NOTHING)


@given(address=st.ip_addresses())
def test_what_python_knows_as_private_is_never_public(address):
    if is_public(address):
        assert not address.is_private
        assert not address.is_loopback
        assert not address.is_link_local
        assert not address.is_multicast
        assert not address.is_reserved


@given(address=st.ip_addresses(v=4))
def test_no_ipv4_address_in_an_ipv6_form_is_public(address):
    number = int(address)
    for form in (
        number,
        0xFFFF << 32 | number,
        0x64FF9B << 96 | number,
        0x2002 << 112 | number << 80,
    ):
        assert not is_public(ipaddress.IPv6Address(form))


@pytest.mark.parametrize(
    "url",
    [
        *(
            "ftp://a.example.test/",
            "file:///etc/passwd",
            "gopher://a.example.test",
            "//a.example.test",
        ),
        *("unix:/run/docker.sock", "http:///path", "a.example.test", "javascript:alert(1)"),
        *(
            "http://me:word@a.example.test/",
            "https://me@a.example.test/",
            "https://127.0.0.1@a.test",
        ),
    ],
)
def test_what_is_no_plain_web_address_is_refused(url):
    with pytest.raises(AddressRefused):
        target(httpx.URL(url))


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://A.example.test", "a.example.test", 80),
        ("https://a.example.test./x", "a.example.test", 443),
        ("https://a.example.test:8443/", "a.example.test", 8443),
        ("http://[::1]:81/", "::1", 81),
        ("http://bücher.example.test/", "xn--bcher-kva.example.test", 80),
    ],
)
def test_a_request_goes_to_the_host_and_port_of_its_address(url, host, port):
    assert target(httpx.URL(url)) == (host, port)


SETTING = " 10.1.0.0/16, Login.example.test:8443,oa.example.test,[::1]:90,"
OPENED = Allowed.from_env({"ZHENGTONG_OUTBOUND_ALLOW": SETTING})


@pytest.mark.parametrize(
    ("host", "port", "address", "passes"),
    [
        ("any.example.test", 443, "10.1.2.3", True),
        ("any.example.test", 9999, "10.1.2.3", True),
        ("any.example.test", 443, "10.2.0.1", False),
        ("login.example.test", 8443, "8.8.8.8", True),
        ("login.example.test", 8443, "192.168.1.1", True),
        ("login.example.test", 443, "192.168.1.1", False),
        ("login.example.test", 8444, "8.8.8.8", False),
        ("x.login.example.test", 8443, "192.168.1.1", False),
        ("oa.example.test", 443, "10.9.9.9", True),
        ("oa.example.test", 80, "127.0.0.1", True),
        ("oa.example.test", 8080, "10.9.9.9", False),
        ("oa.example.test", 443, "169.254.169.254", False),
        ("oa.example.test", 443, "100.100.100.200", False),
        ("oa.example.test", 443, "::ffff:10.9.9.9", False),
        ("::1", 90, "::1", True),
        ("::1", 91, "::1", False),
    ],
)
def test_a_setting_opens_networks_at_every_port_and_names_at_their_own(host, port, address, passes):
    try:
        judge(host, port, address, OPENED)
    except AddressRefused:
        assert not passes
    else:
        assert passes


def test_nothing_is_open_unless_a_setting_opens_it():
    assert Allowed.from_env({}) == NOTHING == Allowed.from_env({"ZHENGTONG_OUTBOUND_ALLOW": " , "})


@pytest.mark.parametrize(
    "text",
    [
        *("10.1.0.0/33", "10.1.0.1/16", "a b", "https://a.example.test", "a:b", "a:0", "a:65536"),
        *("*.example.test:*", "a.example.test:", "::1", "政务.cn", "a/b"),
    ],
)
def test_a_setting_that_cannot_be_read_stops_the_start(text):
    with pytest.raises(SettingMissing, match="ZHENGTONG_OUTBOUND_ALLOW"):
        Allowed.from_env({"ZHENGTONG_OUTBOUND_ALLOW": text})
