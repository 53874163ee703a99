"""gzip, out and in: which answers are worth it, and bodies that come compressed, bounded by what they unfold to."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import Literal

from secgraph.errors import BadBody, TooLarge, UnsupportedMedia

Mode = Literal["auto", "on", "off"]

LEVEL = 1
"""JSON of alerts shrinks to a sixth at the first level; further ones cost more than they save."""

WORTH = 4 * 1024
"""Smallest body that `auto` compresses: below, the packets are as many as before."""

LEAST = 256
"""Smallest body that is compressed at all."""

INLINE = 64 * 1024
"""Most bytes that are packed or unpacked on the event loop: half a millisecond."""

MEMBERS = 4096
"""Most members of one gzip body. Files of a log that are strung together have a few; a million empty ones are an attack."""

KEPT = 256
"""Accept-Encoding headers whose meaning is kept."""

VARY = (b"vary", b"Accept-Encoding")
CODED = (b"content-encoding", b"gzip")
GZIP = {"gzip", "x-gzip"}

_STEP = 64 * 1024


class Compressor:
    """Compresses answers, as the setting `compress` says: `off` none, `on` for everybody, `auto` for peers elsewhere."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self._kept: dict[bytes, bool] = {}

    def worth(self, size: int, *, local: bool) -> bool:
        """Whether a body of that size is compressed for who accepts it."""
        if self._mode == "auto":
            return not local and size >= WORTH
        return self._mode == "on" and size >= LEAST

    async def packed(self, body: bytes, accepted: bytes) -> tuple[bytes, tuple[tuple[bytes, bytes], ...]]:
        """A body that is worth it as it is sent, and the headers that say how."""
        if not self._wanted(accepted):
            return body, (VARY,)
        small = len(body) <= INLINE
        return _packed(body) if small else await asyncio.to_thread(_packed, body), (VARY, CODED)

    def _wanted(self, accepted: bytes) -> bool:
        wanted = self._kept.get(accepted)
        if wanted is None:
            wanted = prefers_gzip(accepted.decode("latin-1"))
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[accepted] = wanted
        return wanted


def prefers_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding takes gzip, and none other of ours before it."""
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        coding, _, parameters = part.partition(";")
        name, equals, text = parameters.partition("=")
        weight = 1.0
        if equals and name.strip() == "q":
            try:
                weight = float(text)
            except ValueError:
                weight = 0.0
        weights[coding.strip()] = weight
    gzipped = max((weights[name] for name in GZIP & weights.keys()), default=weights.get("*", 0.0))
    return gzipped > 0 and gzipped >= weights.get("identity", 0.0)


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, LEVEL, mtime=0)  # without the time: HEAD tells the length that GET has


# --- bodies that come compressed ----------------------------------------------------------------------------------------


def compressed(coding: bytes | None) -> bool:
    """Whether a body is gzip by its Content-Encoding; UnsupportedMedia for any other coding."""
    if coding is None:
        return False
    codings = [name for part in coding.decode("latin-1").split(",") if (name := part.strip().lower()) not in {"", "identity"}]
    if len(codings) > 1 or not GZIP.issuperset(codings):
        raise UnsupportedMedia(f"The body is encoded as {', '.join(codings)[:60]}.",
                               hint="Send it as Content-Encoding: gzip, or unencoded.",
                               headers={"Accept-Encoding": "gzip"})  # fmt: skip
    return bool(codings)


async def unpacked(data: bytes, most: int) -> bytes:
    """What a gzip body unfolds to: TooLarge past `most` bytes, BadBody when it is broken or ends too early."""
    found = _unpacked(data, min(most, INLINE))
    if found is None and most > INLINE:
        found = await asyncio.to_thread(_unpacked, data, most)
    if found is None:
        raise TooLarge(f"The body unfolds to more than {most} bytes.", hint="Send less at once.")
    return found


def _unpacked(data: bytes, most: int) -> bytes | None:
    """All members one behind the other; None when they are more than `most` bytes."""
    parts: list[bytes] = []
    place, room = 0, most
    for _ in range(MEMBERS):
        stream = zlib.decompressobj(wbits=31)
        while not stream.eof:
            step = stream.unconsumed_tail or data[place : place + _STEP]
            if not step:
                raise BadBody("", "The gzip body ends before its end.", hint="Send it whole.")
            place += 0 if stream.unconsumed_tail else len(step)
            try:
                part = stream.decompress(step, room + 1)
            except zlib.error as fault:
                raise BadBody("", f"The body is not gzip: {fault}.", hint="Send it as gzip, or unencoded.") from None
            room -= len(part)
            if room < 0:
                return None
            parts.append(part)
        place -= len(stream.unused_data)
        if not data[place : place + _STEP].strip(b"\0"):
            return b"".join(parts)
    raise BadBody("", f"The gzip body has more than {MEMBERS} members.", hint="Compress it as one.")
