"""How long a tenant keeps what: days for its resolved alerts, the original records and the log. 0, and nothing, keep all."""

from __future__ import annotations

from dataclasses import dataclass, fields

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.store.protocol import Store

MOST_DAYS = 36_500
"""Longest time that can be asked for: a hundred years."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Days of each kind; 0 for all."""

    alerts: int = 0
    originals: int = 0
    events: int = 0


KINDS = tuple(one.name for one in fields(Retention))


def until(days: int, now: int) -> int | None:
    """The instant before which nothing is kept that has these days; None where all is."""
    return now - days * clock.DAY if days else None


async def retention(store: Store, tenant: int) -> Retention:
    """What a tenant keeps."""
    rows = await store.fetch("retention", tenant=tenant)
    return Retention(**{row["kind"]: row["days"] for row in rows if row["kind"] in KINDS})


async def retain(store: Store, tenant: int, **days: int | None) -> Retention:
    """Sets how long a tenant keeps the kinds that are given; None leaves one as it is. UsageError for what is no time."""
    wanted = {kind: number for kind, number in days.items() if number is not None}
    for kind, number in wanted.items():
        if not 0 <= number <= MOST_DAYS:
            raise UsageError(f"--{kind} is a number of days from 1 to {MOST_DAYS}, or 0 to keep all; not {number}.")
    await store.run(*(("retention_put", {"tenant": tenant, "kind": kind, "days": number}) for kind, number in wanted.items()))
    return await retention(store, tenant)
