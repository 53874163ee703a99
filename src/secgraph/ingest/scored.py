"""The secure score of a tenant, computed in its turn: what scanners found, what people said of controls, and the time.

A day has one score. It is computed again at once when evidence or a state changes, and now and then by the chore, since
evidence also grows old by itself; a score that would say the same is not written again.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

import msgspec

from secgraph import clock
from secgraph.errors import Superseded
from secgraph.ingest.controls import seed
from secgraph.model.choices import SECURE_SCORES, UPSTREAM_SCORES
from secgraph.model.edm import EntitySet, Model
from secgraph.observe import ScoringFailed, observe
from secgraph.odata.query import fold
from secgraph.score.catalogue import catalogue
from secgraph.score.scoring import Limits, as_record, scored
from secgraph.score.standing import Held, Profile, profile_of
from secgraph.store.facts import Facts, Needs, Record
from secgraph.store.found import Found
from secgraph.store.protocol import Deciding, Decision, Put, Remove, Store
from secgraph.store.registry import Registry
from secgraph.store.woven import kind_of

USUAL = Limits(30 * clock.DAY, 90 * clock.DAY)
"""How long evidence is fresh, and how long it counts, where nobody says otherwise."""

CAUSE = "score"
AVERAGE = "score_average"
"""The fact that holds what all tenants have on average."""
ENOUGH = 5
"""Tenants from which on an average says nothing of any one of them."""

Users = tuple[int | None, int | None]


class _Average(msgspec.Struct):
    tenants: int
    percent: float


class _Users(msgspec.Struct, rename="camel"):
    active_user_count: int | None = None
    licensed_user_count: int | None = None


class _Sum(msgspec.Struct, rename="camel"):
    current_score: float | None = None
    max_score: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a score is computed of."""

    profiles: Mapping[str, Profile]
    """By the key of the control."""
    held: Sequence[Held]
    average: float | None
    """What all tenants have on average, in percent; None where they are too few."""
    users: Users
    """Active and licensed ones, as the latest upstream score has them."""


class Scorer:
    """Computes the scores of tenants, one computation of a tenant at a time."""

    def __init__(self, store: Store, model: Model, limits: Limits, now: clock.Now) -> None:
        self._store = store
        self.now = now
        self._one = model.sets[SECURE_SCORES]
        self.limits = limits
        self._running: dict[int, asyncio.Task[bool]] = {}
        self._next: dict[int, asyncio.Task[bool]] = {}

    def behind(self, store: Store) -> Scorer:
        """The same; what is written goes through that store."""
        made = copy.copy(self)
        made._store, made._running, made._next = store, {}, {}  # noqa: SLF001 -- it is its own
        return made

    async def refresh(self, tenant: int) -> None:
        """Computes a tenant's score after something was committed that it is computed of. What was committed stays so, whatever
        becomes of this: a failure is made known, and the chore computes it again.
        """
        try:
            await self.recompute(tenant)
        except Superseded:
            raise
        except Exception as failure:  # noqa: BLE001 -- as above
            observe(ScoringFailed(tenant, str(failure)))

    async def recompute(self, tenant: int) -> bool:
        """Computes a tenant's score of today; whether it changed. Whoever asks while it is computed waits for a further one,
        all of them for the same: it sees what was committed before it begins.
        """
        task = self._next.get(tenant)
        if task is None:
            running = self._running.get(tenant)
            task = asyncio.create_task(self._after(running, tenant))
            (self._running if running is None else self._next)[tenant] = task
        return await asyncio.shield(task)

    async def _after(self, before: asyncio.Task[bool] | None, tenant: int) -> bool:
        if before is not None:
            await asyncio.wait([before])
            self._running[tenant] = self._next.pop(tenant)
        try:
            return await recompute(self._store, self._one, tenant, self.limits, self.now())
        finally:
            del self._running[tenant]


async def recompute(store: Store, one: EntitySet, tenant: int, limits: Limits, now: int) -> bool:
    """Computes a tenant's score of today; whether it changed."""
    average, users = await _around(store, tenant)
    decide = partial(_decided, one=one, limits=limits, average=average, users=users)
    return await store.write(tenant, Needs(standing=limits.since(now)), decide)


async def reading(store: Store, tenant: int, limits: Limits, now: int) -> Reading:
    """What a tenant's score is computed of at the moment; nothing is written."""
    average, users = await _around(store, tenant)

    def decide(facts: Facts) -> Decision[Reading]:
        return Decision((), Reading(_profiles(facts), _held(facts), average, users))

    return await store.write(tenant, Needs(standing=limits.since(now)), decide)


async def findings(store: Store, tenant: int, control: str, most: int) -> list[Found]:
    """What was found of a control, the worst first, then the newest."""
    rows = await store.fetch("findings_of", tenant=tenant, control=fold(control), most=most)
    return [found(row) for row in rows]


def found(row: Mapping[str, object]) -> Found:
    """The finding of a row."""
    return msgspec.convert({**row, "check": row["check_id"]}, _Row).found()


class _Row(msgspec.Struct):
    key: str
    control: str
    scanner: str
    scope: str
    check: str
    subject: str
    at: int
    share: float | None
    points: float | None
    details: str

    def found(self) -> Found:
        return Found(*(getattr(self, name) for name in Found.__struct_fields__))


