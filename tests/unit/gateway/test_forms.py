"""What a form may hold, and what is refused by name."""

from __future__ import annotations

import contextlib
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.forms import FORM_BYTES, Form
from gateway.limits import Limits
from gateway.refusals import BodyTooLarge, MediaTypeRefused, RequestInvalid

FORM = Form({"name": 20, "password": 200, "remember": 2}, optional=frozenset({"remember"}))
GOOD = b"name=%E6%94%BF+a&password=p%26%3D"


async def read(body, content_type=b"application/x-www-form-urlencoded", **more):
    headers = [(b"content-type", content_type)]
    headers += [(name.replace("_", "-").encode(), value) for name, value in more.items()]
    parts = [body[:7], body[7:]]

    async def receive():
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    return await FORM.read({"headers": headers}, receive, Limits())


def fields_of(body):
    with pytest.raises(RequestInvalid) as refused:
        FORM.parse(body)
    return [violation.field for violation in refused.value.violations]


@pytest.mark.parametrize(
    "kind",
    [b"", b"; charset=UTF-8", b';charset="utf-8"'],
)
async def test_a_form_is_read_into_its_fields(kind):
    read_form = await read(GOOD, b"application/x-www-form-urlencoded" + kind)
    assert read_form == {"name": "政 a", "password": "p&="}


@given(
    name=st.text("abc政通 &=%+;\n", max_size=20),
    password=st.text(st.characters(min_codepoint=0xA0, codec="utf-8"), max_size=200),
)
def test_what_a_browser_encodes_is_read_as_it_was_typed(name, password):
    body = urlencode({"name": name, "password": password}).encode()
    assert FORM.parse(body) == {"name": name, "password": password}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", ["name", "password"]),
        (b"name=a", ["password"]),
        (GOOD + b"&admin=1", ["admin"]),
        (GOOD + b"&name=b", ["name"]),
        (GOOD + b"&%6eame=b", ["name"]),
        (b"name=" + b"a" * 21 + b"&password=b", ["name"]),
        (b"name=%ff&password=b", ["name"]),
        (b"name=%ED%A0%80&password=b", ["name"]),
        (b"name=a%00&password=b%1b", ["name", "password"]),
        (b"name=\xff&password=b", ["name"]),
        (GOOD + b"&%ff=1", ["body"]),
        (GOOD + b"&=1", ["body"]),
        (GOOD + b"&110101199003070011=1", ["body"]),
        (GOOD + b"&a%0d%0ab=1", ["body"]),
        (b"a=1&" * 51, ["body"]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_wrong_is_refused_by_the_name_of_its_field(body, fields):
    assert fields_of(body) == fields


@pytest.mark.parametrize(
    "content_type",
    [
        *(b"", b"application/json", b"multipart/form-data; boundary=x", b"text/plain"),
        *(b"application/x-www-form-urlencoded; charset=gbk", b"application/x-www-form-urlencodedx"),
    ],
)
async def test_what_is_no_form_in_utf_8_is_refused(content_type):
    with pytest.raises(MediaTypeRefused):
        await read(GOOD, content_type)


async def test_a_form_is_not_packed_and_not_long():
    with pytest.raises(MediaTypeRefused):
        await read(GOOD, content_encoding=b"gzip")
    with pytest.raises(BodyTooLarge):
        await read(b"name=" + b"a" * FORM_BYTES)


@given(body=st.binary(max_size=300))
def test_no_body_whatever_breaks_the_reader(body):
    with contextlib.suppress(RequestInvalid):
        assert FORM.parse(body)
