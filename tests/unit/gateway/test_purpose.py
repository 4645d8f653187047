"""Why protected data are asked for, as a header that only takes ASCII tells it."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from gateway.identity import LONGEST_PURPOSE, with_purpose
from gateway.refusals import PurposeInvalid
from services.common.access import ANONYMOUS, Caller

CALLER = Caller("a1", "account")
LONGEST = "核" * LONGEST_PURPOSE


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (quote("办理住房补贴，核查资格").encode(), "办理住房补贴，核查资格"),
        (quote(LONGEST).encode(), LONGEST),
        (b"case 12+3", "case 12+3"),
        (b"100%25", "100%"),
        (b"%20a%20", "a"),
    ],
)
def test_a_purpose_is_percent_encoded_text(sent, text):
    assert with_purpose(CALLER, sent).purpose == text


@pytest.mark.parametrize(
    "sent",
    [
        *(b"a%0Ab", b"a%00", b"%1B[31m", b"%7F", b"%C2%85", b"a\tb"),
        *(b"%E2%80%AE", b"%E2%80%8B", b"%EF%BB%BF"),
        quote(LONGEST + "查").encode(),
        b"a" * 201,
        *(b"%FF", b"%E6%A0", b"%ED%A0%80", b"%zz", b"100%", b"%4", b"%u6838"),
        *("核查".encode(), b"\xff", b"%20", b" "),
    ],
)
def test_what_is_no_such_text_is_refused_by_its_name(sent):
    with pytest.raises(PurposeInvalid) as refused:
        with_purpose(CALLER, sent)
    assert [one.field for one in refused.value.violations] == ["purpose"]


def test_without_the_header_and_for_nobody_there_is_none():
    assert with_purpose(CALLER, b"") is CALLER
    assert with_purpose(ANONYMOUS, b"x") is ANONYMOUS
