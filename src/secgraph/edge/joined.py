"""Answers that leave whole: uvicorn hands the head of one and its body to the socket apart, each a packet of its own."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD_ENDS = b"\r\n\r\n"


class JoinedProtocol(HttpToolsProtocol):
    """uvicorn's own protocol over a transport that keeps a head until its body comes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn narrows it too
        """Answers over a new connection."""
        super().connection_made(cast("asyncio.Transport", _Joining(transport, self.loop)))


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
