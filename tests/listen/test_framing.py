"""RFC 6587 on one connection: what is a message, however its bytes are cut, and what of it cannot be taken."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secgraph.listen.framing import BROKE_OFF, LONGEST, MISCOUNTED, SHOWN, TOO_LONG, Cut, Frames, Message

CEF = b"<13>Dec  1 10:00:00 host CEF:0|a|b|1|2|c|3|"


def told(found: list[Message | Cut]) -> list[bytes | tuple[bytes, str]]:
    return [one.data if isinstance(one, Message) else (one.data, one.reason) for one in found]


def read(*parts: bytes, broken: bool = False) -> list[bytes | tuple[bytes, str]]:
    frames = Frames()
    return told([one for part in parts for one in frames.feed(part)] + frames.end(broken=broken))


def counted(message: bytes) -> bytes:
    return b"%d %s" % (len(message), message)


@pytest.mark.parametrize(("stream", "messages"), [
    (b"", []),
    (b"one\n", [b"one"]),
    (b"one\r\ntwo\n", [b"one", b"two"]),
    (b"one\n\n\n two \n", [b"one", b"two"]),
    (b"one\0\ntwo\0\n", [b"one", b"two"]),
    (b"no line feed at the end", [b"no line feed at the end"]),
    (counted(b"<1>a\nb"), [b"<1>a\nb"]),
    (counted(b"<1>a") + counted(b'{"b":1}') + counted(b"CEF:0|c"), [b"<1>a", b'{"b":1}', b"CEF:0|c"]),
    (counted(b"<1>a") + b"\n" + counted(b"<1>b") + b"\n", [b"<1>a", b"<1>b"]),
    (b"<1>a\n" + counted(b"<1>b\nc") + b"<1>d\n" + counted(b"<1>e"), [b"<1>a", b"<1>b\nc", b"<1>d", b"<1>e"]),
    (b"12 Dec 2026 a line that begins with a number\nand one more\n", [b"12 Dec 2026 a line that begins with a number", b"and one more"]),
    (b"2026-12-01T10:00:00Z host CEF:0|a\n", [b"2026-12-01T10:00:00Z host CEF:0|a"]),
    (b"0 |Microsoft|a\n", [b"0 |Microsoft|a"]),
    (b"99999999999 <13>no message has so many bytes\n<13>next\n", [b"99999999999 <13>no message has so many bytes", b"<13>next"]),
    (b"4 <1>abc and more\n<1>next\n", [b"<1>a", (b"bc and more", MISCOUNTED), b"<1>next"]),
    (b"4 <1>\xc3\xa4 tail5 <1>bc" + b"5 <1>de", [b"<1>\xc3", (b"\xa4 tail", MISCOUNTED), b"<1>bc", b"<1>de"]),
    (b"100 <1>too few", [(b"100 <1>too few", BROKE_OFF)]),
    (b"12", [(b"12", BROKE_OFF)]),
    (b"<1>one\n\x16\x03\x01\x02\x00\x01", [b"<1>one", b"\x16\x03\x01\x02\x00\x01"]),
])  # fmt: skip
@pytest.mark.parametrize("size", [1, 3, 10_000])
def test_messages_of_a_stream(stream: bytes, messages: list[bytes | tuple[bytes, str]], size: int) -> None:
    parts = [stream[place : place + size] for place in range(0, len(stream), size)]
    assert read(*parts) == messages


def test_a_connection_that_broke_leaves_no_half_line() -> None:
    assert read(b"<1>whole\n<1>half of on", broken=True) == [b"<1>whole", (b"<1>half of on", BROKE_OFF)]


@pytest.mark.parametrize("size", [4096, 65_536, 10**8])
@pytest.mark.parametrize("long", [
    b"x" * (10 * LONGEST) + b"\n",
    b"x\0" * (5 * LONGEST) + b"\n",
    counted(b"<1>" + b"y" * (10 * LONGEST)),
], ids=["line", "zeros", "counted"])  # fmt: skip
def test_ten_megabytes_are_cut_and_what_follows_is_read(long: bytes, size: int) -> None:
    stream = b"<1>before\n" + long + CEF + b"\n"
    frames = Frames()
    found: list[Message | Cut] = []
    for place in range(0, len(stream), size):
        found += frames.feed(stream[place : place + size])
        assert frames.held <= LONGEST + size
    shown = [one.reason if isinstance(one, Cut) else one.data for one in found]
    assert shown == [b"<1>before", TOO_LONG, CEF]
    assert all(len(one.data) <= SHOWN for one in found if isinstance(one, Cut))


def test_zeros_without_end_take_up_nothing() -> None:
    frames = Frames()
    for _ in range(20):
        assert frames.feed(b"\0" * 100_000) == []
    assert frames.held == 0
    assert not frames.amid


@pytest.mark.parametrize("begin", [
    pytest.param(b"", id="a line"), pytest.param(b"1048576 <1>", id="a count that is a lie"), pytest.param(b"5 <1>ab", id="behind a count that was wrong"),
])  # fmt: skip
def test_a_message_that_drips_costs_no_more_for_being_long(begin: bytes) -> None:
    frames = Frames()
    frames.feed(begin + b"z" * (LONGEST - 60_000))
    began = time.process_time()
    for _ in range(20_000):
        assert frames.feed(b"z") == []
    assert time.process_time() - began < 2, "each byte is looked at once, and not all that came before it"


printable = st.binary(min_size=1, max_size=60).map(lambda data: b"<13>" + bytes(97 + byte % 26 for byte in data))


@given(st.lists(st.tuples(printable, st.booleans()), max_size=12), st.data())
def test_messages_come_out_as_they_went_in(sent: list[tuple[bytes, bool]], data: st.DataObject) -> None:
    stream = b"".join(counted(one) if behind else one + b"\n" for one, behind in sent)
    frames = Frames()
    found: list[Message | Cut] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += frames.feed(stream[:size])
        stream = stream[size:]
    assert told(found + frames.end()) == [one for one, _ in sent]


pieces = st.sampled_from([b"4 ", b"12 ", b"<1>", b"<13>x", b"\n", b"\0", b" ", b"CE", b"CEF:", b"{", b"a", b"9", b"\xef\xbb\xbf"])


@given(st.lists(pieces | st.binary(max_size=20), max_size=20))
def test_anything_is_read_the_same_however_it_is_cut(parts: list[bytes]) -> None:
    assert read(*parts) == read(b"".join(parts))
