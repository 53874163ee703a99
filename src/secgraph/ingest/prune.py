"""Retention: takes away what a tenant keeps no longer, a few rows at a time, so that other writes go on in between.

What goes, decided in the tenant's turn on the rows as they stand there:

- A resolved alert, so many days after `resolvedDateTime`, or its last change where nobody said when it was resolved.
- A resolved incident without alerts that nothing changed for as long. Incidents that were merged into it go before it: what
  still stands never redirects to what is gone, and a source that names a merged incident reaches where it went until then.
- Original records so many days after they came. What was understood of them stays: the next version is compared with it.
- The log, and with it the notes of what was removed and the snapshots by which nothing in it was judged. `delta()` links from
  before that are over.

A run begins where there is something to do, whatever a run before it left.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from secgraph import clock
from secgraph.errors import Superseded
from secgraph.ingest.incident import destination
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import EntitySet, EnumType, Model
from secgraph.observe import PruningFailed, RowsPruned, observe
from secgraph.store.facts import Facts, Needs, Record
from secgraph.store.kept import alone
from secgraph.store.protocol import Deciding, Decision, Remove, Store
from secgraph.store.registry import Registry
from secgraph.store.retention import retention, until

STEP = 50
"""Rows of one transaction: every other write of the tenant waits for it."""

MOST = 200_000
"""Rows of one run; the next one goes on."""

REST = 4.0
"""How many times as long as a step took it is rested behind it."""

READ = 500
"""Rows that are looked at between two turns of the event loop."""

CAUSE = "retention"

TOO_OLD = "older than what is kept"
"""Why the door passes over what `Ready.was_over`."""

Tick = Callable[[int], None]


@dataclass(slots=True)
class Pruned:
    """What a run took away."""

    alerts: int = 0
    incidents: int = 0
    originals: int = 0
    events: int = 0
    finished: bool = True
    """Whether nothing was left that a run would take away."""

    @property
    def rows(self) -> int:
        """All of it."""
        return self.alerts + self.incidents + self.originals + self.events


async def prune(
    store: Store, model: Model, tenant: int, now: clock.Now, *, most: int = MOST, rest: float = REST, tick: Tick | None = None
) -> Pruned:
    """One run over a tenant, at most about `most` rows of it; `tick` hears of every step how many rows it took away."""
    kept = await retention(store, tenant)
    run = _Run(store, model, tenant, most, rest, tick or (lambda _: None))
    instant = now()
    if (before := until(kept.alerts, instant)) is not None:
        await run.alerts(before)
        await run.incidents(before)
    if (before := until(kept.originals, instant)) is not None:
        await run.originals(before)
    if (before := until(kept.events, instant)) is not None:
        await run.events(before)
    return run.done


async def prune_each(store: Store, registry: Registry, model: Model, now: clock.Now) -> None:
    """One run over every tenant. What fails is made known, and is tried again with the next run."""
    for tenant in await registry.tenants():
        try:
            done = await prune(store, model, tenant.number, now)
        except Superseded:
            raise  # another process goes on with it
        except Exception as failure:  # noqa: BLE001 -- the other tenants, and the server, go on
            observe(PruningFailed(tenant.number, str(failure)))
            continue
        if done.rows:
            observe(RowsPruned(tenant.number, **asdict(done)))


# --- decisions -------------------------------------------------------------------------------------------------------


def _is_over(record: Record, member: str, before: int) -> bool:
    """Whether an object is resolved, and was so long before an instant."""
    since = record[member] or record["lastUpdateDateTime"]
    return record["status"] == "resolved" and (clock.ticks(since) or 0) < before


def over_alerts(facts: Facts, one: EntitySet, ids: Sequence[str], before: int) -> Decision[int]:
    """Takes away those of the alerts that are over; the answer is how many."""
    rows = [row for key in ids if (row := facts.rows.get((ALERTS, key))) is not None]
    gone = [Remove(one, row.record["id"], CAUSE) for row in rows if _is_over(row.record, "resolvedDateTime", before)]
    return Decision(gone, len(gone))


def over_incidents(facts: Facts, one: EntitySet, ids: Sequence[str], before: int) -> Deciding[list[str]]:
    """Takes away those of the incidents that are over, or lead to one that is; the answer are the ids of those."""
    there = {key: destination(facts.rows, key) for key in ids if (INCIDENTS, key) in facts.rows}
    yield Needs(held=tuple((end, 1) for end in dict.fromkeys(there.values())))
    gone = []
    for key, leads in there.items():
        end = facts.rows.get((INCIDENTS, leads))
        if end is None:
            continue
        if _is_over(end.record, "lastUpdateDateTime", before) and not facts.held[end.record["id"]]:
            gone.append(key)
    return Decision([Remove(one, key, CAUSE) for key in gone], gone)


# --- a run -----------------------------------------------------------------------------------------------------------


class _Run:
    """What a run over a tenant does, kind by kind."""

    def __init__(self, store: Store, model: Model, tenant: int, most: int, rest: float, tick: Tick) -> None:
        self.done = Pruned()
        self._store = store
        self._sets = model.sets
        self._tenant = tenant
        self._most = most
        self._rest = rest
        self._tick = tick

    async def alerts(self, before: int) -> None:
        """Takes away the alerts that are over. None can be that was made later than that."""
        one = self._sets[ALERTS]
        after: tuple[int, str] = (-(2**62), "")
        while self._goes_on():
            rows = await self._walk("alerts_of_status", ALERTS, "resolved", before, after, STEP)
            if not rows:
                return
            ids = [row["id"] for row in rows]
            needs = Needs(rows=tuple((ALERTS, key) for key in ids))
            decide = partial(over_alerts, one=one, ids=ids, before=before)
            self.done.alerts += await self._step(self._store.write(self._tenant, needs, decide))
            after = _place(rows)

    async def incidents(self, before: int) -> None:
        """Takes away the incidents that are over: first those that lead to one, the one merged earliest first."""
        redirected = [row async for row in self._all("redirected", 2**62)]
        redirected.sort(key=lambda row: row["updated"])
        led: set[str] = set()
        for ids in _parts([row["id"] for row in redirected]):
            if not self._goes_on():
                return
            led.update(await self._leave(ids, before))
        # One that gains an old name after this was written again, so that it is not over.
        resolved = self._all("resolved", before)
        ids = [row["id"] async for row in resolved if row["updated"] < before and not row["held"] and row["id"] not in led]
        for part in _parts(ids):
            if not self._goes_on():
                return
            await self._leave(part, before)

    async def _leave(self, ids: Sequence[str], before: int) -> set[str]:
        """Takes away those of the incidents that can go; what those lead to that stay."""
        one, led = self._sets[INCIDENTS], set[str]()

        def decide(facts: Facts) -> Deciding[list[str]]:
            decision = yield from over_incidents(facts, one, ids, before)
            gone = set(decision.answer)
            rows = (facts.rows.get((INCIDENTS, key)) for key in ids if key not in gone)
            led.clear()
            led.update(row.record["redirectIncidentId"] or "" for row in rows if row is not None)
            return decision

        async def work() -> int:
            gone: list[str] = await self._store.write(self._tenant, Needs(rows=tuple((INCIDENTS, key) for key in ids)), decide)
            return len(gone)

        self.done.incidents += await self._step(work())
        return led

    async def originals(self, before: int) -> None:
        """Forgets the original records that came before an instant."""
        while self._goes_on():
            rows = await self._store.fetch("originals_before", tenant=self._tenant, before=before, most=STEP)
            if not rows:
                return
            drops = [
                ("original_drop", {
                    "tenant": self._tenant, "before": before, "born": row["born"], "source": row["source"],
                    "normalised": alone(row["normalised"], row["original"]),
                })
                for row in rows
            ]  # fmt: skip

            async def work(drops: list[Any] = drops) -> int:
                await self._store.run(*drops)
                return len(drops)

            self.done.originals += await self._step(work())

    async def events(self, before: int) -> None:
        """Cuts off the log, and the notes of what was removed, up to an instant; from then on that is known of the tenant."""
        while self._goes_on():
            rows = await self._store.fetch("events", tenant=self._tenant, after=0, most=READ)
            over = [row for row in rows if row["stamp"] < before]
            if not over:
                return

            async def work(seq: int = over[-1]["seq"], stamp: int = over[-1]["stamp"], many: int = len(over)) -> int:
                key = {"tenant": self._tenant}
                await self._store.run(
                    ("events_prune", {**key, "seq": seq}),
                    ("removed_prune", {**key, "stamp": stamp}),
                    ("snapshots_prune", {**key, "stamp": stamp}),
                    ("tenant_pruned", {**key, "stamp": stamp}),
                )
                return many

            self.done.events += await self._step(work())

    # -- steps

    def _goes_on(self) -> bool:
        """Whether the run may take another step; notes that it ended where it may not."""
        self.done.finished = self.done.rows < self._most
        return self.done.finished

    async def _step(self, work: Awaitable[int]) -> int:
        """Takes a step and rests, so that others have most of the time."""
        began = time.monotonic()
        many = await work
        self._tick(many)
        await asyncio.sleep((time.monotonic() - began) * self._rest)
        return many

    async def _walk(
        self, statement: str, path: str, status: str, before: int, after: tuple[int, str], most: int
    ) -> list[dict[str, Any]]:
        """Rows of a status, made before an instant, in the order of the status' index."""
        kind = self._sets[path].type.properties["status"].type
        assert isinstance(kind, EnumType)  # noqa: S101 -- the contract says so
        created, key = after
        return await self._store.fetch(
            statement, tenant=self._tenant, status=kind.members[status], before=before, created=created, after=key, most=most
        )

    async def _all(self, status: str, before: int) -> AsyncIterator[dict[str, Any]]:
        """All incidents of a status, made before an instant."""
        after: tuple[int, str] = (-(2**62), "")
        while rows := await self._walk("incidents_of_status", INCIDENTS, status, before, after, READ):
            for row in rows:
                yield row
            after = _place(rows)
            await asyncio.sleep(0)


def _place(rows: list[dict[str, Any]]) -> tuple[int, str]:
    return rows[-1]["created"], rows[-1]["id"]


def _parts(ids: list[str]) -> Iterator[list[str]]:
    """The ids, as many at a time as a step takes."""
    yield from (ids[place : place + STEP] for place in range(0, len(ids), STEP))
