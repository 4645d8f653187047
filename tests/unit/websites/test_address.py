"""Which texts mean one old address: rule W-2, sentence by sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.websites.domain import AddressInvalid, mapping_id, normal_form

pytestmark = pytest.mark.rule("W-2")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://a.gov.cn/x", "https://a.gov.cn/x"),
        ("http://a.gov.cn/x", "HTTP://A.Gov.CN/x"),
        ("http://a.gov.cn/x", "http://a.gov.cn:80/x"),
        ("http://a.gov.cn/x", "https://a.gov.cn:443/x"),
        ("http://a.gov.cn/x", "http://a.gov.cn:/x"),
        ("http://a.gov.cn/x", "http://a.gov.cn./x"),
        ("http://a.gov.cn/x", "  http://a.gov.cn/x\n"),
        ("http://a.gov.cn/x", "http://a.gov.cn/x#top"),
        ("http://a.gov.cn/x", "http://a.gov.cn/x?"),
        ("http://a.gov.cn/x", "http://a.gov.cn/%78"),
        ("http://a.gov.cn/x", "http://a.gov.cn/y/../x"),
        ("http://a.gov.cn/x", "http://a.gov.cn/y/%2E%2e/x"),
        ("http://a.gov.cn/x", "http://a.gov.cn\\x"),
        ("http://a.gov.cn/", "http://a.gov.cn"),
        ("http://a.gov.cn/?q=1", "http://a.gov.cn?q=1"),
        ("http://a.gov.cn/%2C", "http://a.gov.cn/%2c"),
        ("http://a.gov.cn/%B9%AB", "http://a.gov.cn/%b9%ab"),
        ("http://a.gov.cn/政务 公开", "http://a.gov.cn/%E6%94%BF%E5%8A%A1%20%e5%85%ac%e5%bc%80"),
        ("http://a.gov.cn/100%", "http://a.gov.cn/100%25"),
        ("http://昆明.政务/", "http://xn--uhvqa.xn--zfr164b/"),
    ],
)
def test_two_spellings_are_one_address(one, other):
    assert normal_form(one) == normal_form(other)
    assert mapping_id(one) == mapping_id(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://a.gov.cn/x", "http://a.gov.cn/X"),
        ("http://a.gov.cn/x", "http://a.gov.cn/x/"),
        ("http://a.gov.cn/x", "http://a.gov.cn//x"),
        ("http://a.gov.cn/x", "http://www.a.gov.cn/x"),
        ("http://a.gov.cn/x", "http://a.gov.cn:8080/x"),
        ("http://a.gov.cn/x", "http://a.gov.cn/x?page=1"),
        ("http://a.gov.cn/x?a=1&b=2", "http://a.gov.cn/x?b=2&a=1"),
        ("http://a.gov.cn/a,b", "http://a.gov.cn/a%2Cb"),
        ("http://a.gov.cn/a b", "http://a.gov.cn/a+b"),
        ("http://a.gov.cn/a/b", "http://a.gov.cn/a%2Fb"),
    ],
)
def test_what_a_server_may_tell_apart_is_two_addresses(one, other):
    assert normal_form(one) != normal_form(other)
    assert mapping_id(one) != mapping_id(other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.gov.cn/x",
        "//a.gov.cn/x",
        "ftp://a.gov.cn/x",
        "javascript:alert(1)",
        "http:/a.gov.cn/x",
        "http://",
        "http:///x",
        "http://localhost/",
        "http://a..cn/",
        "http://-a.cn/",
        "http://a.cn-/",
        "http://a.b.1/",
        "http://256.1.1.1/",
        "http://[::1]/",
        "http://a.gov.cn:0/",
        "http://a.gov.cn:65536/",
        "http://a.gov.cn:8o/",
        "http://a.gov.cn:٨٠/",
        "http://user:secret@a.gov.cn/",
        "http://a.gov.cn@evil.example/",
        "http://a.gov%2Ecn/",
        "http://a℀b.gov.cn/",
        "http://" + "a" * 64 + ".cn/",
        "http://" + "a." * 127 + "cn/",
        "http://xn--.cn/",
        "http://a.gov.cn/a\tb",
        "http://a.gov.cn/a\x00b",
        "http://a.gov.cn/\u202egpj.exe",
        "http://a.gov.cn/" + "a" * 2000,
    ],
)
def test_what_is_no_whole_address_is_refused(text):
    with pytest.raises(AddressInvalid) as refused:
        normal_form(text)
    assert [violation.field for violation in refused.value.violations] == ["url"]


def test_servers_of_old_with_an_underscore_or_a_number_are_known():
    assert normal_form("http://old_site.a.gov.cn/") == "//old_site.a.gov.cn/"
    assert normal_form("http://116.52.253.12:8080/x") == "//116.52.253.12:8080/x"


def test_an_id_never_changes():
    assert mapping_id("http://a.gov.cn/x") == "m-f40b6cd5fc5cc2836243bd5b26bcf3ce"


@given(
    st.text(max_size=60), st.sampled_from(["http://a.gov.cn/", "https://a.gov.cn/x?", "http://"])
)
def test_the_normal_form_of_a_normal_form_is_itself(text, start):
    try:
        form = normal_form(start + text)
    except AddressInvalid:
        return
    assert normal_form(f"{start.partition(':')[0]}:{form}") == form
    assert form.isascii()
    assert form.isprintable()
    assert " " not in form


@given(st.text(alphabet="ab/.%2eE\\?#", max_size=40))
def test_no_spelling_leaves_a_dot_segment(path):
    form = normal_form("http://a.gov.cn/" + path).partition("?")[0]
    assert not {".", ".."} & set(form.split("/")[3:])
