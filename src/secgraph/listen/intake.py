"""The messages of one feed on their way to the door: gathered from all its connections, handed over in batches, and told to
whoever sent them once they are committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from secgraph import clock
from secgraph.errors import Refusal, Superseded
from secgraph.extend import Connector
from secgraph.ingest.door import Door
from secgraph.ingest.split import Piece, Unit, Unreadable, read, unwrapper
from secgraph.listen.framing import SHOWN, Cut, Message
from secgraph.listen.syslog import json_of

BATCH = 500
"""Most messages of a batch."""
LARGE = 4 * 1024 * 1024
"""Most bytes of a batch that holds more than one message."""
SECONDS = 0.2
"""How long the first message of a batch waits for others, at most."""
LULL = 0.01
"""Seconds without a message behind which a batch is not waited for: senders wait for what they sent to be acknowledged."""
MOST = 32 * 1024 * 1024
"""Bytes that may wait of one feed; no more is read from anybody then."""
WEIGHT = 256
"""What a message weighs beside its bytes."""
PAUSES = (1.0, 2.0, 5.0, 10.0)
"""Seconds before a batch that could not be stored is tried again."""

NO_JSON = "no JSON in the message"

What = Message | Cut
Take = Callable[[Sequence[What]], Awaitable[None]]
"""Stores messages; returns after the commit."""


class Sender(Protocol):
    """Who is told what became of its messages."""

    def committed(self, weight: int, numbers: list[int]) -> None:
        """So much is no longer under way. The numbers are those that it gave its messages, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    what: What
    weight: int
    sender: Sender | None
    number: int


def weight_of(what: What) -> int:
    """What a message counts for while it waits."""
    return len(what.data) + WEIGHT


class Intake:
    """Gathers the messages of a feed. `run` hands them over while it goes on; `failed` hears why that does not work."""

    def __init__(
        self, take: Take, failed: Callable[[str], None], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        seconds: float = SECONDS, most: int = MOST,
    ) -> None:  # fmt: skip
        self._take = take
        self._failed = failed
        self._sleep = sleep
        self._seconds = seconds
        self._most = most
        self._queue: deque[_Waiting] = deque()
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._less = asyncio.Event()
        self._hurry = False
        self.waiting = 0
        """What is under way, in bytes or so."""
        self.last = time.monotonic()
        """When something came last."""

    @property
    def full(self) -> bool:
        """Whether no more should be read now."""
        return self.waiting > self._most

    def add(self, what: What, sender: Sender | None = None, number: int = 0) -> int:
        """Has a message stored; its weight."""
        one = _Waiting(what, weight_of(what), sender, number)
        self._queue.append(one)
        self.waiting += one.weight
        self.last = time.monotonic()
        self._some.set()
        if len(self._queue) >= BATCH or self.waiting >= LARGE:
            self._full.set()
        return one.weight

    async def room(self) -> None:
        """Waits until more may be read."""
        while self.full:
            self._less.clear()
            await self._less.wait()

    async def run(self) -> None:
        """Hands over what comes, until it is cancelled; a batch that is being stored then is committed or not."""
        while True:
            await self._some.wait()
            await self._gather()
            batch = self._next()
            await self._store([one.what for one in batch])
            self._told(batch)
            self._some.clear() if not self._queue else None
            self._full.clear() if len(self._queue) < BATCH else None

    async def _gather(self) -> None:
        """Waits until a batch is full, nothing more comes, or its first message has waited for long enough."""
        ends, count = time.monotonic() + self._seconds, 0
        while len(self._queue) > count and not self._full.is_set() and not self._hurry and time.monotonic() < ends:
            count = len(self._queue)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), LULL)

    async def empty(self) -> None:
        """Waits until nothing waits any more."""
        self._hurry = True
        self._full.set()
        while self.waiting:
            self._less.clear()
            await self._less.wait()

    def _next(self) -> list[_Waiting]:
        batch = [self._queue.popleft()]
        size = batch[0].weight
        while self._queue and len(batch) < BATCH and size + self._queue[0].weight <= LARGE:
            batch.append(self._queue.popleft())
            size += batch[-1].weight
        return batch

    async def _store(self, batch: list[What]) -> None:
        """Stores a batch, as often as it takes: what was sent is here alone."""
        tries = 0
        while True:
            try:
                await apart(self._take, batch, self._failed)
            except Superseded:
                raise
            except Exception as fault:  # noqa: BLE001 -- whatever it is, giving up would lose what was sent
                self._failed(f"what came cannot be stored now: {fault or type(fault).__name__}")
            else:
                return
            await self._sleep(PAUSES[min(tries, len(PAUSES) - 1)])
            tries += 1

    def _told(self, batch: list[_Waiting]) -> None:
        weights: dict[Sender, int] = {}
        numbers: dict[Sender, list[int]] = {}
        for one in batch:
            self.waiting -= one.weight
            if one.sender is not None:
                weights[one.sender] = weights.get(one.sender, 0) + one.weight
                numbers.setdefault(one.sender, []).append(one.number)
        for sender, weight in weights.items():
            sender.committed(weight, numbers[sender])
        self._less.set()


async def apart(take: Take, batch: Sequence[What], failed: Callable[[str], None]) -> None:
    """Stores messages; where their source breaks on them, in halves, until the one is found that it cannot read. That one is
    kept with the reason.
    """
    try:
        await take(batch)
    except Refusal:
        raise
    except Exception as fault:
        if len(batch) == 1:
            if isinstance(batch[0], Cut):
                raise
            said = f"its source breaks on it: {type(fault).__name__}: {fault}"[:300]
            await take([Cut(batch[0].data[:SHOWN], said)])
            failed(said)
        else:
            half = len(batch) // 2
            await apart(take, batch[:half], failed)
            await apart(take, batch[half:], failed)


def taker(door: Door, tenant: int, source: Connector, now: clock.Now) -> Take:
    """What stores the messages of a feed."""
    count = 0

    async def take(batch: Sequence[What]) -> None:
        nonlocal count
        began, first = now(), count + 1
        await door.take_some(tenant, source, pieces(batch, source, first, began), began)
        count += len(batch)

    return take


def pieces(batch: Sequence[What], source: Connector, first: int, received: int) -> Iterator[Piece | Unreadable]:
    """The records in messages, numbered by the message: a line as it came, or the JSON behind its head."""
    unwrap = unwrapper(source)
    for number, what in enumerate(batch, first):
        if isinstance(what, Cut):
            yield Unreadable(number, what.data, what.reason)
        elif source.framing == "lines":
            yield from read(Unit("line", number, what.data), unwrap, received)
        elif (found := json_of(what.data)) is None:
            yield Unreadable(number, what.data[:SHOWN], NO_JSON)
        else:
            yield from read(Unit("document", number, found.rstrip()), unwrap, received)
