"""One request and its answer, as values: what handlers take and give. Nothing here decides anything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from secgraph.errors import BadBody, NotFound, TooLarge, TooSlowPeer, UnsupportedMedia

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON = b"application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
PLAIN_JSON = b"application/json; charset=utf-8"

PATIENCE = 30
"""Seconds that a body may pause: a peer that stalls must not hold a request for ever."""


@dataclass(slots=True)
class Asked:
    """A request whose head was read."""

    method: str
    base: str
    """The origin that every link is written with."""
    segments: list[str]
    query: bytes
    headers: dict[bytes, bytes]
    request_id: str
    client_request_id: str
    receive: Receive

    def header(self, name: bytes) -> str:
        """A header as text; empty when absent."""
        return self.headers.get(name, b"").decode("latin-1")

    def prefers(self, word: str) -> bool:
        """Whether the Prefer header holds that preference."""
        given = self.headers.get(b"prefer")
        return given is not None and word in {part.strip().lower() for part in given.decode("latin-1").split(",")}

    async def body(self, most: int) -> bytes:
        """The whole body; TooLarge past `most` bytes, told before it is read when its length is announced."""
        announced = self.headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > most:
            raise _too_large(most)
        parts: list[bytes] = []
        size = 0
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    message = await self.receive()
            except TimeoutError:
                raise TooSlowPeer(f"Nothing of the body came for {PATIENCE} s.", hint="Send it again.") from None
            if message["type"] == "http.disconnect":
                raise BadBody("", "The connection ended before the body did.")
            part = message.get("body", b"")
            size += len(part)
            if size > most:
                raise _too_large(most)
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)

    def expect_json(self) -> None:
        """UnsupportedMedia unless the body says it is JSON, or says nothing."""
        kind = self.header(b"content-type").partition(";")[0].strip().lower()
        if kind and kind != "application/json" and not kind.endswith("+json"):
            raise UnsupportedMedia(f"The body is {kind[:60]}.", hint="Send it as Content-Type: application/json.")
        coding = self.header(b"content-encoding").strip().lower()
        if coding not in {"", "identity"}:
            raise UnsupportedMedia(f"The body is encoded as {coding[:60]}.", hint="Send it unencoded.")


@dataclass(slots=True)
class Answer:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    content_type: bytes = JSON
    headers: list[Header] = field(default_factory=list)
    cache: bytes = b"no-cache"


def path_segments(raw: bytes) -> list[str]:
    """A path's segments, each decoded by itself, so that an encoded slash stays inside its segment."""
    segments = []
    for part in raw.partition(b"?")[0].split(b"/"):
        if not part:
            continue
        try:
            text = unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            raise NotFound("The path is not UTF-8.") from None
        if "\x00" in text:
            raise NotFound("The path holds a NUL.")
        segments.append(text)
    return segments


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body is larger than {most} bytes.", hint="Send less at once.")
