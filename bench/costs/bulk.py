"""Bulk ingest with correlation beside the setting `off`: through the door in this process, and through `secgraph ingest`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.campaigns.generate import made
from bench.costs.alerts import stream, write
from bench.costs.bed import Bed, cleared, opened
from bench.costs.row import Goal, Row, of_pairs
from bench.data import secgraph
from bench.processes import Failed
from bench.sides import Place
from secgraph import clock
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.store.registry import Registry

KEPT = Goal(0.60, least=True, from_size=3_000)
MOST = 100_000
"""Alerts that are enough for it: more take longer and show nothing else."""

SIDES = ("ours", "small")
"""Where it is on and where it is off."""


def rows(place: Place, size: int, rounds: int, seed: int, noise: int) -> Iterator[Row]:
    """What part of the throughput is kept, of generated alerts and of a made-up organisation's month."""
    month = made(seed, noise).alerts
    # A correction comes minutes or hours later; here, where all comes at once, the last version stands for all of them.
    last = {alert["id"]: alert for alert in month}
    generated, told = place.folder / "generated.ndjson", place.folder / "month.ndjson"
    for file, many, name in ((generated, write(generated, stream(seed, 0, size)), "generated alerts"),
                             (told, write(told, iter(last.values())), "a month of campaigns in noise")):  # fmt: skip
        for says, measure in (("the door in this process", _door), ("secgraph ingest", _command)):
            sides = _sides(place, file, many, rounds, measure, joins=file is told)
            title = f"bulk ingest with correlation, of off: {many:,} {name}, {says}"
            yield of_pairs(title, "alerts/s", sides, KEPT, many)
        file.unlink()


def _sides(
    place: Place, file: Path, many: int, rounds: int, measure: Callable[[Place, str, Path, int], float], *, joins: bool
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"on": [], "off": []}
    for _ in range(rounds):
        incidents = []
        for name, rates in zip(SIDES, found.values(), strict=True):
            cleared(place, name)
            rates.append(measure(place, name, file, many))
            incidents.append(asyncio.run(_held(place, name, many)))
            cleared(place, name)
        if joins and not incidents[0] < incidents[1]:
            raise Failed(f"There are {incidents[0]} incidents with correlation and {incidents[1]} without.")
    return found


def _door(place: Place, name: str, file: Path, many: int) -> float:
    async def work() -> float:
        async with opened(place, name) as bed:
            tenant = await _tenant(bed, name)
            began = time.perf_counter()
            await bed.take_file(tenant, file, many)
            return many / (time.perf_counter() - began)

    return asyncio.run(work())


def _command(place: Place, name: str, file: Path, many: int) -> float:
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
