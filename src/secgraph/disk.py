"""Whether the disk under the data fills up: made known before it is full, since on a full one every change is refused."""

from __future__ import annotations

import asyncio
import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from secgraph import clock
from secgraph.observe import DiskFills, observe

LOOK_SECONDS = 60
HOUR = 3600 * clock.SECOND
SAID_EVERY = HOUR
"""How often it is said again while it lasts."""

LOOKED_BACK = 6 * HOUR
"""Over which time it is measured how fast room is used up."""

LOOKED_BACK_LEAST = HOUR
"""Before that a rate says nothing: one large delivery would be taken for the rule."""

SOON = 24 * HOUR
LEAST_BYTES = 2 * 1024**3
"""Less than this is little on any disk, but on a small one no more than a fifth of it is asked for."""


class Room(NamedTuple):
    """Bytes of a disk, and how many of them are free."""

    total: int
    free: int


def room(folder: Path) -> Room:
    """The room of the disk on which a folder is."""
    found = shutil.disk_usage(folder)
    return Room(found.total, found.free)


class Disk:
    """Looks at the disk now and then. `percent` is how much of it is to stay free; 0 asks for nothing, and no warning comes."""

    def __init__(self, folder: Path, now: clock.Now, percent: int, read: Callable[[Path], Room] = room) -> None:
        self.fills = False
        """Whether little is free, or what is free will be used up soon."""
        self._folder = folder
        self._now = now
        self._percent = percent
        self._read = read
        self._seen: deque[tuple[int, int]] = deque()
        self._said: int | None = None

    async def watch(self) -> None:
        """Looks every minute."""
        while True:
            try:
                await asyncio.to_thread(self.look)
            except OSError:
                self._seen.clear()  # the folder cannot be asked now: whoever reads and writes there has told why
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Looks once, and makes it known when the disk fills up."""
        now, (total, free) = self._now(), self._read(self._folder)
        full_in = self._full_in(now, free)
        low = free < max(total * self._percent // 100, min(LEAST_BYTES, total // 5))
        self.fills = self._percent > 0 and (low or (full_in is not None and full_in < SOON))
        if not self.fills:
            self._said = None
        elif self._said is None or not 0 <= now - self._said < SAID_EVERY:
            self._said = now
            hours = None if full_in is None else full_in // HOUR
            observe(DiskFills(str(self._folder), free // 1024**2, 100 * free // max(total, 1), hours))

    def _full_in(self, now: int, free: int) -> int | None:
        """Ticks until nothing is free, as it went during the last hours; None where it did not become less, or nobody knows."""
        if self._seen and now < self._seen[-1][0]:
            self._seen.clear()  # the clock was set back
        self._seen.append((now, free))
        while now - self._seen[0][0] > LOOKED_BACK:
            self._seen.popleft()
        began, had = self._seen[0]
        if now - began < LOOKED_BACK_LEAST or free >= had:
            return None
        return free * (now - began) // (had - free)
