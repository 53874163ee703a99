"""A file that a product writes, read as it grows and through its rotations; where it goes on is kept after each commit.

What a kill cuts off is read once more from the last place that was kept: those records are there already, and change nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from secgraph.listen.framing import BLANK, LONGEST, SHOWN, TOO_LONG, Cut, Message
from secgraph.listen.intake import BATCH, What
from secgraph.listen.place import Spot, is_of, opened, rest_of, spot_at, spot_of

CHUNK = LONGEST + 1
SECONDS = 0.5
"""How often it is looked for more."""
QUIET = 4
"""So many looks without more, and a file that was renamed is over: its product goes on writing into it for a while."""

Store = Callable[[list[What], Mapping[str, Any]], Awaitable[None]]
"""Stores messages, and after them the place; returns after both commits."""


class Tail:
    """Follows one file, from a place on."""

    def __init__(
        self, path: Path, place: Mapping[str, Any], store: Store, *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._path = path
        self._store = store
        self._sleep = sleep
        self._spot: Spot | None = spot_of(place)
        self._files: deque[tuple[int, int]] = deque()
        """What is to be read, the one that is being read first; each open, and how far it was read."""
        self._scanned = 0
        """So far the file is known to hold no end of the line that begins where it was read to."""
        self._quiet = 0
        self._known: Spot | None = None
        """How the file that is being read began, as far as it was read."""

    async def run(self) -> None:
        """Reads until it is cancelled, or the file is away for so long that another node may have it."""
        try:
            away = 0
            while away <= QUIET:
                away = 0 if await self.look() else away + 1
                await self._sleep(SECONDS)
        finally:
            self.close()

    def close(self) -> None:
        """Closes what is open."""
        while self._files:
            os.close(self._files.popleft()[0])

    async def look(self) -> bool:
        """Reads what there is now; whether there is a file."""
        while True:
            if not self._files:
                self._files.extend(await asyncio.to_thread(rest_of, self._path, self._spot))
                self._begin()
            if not self._files:
                return False
            if self._spot is None:
                await self._keep([], 0)  # so that it is known again, should it be renamed before anything was read of it
            grew = False
            while await self._some():
                grew = True
            self._quiet = 0 if grew else self._quiet + 1
            if not await self._turn():
                return True

    def _begin(self) -> None:
        """Turns to the first of the files that are open."""
        self._known = self._spot if self._files and self._files[0][1] else None
        self._quiet = self._scanned = 0

    def _as_it_was(self) -> bool:
        """Whether the file begins as it did; one that does not was cut, and is written anew."""
        handle, offset = self._files[0]
        return os.fstat(handle).st_size >= offset and (self._known is None or is_of(handle, self._known))

    async def _some(self) -> bool:
        """Reads and stores the next lines; whether there were any."""
        handle, offset = self._files[0]
        batch, end, self._scanned = await asyncio.to_thread(lines_at, handle, offset, self._scanned)
        if end == offset or not self._as_it_was():
            return False
        await self._keep(batch, end)
        return True

    async def _keep(self, batch: list[What], end: int) -> None:
        handle, _ = self._files[0]
        spot = await asyncio.to_thread(spot_at, handle, end)
        await self._store(batch, spot.data())
        self._files[0] = handle, end
        self._spot = self._known = spot

    async def _turn(self) -> bool:
        """Turns to the next file where this one is over; whether it did."""
        if not self._as_it_was():
            self.close()  # what was not read of it is in the copy that was made before it was cut
            return True
        if self._quiet < QUIET or self._is_last():
            return False
        handle, _ = self._files[0]
        if len(self._files) > 1 or os.fstat(handle).st_nlink == 0 or self._path.exists():
            await self._finish()
        else:
            self.close()  # it was renamed, and may still be written to: it is found under its new name
        return True

    def _is_last(self) -> bool:
        """Whether the file that is read is the one that has the name."""
        there = opened(self._path)
        if there is None:
            return False
        try:
            return os.path.sameopenfile(there, self._files[0][0])
        finally:
            os.close(there)

    async def _finish(self) -> None:
        """Takes the last line of a file that is over, with or without a line feed, and closes it."""
        handle, offset = self._files[0]
        size = os.fstat(handle).st_size
        long = size - offset > LONGEST
        rest = await asyncio.to_thread(os.pread, handle, SHOWN if long else LONGEST, offset)
        lines: list[What] = [Message(line) for line in (part.strip(BLANK) for part in rest.split(b"\n")) if line]
        if lines:
            await self._keep([Cut(rest, TOO_LONG)] if long else lines, size if long else offset + len(rest))
        os.close(self._files.popleft()[0])
        self._begin()


def lines_at(handle: int, offset: int, scanned: int) -> tuple[list[What], int, int]:
    """The whole lines from an offset on, a batch of them at most; where the next begins; how far there is no end of it."""
    data = os.pread(handle, CHUNK, offset)
    last = data.rfind(b"\n")
    if last < 0:
        return ([], offset, scanned) if len(data) <= LONGEST else _long(handle, offset, max(scanned, offset), data)
    found: list[What] = []
    begin = 0
    while begin <= last and len(found) < BATCH:
        end = data.index(b"\n", begin)
        line = data[begin:end].strip(BLANK)
        if line:
            found.append(Message(line))
        begin = end + 1
    return found, offset + begin, 0


def _long(handle: int, offset: int, scanned: int, data: bytes) -> tuple[list[What], int, int]:
    """Passes over a line that is too long, as far as it is there."""
    while more := os.pread(handle, CHUNK, scanned):
        end = more.find(b"\n")
        if end >= 0:
            return [Cut(data[:SHOWN], TOO_LONG)], scanned + end + 1, 0
        scanned += len(more)
    return [], offset, scanned
