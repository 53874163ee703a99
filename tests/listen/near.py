"""A listener in this process, and who stores what comes to it: in memory, when it is allowed to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from secgraph.errors import Busy
from secgraph.listen.address import Address, Certificate, bound, secured
from secgraph.listen.datagrams import Datagrams
from secgraph.listen.framing import Cut
from secgraph.listen.intake import Intake, What
from secgraph.listen.streams import ORDINARY, Limits, Streams

PATIENCE = 10.0


@dataclass
class Room:
    """Where messages are stored."""

    stored: list[bytes | str] = field(default_factory=list)
    """Messages, and the reasons of those that were cut."""
    failed: list[str] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Nothing is stored until it is set."""
    busy: int = 0
    """So often it cannot be stored now."""

    async def take(self, batch: Sequence[What]) -> None:
        await self.open.wait()
        if self.busy:
            self.busy -= 1
            raise Busy("not now")
        self.stored += [one.reason if isinstance(one, Cut) else one.data for one in batch]


@dataclass
class Near:
    """A listener at a free port."""

    room: Room
    intake: Intake
    streams: Streams
    port: int
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self, **more: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, **more)
        self.writers.append(writer)
        return reader, writer

    async def closed(self) -> None:
        for writer in self.writers:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def until(true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 -- what it waits for sets no event
            await asyncio.sleep(0.005)


def a_socket(way: str = "tcp") -> tuple[socket.socket, int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if way == "udp" else socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    one = bound(Address("udp" if way == "udp" else "tcp", "127.0.0.1", port))
    return one, port


async def soon(_: float) -> None:
    await asyncio.sleep(0)


@asynccontextmanager
async def near(
    *, relp: bool = False, limits: Limits = ORDINARY, opened: bool = True, certificate: Certificate | None = None, clients: str = "",
    sleep: Callable[[float], Awaitable[None]] = soon, most: int = 32 * 1024 * 1024,
) -> AsyncIterator[Near]:  # fmt: skip
    room = Room()
    if opened:
        room.open.set()
    one, port = a_socket()
    intake = Intake(room.take, room.failed.append, sleep=sleep, most=most)
    storing = asyncio.create_task(intake.run())
    context = None if certificate is None else secured(certificate, clients)
    made = Streams(one, intake, room.failed.append, relp=relp, context=context, limits=limits)
    await made.start()
    try:
        here = Near(room, intake, made, port)
        yield here
    finally:
        room.open.set()
        await made.stop()
        await here.closed()
        storing.cancel()
        await asyncio.gather(storing, return_exceptions=True)


@asynccontextmanager
async def near_datagrams(*, opened: bool = True, most: int = 32 * 1024 * 1024) -> AsyncIterator[tuple[Room, Datagrams, int]]:
    room = Room()
    if opened:
        room.open.set()
    one, port = a_socket("udp")
    intake = Intake(room.take, room.failed.append, sleep=soon, most=most)
    storing = asyncio.create_task(intake.run())
    made = Datagrams(one, intake)
    made.start()
    try:
        yield room, made, port
    finally:
        room.open.set()
        await made.stop(PATIENCE)
        storing.cancel()
        await asyncio.gather(storing, return_exceptions=True)
