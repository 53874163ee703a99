"""A guest of the process that writes, as a test plays one: a connection to the seat that may say anything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from secgraph.store.sqlite import frames, seat
from secgraph.store.sqlite.handover import identity

if TYPE_CHECKING:
    from tests.store.conftest import Ground


@contextmanager
def raw(ground: Ground) -> Iterator[frames.Channel]:
    """A connection that may say anything, past the hello."""
    channel = frames.Channel(seat.reached(ground.path.parent), frames.TOLD)
    try:
        hello = frames.Hello(frames.VERSION, identity(ground.path))
        channel.put(hello)
        channel.flush()
        assert channel.take(5) == hello
        yield channel
    finally:
        channel.close()


async def ended(channel: frames.Channel) -> bool:
    """Whether the other side ends the connection."""

    def wait() -> bool:
        try:
            channel.take(10)
        except frames.Lost as lost:
            return "Nothing came" not in str(lost)
        return False

    return await asyncio.to_thread(wait)
