"""A large delivery batch after batch: the next ones are made ready while one is written, by other processes once it is
plain that there is enough for them to do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from itertools import islice
from typing import IO, Literal

from secgraph.extend import Connector, Framing
from secgraph.ingest.crew import Crew, serves, size
from secgraph.ingest.ready import Taken, records
from secgraph.ingest.split import LONGEST_LINE, LONGEST_REPORT, SHOWN, Piece, Unit, Unreadable, read, units, unwrapper

BATCH = 500
"""Records that share one transaction."""

MOST = 4 * 1024 * 1024
"""Most bytes of a batch, so that what is under way stays small whatever the records are."""

LARGE = 1024 * 1024
"""A part of a delivery with more bytes than these may hold any number of records: it is read by itself, bit by bit."""

ALONE = 4
"""Batches of a delivery before others help: starting them costs as much processor time as reading some thousand alerts."""

KINDS: dict[Framing, Literal["line", "record", "report"]] = {"json": "record", "lines": "line", "whole": "report"}
"""What a record is that comes by itself."""

_crewed = False
"""Whether a delivery of this process has others helping it: one at a time has."""


def helped() -> bool:
    """Whether others help a delivery of this process at the moment."""
    return _crewed


async def batches(source: Connector, stream: IO[bytes], received: int) -> AsyncGenerator[list[Taken], None]:
    """The records of a delivery, ready, in order. Close it: it may have others at work."""
    reading = _Reading(source, stream, received)
    try:
        while (batch := await reading.next()) is not None:
            yield batch
    finally:
        await reading.close()


async def portions(source: Connector, data: Sequence[bytes], received: int) -> AsyncGenerator[list[Taken], None]:
    """The same of records that come one by one, each as it was sent."""
    kind = KINDS[source.framing]
    found = (_unit(kind, place, one) for place, one in enumerate(data, 1))
    for chunk in _chunks(found):
        pieces = (piece for unit in chunk for piece in read(unit, None, received))
        yield await asyncio.to_thread(lambda of: list(records(source, of, received)), pieces)


def _unit(kind: Literal["line", "record", "report"], place: int, data: bytes) -> Unit:
    most = LONGEST_REPORT if kind == "report" else LONGEST_LINE
    if len(data) > most:
        return Unit("unreadable", place, data[:SHOWN], f"a record longer than {most} bytes")
    return Unit(kind, place, data)


class _Reading:
    """What is under way of a delivery."""

    def __init__(self, source: Connector, stream: IO[bytes], received: int) -> None:
        self._source = source
        self._received = received
        self._unwrap = unwrapper(source)
        self._chunks = _chunks(units(stream, source))
        self._ended = False
        self._count = 0
        self._ahead: deque[asyncio.Task[list[Taken]] | Unit] = deque()
        self._large: Iterator[Piece | Unreadable] | None = None
        self._crew: Crew | None = None

    async def next(self) -> list[Taken] | None:
        """The next batch; None after the last."""
        while True:
            if self._large is not None:
                if batch := await asyncio.to_thread(self._bit, self._large):
                    return batch
                self._large = None
            await self._read_ahead()
            if not self._ahead:
                return None
            first = self._ahead.popleft()
            if isinstance(first, Unit):
                self._large = iter(read(first, self._unwrap, self._received))
                continue
            batch = await first
            await self._read_ahead()  # so that others are at work while this one is written
            return batch

    async def _read_ahead(self) -> None:
        while not self._ended and len(self._ahead) < (1 if self._crew is None or not self._crew.up else self._crew.size + 2):
            chunk = await asyncio.to_thread(next, self._chunks, None)
            if chunk is None:
                self._ended = True
                return
            self._count += 1
            if len(chunk) == 1 and len(chunk[0].data) > LARGE:
                self._ahead.append(chunk[0])
                continue
            if self._count > ALONE and self._crew is None:
                self._call_others()
            self._ahead.append(asyncio.create_task(self._ready(chunk)))

    def _call_others(self) -> None:
        global _crewed
        many = size()
        if many and not _crewed and serves(self._source):
            self._crew, _crewed = Crew(many), True

    async def _ready(self, chunk: list[Unit]) -> list[Taken]:
        if self._crew is not None and self._crew.up:
            return await self._crew.ready(self._source, self._received, chunk)
        pieces = (piece for unit in chunk for piece in read(unit, self._unwrap, self._received))
        return await asyncio.to_thread(self._records, pieces)

    def _records(self, pieces: Iterable[Piece | Unreadable]) -> list[Taken]:
        return list(records(self._source, pieces, self._received))

    def _bit(self, pieces: Iterator[Piece | Unreadable]) -> list[Taken]:
        return self._records(islice(pieces, BATCH))

    async def close(self) -> None:
        """Ends what is under way; nothing is left running behind the delivery's back."""
        global _crewed  # noqa: PLW0603 -- as above
        if self._crew is not None:
            await asyncio.to_thread(self._crew.close)
            _crewed = False
        await asyncio.gather(*(one for one in self._ahead if not isinstance(one, Unit)), return_exceptions=True)


def _chunks(found: Iterator[Unit]) -> Iterator[list[Unit]]:
    """The units in batches; a large one by itself."""
    chunk: list[Unit] = []
    size = 0
    for unit in found:
        if chunk and (len(chunk) == BATCH or size + len(unit.data) > MOST or len(unit.data) > LARGE):
            yield chunk
            chunk, size = [], 0
        chunk.append(unit)
        size += len(unit.data)
        if len(unit.data) > LARGE:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
