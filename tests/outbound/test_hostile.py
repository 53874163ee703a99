"""Products that answer as they should not: each call ends with one sentence, in bounded time and room."""

from __future__ import annotations

import asyncio
import gzip
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.outbound.conftest import API, Act, Asked, Passing, answer

from secgraph.clock import SECOND
from secgraph.extend import CallFailed, Headers, OutcomeUnknown
from secgraph.outbound.attempts import Rate
from secgraph.outbound.exchange import Body, Bounds, Unread
from secgraph.testing import Clock

if TYPE_CHECKING:
    from tests.outbound.conftest import Hostile, Out

MIB = 1024 * 1024


def sends(*parts: bytes, pause: float = 0.0, close: bool = True) -> Act:
    """Sends these bytes, and breaks off."""

    async def act(_: Asked, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        if close:
            writer.transport.abort()
            raise ConnectionResetError

    return act


HEAD = b"HTTP/1.1 200 OK\r\n"
BOMB = gzip.compress(bytes(50 * MIB))
WRONG = [
    ("it never answers", sends(HEAD, close=False), "sent nothing for 0.3 s"),
    ("a slow drip", sends(HEAD + b"content-length: 100\r\n\r\n", *[b"x"] * 90, pause=0.05), "took longer than 1 s"),
    ("headers that drip", sends(HEAD, *[b"x: y\r\n"] * 90, pause=0.05), "took longer than 1 s"),
    ("a huge body", answer(200, bytes(3 * MIB)), "more than 2 MiB"),
    ("a body without an end", sends(HEAD + b"\r\n", *[bytes(MIB)] * 5), "more than 2 MiB"),
    ("a bomb", answer(200, BOMB, content_encoding="gzip"), "more than 2 MiB"),
    ("a bomb of many members", answer(200, gzip.compress(bytes(MIB)) * 9, content_encoding="gzip"), "more than 200 times its size"),
    ("gzip that is none", answer(200, b"none", content_encoding="gzip"), "not the gzip"),
    ("gzip that is cut", answer(200, gzip.compress(b"a" * 99)[:-9], content_encoding="gzip"), "compressed body off"),
    ("another encoding", answer(200, b"none", content_encoding="br"), "encoding 'br'"),
    ("a body that is too short", sends(HEAD + b"content-length: 10\r\n\r\nshort"), "broke"),
    ("two lengths", sends(HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab"), "no HTTP"),
    ("no HTTP", sends(b"SSH-2.0-OpenSSH_9\r\n\r\n"), "no HTTP"),
    ("endless headers", sends(HEAD, *[b"x: " + b"y" * 60_000 + b"\r\n"] * 9), "no HTTP"),
    ("closed at once", sends(), "broke"),
    ("closed in the middle", sends(HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nabc"), "broke"),
    ("elsewhere", answer(302, location="https://other.example/"), "redirects are not followed"),
    ("elsewhere, here", answer(307, location="/again"), "redirects are not followed"),
    ("500", answer(500, b"no\nword"), "answered 500: no word"),
    ("429", answer(429), "answered 429. That was the answer to 5 tries"),
    ("429 for an hour", answer(429, retry_after="3600"), "not to be called again for 3600 s"),
    ("429 for ever", answer(429, retry_after="9" * 400), "not to be called again"),
    ("503 until another age", answer(503, retry_after="Tue, 01 Jan 2999 00:00:00 GMT"), "not to be called again"),
    ("503 with nonsense", answer(503, retry_after="soon"), "answered 503"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "said"), [one[1:] for one in WRONG], ids=[one[0] for one in WRONG])
async def test_it_is_survived(out: Out, hostile: Hostile, act: Act, said: str) -> None:
    hostile.on("/", act)
    async with asyncio.timeout(9):
        with pytest.raises(CallFailed, match=said) as failed:
            await out.web(access=Headers({"Authorization": "Token t0ps3cret-key"})).call("GET", f"{out.origin()}/")
    text = str(failed.value)
    assert len(text) < 600
    assert "\n" not in text
    assert "t0ps3cret" not in text
    hostile.on("/", answer(200, b"{}"))
    assert (await out.made[0].call("GET", f"{out.origin()}/")).good() == b"{}"  # and it goes on


@pytest.mark.parametrize("act", [sends(), answer(500), answer(503), answer(503, retry_after="1"), answer(502), sends(HEAD, close=False)])
async def test_what_changes_something_is_sent_once(out: Out, hostile: Hostile, act: Act) -> None:
    hostile.on("/", act)
    with pytest.raises(OutcomeUnknown, match="not known"):
        await out.web().call("POST", f"{out.origin()}/", json={}, once=True)
    assert len(hostile.asked) == 1


async def test_what_changes_something_is_repeated_where_it_never_arrived(out: Out, hostile: Hostile, passing: Passing) -> None:
    hostile.on("/", answer(429, retry_after="7"), answer(200, b"done"))
    assert (await out.web().call("POST", f"{out.origin()}/", once=True)).body == b"done"
    assert passing.waited == [7.0]
    out.names[API] = [["127.0.0.2"], ["127.0.0.1"]]  # where nothing listens
    assert (await out.web().call("POST", f"{out.origin()}/", once=True)).body == b"done"


async def test_what_changes_something_uses_no_kept_connection(out: Out, hostile: Hostile) -> None:
    hostile.on("/", answer(200, b"1"))
    web = out.web()
    for _ in range(3):
        await web.call("GET", f"{out.origin()}/")
    assert hostile.connections == 1
    for _ in range(3):
        await web.call("POST", f"{out.origin()}/", once=True)
    assert hostile.connections == 4


@pytest.mark.parametrize(("after", "waited"), [
    ("7", 7.0), ("900", 900.0), ("0", 0.0), ("", 0.5), ("nonsense", 0.5), ("-1", 0.5), ("Sun, 21 Sep 1980 00:00:00 GMT", 0.0),
])  # fmt: skip
async def test_it_is_waited_as_told(out: Out, hostile: Hostile, passing: Passing, after: str, waited: float) -> None:
    hostile.on("/", answer(429, retry_after=after), answer(200, b"{}"))
    assert (await out.web().call("GET", f"{out.origin()}/")).status == 200
    assert passing.waited == [waited]


async def test_a_date_is_waited_for(out: Out, hostile: Hostile, passing: Passing) -> None:
    after = formatdate(passing.clock.at / SECOND + 30, usegmt=True)
    hostile.on("/", answer(503, retry_after=after), answer(200))
    await out.web().call("GET", f"{out.origin()}/")
    assert passing.waited == [30.0]


async def test_it_is_tried_again_later_each_time(out: Out, hostile: Hostile, passing: Passing) -> None:
    hostile.on("/", answer(500), sends(), answer(502), answer(504), answer(200, b"at last"))
    assert (await out.web().call("GET", f"{out.origin()}/")).body == b"at last"
    assert passing.waited == [0.5, 1.0, 2.0, 4.0]  # half of what it may be
    assert len(hostile.asked) == 5


async def test_an_answer_of_another_status_is_the_source_s(out: Out, hostile: Hostile) -> None:
    hostile.on("/", answer(404, b"none", X_Kind="a"))
    reply = await out.web().call("GET", f"{out.origin()}/")
    assert (reply.status, reply.body, reply.headers["x-kind"]) == (404, b"none", "a")
    assert len(hostile.asked) == 1


async def test_a_packed_body_is_unpacked(out: Out, hostile: Hostile) -> None:
    text = b"".join(b"%d," % number for number in range(100_000))
    hostile.on("/", answer(200, gzip.compress(text[:9]) + gzip.compress(text[9:]), content_encoding="GZIP"))
    assert (await out.web().call("GET", f"{out.origin()}/")).body == text
    assert hostile.asked[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("link", [
    "https://other.example/next", "https://login.example:{port}/next", "https://api.example/next", "http://api.example:{port}/next",
    "https://api.example:{port}@other.example/", "https://api.example.other.example:{port}/", "https://127.0.0.1:{port}/", "/next", "javascript:1",
    "https://169.254.169.254/latest/meta-data/",
])  # fmt: skip
async def test_a_link_elsewhere_is_not_followed(out: Out, hostile: Hostile, link: str) -> None:
    with pytest.raises(CallFailed, match=r"leads to|is called by|carries|without"):
        await out.web().call("GET", link.format(port=hostile.port))
    assert hostile.connections == 0


async def test_a_certificate_of_another_name_is_not_good(out: Out, hostile: Hostile) -> None:
    out.private, out.names["wrong.example"] = ("wrong.example",), [["127.0.0.1"]]
    with pytest.raises(CallFailed, match=r"wrong\.example showed a certificate that is not good for it"):
        await out.web("wrong.example").call("GET", f"{out.origin('wrong.example')}/")
    assert (hostile.asked, out.passing.waited) == ([], [])


async def test_an_unknown_authority_is_not_believed(out: Out, hostile: Hostile) -> None:
    out.trusted = False
    with pytest.raises(CallFailed, match=r"showed a certificate that is not good for it: .*issuer"):
        await out.web().call("GET", f"{out.origin()}/")
    assert hostile.asked == []


async def test_what_cannot_be_reached_is_named(out: Out) -> None:
    out.names[API] = [["127.0.0.2"]]
    with pytest.raises(CallFailed, match=r"api\.example cannot be reached"):
        await out.web().call("GET", f"{out.origin()}/")
    del out.names[API]
    with pytest.raises(CallFailed, match=r"api\.example cannot be reached: the name api\.example cannot be resolved"):
        await out.web().call("GET", f"{out.origin()}/")


async def test_headers_and_bodies_that_cannot_be_sent(out: Out, hostile: Hostile) -> None:
    hostile.on("/", answer(200))
    wrong: list[dict[str, Any]] = [{"headers": {"x": "a\r\nb: c"}}, {"json": {1, 2}}, {"headers": {"x": "\u20ac"}}, {"json": float("nan")}]
    for more in wrong:
        with pytest.raises(CallFailed, match="What was to be sent"):
            await out.web().call("GET", f"{out.origin()}/", **more)
    assert hostile.asked == []


async def test_what_is_sent(out: Out, hostile: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    hostile.on("/a", answer(200, set_cookie="a=b"))
    web = out.web(access=Headers({"Authorization": "Token abc"}))
    for _ in range(2):
        await web.call("POST", f"{out.origin()}/a?x=1", params={"y": "\u00fc &"}, json={"a": ["\u00fc"]},
                       headers={"Prefer": "p", "Host": "other.example", "authorization": "mine"})  # fmt: skip
    asked = hostile.asked[1]
    assert asked.target == "/a?x=1&y=%C3%BC+%26"
    assert asked.body == '{"a":["\u00fc"]}'.encode()
    assert asked.headers["host"] == f"api.example:{hostile.port}"
    assert asked.headers["authorization"] == "Token abc"
    assert (asked.headers["prefer"], asked.headers["content-type"]) == ("p", "application/json")
    assert "cookie" not in asked.headers


async def test_the_rate_is_kept(out: Out, hostile: Hostile, passing: Passing) -> None:
    hostile.on("/", answer(200))
    web = out.web(calls=3, seconds=60.0)
    await asyncio.gather(*(web.call("GET", f"{out.origin()}/") for _ in range(7)))
    assert len(hostile.asked) == 7
    assert passing.waited == [60.0, 60.0]


@given(st.integers(1, 5), st.lists(st.floats(0, 9), max_size=40))
def test_no_span_of_time_sees_more_calls_than_its_rate(calls: int, pauses: list[float]) -> None:
    passing, moments = Passing(Clock()), []
    rate = Rate(calls, 10.0, passing.time())

    async def ask() -> None:
        for one in pauses:
            passing.at += one
            await rate.turn()
            moments.append(passing.at)

    asyncio.run(ask())
    assert all(sum(start <= one < start + 9.999 for one in moments) <= calls for start in moments)


def test_a_body_that_grows_too_much_ends_before_it_is_large() -> None:
    body = Body(Bounds(body=1000 * MIB), packed=True)
    body.add(BOMB[:2_000])
    with pytest.raises(Unread, match="200 times"):
        body.add(BOMB[2_000:])


async def test_a_call_can_be_cut_off(out: Out, hostile: Hostile) -> None:
    hostile.on("/", sends(HEAD, close=False))
    task = asyncio.create_task(out.web().call("GET", f"{out.origin()}/"))
    async with asyncio.timeout(5):
        while not hostile.asked:  # noqa: ASYNC110 -- what comes is seen on the other side of a connection
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_cancelled_anywhere_keeps_no_connection(out: Out, hostile: Hostile) -> None:
    """There are four of them: a fifth that was kept would be the end of the source."""
    hostile.on("/", answer(200, b"x" * 100_000))
    web = out.web()
    for turns in range(250):
        task = asyncio.create_task(web.call("GET", f"{out.origin()}/"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (await asyncio.wait_for(web.call("GET", f"{out.origin()}/"), 5)).status == 200
