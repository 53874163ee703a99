"""How a page is read: which statements, one after the other, until it is full. The same on every database."""

from __future__ import annotations

from typing import Any

from secgraph import clock
from secgraph.access.narrow import Scoped
from secgraph.store.compile import Plan
from secgraph.store.protocol import Key, Page
from secgraph.store.steps import Ask, Steps


def page(plan: Plan, scoped: Scoped, after: Key | None, now: clock.Now) -> Steps[Page]:
    """One page of a plan's rows."""
    wanted = scoped.query.top
    if wanted == 0:
        return Page([], [], None)
    rows: list[Any] = []
    if after is None:
        statement = plan.first()
        text, values = statement.text, statement.values(scoped.tenant, wanted + 1, now)
        if scoped.query.skip:
            text, values = f"{text} OFFSET ?", (*values, scoped.query.skip)
        rows = yield Ask(text, values)
    else:
        for segment in plan.segments(after):
            rows += yield Ask(segment.text, segment.values(scoped.tenant, wanted + 1 - len(rows), now))
            if len(rows) > wanted:
                break
    more = len(rows) > wanted
    rows = rows[:wanted]
    last = tuple(rows[-1][2:]) if rows else None
    return Page([row[0] for row in rows], [row[1] for row in rows], last if more else None, last)


def in_one_moment(plan: Plan, after: Key | None) -> bool:
    """Whether the statements of a page are several that have to see the same commit."""
    return after is not None and len(plan.segments(after)) > 1
