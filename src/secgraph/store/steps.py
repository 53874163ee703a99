"""What a database is asked, one step after the other: the shape that work inside a transaction has on every database.

Such work is a generator. It yields steps and is sent the rows of each; who drives it decides how they are carried out: in a
thread on SQLite, by awaiting on PostgreSQL, over a socket where another process writes. So what a turn does is written once,
and it never waits for anything itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Generator, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from secgraph.store.statements import statement

Result = TypeVar("Result")
Values = tuple[Any, ...]
Rows = list[Values]


class Ask(NamedTuple):
    """A statement whose rows are wanted."""

    text: str
    values: Values


class Do(NamedTuple):
    """A statement that is run once for each of these values."""

    text: str
    rows: Sequence[Values]


class Add(NamedTuple):
    """New rows of a table; there is none with the same key."""

    table: str
    """Quoted where it has to be."""
    columns: tuple[str, ...]
    rows: Sequence[Values]


Step = Ask | Do | Add
Steps = Generator[Step, Rows, Result]


def ask(name: str, /, **values: Any) -> Ask:
    """The named statement of statements.sql with its values, as a question."""
    text, names = statement(name)
    return Ask(text, tuple(values[one] for one in names))


def do(name: str, /, *rows: dict[str, Any]) -> Do:
    """The named statement, to be run for each of these values."""
    text, names = statement(name)
    return Do(text, [tuple(row[one] for one in names) for row in rows])


def driven(steps: Steps[Result], perform: Callable[[Step], Rows]) -> Result:
    """The result of the work, each step carried out by `perform`. What a step raises ends the work and is raised."""
    try:
        step = next(steps)
        while True:
            step = steps.send(perform(step))
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        steps.close()


MANY = 100
"""Rows of one answer behind which there is much to do: a merge moves as many alerts."""


async def adriven(steps: Steps[Result], perform: Callable[[Step], Awaitable[Rows]], *, beside: bool = False) -> Result:
    """The same where carrying out a step is awaited. `beside`, what comes between two steps is done in a thread, and holds up
    nobody on the event loop; what comes behind many rows is in any case.
    """
    rows: Rows | None = None
    try:
        while True:
            apart = beside or (rows is not None and len(rows) > MANY)
            step, result = await asyncio.to_thread(_advanced, steps, rows) if apart else _advanced(steps, rows)
            if step is None:
                return result[0]
            rows = await perform(step)
    finally:
        with contextlib.suppress(ValueError):  # a thread may still be in it when this is cancelled
            steps.close()


def _advanced(steps: Steps[Result], rows: Rows | None) -> tuple[Step | None, list[Result]]:
    """The next step, or none and the result."""
    try:
        return (next(steps) if rows is None else steps.send(rows)), []
    except StopIteration as end:
        return None, [end.value]


@cache
def insertion(table: str, columns: tuple[str, ...]) -> str:
    """The statement that adds a row."""
    listed = ", ".join(f'"{name}"' for name in columns)
    return f"INSERT INTO {table} ({listed}) VALUES ({', '.join('?' * len(columns))})"
