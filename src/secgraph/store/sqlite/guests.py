"""Processes that hand their transactions over, as the one that writes sees them.

What a guest sends is carried out inside the transaction of the whole group, behind a mark of its own. One that stops, goes
away or sends nonsense is taken back to that mark and sent away; the others commit. A guest may read and change rows and
nothing else: no statement of its can end the transaction or change a table.
"""

from __future__ import annotations

import contextlib
import re
import socket
import time
from pathlib import Path

from secgraph.errors import Conflict
from secgraph.store import steps
from secgraph.store.sqlite.frames import (
    ASKED,
    VERSION,
    Add,
    Ask,
    Back,
    Begin,
    Broken,
    Bye,
    Channel,
    Commit,
    Do,
    Failed,
    Good,
    Hello,
    Keep,
    Lost,
    Mark,
)
from secgraph.store.sqlite.hand import OwnHand, Unwritten
from secgraph.store.sqlite.handover import identity

PAUSE_SECONDS = 2.0
"""Longest time between two messages of a transaction: all others wait meanwhile."""

TOTAL_SECONDS = 5.0
"""Longest time for which a transaction may be waited for in all."""

_PLAIN = re.compile(r"(?:SELECT|WITH|INSERT|UPDATE|DELETE)\b[^;]*")
_TABLE = re.compile(r'"\w+"|\w+')
_COLUMN = re.compile(r"\w+")


class Guest:
    """A process that hands over. Once it raises Lost it is to be closed."""

    def __init__(self, wire: socket.socket, file: Path) -> None:
        self.wire = wire
        self._channel = Channel(wire, ASKED, PAUSE_SECONDS)
        self._file = file
        self._known = False
        self._waited = 0.0

    def arrived(self) -> bool:
        """Whether a transaction of this guest waits, after something came from it. Nothing is waited for."""
        while self._channel.ready():
            if self._known:
                return True
            hello = self._channel.take(0)
            mine = Hello(VERSION, identity(self._file))
            self._tell(mine)
            if hello != mine:
                raise Lost("It is of another version, or has another file open.")
            self._known = True
        return False

    def serve(self, hand: OwnHand) -> None:
        """Carries a transaction out up to its end, without the commit. Lost where it did not come to that: then nothing of it
        is left. Unwritten where the database does not go on.
        """
        hand.mark("guest")
        try:
            self._carry_out(hand)
        except Lost:
            hand.back("guest")
            hand.keep("guest")
            raise
        hand.keep("guest")

    def _carry_out(self, hand: OwnHand) -> None:
        """Message after message, from Begin up to Commit."""
        self._waited = 0.0
        marked, failure = False, None
        if self._next() != Begin():
            raise Lost("A transaction begins with Begin.")
        while True:
            message = self._next()
            match message:
                case Commit() if not marked:
                    return
                case Mark() if not marked:
                    hand.mark()
                    marked = True
                case Back() if marked:
                    hand.back()
                    failure = None
                case Keep() if marked:
                    if failure is None:
                        hand.keep()
                        marked = False
                    self._tell(failure or Good())
                case Ask() | Do() | Add() if marked:
                    failure = failure or self._perform(hand, message)
                    if failure is not None and isinstance(message, Ask):
                        self._tell(failure)
                case _:
                    raise Lost(f"{type(message).__name__} has no place here.")

    def _perform(self, hand: OwnHand, message: Ask | Do | Add) -> Failed | None:
        """Carries out a step and answers a question; what is told instead where it was refused."""
        try:
            found = hand.perform(_step(message))
        except Conflict as refused:
            return Failed(conflict=True, says=refused.message)
        except (Lost, Unwritten):
            raise
        except Exception as fault:  # noqa: BLE001 -- told to the one who sent the step
            return Failed(conflict=False, says=f"{type(fault).__name__}: {fault}")
        if isinstance(message, Ask):
            self._channel.rows(found)
            self._channel.flush()
        return None

    def _next(self) -> object:
        began = time.monotonic()
        try:
            return self._channel.take(min(PAUSE_SECONDS, TOTAL_SECONDS - self._waited))
        finally:
            self._waited += time.monotonic() - began

    def committed(self) -> None:
        """Says that the commit took place."""
        self._tell(Good())

    def broken(self, reason: str) -> None:
        """Says that it did not, and ends the connection: what else this guest sent belongs to what is gone."""
        with contextlib.suppress(Lost):
            self._tell(Broken(reason))
        self.close()

    def dismiss(self) -> None:
        """Says that this process ends, and ends the connection."""
        with contextlib.suppress(Lost):
            self._tell(Bye())
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()

    def _tell(self, message: Hello | Good | Failed | Broken | Bye) -> None:
        self._channel.put(message)
        self._channel.flush()


def _step(message: Ask | Do | Add) -> steps.Step:
    """The step that a message stands for. Lost where it is more than one plain statement."""
    match message:
        case Ask(text, values) if _PLAIN.fullmatch(text):
            return steps.Ask(text, values)
        case Do(text, rows) if _PLAIN.fullmatch(text):
            return steps.Do(text, rows)
        case Add(table, columns, rows) if _TABLE.fullmatch(table) and all(map(_COLUMN.fullmatch, columns)):
            return steps.Add(table, columns, rows)
    raise Lost("A step is a plain statement that reads or changes rows.")
