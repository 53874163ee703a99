"""Connections as uvicorn has them, but for two things. Answers leave whole: it hands the head of one and its body to the socket
apart, each a packet of its own. And the head of a request has an end: it waits for one for ever, however long it becomes.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD_ENDS = b"\r\n\r\n"

HEAD_SECONDS = 60.0
"""How long the head of a request may take, from the connection or its first byte on."""

MOST_HEAD = 256 * 1024
"""Bytes that it may have, and so much more as one reading brings."""


class JoinedProtocol(HttpToolsProtocol):
    """uvicorn's own protocol over a transport that keeps a head until its body comes."""

    _ends: asyncio.TimerHandle | None = None
    """When the head that is waited for has to be whole; None where none is."""
    _between = True
    """Whether what comes next is a head."""
    _size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn narrows it too
        """Answers over a new connection."""
        super().connection_made(cast("asyncio.Transport", _Joining(transport, self.loop)))
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._whole()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes what came; a head that grows without end is refused."""
        if self._between:
            self._wait()
        super().data_received(data)
        if self._ends is not None and not self.transport.is_closing():
            self._size += len(data)
            if self._size > MOST_HEAD:
                self._whole()
                self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """A head begins."""
        self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._between = False
        self._whole()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is whole, too."""
        self._between = True
        super().on_message_complete()

    def _wait(self) -> None:
        if self._ends is None:
            self._ends = self.loop.call_later(HEAD_SECONDS, self._late)

    def _late(self) -> None:
        self._ends = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait()  # an answer is under way: the connection is good for it
        elif not self.transport.is_closing():
            self.transport.close()

    def _whole(self) -> None:
        if self._ends is not None:
            self._ends.cancel()
        self._ends, self._size = None, 0


class _Joining:
    """A transport as far as a protocol uses one; what it does not have itself is the real one's."""

    __slots__ = ("_head", "_loop", "_real", "is_closing")

    def __init__(self, real: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._real = real
        self._loop = loop
        self._head = b""
        self.is_closing = real.is_closing  # asked after each answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def write(self, data: bytes) -> None:
        """Sends data. What ends like a head waits for what is sent next, but no longer than the event loop's next round: an
        answer may have no body.
        """
        if self._head:
            head, self._head = self._head, b""
            self._real.writelines((head, data))
        elif data.endswith(_HEAD_ENDS):
            self._head = data
            self._loop.call_soon(self._release)
        else:
            self._real.write(data)

    def close(self) -> None:
        """Closes the connection when everything is sent."""
        self._release()
        self._real.close()

    def _release(self) -> None:
        head, self._head = self._head, b""
        if head and not self.is_closing():
            self._real.write(head)
