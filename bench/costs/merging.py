"""Two incidents that become one at the cap: how long that takes, and how long other alerts wait meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from statistics import median

from bench.costs.alerts import Alert, naming, user
from bench.costs.bed import Bed, cleared, opened
from bench.costs.row import Goal, Row, percentile
from bench.generate import FIRST
from bench.processes import Failed
from bench.sides import Place
from secgraph.model.choices import ALERTS, INCIDENTS

CAP = 1_000
"""Alerts that the two hold together with the one that names both."""

SOON = Goal(250, from_size=900)
WAITS = Goal(2.0, from_size=900)

OF_ONE = 50
"""Alerts that name the same person: what hundreds name holds nothing together."""

APART = timedelta(seconds=30)
EVERY = 0.02
"""Seconds between two alerts that others hand in to one tenant."""

QUIET = 1.0
"""Seconds of that before each merge."""

ALL_DAY = timedelta(days=1)
APART_FROM, SAME = "another tenant", "the same tenant"


class Others:
    """Those who hand in alerts at a steady rate to one tenant, whether those before have been answered or not."""

    def __init__(self, bed: Bed, tenant: int, name: str) -> None:
        self._bed = bed
        self._tenant = tenant
        self._keys = (f"{name}-{number}" for number in count())
        self._at_work: set[asyncio.Task[None]] = set()
        self._spans: list[tuple[float, float]] = []
        """When each was due, and when it was answered."""

    def hand_in(self, due: float) -> None:
        """Hands in one that is due at that instant."""
        self._at_work.add(asyncio.create_task(self._one(next(self._keys), due)))

    async def _one(self, key: str, due: float) -> None:
        await self._bed.take_one(self._tenant, naming(key, FIRST + ALL_DAY, user(key, "compromised")))
        self._spans.append((due, time.monotonic()))

    def waited(self, began: float, ended: float) -> list[float]:
        """How many milliseconds those waited that were under way between these instants."""
        return [(end - due) * 1000 for due, end in self._spans if due < ended and end > began]

    async def answered(self) -> None:
        """Waits until all are answered."""
        await asyncio.gather(*self._at_work)


def rows(place: Place, rounds: int, cap: int = CAP) -> Iterator[Row]:
    """The time of the merge, and the p99 of others meanwhile by that of quiet times."""
    cleared(place, "ours")
    yield from asyncio.run(_merging(place, 2 * rounds, cap))


async def _merging(place: Place, pairs: int, cap: int) -> list[Row]:
    async with opened(place, "ours") as bed:
        tenant, other = await bed.tenant(), await bed.tenant("other")
        half = (cap - 1) // 2
        for number in range(2 * pairs):
            await bed.take(tenant, [_of(number, place) for place in range(half)])
        alone: list[float] = []
        beside: list[float] = []
        waits: dict[str, tuple[list[float], list[float]]] = {APART_FROM: ([], []), SAME: ([], [])}
        for number in range(pairs):
            if number % 2 == 0:
                alone.append(await _merge(bed, tenant, number, half))
                continue
            others = [Others(bed, one, f"beside-{one}-{number}") for one in (other, tenant)]
            quiet = time.monotonic()
            async with _handing_in(others):
                await asyncio.sleep(QUIET)
                began = time.monotonic()
                merging = asyncio.create_task(_merge(bed, tenant, number, half))
                await asyncio.sleep(0)
                for one in others:  # however short it is, somebody waits for it
                    one.hand_in(time.monotonic())
                beside.append(await merging)
                ended = time.monotonic()
            for one, (calm, meanwhile) in zip(others, waits.values(), strict=True):
                calm.extend(one.waited(quiet, began - EVERY))
                meanwhile.extend(one.waited(began, ended))
        await _expect_merged(bed, tenant, pairs, half)
    made = 2 * half + 1
    says = f"the write that merges two incidents of {half} alerts, in ms"
    found = [Row(says, median(alone), "ms", {"alone": alone, "beside others": beside}, SOON, made)]
    for name, (calm, meanwhile) in waits.items():
        worst = percentile(meanwhile, 0.99), percentile(calm, 0.99)
        says = f"p99 of single alerts of {name} meanwhile, of quiet ({worst[0]:.0f} ms of {worst[1]:.0f} ms)"
        found.append(Row(says, worst[0] / worst[1], "ms", {"meanwhile": meanwhile, "quiet": calm}, WAITS, made))
    return found


def _of(number: int, place: int) -> Alert:
    """An alert of an incident that people hold together, one after the other."""
    people = dict.fromkeys((_person(number, max(place - 1, 0)), _person(number, place)))
    return naming(f"group {number} {place}", FIRST + APART * place, *(user(one, "compromised") for one in people))


def _person(number: int, place: int) -> str:
    return f"person{number}-{place // OF_ONE}"


async def _merge(bed: Bed, tenant: int, number: int, half: int) -> float:
    """Hands in an alert that names both persons; the milliseconds that took."""
    both = (user(_person(group, half - 1), "compromised") for group in (2 * number, 2 * number + 1))
    alert = naming(f"both {number}", FIRST + APART * half, *both)
    began = time.monotonic()
    await bed.take_one(tenant, alert)
    return (time.monotonic() - began) * 1000


async def _expect_merged(bed: Bed, tenant: int, pairs: int, half: int) -> None:
    redirected = await bed.count(tenant, INCIDENTS, "status eq 'redirected'")
    if redirected != pairs:
        raise Failed(f"Of {pairs} pairs of incidents {redirected} became one.")
    for alert in await bed.objects(tenant, ALERTS, "startswith(title,'Alert both')"):
        held = await bed.count(tenant, ALERTS, f"incidentId eq '{alert['incidentId']}'")
        if held != 2 * half + 1:
            raise Failed(f"Two incidents of {half} alerts and one that names both make one of {held}.")


@asynccontextmanager
async def _handing_in(others: list[Others]) -> AsyncIterator[None]:
    """All of them hand in alerts while the block runs, and are answered at its end."""

    async def all_the_time() -> None:
        due = time.monotonic()
        for place in count():
            due += EVERY / len(others)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            others[place % len(others)].hand_in(due)

    handing = asyncio.create_task(all_the_time())
    try:
        yield
    finally:
        handing.cancel()
        await asyncio.gather(handing, return_exceptions=True)
        for one in others:
            await one.answered()
