"""Counting: publishes once a day how many alerts of the last days name what, which says how rare a thing is.

Counted are the alerts whose activity ended in those days, a slice of all keys at a time, so that no statement holds up others.
What is published is an event in the log, and from then on alerts are judged by it: in the tenant's turn.
"""

from __future__ import annotations

import asyncio
import time

import msgspec

from secgraph import clock
from secgraph.errors import Superseded
from secgraph.observe import CountingFailed, SnapshotPublished, observe
from secgraph.store.facts import Facts, Needs
from secgraph.store.judgements import SLOT
from secgraph.store.protocol import Decision, PutSnapshot, Store
from secgraph.store.registry import Registry

DAYS = 30
"""Days that are counted."""

LEAST = 5
"""How many alerts name what is kept of the count: what fewer name is rare under all settings."""

SLICES = 64
"""Slices of the keys in which is counted, at least."""

SLICE = 5_000
"""Events of a tenant for which there is one more slice."""

REST = 4.0
"""How many times as long as a slice took it is rested behind it."""

CAUSE = "counting"

_KEYS = 2**64
_LOWEST = -(2**63)


async def publish_each(store: Store, registry: Registry, now: clock.Now) -> None:
    """Publishes for every tenant what is due. What fails is made known, and is tried again with the next run."""
    for tenant in await registry.tenants():
        try:
            await publish(store, tenant.number, now)
        except Superseded:
            raise  # another process goes on with it
        except Exception as failure:  # noqa: BLE001 -- the other tenants, and the server, go on
            observe(CountingFailed(tenant.number, str(failure)))


async def publish(store: Store, tenant: int, now: clock.Now, *, rest: float = REST) -> int | None:
    """Counts and publishes; the number of the snapshot. None where one was published on that day (UTC) already, or there is
    nothing to count and never was. One process at a time does so, behind a fence: else two could publish on one day.
    """
    instant = now()
    known = await store.fetch("snapshot", tenant=tenant)
    if known and known[0]["stamp"] // clock.DAY >= instant // clock.DAY:
        return None
    since = instant - DAYS * clock.DAY
    counts = await _counts(store, tenant, since, rest)
    total = 0
    for day in range(DAYS + 1):
        until = since + (day + 1) * clock.DAY if day < DAYS else 2**62
        [row] = await store.fetch("alerts_counted", tenant=tenant, since=since + day * clock.DAY, until=until)
        total += row["many"]
    if not known and not counts and not total:
        return None
    change = PutSnapshot(known[0]["v"] + 1 if known else 1, total, msgspec.msgpack.encode(counts), CAUSE)

    def decide(_: Facts) -> Decision[int]:
        return Decision([change], change.v)

    v = await store.write(tenant, Needs(), decide)
    observe(SnapshotPublished(tenant, v, total, len(counts)))
    return v


async def _counts(store: Store, tenant: int, since: int, rest: float) -> dict[int, int]:
    """How many alerts name each key, of those that enough name. The days that are counted lie in four slots at most."""
    events = (await store.fetch("tenant_numbered", tenant=tenant))[0]["seq"]
    slices = SLICES + events // SLICE
    counts: dict[int, int] = {}
    for place in range(slices):
        low, high = (_LOWEST + _KEYS * end // slices for end in (place, place + 1))
        began = time.monotonic()
        rows = await store.fetch(
            "keys_counted", tenant=tenant, slot=since // SLOT, low=low, high=high - 1, since=since, least=LEAST
        )
        counts.update((row["key"], row["many"]) for row in rows)
        await asyncio.sleep((time.monotonic() - began) * rest)
    return counts
