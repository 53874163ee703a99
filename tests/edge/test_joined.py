"""Answers over a socket: the same bytes as uvicorn sends by itself, a head and its body in one piece."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from secgraph.edge import joined
from secgraph.edge.joined import JoinedProtocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from secgraph.edge.exchange import Receive, Scope, Send

LARGE = b"x" * 3_000_000


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers in the way that the path names."""
    what = scope["path"].strip("/")
    if what == "echo":
        body = (await receive())["body"]
    else:
        body = {"empty": b"", "large": LARGE, "like-a-head": b"a\r\n\r\n"}.get(what, b"hello")
    status = 204 if what == "none" else 200
    length = [] if what in {"none", "parts"} else [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [(b"x", b"y"), *length]})
    if what == "fails":
        raise RuntimeError
    if what == "slow":
        await asyncio.sleep(0.05)
    if what == "slower":
        await asyncio.sleep(0.5)
    if what == "parts":
        await send({"type": "http.response.body", "body": b"a\r\n\r\n", "more_body": True})
        await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": body})


class Pieces(asyncio.Transport):
    """What was handed to a socket, piece by piece, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        """One piece."""
        assert not self.closed
        self.sent.append(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        """One piece of several parts."""
        self.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.closed

    def close(self) -> None:
        """Closes it."""
        self.closed = True


@asynccontextmanager
async def listening(kind: type[HttpToolsProtocol]) -> AsyncIterator[int]:
    config = uvicorn.Config(application, log_config=None, lifespan="off", ws="none", server_header=False, date_header=False)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: kind(config, state, {}), "127.0.0.1")
    async with server:
        yield server.sockets[0].getsockname()[1]


async def answered(kind: type[HttpToolsProtocol], *requests: bytes) -> bytes:
    """Everything that comes back until the connection ends; each request is sent after something came back for the last."""
    async with listening(kind) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        found = b""
        for number, request in enumerate(requests):
            found += await reader.read(65536) if number else b""
            writer.write(request)
        found += await reader.read()
        writer.close()
        return found


def asked(method: str, path: str, *headers: str, last: bool = True) -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: h", *headers, *(["Connection: close"] if last else []), "", "")).encode()


REQUESTS: dict[str, tuple[bytes, ...]] = {
    "with a body": (asked("GET", "/a"),),
    "an empty body": (asked("GET", "/empty"),),
    "a large body": (asked("GET", "/large"),),
    "a body that ends like a head": (asked("GET", "/like-a-head"),),
    "no body": (asked("GET", "/none"),),
    "head": (asked("HEAD", "/a"),),
    "a body that comes later": (asked("GET", "/slow"),),
    "a body in parts": (asked("GET", "/parts"),),
    "waits to be told to go on": (asked("POST", "/echo", "Content-Length: 2", "Expect: 100-continue"), b"ab"),
    "one after the other": (asked("GET", "/a", last=False), asked("HEAD", "/a", last=False), asked("GET", "/none")),
    "at once": (asked("GET", "/a", last=False) + asked("GET", "/slow", last=False) + asked("GET", "/a"),),
    "fails": (asked("GET", "/fails"),),
    "no request": (b"what\r\n\r\n",),
}


@pytest.mark.parametrize("requests", REQUESTS.values(), ids=REQUESTS)
async def test_same_bytes(requests: tuple[bytes, ...]) -> None:
    expected = await answered(HttpToolsProtocol, *requests)
    assert expected.startswith(b"HTTP/1.1 ")
    assert await answered(JoinedProtocol, *requests) == expected


@pytest.mark.parametrize(("request_", "pieces"), [
    (asked("GET", "/a", last=False), [b"HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 5\r\n\r\nhello"]),
    (asked("GET", "/a"), [b"HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello"]),
    (asked("HEAD", "/a", last=False), [b"HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 5\r\n\r\n"]),
    (asked("HEAD", "/a"), [b"HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 5\r\nconnection: close\r\n\r\n"]),
    (asked("GET", "/slow", last=False), [b"HTTP/1.1 200 OK\r\nx: y\r\ncontent-length: 5\r\n\r\n", b"hello"]),
])  # fmt: skip
async def test_pieces(request_: bytes, pieces: list[bytes]) -> None:
    config = uvicorn.Config(application, log_config=None, lifespan="off", ws="none", server_header=False, date_header=False)
    config.load()
    protocol, transport = JoinedProtocol(config, ServerState(), {}), Pieces()
    protocol.connection_made(transport)
    protocol.data_received(request_)
    await asyncio.sleep(0.1)
    protocol.connection_lost(None)
    assert transport.sent == pieces


SLOW = {
    "nothing at all": b"",
    "half a head": b"GET /a HTTP/1.1\r\nhost: h\r\nx: ",
    "line feeds behind an answer": asked("GET", "/a", last=False) + b"\r\n\r\n",
    "half a head behind an answer": asked("GET", "/a", last=False) + b"GET /",
}


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
async def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(joined, "HEAD_SECONDS", 0.3)
    found = await answered(JoinedProtocol, sent)
    assert found.count(b"hello") == sent.count(b"/a") - sent.count(b"x: ")


async def test_a_head_that_drips_is_not_waited_for_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "HEAD_SECONDS", 0.3)
    async with listening(JoinedProtocol) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /a HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x: y\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()


@pytest.mark.parametrize("requests", [
    (asked("POST", "/echo", "Content-Length: 4", last=False) + b"a", b"bcd", asked("GET", "/a")),
    (asked("GET", "/slower", last=False) + b"GET /a HT", b"TP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"),
])  # fmt: skip
async def test_a_body_and_an_answer_may_take_longer(monkeypatch: pytest.MonkeyPatch, requests: tuple[bytes, ...]) -> None:
    monkeypatch.setattr(joined, "HEAD_SECONDS", 0.15)
    async with listening(JoinedProtocol) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in requests:
            writer.write(request)
            await asyncio.sleep(0.25 if request[-1:] != b"\n" else 0)
        found = await reader.read()
        writer.close()
    assert found.count(b"HTTP/1.1 200") == 2
    assert found.endswith(b"hello")


@pytest.mark.parametrize("endless", [b"x: y\r\n" * 10_000, b"z" * 60_000], ids=["lines", "one line"])
async def test_a_head_without_an_end_is_refused(endless: bytes) -> None:
    async with listening(JoinedProtocol) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /a HTTP/1.1\r\nx: ")
        sent = 0
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof() and sent < 50_000_000:
                writer.write(endless)
                sent += len(endless)
                await writer.drain()
        writer.close()
    assert sent < 20_000_000, "what is in the buffers of the kernel"


async def test_nothing_is_sent_over_a_lost_connection() -> None:
    config = uvicorn.Config(application, log_config=None, lifespan="off", ws="none", server_header=False, date_header=False)
    config.load()
    protocol, transport = JoinedProtocol(config, ServerState(), {}), Pieces()
    protocol.connection_made(transport)
    protocol.data_received(asked("HEAD", "/a", last=False))
    while not protocol.cycle.response_complete:
        await asyncio.sleep(0)
        if protocol.cycle.response_started:
            transport.close()
    await asyncio.sleep(0.01)
    protocol.connection_lost(None)
    assert transport.sent == []
