"""A head is cut out of what comes, whole or shortened, however it was split on its way."""

from __future__ import annotations

import itertools

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.heads import KEPT, READ, Head

BEHIND = b'{"item": {}}\r\n\r\nGET / HTTP/1.1\r\n\r\n'
LINE = b"GET /api/v1/query?q=a HTTP/1.1\r\n"


class Parsed:
    """What the parser that the gateway uses makes of a head."""

    def __init__(self, head):
        self.url, self.whole, self.is_last = b"", False, False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(head)

    def on_url(self, part):
        self.url += part

    def on_headers_complete(self):
        self.whole, self.is_last = True, not self.parser.should_keep_alive()


def taken(data, cuts):
    """What a head gives for the data, split at these places; the rest of the data follows."""
    head = Head()
    places = [0, *sorted(cuts), len(data)]
    for start, end in itertools.pairwise(places):
        if start < end and (found := head.take(data[start:end])):
            return found[0], found[1] + data[end:]
    return None


def splits(data):
    return st.lists(st.integers(0, len(data)), max_size=6)


@given(st.data(), st.sampled_from([b"\r\n\r\n", b"\n\n", b"\n\r\n"]))
def test_a_short_head_is_the_bytes_that_came_and_nothing_behind_it(data, end):
    head = LINE + b"Host: gateway\r\nX: y" + end
    everything = head + BEHIND
    assert taken(everything, data.draw(splits(everything))) == (head, BEHIND)


@given(st.data())
def test_a_head_that_has_not_ended_is_waited_for(data):
    begun = LINE + b"Host: gateway\r\n\r"
    assert taken(begun, data.draw(splits(begun))) is None


LONG = {
    "address": b"GET /?q=" + b"a" * 2 * KEPT + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "one header": LINE + b"Host: x\r\nX-Much: " + b"a" * 2 * KEPT + b"\r\n\r\n",
    "many headers": LINE + b"X-Many: 1\r\n" * KEPT + b"\r\n",
    "a name": LINE + b"Host: x\r\n" + b"X" * 2 * KEPT + b": 1\r\n\r\n",
    "blanks": LINE + b"X: " + b" " * 2 * KEPT + b"1\r\n\r\n",
}


@given(st.data(), st.sampled_from(sorted(LONG)), st.integers(0, 20))
def test_a_long_head_parses_ends_the_connection_and_costs_little(data, kind, more):
    head = LONG[kind].replace(b"GET /", b"GET /" + b"b" * more, 1)
    everything = head + BEHIND
    kept, behind = taken(everything, data.draw(splits(everything)))
    assert behind == BEHIND
    assert len(kept) < KEPT + 100
    parsed = Parsed(kept)
    assert parsed.whole
    assert parsed.is_last
    assert head.startswith(b"GET " + parsed.url)


@pytest.mark.parametrize("size", range(KEPT - 40, KEPT + 4))
def test_an_address_that_ends_at_the_cut_still_parses(size):
    address = b"/" + b"a" * (size - 5)
    head = b"GET " + address + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    assert Parsed(taken(head, [])[0]).url == address[: KEPT - 4]


def test_a_head_without_an_end_is_given_up():
    head = Head()
    part = b"a" * 64 * 1024
    given_up = next(n for n in range(1, READ) if head.take(part))
    assert READ < given_up * len(part) <= READ + 2 * len(part)


def test_utf_8_in_an_address_is_percent_encoded_and_in_a_header_left_alone():
    head = "GET /api/v1/query?q=食品 HTTP/1.1\r\nX-Name: 食品\r\n\r\n".encode()
    wanted = "GET /api/v1/query?q=%E9%A3%9F%E5%93%81 HTTP/1.1\r\nX-Name: 食品\r\n\r\n"
    assert taken(head, [])[0] == wanted.encode()


def test_blank_lines_before_a_request_are_passed_over():
    assert taken(b"\r\n\r\n" + LINE + b"\r\n", []) == (LINE + b"\r\n", b"")


def test_what_is_no_request_is_given_to_the_parser_at_once():
    assert Head().take(b"\x16\x03\x01") == (b"\x16\x03\x01", b"")
