"""The hand that writes: what a transaction is carried out with, in the process that writes or through its socket.

`own` is the hand on a SQLite connection; `handover.py` has the one of a process that hands its steps over. Whoever writes
does the same with either.
"""

from __future__ import annotations

import contextlib
from typing import Protocol

import apsw

from secgraph.errors import Conflict
from secgraph.store.sqlite.file import perform
from secgraph.store.steps import Rows, Step


class Unwritten(Exception):
    """The database takes no change now; of the transaction nothing is kept."""


class Unknown(Unwritten):
    """Whether the transaction was committed is not known."""


class Hand(Protocol):
    """A transaction, with marks to which it can go back."""

    def begin(self) -> None:
        """Opens the transaction. Unwritten where that cannot be."""
        ...

    def mark(self, name: str = "one") -> None:
        """Sets a mark."""
        ...

    def perform(self, step: Step) -> Rows:
        """Carries out a step; the rows of a question. What a step that asks nothing raises may come with a later one."""
        ...

    def back(self, name: str = "one") -> None:
        """Takes back what was done since the mark, which stays."""
        ...

    def keep(self, name: str = "one") -> None:
        """Removes the mark. Everything that was done since is carried out, or what it raised is raised here."""
        ...

    def commit(self) -> None:
        """Returns when everything is on the disk. Unwritten, or Unknown, where that is not so."""
        ...

    def undo(self) -> None:
        """Takes everything back, as far as a transaction is open."""
        ...


class OwnHand:
    """The hand of the process that writes."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def begin(self) -> None:
        """Waits for a migration that another process may be at."""
        self._execute("BEGIN IMMEDIATE")

    def mark(self, name: str = "one") -> None:
        """A savepoint."""
        self._execute(f"SAVEPOINT {name}")

    def perform(self, step: Step) -> Rows:
        """The rows of a question. Conflict where the database refuses the step."""
        try:
            return perform(self._connection, step)
        except apsw.ConstraintError as refused:
            raise Conflict(f"This exists already or stands against what exists ({refused}).") from refused
        except _BROKEN as broken:
            raise Unwritten(str(broken)) from broken

    def back(self, name: str = "one") -> None:
        """Back to the savepoint."""
        self._execute(f"ROLLBACK TO {name}")

    def keep(self, name: str = "one") -> None:
        """Releases the savepoint."""
        self._execute(f"RELEASE {name}")

    def commit(self) -> None:
        """Commits."""
        self._execute("COMMIT")

    def undo(self) -> None:
        """Rolls back."""
        if self._connection.in_transaction:
            with contextlib.suppress(apsw.Error):
                self._connection.execute("ROLLBACK")

    def _execute(self, text: str) -> None:
        try:
            self._connection.execute(text)
        except apsw.Error as broken:
            raise Unwritten(str(broken)) from broken


_BROKEN = (apsw.FullError, apsw.IOError, apsw.BusyError, apsw.CorruptError, apsw.NotADBError)
"""What is wrong with the database or the disk, and not with a step."""
