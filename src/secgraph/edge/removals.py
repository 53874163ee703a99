"""What delta() tells of rows that were taken away."""

from __future__ import annotations

import asyncio

from secgraph.edge.links import Sync
from secgraph.store.protocol import Store

STEP = 1000
"""Removals that are read at once: more would hold up the event loop."""


async def removals(store: Store, tenant: int, table: str, sync: Sync, upto: int, most: int) -> list[tuple[int, str]]:
    """Instants and ids of rows taken away behind a link, the first `most` of them up to an instant, in their order: those that
    the client can have. It has nothing that was gone when its round began, nor what was born behind its link.
    """
    found: list[tuple[int, str]] = []
    after = max(sync.cursor, sync.start)
    while after < upto and len(found) < most:
        rows = await store.fetch("removed", tenant=tenant, after=after, upto=upto, most=STEP)
        found += [(row["stamp"], row["id"]) for row in rows if row["entity"] == table and row["born"] <= sync.cursor]
        if len(rows) < STEP:
            break
        after = rows[-1]["stamp"]
        await asyncio.sleep(0)
    return found[:most]
