"""Pages: sizes within bounds, and tokens that are good for the list that gave them only."""

import base64
import binascii

import pytest
from bson import BSON
from hypothesis import assume, example, given
from hypothesis import strategies as st

from services.common.paging import (
    PageSizeInvalid,
    PageTokenInvalid,
    page_position,
    page_size,
    page_token,
)

WHOLE = st.integers(-(2**63), 2**63 - 1)
POSITIONS = st.lists(st.text() | WHOLE, min_size=1, max_size=3)


def test_a_page_has_fifty_rows_unless_told_and_two_hundred_at_most():
    assert [page_size(wanted) for wanted in (0, 1, 200)] == [50, 1, 200]
    for wanted in (-1, 201, 2**31 - 1):
        with pytest.raises(PageSizeInvalid) as refused:
            page_size(wanted)
        assert [violation.field for violation in refused.value.violations] == ["page_size"]


def test_without_a_token_it_is_the_first_page():
    assert page_position("items/", "") is None


@given(st.text(), POSITIONS)
def test_a_token_stands_for_its_position(question, position):
    token = page_token(question, position)
    assert token.isascii()
    assert not set(token) & set("+/= ")
    assert page_position(question, token, len(position)) == position


@given(st.text(), st.text(), POSITIONS)
def test_a_token_of_another_question_is_refused(question, other, position):
    assume(question != other)
    token = page_token(question, position)
    assert refused(other, token, len(position)) == ["page_token"]


@given(POSITIONS, st.data())
def test_a_token_with_one_character_changed_is_refused(position, data):
    token = page_token("items/", position)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_"))
    assume(as_bytes(token) != as_bytes(token[:place] + other + token[place + 1 :]))
    changed = token[:place] + other + token[place + 1 :]
    assert refused("items/", changed, len(position)) == ["page_token"]


def test_a_position_of_another_length_is_refused():
    assert refused("items/", page_token("items/", ["a"]), 2) == ["page_token"]


@pytest.mark.parametrize(
    "position",
    [
        *('{"$gt": ""}', '[{"$gt": ""}]', "[null]", '[["a"]]', "[1.5]", '"a"', "7", "null"),
        *("[9223372036854775808]", r'["\ud800"]', '[ "a"]', "[NaN]", "[" * 9999, ""),
    ],
)
def test_a_forged_token_holds_plain_values_or_is_refused(position):
    assert refused("items/", forged("items/", position), 1) == ["page_token"]


def test_what_is_forged_here_is_checked_as_what_is_given():
    assert forged("items/", '["a"]') == page_token("items/", ["a"])


@given(st.text())
@example("\ud800")
@example("长" * 9999)
def test_any_text_is_a_token_or_refused(token):
    assume(token)
    assert refused("items/", token, 1) == ["page_token"]


@given(POSITIONS)
def test_a_position_can_be_asked_of_the_database(position):
    known = page_position("items/", page_token("items/", position), len(position))
    assert BSON.encode({"after": known})


def refused(question, token, length):
    with pytest.raises(PageTokenInvalid) as refusal:
        page_position(question, token, length)
    return [violation.field for violation in refusal.value.violations]


def forged(question, position):
    """A token with the right check for whatever is written in it."""
    raw = position.encode()
    check = binascii.crc32(raw, binascii.crc32(question.encode())).to_bytes(4, "big")
    return base64.urlsafe_b64encode(check + raw).rstrip(b"=").decode()


def as_bytes(token):
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
