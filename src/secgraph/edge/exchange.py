"""One request and its answer, as values: what handlers take and give. Nothing here decides anything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

import msgspec

from secgraph.edge import compress
from secgraph.edge.prefer import preferences
from secgraph.errors import BadBody, NotFound, TooLarge, TooSlowPeer, UnsupportedMedia

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

Level = Literal["none", "minimal", "full"]
"""How much control information a body carries around its members."""

KINDS: dict[Level, bytes] = {
    level: b"application/json;odata.metadata=%s;odata.streaming=true;IEEE754Compatible=false;charset=utf-8" % level.encode()
    for level in ("none", "minimal", "full")
}
JSON = KINDS["minimal"]
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
    metadata: Level = "minimal"
    """The level that the answer is asked for in."""
    local: bool = True
    """Whether the client is on this machine."""

    def header(self, name: bytes) -> str:
        """A header as text; empty when absent."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def preferences(self) -> dict[str, str]:
        """What the Prefer header asks for."""
        given = self.headers.get(b"prefer")
        return {} if given is None else preferences(given.decode("latin-1"))

    def prefers(self, word: str) -> bool:
        """Whether the Prefer header holds that preference: `respond-async`, `return=minimal`."""
        if b"prefer" not in self.headers:
            return False
        name, _, value = word.partition("=")
        found = self.preferences.get(name)
        return found is not None and (found.lower() == value if value else found.lower() != "false")

    async def body(self, most: int, data: bytes | None = None) -> bytes:
        """The whole body, unpacked when it is gzip; TooLarge past `most` bytes, told before it is read when its length is
        announced. UnsupportedMedia for another coding, BadBody for a broken one. `data` is what was received already.
        """
        packed = compress.compressed(self.headers.get(b"content-encoding"))
        data = await self.received(most) if data is None else data
        return await compress.unpacked(data, most) if packed and data else data

    async def received(self, most: int) -> bytes:
        """The whole body as it was sent."""
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

    async def json(self, most: int) -> Any:
        """The body as a JSON value; UnsupportedMedia, TooLarge, or BadBody when it is none."""
        self.expect_json()
        return decoded(await self.body(most))

    def expect_json(self) -> None:
        """UnsupportedMedia unless the body says it is JSON, or says nothing."""
        kind = self.header(b"content-type").partition(";")[0].strip().lower()
        if kind and kind != "application/json" and not kind.endswith("+json"):
            raise UnsupportedMedia(f"The body is {kind[:60]}.", hint="Send it as Content-Type: application/json.")


@dataclass(slots=True)
class Answer:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    content_type: bytes = JSON
    headers: list[Header] = field(default_factory=list)
    cache: bytes = b"no-cache"
    metadata: Level = "minimal"
    """The level that a JSON body is in as it stands."""


def decoded(data: bytes) -> Any:
    """A body's JSON value; BadBody when it is none."""
    if not data.strip():
        raise BadBody("", "The body is empty.", hint="Send a JSON object.")
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        raise BadBody("", "The body is nested too deep.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise BadBody("", f"The body is not JSON: {fault}.") from None


def path_segments(raw: bytes) -> list[str]:
    """A path's segments, each decoded by itself, so that an encoded slash stays inside its segment."""
    parts = raw.partition(b"?")[0].split(b"/")
    if b"%" in raw:
        parts = [unquote_to_bytes(part) for part in parts]
    try:
        segments = [part.decode() for part in parts if part]
    except UnicodeDecodeError:
        raise NotFound("The path is not UTF-8.") from None
    if "\x00" in "".join(segments):
        raise NotFound("The path holds a NUL.")
    return segments


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body is larger than {most} bytes.", hint="Send less at once.")
