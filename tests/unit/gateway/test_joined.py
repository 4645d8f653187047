"""Head and body of an answer leave together; what follows later does not wait for more."""

import asyncio

import pytest

from gateway.joined import Joined


class Wire:
    """The true transport, as far as it is asked."""

    def __init__(self):
        self.sent = []
        self.ended = None

    def write(self, data):
        self.sent.append(bytes(data))

    def close(self):
        self.ended = "closed"

    def abort(self):
        self.ended = "aborted"

    def is_closing(self):
        return self.ended is not None

    def get_extra_info(self, name, default=None):
        return {"peername": ("127.0.0.1", 1)}.get(name, default)


@pytest.fixture
async def joined():
    wire = Wire()
    return Joined(wire, asyncio.get_running_loop()), wire


async def test_head_and_body_leave_together(joined):
    transport, wire = joined
    transport.write(b"head ")
    transport.write(b"body")
    assert wire.sent == [b"head body"]
    await asyncio.sleep(0)
    assert wire.sent == [b"head body"]


async def test_what_comes_later_does_not_wait_for_more(joined):
    transport, wire = joined
    for part in (b"head", b"first part", b"second part"):
        transport.write(part)
        await asyncio.sleep(0)
    assert wire.sent == [b"head", b"first part", b"second part"]


async def test_everything_written_is_sent_before_the_end(joined):
    transport, wire = joined
    transport.write(b"head")
    transport.close()
    assert (wire.sent, wire.ended) == ([b"head"], "closed")
    await asyncio.sleep(0)
    assert wire.sent == [b"head"]


async def test_an_abort_sends_nothing_more(joined):
    transport, wire = joined
    transport.write(b"head")
    transport.abort()
    await asyncio.sleep(0)
    assert (wire.sent, wire.ended) == ([], "aborted")


async def test_an_empty_write_holds_nothing_up(joined):
    transport, wire = joined
    transport.write(b"")
    transport.write(b"head")
    transport.write(memoryview(b" body"))
    assert wire.sent == [b"head body"]


async def test_it_tells_what_the_true_one_tells(joined):
    transport, wire = joined
    assert transport.get_extra_info("peername") == ("127.0.0.1", 1)
    assert transport.get_extra_info("ssl_object") is None
    assert not transport.is_closing()
    wire.close()
    assert transport.is_closing()
