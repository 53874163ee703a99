"""Bulk ingest with correlation beside the setting `off`: through the door in this process, and through `secgraph ingest`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from pathlib import Path

from bench.campaigns.generate import made
from bench.costs.alerts import Alert, ticks, write
from bench.costs.bed import Bed, cleared, opened
from bench.costs.row import Goal, Row, of_pairs
from bench.data import secgraph
from bench.generate import alerts as generated
from bench.processes import Failed
from bench.sides import Place
from secgraph import clock
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.store.registry import Registry

KEPT = Goal(0.60, least=True, from_size=3_000)
SAYS = "bulk ingest with correlation, of off"
A_DAY = timedelta(days=1)

MOST = 100_000
"""Alerts that are enough for it: more take longer and show nothing else."""

SIDES = ("ours", "small")
"""Where it is on and where it is off."""


def rows(place: Place, size: int, rounds: int, seed: int, noise: int) -> Iterator[Row]:
    """What part of the throughput is kept, of generated alerts and of a made-up organisation's month."""
    file = place.folder / "alerts.ndjson"
    write(file, generated(size, seed))
    for says, measure in (("the door in this process", _door), ("secgraph ingest", _command)):
        sides = _sides(place, size, rounds, partial(measure, place, file, size), joins=False)
        yield of_pairs(f"{SAYS}: {size:,} generated alerts, {says}", "alerts/s", sides, KEPT, size)
    # A correction comes hours later; here, where all comes at once, the last version stands for all of them.
    month = {alert["id"]: alert for alert in made(seed, noise).alerts}
    days = [[*held] for _, held in groupby(sorted(month.values(), key=_when), key=lambda alert: _when(alert)[:10])]
    sides = _sides(place, len(month), rounds, partial(_by_days, place, days), joins=True)
    yield of_pairs(f"{SAYS}: {len(month):,} of a month, a snapshot each night", "alerts/s", sides, KEPT, len(month))
    write(file, iter(month.values()))
    sides = _sides(place, len(month), rounds, partial(_command, place, file, len(month)), joins=True)
    yield of_pairs(f"{SAYS}: {len(month):,} of a month, secgraph ingest", "alerts/s", sides, KEPT, len(month))
    file.unlink()


def _when(alert: Alert) -> str:
    return str(alert["createdDateTime"])


def _sides(
    place: Place, many: int, rounds: int, measure: Callable[[str], float], *, joins: bool
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"on": [], "off": []}
    for _ in range(rounds):
        incidents = []
        for name, rates in zip(SIDES, found.values(), strict=True):
            cleared(place, name)
            rates.append(measure(name))
            incidents.append(asyncio.run(_held(place, name, many)))
            cleared(place, name)
        if joins and not incidents[0] < incidents[1]:
            raise Failed(f"There are {incidents[0]} incidents with correlation and {incidents[1]} without.")
    return found


def _door(place: Place, file: Path, many: int, name: str) -> float:
    async def work() -> float:
        async with opened(place, name) as bed:
            tenant = await _tenant(bed, name)
            began = time.perf_counter()
            await bed.take_file(tenant, file, many)
            return many / (time.perf_counter() - began)

    return asyncio.run(work())


def _by_days(place: Place, days: list[list[Alert]], name: str) -> float:
    """The alerts of each day as one delivery at its end; what is counted at night is not part of the time."""
    today = [0]

    async def work() -> float:
        async with opened(place, name, lambda: today[0]) as bed:
            took, tenant = 0.0, await _tenant(bed, name)
            for day in days:
                today[0] = ticks(datetime.fromisoformat(_when(day[0])[:10]).replace(tzinfo=UTC) + A_DAY)
                began = time.perf_counter()
                await bed.take(tenant, day)
                took += time.perf_counter() - began
                await bed.publish(tenant, today[0])
            return sum(map(len, days)) / took

    return asyncio.run(work())


def _command(place: Place, file: Path, many: int, name: str) -> float:
    async def prepare() -> None:
        async with opened(place, name) as bed:
            await _tenant(bed, name)

    asyncio.run(prepare())
    words = ("ingest", "--source", "graph", "--data", str(place.folder / name), str(file))
    (report,), took, _ = secgraph(*words, settings=place.settings(name), seconds=600 + many / 100)
    if report["taken"] != many:
        raise Failed(f"Of {many} alerts {report['taken']} were taken: {str(report)[:500]}")
    return many / took


async def _tenant(bed: Bed, name: str) -> int:
    tenant = await bed.tenant()
    if name == SIDES[1]:
        await bed.off(tenant)
    return tenant


async def _held(place: Place, name: str, many: int) -> int:
    """How many incidents there are that were not merged into others. Failed when not every alert is in one."""
    async with opened(place, name) as bed:
        [tenant] = await Registry(bed.store, load(), clock.now).tenants()
        found = await bed.count(tenant.number, ALERTS, "incidentId ne null")
        if found != many:
            raise Failed(f"Of {many} alerts {found} are in an incident.")
        return await bed.count(tenant.number, INCIDENTS, "status ne 'redirected'")
