"""How a page is read: which statements, one after the other, until it is full. The same on every database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from secgraph import clock
from secgraph.access.narrow import Scoped
from secgraph.store.compile import Statement
from secgraph.store.protocol import Key, Page
from secgraph.store.steps import Ask, Steps


def page(statements: Sequence[Statement], scoped: Scoped, after: Key | None, now: clock.Now) -> Steps[Page]:
    """One page: what a plan's statements behind that row read."""
    wanted = scoped.query.top
    if wanted == 0:
        return Page([], [], None)
    rows: list[Any] = []
    for statement in statements:
        text, values = statement.text, statement.values(scoped.tenant, wanted + 1 - len(rows), now)
        if after is None and scoped.query.skip:
            text, values = f"{text} OFFSET ?", (*values, scoped.query.skip)
        rows += yield Ask(text, values)
        if len(rows) > wanted:
            break
    more = len(rows) > wanted
    rows = rows[:wanted]
    last = tuple(rows[-1][2:]) if rows else None
    return Page([row[0] for row in rows], [row[1] for row in rows], last if more else None, last)
