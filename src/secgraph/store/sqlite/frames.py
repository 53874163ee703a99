"""What goes over the socket of the process that writes: messages of msgpack, each behind its length.

Whoever hands over a transaction sends Begin, marks and steps, and Commit. An Ask, a Keep and a Commit are answered; a step that
asks nothing is not, and what it raised comes with the next answer. So a turn waits as often as it asks, and twice more.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from secgraph.store import steps

VERSION = 1
"""Of what follows: processes of different versions do not write together."""

LARGEST = 64 * 1024 * 1024
"""Most bytes of a message."""

GATHERED = 256 * 1024
"""Bytes of messages that wait for no answer and are sent together."""

Values = tuple[Any, ...]
"""Numbers, texts, bytes and nulls; the database refuses what is none of them."""


class _Message(msgspec.Struct, array_like=True, frozen=True, tag=True):
    """A message is an array of its name and its members."""


class Hello(_Message, frozen=True):
    """Which version speaks, and of which file: its device and number."""

    version: int
    file: tuple[int, int]


class Begin(_Message, frozen=True):
    """A transaction begins."""


class Mark(_Message, frozen=True):
    """A mark to go back to."""


class Back(_Message, frozen=True):
    """Back to the mark."""


class Keep(_Message, frozen=True):
    """The mark is not needed any more."""


class Commit(_Message, frozen=True):
    """The transaction is whole."""


class Ask(_Message, frozen=True):
    """A statement whose rows are wanted."""

    text: str
    values: Values


class Do(_Message, frozen=True):
    """A statement for each of these values."""

    text: str
    rows: list[Values]


class Add(_Message, frozen=True):
    """New rows of a table."""

    table: str
    columns: tuple[str, ...]
    rows: list[Values]


class Found(_Message, frozen=True):
    """Rows, and whether more of the same answer follow."""

    rows: list[Values]
    more: bool = False


class Good(_Message, frozen=True):
    """Done."""


class Failed(_Message, frozen=True):
    """A step was refused: as a conflict, or as a fault."""

    conflict: bool
    says: str


class Broken(_Message, frozen=True):
    """The database takes no change; nothing of the transaction is kept, and the connection ends."""

    says: str


class Bye(_Message, frozen=True):
    """The process that writes ends; what it did not say was committed was not."""


Asked = Hello | Begin | Mark | Back | Keep | Commit | Ask | Do | Add
Told = Hello | Good | Found | Failed | Broken | Bye

ASKED: msgspec.msgpack.Decoder[Asked] = msgspec.msgpack.Decoder(Asked)
TOLD: msgspec.msgpack.Decoder[Told] = msgspec.msgpack.Decoder(Told)


class Lost(Exception):
    """The other side is gone, does not answer in time, or does not speak this language."""


class Channel:
    """One end of a connection, and the messages that arrived on it. The other end may take so many seconds to read."""

    def __init__(self, wire: socket.socket, decoder: msgspec.msgpack.Decoder[Any], patience: float = 2.0) -> None:
        self.wire = wire
        self._patience = patience
        self._decode = decoder.decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._out = bytearray()
        self._in = bytearray()
        self._came: deque[Any] = deque()

    # -- sending

    def put(self, message: _Message) -> None:
        """Sends a message with those that follow it; Lost when the other side is gone."""
        data = self._encode(message)
        if len(data) > LARGEST:
            raise Lost(f"A message of {len(data)} bytes is longer than any may be.")
        self._out += struct.pack(">I", len(data)) + data
        if len(self._out) > GATHERED:
            self.flush()

    def flush(self) -> None:
        """Sends what waits. Where it is Lost, the last of it did not arrive whole."""
        out, self._out = self._out, bytearray()
        try:
            self.wire.settimeout(self._patience)
            self.wire.sendall(out)
        except OSError as fault:
            raise Lost(str(fault)) from fault

    def step(self, step: steps.Step) -> None:
        """Sends a step, in pieces where it is large."""
        match step:
            case steps.Ask(text, values):
                self.put(Ask(text, values))
            case steps.Do(text, rows):
                for part in _parts(rows):
                    self.put(Do(text, part))
            case steps.Add(table, columns, rows):
                for part in _parts(rows):
                    self.put(Add(table, columns, part))

    def rows(self, rows: Sequence[Values]) -> None:
        """Sends the answer to a question, in pieces where it is large."""
        parts = _parts(rows)
        for part in parts[:-1]:
            self.put(Found(part, more=True))
        self.put(Found(parts[-1]))

    # -- receiving

    def take(self, seconds: float) -> Any:
        """The next message. Lost when none comes in time, or what comes is none."""
        ends = time.monotonic() + seconds
        while not self._came:
            left = ends - time.monotonic()
            if left <= 0:
                raise Lost(f"Nothing came for {seconds:g} s.")
            self.wire.settimeout(left)
            self._receive()
        return self._came.popleft()

    def ready(self) -> bool:
        """Whether a message is there, without waiting for it."""
        if not self._came:
            self.wire.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                self._receive()
        return bool(self._came)

    def _receive(self) -> None:
        try:
            data = self.wire.recv(GATHERED)
        except BlockingIOError:
            raise
        except OSError as fault:
            raise Lost(str(fault)) from fault
        if not data:
            raise Lost("The other side closed the connection.")
        self._in += data
        at = 0
        while len(self._in) - at >= 4:
            (length,) = struct.unpack_from(">I", self._in, at)
            if length > LARGEST:
                raise Lost(f"A message of {length} bytes is longer than any may be.")
            if len(self._in) - at - 4 < length:
                break
            try:
                self._came.append(self._decode(memoryview(self._in)[at + 4 : at + 4 + length]))
            except msgspec.MsgspecError as fault:
                raise Lost(f"A message cannot be read: {fault}.") from fault
            at += 4 + length
        del self._in[:at]

    def close(self) -> None:
        """Ends the connection."""
        self.wire.close()


def _parts(rows: Sequence[Values]) -> list[list[Values]]:
    """The rows in pieces that are sent one by one: so many that each stays well below the largest message."""
    parts: list[list[Values]] = [[]]
    size = 0
    for row in rows:
        weight = sum(len(value) if isinstance(value, str | bytes) else 9 for value in row)
        if size + weight > LARGEST // 16 and parts[-1]:
            parts.append([])
            size = 0
        size += weight
        parts[-1].append(row)
    return parts
