"""Settling: tells in the log which incidents have been quiet for a while, so that who waits for the whole picture can begin.

An incident that an alert joins is unsettled again, and settles once more. What was merged into another one, and what holds no
alert, settles in silence: nobody waits for it. Decided in the tenant's turn, on the cases as they stand there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from secgraph import clock
from secgraph.errors import Superseded
from secgraph.ingest.assessment.deadlines import MINUTE, Deadlines, deadlines, is_settled
from secgraph.model.choices import INCIDENTS
from secgraph.model.edm import EntitySet, Model
from secgraph.observe import SettlingFailed, observe
from secgraph.store.facts import Facts, Needs
from secgraph.store.protocol import Change, Decision, PutCase, Store, Tell
from secgraph.store.registry import Registry

STEP = 100
"""Incidents of one transaction: every other write of the tenant waits for it."""

REST = 4.0
"""How many times as long as a step took it is rested behind it."""

SETTLED = "settled"
"""The kind of event that tells it."""


async def settle_each(store: Store, registry: Registry, model: Model, now: clock.Now) -> None:
    """One run over every tenant. What fails is made known, and is tried again with the next run."""
    for tenant in await registry.tenants():
        try:
            await settle(store, model, tenant.number, now)
        except Superseded:
            raise  # another process goes on with it
        except Exception as failure:  # noqa: BLE001 -- the other tenants, and the server, go on
            observe(SettlingFailed(tenant.number, str(failure)))


async def settle(store: Store, model: Model, tenant: int, now: clock.Now, *, rest: float = REST) -> int:
    """Tells of a tenant's incidents that have settled by now; how many."""
    said = deadlines({row["name"]: row["value"] for row in await store.fetch("correlation", tenant=tenant)})
    one, told, before = model.sets[INCIDENTS], 0, now() - said.quiet * MINUTE
    while rows := await store.fetch("cases_unsettled", tenant=tenant, before=before, most=STEP):
        began, ids = time.monotonic(), [str(row["incident"]) for row in rows]
        needs = Needs(rows=tuple((INCIDENTS, key) for key in ids), cases=tuple(ids))
        done, events = await store.write(tenant, needs, partial(settled, one=one, ids=ids, said=said))
        told += events
        if not done:
            break  # all of them were joined meanwhile, or the tenant's clock is behind ours
        await asyncio.sleep((time.monotonic() - began) * rest)
    return told


def settled(facts: Facts, one: EntitySet, ids: Sequence[str], said: Deadlines) -> Decision[tuple[int, int]]:
    """Notes those of the incidents that have settled, and tells it of those that somebody may wait for; the answer is how many
    of either.
    """
    changes: list[Change] = []
    quiet = [case for key in ids if not (case := facts.cases[key]).settled and is_settled(case.joined, facts.now, said)]
    waited = {case.incident for case in quiet if case.alerts and _stands(facts, case.incident)}
    for case in quiet:
        changes.append(PutCase(replace(case, settled=True)))
        if case.incident in waited:
            changes.append(Tell(one, case.incident, SETTLED, f"settling quiet for {said.quiet} minutes"))
    return Decision(changes, (len(quiet), len(waited)))


def _stands(facts: Facts, incident: str) -> bool:
    row = facts.rows.get((INCIDENTS, incident))
    return row is not None and not row.record["redirectIncidentId"]
