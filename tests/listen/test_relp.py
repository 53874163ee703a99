"""RELP from the listener's side: frames, answers, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secgraph.listen.framing import LONGEST, TOO_LONG, Cut, Message
from secgraph.listen.relp import FAREWELL, Broken, Bye, Event, Relp, Say, Sent, acknowledged

OFFERS = b"relp_version=0\nrelp_software=librelp,1.10.0\ncommands=syslog"


def frame(number: int, command: str, data: bytes = b"") -> bytes:
    return b"%d %s %d%s\n" % (number, command.encode(), len(data), b" " + data if data else b"")


OPEN = frame(1, "open", OFFERS)


def read(stream: bytes, size: int = 10**9) -> list[Event]:
    session = Relp()
    return [event for place in range(0, len(stream), size) for event in session.feed(stream[place : place + size])]


@pytest.mark.parametrize("size", [1, 7, 10**9])
def test_a_session(size: int) -> None:
    stream = OPEN + frame(2, "syslog", b"<13>one") + frame(3, "syslog", b"<13>two\nlines\n") + frame(4, "close")
    opened, one, two, bye = read(stream, size)
    assert opened == Say(b"1 rsp 60 200 OK\nrelp_version=0\nrelp_software=secgraph\ncommands=syslog\n")
    assert one == Sent(2, Message(b"<13>one"))
    assert two == Sent(3, Message(b"<13>two\nlines"))
    assert bye == Bye(b"4 rsp 0\n" + FAREWELL)
    assert acknowledged(3) == b"3 rsp 6 200 OK\n"


def test_nothing_comes_behind_a_goodbye() -> None:
    assert len(read(OPEN + frame(2, "close") + frame(3, "syslog", b"late"))) == 2


@pytest.mark.parametrize(("stream", "said"), [
    (frame(1, "syslog", b"x"), b"1 rsp 27 500 the session is not open\n"),
    (frame(1, "open", b"commands=syslog"), b"1 rsp 27 500 relp_version is missing\n"),
    (frame(1, "open", b"relp_version=0\ncommands=other"), b"1 rsp 32 500 the command syslog is needed\n"),
    (OPEN + frame(2, "open", OFFERS), b"2 rsp 31 500 the session is open already\n"),
    (b"1 open 99999 x", b"1 rsp 12 500 too long\n"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b""),
    (b"GET / HTTP/1.1\r\n\r\n", b""),
    (b"<13>a line of syslog\n", b""),
    (b"1234567890 syslog 1 x\n", b""),
    (b"1 " + b"a" * 100, b""),
    (OPEN + b"2 syslog 3 abcd\n", b""),
    (OPEN + b"2 syslog 3\n", b""),
    (OPEN + b"2 syslog x\n", b""),
    (OPEN + b"2 sys\0og 1 x\n", b""),
    (OPEN + frame(2, "rsp", b"200 OK"), b""),
    (b"\0" * 500, b""),
])  # fmt: skip
@pytest.mark.parametrize("size", [1, 10**9])
def test_what_is_no_session_is_broken_off(stream: bytes, said: bytes, size: int) -> None:
    last = read(stream, size)[-1]
    assert isinstance(last, Broken)
    assert last.data == said
    assert last.reason


def test_an_unknown_command_is_refused_and_the_session_goes_on() -> None:
    assert read(OPEN + frame(2, "starttls") + frame(3, "syslog", b"x"))[1:] == [
        Say(b"2 rsp 19 500 unknown command\n"), Sent(3, Message(b"x")),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [4096, 10**9])
def test_a_message_that_is_too_long_is_cut_and_numbered(size: int) -> None:
    session = Relp()
    stream = OPEN + frame(2, "syslog", b"y" * (10 * LONGEST)) + frame(3, "syslog", b"x")
    found: list[Event] = []
    for place in range(0, len(stream), size):
        found += session.feed(stream[place : place + size])
        assert session.held <= LONGEST + size
    sent = [one for one in found if isinstance(one, Sent)]
    assert [one.number for one in sent] == [2, 3]
    assert isinstance(sent[0].what, Cut)
    assert sent[0].what.reason == TOO_LONG
    assert sent[1].what == Message(b"x")


@given(st.lists(st.binary(min_size=1, max_size=80), max_size=12), st.integers(1, 50))
def test_messages_come_out_as_they_went_in(sent: list[bytes], size: int) -> None:
    stream = OPEN + b"".join(frame(number, "syslog", data) for number, data in enumerate(sent, 2))
    found = [event for event in read(stream, size) if isinstance(event, Sent)]
    assert found == [Sent(number, Message(data.rstrip(b"\r\n\0"))) for number, data in enumerate(sent, 2)]


pieces = st.sampled_from([b"1 ", b"2 syslog ", b"3 x\n", b"4 close 0\n", b"5 open 3 abc\n", b"\n", b" ", b"0", b"rsp", b"6 syslog 1 a\n"])


@given(st.lists(pieces | st.binary(max_size=30), max_size=10), st.booleans())
def test_anything_is_read_the_same_however_it_is_cut(parts: list[bytes], opened: bool) -> None:
    stream = (OPEN if opened else b"") + b"".join(parts)
    assert [type(event) for event in read(stream, 1)] == [type(event) for event in read(stream)]
