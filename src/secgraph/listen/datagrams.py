"""Syslog over UDP: a datagram is a message. Nobody can be held up: what is not read in time the kernel drops, and counts."""

from __future__ import annotations

import asyncio
import socket

from secgraph.listen.drops import dropped
from secgraph.listen.framing import BLANK, Message
from secgraph.listen.intake import Intake

LARGEST = 65_536
AT_ONCE = 256
"""Datagrams that are read before others have their turn."""


class Datagrams:
    """Reads a bound socket into an intake."""

    def __init__(self, one: socket.socket, intake: Intake) -> None:
        self._socket = one
        self._intake = intake
        self._waits: asyncio.Task[None] | None = None
        self._reads = False

    def start(self) -> None:
        """Reads from now on."""
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._read)
        self._reads = True

    @property
    def dropped(self) -> int | None:
        """Datagrams lost since the socket was bound; None where nobody knows."""
        return dropped(self._socket)

    async def stop(self, seconds: float) -> None:
        """Reads what the kernel has still, for so long at most, stores it, and closes."""
        self._pause()
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self._intake.room()
                    if not self._some():
                        break
                    await asyncio.sleep(0)
                await self._intake.empty()
        except TimeoutError:
            pass  # it comes faster than it is stored
        self.close()

    def close(self) -> None:
        """Closes the socket."""
        self._pause()
        if self._waits is not None:
            self._waits.cancel()
        self._socket.close()

    def _pause(self) -> None:
        if self._reads:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._reads = False

    def _read(self) -> None:
        self._some()
        if self._intake.full:
            self._pause()
            self._waits = asyncio.create_task(self._resume())

    async def _resume(self) -> None:
        await self._intake.room()
        self.start()

    def _some(self) -> bool:
        for _ in range(AT_ONCE):
            if self._intake.full:
                return True
            try:
                data = self._socket.recv(LARGEST)
            except BlockingIOError:
                return False
            except OSError:  # an answer of the network to something that was sent from here: nothing is
                continue
            if data := data.strip(BLANK):
                self._intake.add(Message(data))
        return True
