"""The hand of a process that does not write: its steps go over the socket of the one that does."""

from __future__ import annotations

from pathlib import Path

from secgraph.errors import Conflict, Fault, UsageError
from secgraph.store.sqlite import seat
from secgraph.store.sqlite.frames import (
    TOLD,
    VERSION,
    Back,
    Begin,
    Broken,
    Channel,
    Commit,
    Failed,
    Found,
    Good,
    Hello,
    Keep,
    Lost,
    Mark,
    Told,
)
from secgraph.store.sqlite.hand import Unknown, Unwritten
from secgraph.store.steps import Ask, Rows, Step

ANSWER_SECONDS = 300.0
"""How long an answer is waited for: another one's transaction may come first, and erase a large tenant."""

HELLO_SECONDS = 10.0


class Gone(Unwritten):
    """The process that writes is gone, and nothing of the transaction was committed: it can be repeated."""


class FarHand:
    """A connection to the process that writes. Not usable any more once something raised Unwritten."""

    def __init__(self, folder: Path, file: Path) -> None:
        self.channel = Channel(seat.reached(folder), TOLD, ANSWER_SECONDS)
        hello = Hello(VERSION, identity(file))
        try:
            self.channel.put(hello)
            self.channel.flush()
            told = self.channel.take(HELLO_SECONDS)
        except BaseException:
            self.channel.close()
            raise
        if told == hello:
            return
        self.channel.close()
        if not isinstance(told, Hello):
            raise Lost("The process that writes ends.")
        raise UsageError(f"The process that writes to {file} is of another version, or opened another file that was there"
                             " before. Stop it, and start it again.")  # fmt: skip

    def begin(self) -> None:
        """Sent with what follows."""
        self._put(Begin())

    def mark(self, name: str = "one") -> None:
        """Sent with what follows."""
        del name
        self._put(Mark())

    def perform(self, step: Step) -> Rows:
        """The rows of a question; anything else is sent with what follows."""
        try:
            self.channel.step(step)
        except Lost as lost:
            raise Gone(str(lost)) from lost
        if not isinstance(step, Ask):
            return []
        found = self._answer()
        rows: Rows = []
        while isinstance(found, Found):
            rows += found.rows
            if not found.more:
                return rows
            found = self._taken()
        raise Gone("An answer is not one to a question.")

    def back(self, name: str = "one") -> None:
        """Sent with what follows."""
        del name
        self._put(Back())

    def keep(self, name: str = "one") -> None:
        """Waits until everything so far was carried out."""
        del name
        self._put(Keep())
        self._answer()

    def commit(self) -> None:
        """Waits for the commit that takes this transaction along."""
        self._put(Commit())
        try:
            self.channel.flush()
        except Lost as lost:
            raise Gone(str(lost)) from lost
        try:
            told = self.channel.take(ANSWER_SECONDS)
        except Lost as lost:
            raise Unknown("the process that writes ended before it said whether the change is stored") from lost
        match told:
            case Broken(says):
                raise Unwritten(says)
            case Good():
                return
        raise Gone("The process that writes ends.")

    def undo(self) -> None:
        """Ends the connection: what was not committed is taken back."""
        self.channel.close()

    def _put(self, message: Begin | Mark | Back | Keep | Commit) -> None:
        try:
            self.channel.put(message)
        except Lost as lost:
            raise Gone(str(lost)) from lost

    def _answer(self) -> Told:
        try:
            self.channel.flush()
        except Lost as lost:
            raise Gone(str(lost)) from lost
        return self._taken()

    def _taken(self) -> Told:
        """What is answered; what went wrong is raised."""
        try:
            told: Told = self.channel.take(ANSWER_SECONDS)
        except Lost as lost:
            raise Gone(str(lost)) from lost
        match told:
            case Failed(conflict, says):
                raise Conflict(says) if conflict else Fault(says)
            case Broken(says):
                raise Unwritten(says)
            case Good() | Found():
                return told
        raise Gone("The process that writes ends.")


def identity(file: Path) -> tuple[int, int]:
    """What a file is known by, whatever its path."""
    found = file.stat()
    return found.st_dev, found.st_ino
