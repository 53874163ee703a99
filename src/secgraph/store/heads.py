"""Comparisons of columns whose texts may have any length: an index may hold no more than the beginning of each.

What the beginnings tell is asked of them, so that the index answers; where they leave it open, the whole text decides too.
Every database compares texts by code point, in which order a beginning never stands behind what it begins.
"""

from __future__ import annotations

from collections.abc import Sequence

from secgraph.store.dialect import Dialect, Sql

_NEAR = {"<": "<=", ">": ">="}


def compared(dialect: Dialect, column: str, symbol: str, value: str) -> Sql:
    """Whether a text is equal to a value (`=`), or stands before or behind it."""
    head = dialect.headed(column)
    if len(value) < dialect.head:  # a longer text differs from it, and stands where its beginning does
        return Sql(f"{head} {symbol} ?", (value,))
    return Sql(f"({head} {_NEAR.get(symbol, symbol)} ? AND {column} {symbol} ?)", (value[: dialect.head], value))


def alike(dialect: Dialect, column: str, value: str) -> Sql:
    """Whether a text is equal to a value, said of both, so that a planner knows that neither makes a difference to an order."""
    return Sql(f"({dialect.headed(column)} = ? AND {column} = ?)", (value[: dialect.head], value))


def one_of(dialect: Dialect, column: str, values: Sequence[str]) -> Sql:
    """Whether a text is equal to one of some values."""
    head, marks = dialect.headed(column), ", ".join("?" * len(values))
    if all(len(value) < dialect.head for value in values):
        return Sql(f"{head} IN ({marks})", tuple(values))
    heads = (value[: dialect.head] for value in values)
    return Sql(f"({head} IN ({marks}) AND {column} IN ({marks}))", (*heads, *values))