def _decided(facts: Facts, one: EntitySet, limits: Limits, average: float | None, users: Users) -> Deciding[bool]:
    score = scored(_profiles(facts).values(), _held(facts), facts.now, limits, average=average, users=users)
    record = as_record(score, facts.tenant_id)
    place = (SECURE_SCORES, fold(record["id"]))
    yield Needs(rows=(place,))
    row = facts.rows.get(place)
    if row is None and not score.entries:
        return Decision((), answer=False)
    changed = () if row is None else _changed(row.record, record)
    if row is not None and not changed:
        return Decision((), answer=False)
    full = {**(row.record if row is not None else dict.fromkeys(one.type.properties)), **record}
    put = Put(one, full, changed, created=row is None, cause=CAUSE, touched={} if row is None else row.touched)
    return Decision((put,), answer=True)


def _changed(before: Record, after: Record) -> tuple[str, ...]:
    """The members that a further computation of a day changes; when it was made is none of them by itself."""
    names = [name for name in after if name != "createdDateTime" and before.get(name) != after[name]]
    return ("createdDateTime", *names) if names else ()


@cache
def _listed() -> Mapping[str, Profile]:
    """The catalogue's controls, as they are where nobody said anything of them."""
    return {
        fold(one.id): Profile(
            one.id, one.title, one.category, one.service, one.max_score, one.rank, one.action_type, one.implementation_cost,
            one.user_impact, one.remediation, one.action_url, None,
        )
        for one in catalogue().values()
    }  # fmt: skip


def _profiles(facts: Facts) -> Mapping[str, Profile]:
    return {**_listed(), **{fold(one.id): one for one in map(profile_of, facts.profiles)}}


def _held(facts: Facts) -> list[Held]:
    return [Held(*one) for one in facts.standing]


async def _around(store: Store, tenant: int) -> tuple[float | None, Users]:
    """What all tenants have on average, and how many users the tenant has, as far as anybody knows."""
    said = await store.fetch("fact", name=AVERAGE)
    average = msgspec.json.decode(said[0]["value"], type=_Average) if said else None
    rows = await store.fetch("upstream_newest", tenant=tenant)
    users = msgspec.json.decode(rows[0]["doc"], type=_Users) if rows else _Users()
    enough = average is not None and average.tenants >= ENOUGH
    return average.percent if average is not None and enough else None, (users.active_user_count, users.licensed_user_count)


# --- now and then ------------------------------------------------------------------------------------------------------


class Periodic:
    """What the chore does: profiles of the catalogue for every tenant, a score a day, and what all have on average."""

    def __init__(self, scorer: Scorer, model: Model, kept: int) -> None:
        self._scorer = scorer
        self._model = model
        self._kept = kept
        """How long scores are kept, in ticks."""
        self._seeded: set[int] = set()

    async def run(self, store: Store, registry: Registry) -> None:
        """One run over every tenant. What fails is made known, and is tried again with the next run."""
        scorer, percents = self._scorer.behind(store), []
        for tenant in await registry.tenants():
            try:
                if tenant.number not in self._seeded:
                    await seed(store, tenant.number)
                    self._seeded.add(tenant.number)
                await scorer.recompute(tenant.number)
                percents += await _percent(store, tenant.number)
                await self._forget(store, tenant.number)
            except Superseded:
                raise  # another process goes on with it
            except Exception as failure:  # noqa: BLE001 -- the other tenants, and the server, go on
                observe(ScoringFailed(tenant.number, str(failure)))
            await asyncio.sleep(0)
        if percents:
            mean = _Average(len(percents), round(sum(percents) / len(percents), 2))
            await store.run(("fact_put", {"name": AVERAGE, "value": msgspec.json.encode(mean).decode()}))

    async def _forget(self, store: Store, tenant: int) -> None:
        """Takes away evidence that does not count any more, and scores that are kept no longer; a few rows at a time."""
        now, limits = self._scorer.now(), self._scorer.limits
        before = limits.since(now)
        while rows := await store.fetch("findings_old", tenant=tenant, before=before, most=STEP):
            await store.run(*(("finding_forget", {"tenant": tenant, "key": row["key"], "before": before}) for row in rows))
            await asyncio.sleep(0)
        since = now - self._kept
        for path, statement in ((SECURE_SCORES, "scores_old"), (UPSTREAM_SCORES, "upstream_scores_old")):
            one, any_gone = self._model.sets[path], False
            while rows := await store.fetch(statement, tenant=tenant, before=since, most=STEP):
                ids = tuple(row["id"] for row in rows)
                await store.write(tenant, Needs(rows=tuple((path, key) for key in ids)), partial(_gone, one=one, ids=ids))
                any_gone = True
                await asyncio.sleep(0)
            if any_gone:
                day = since // clock.DAY
                await store.run(("score_entries_over", {"tenant": tenant, "kind": kind_of(one), "day": day}))


STEP = 50
"""Rows of one transaction: every other write of the tenant waits for it."""


def _gone(facts: Facts, one: EntitySet, ids: Sequence[str]) -> Decision[None]:
    return Decision([Remove(one, key, "retention") for key in ids if (one.path, key) in facts.rows], None)


async def _percent(store: Store, tenant: int) -> list[float]:
    """How much of what it can have a tenant has; nothing where it has no score."""
    rows = await store.fetch("score_newest", tenant=tenant)
    sums = [msgspec.json.decode(row["doc"], type=_Sum) for row in rows]
    return [100 * (one.current_score or 0) / one.max_score for one in sums if one.max_score]
