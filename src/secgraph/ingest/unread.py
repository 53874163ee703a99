"""Alerts from before it was kept what alerts name: read for it in small steps, so that those which come find them.

No two are put together here: what is in one incident stays there, and nothing else joins it. Decided in the tenant's turn, on
the alerts as they stand there; one that the door judged meanwhile is left alone. So a step may be done again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from secgraph import clock
from secgraph.errors import Superseded
from secgraph.ingest.assessment.outline import outline
from secgraph.ingest.cases import Cases
from secgraph.ingest.correlate.pack import keys_of, number, pack
from secgraph.ingest.correlate.place import series_of
from secgraph.ingest.correlate.subject import Subject, subject
from secgraph.ingest.entities import entities
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.observe import AlertsRead, ReadingFailed, observe
from secgraph.store.facts import Facts, Judged, Needs
from secgraph.store.protocol import Change, Deciding, Decision, PutCase, PutJudged, Store

STEP = 50
"""Alerts of one transaction: every other write of the tenant waits for it."""

REST = 4.0
"""How many times as long as a step took it is rested behind it."""

FRESH = clock.DAY
"""How long an alert is here at most whose incident may still be told to have settled; of all the others nobody waits for it."""


async def read_each(store: Store, *, rest: float = REST) -> None:
    """Reads what is left of every tenant. What fails is made known, and is tried again with the next run."""
    for row in await store.fetch("tenants_unread"):
        tenant: int = row["tenant"]
        try:
            observe(AlertsRead(tenant, await read(store, tenant, row["unread"], rest=rest)))
        except Superseded:
            raise  # another process goes on with it
        except Exception as failure:  # noqa: BLE001 -- the other tenants, and the server, go on
            observe(ReadingFailed(tenant, str(failure)))


async def read(store: Store, tenant: int, after: str, *, rest: float = REST) -> int:
    """Reads a tenant's alerts behind an id to the last; how many were not read yet."""
    many = 0
    while rows := await store.fetch("alerts_behind", tenant=tenant, after=after, most=STEP):
        began, ids = time.monotonic(), [row["id"] for row in rows]
        needs = Needs(rows=tuple((ALERTS, key) for key in ids), around=True, subjects=tuple(ids))
        many += await store.write(tenant, needs, partial(judged, ids=ids))
        after = ids[-1]
        await store.run(("tenant_read", {"tenant": tenant, "upto": after}))
        await asyncio.sleep((time.monotonic() - began) * rest)
    await store.run(("tenant_read", {"tenant": tenant, "upto": None}))
    return many


def judged(facts: Facts, ids: Sequence[str]) -> Deciding[int]:
    """Keeps what those of the alerts name that nobody judged yet, and their cases with them; the answer is how many."""
    left = []
    for key in ids:
        row = facts.rows.get((ALERTS, key))
        if row is not None and key not in facts.subjects and (INCIDENTS, row.record["incidentId"]) in facts.rows:
            left.append((row.record["incidentId"], subject(key, row.record, entities(row.record)), row.born))
    yield Needs(cases=tuple(dict.fromkeys(incident for incident, *_ in left)))
    cases, latest = Cases(facts), dict[str, int]()
    changes: list[Change] = []
    for incident, one, born in left:
        cases.join(incident, one.first, one.last, series_of(one), outline(one, {}))
        latest[incident] = max(latest.get(incident, born), born)
        kept = Judged(one.id, incident, one.v, one.first, one.last, keys_of(one), pack(one))
        changes.append(PutJudged(kept, _names_of(one)))
    for incident, born in latest.items():
        cases.outline(incident)
        before = facts.cases[incident]
        old = born < facts.now - FRESH and (before.settled or not before.alerts)
        changes.append(PutCase(replace(cases[incident], joined=max(before.joined, born), settled=old)))
    return Decision(changes, len(left))


def _names_of(one: Subject) -> tuple[tuple[int, str, str], ...]:
    """The strongest key of each thing that an alert names, as number and text, and its name."""
    return tuple((number(entity.keys[0]), entity.keys[0], entity.name) for entity in one.entities)
