"""The cost of an alert where much is stored beside one where little is, and of one that names what a great many others name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from bench.costs.alerts import Alert, address, naming, stream, ticks, user, write
from bench.costs.bed import Bed, cleared, opened
from bench.costs.row import Goal, Row, of_medians, of_pairs
from bench.generate import FIRST
from bench.processes import Failed
from bench.sides import Place
from secgraph.model.choices import ALERTS

LITTLE = 10_000
"""Alerts of the store with a short past."""

LAST = 2_000
AT_ONCE = 250
"""How many of the last ones come in one delivery: the two stores take turns."""

GROWS = Goal(1.3, from_size=1_000_000)
NO_MORE = Goal(1.0, from_size=100_000)

HUB = "198.51.100.7"
FEW = 3
"""Alerts that name the same seldom thing."""

KEY = "ip.public:{}"
BETWEEN = timedelta(seconds=4)
"""Between two alerts that name it: a hundred thousand of them are near each other in time."""

SINGLE = 100
"""Alerts that name each of the two, in turn, one by one."""


def rows(place: Place, size: int, seed: int, single: int = SINGLE) -> Iterator[Row]:
    """Both costs."""
    for name in ("ours", "small"):
        cleared(place, name)
    yield asyncio.run(_long_past(place, size, seed))
    cleared(place, "ours")
    yield from asyncio.run(_hub(place, min(size, NO_MORE.from_size), single))


async def _long_past(place: Place, size: int, seed: int) -> Row:
    """As many alerts come a day to either store; the one has a longer past."""
    little, last = min(LITTLE, size // 2), min(LAST, size // 2)
    async with opened(place, "ours") as much, opened(place, "small") as short:
        beds = [(much, await much.tenant(), size), (short, await short.tenant(), little)]
        file = place.folder / "past.ndjson"
        for bed, tenant, many in beds:
            await bed.take_file(tenant, file, write(file, stream(seed, size - many, many)))
        file.unlink()
        sides: dict[str, list[float]] = {f"{size:,} stored": [], f"{little:,} stored": []}
        for first in range(size, size + last, AT_ONCE):
            coming = list(stream(seed, first, min(AT_ONCE, size + last - first)))
            for (bed, tenant, _), costs in zip(beds, sides.values(), strict=True):
                before = bed.spent()
                await bed.take(tenant, coming)
                costs.append((bed.spent() - before) * 1e6 / len(coming))
        for bed, tenant, many in beds:
            if (found := await bed.count(tenant, ALERTS, "incidentId ne null")) != many + last:
                raise Failed(f"Of {many + last} alerts {found} are in an incident.")
    says = f"processor time of an alert, the last {last:,} in deliveries of {AT_ONCE}, with a long past, of a short one"
    return of_pairs(says, "µs", sides, GROWS, size)


async def _hub(place: Place, many: int, single: int) -> list[Row]:
    """What a great many name, before it is known to be common and afterwards, beside what three alerts name."""
    async with opened(place, "ours") as bed:
        tenant = await bed.tenant()
        await bed.off(tenant)  # what alerts name is kept all the same
        file = place.folder / "hub.ndjson"
        await bed.take_file(tenant, file, write(file, (_naming(HUB, number) for number in range(many))))
        file.unlink()
        seldom = [f"192.0.2.{number}" for number in range(2 * single)]
        await bed.take(tenant, [_naming(text, many + place) for place, text in enumerate(seldom * (FEW - 1))])
        await bed.off(tenant, off=False)
        for text in (HUB, *seldom[:2]):
            await _expect_named(bed, tenant, KEY.format(text))
        number = many + len(seldom) * (FEW - 1)
        uncounted = await _alternating(bed, tenant, number, seldom[:single])
        await bed.publish(tenant, ticks(FIRST + BETWEEN * number))
        counted = await _alternating(bed, tenant, number + 2 * single, seldom[single:])
    says = f"processor time of one alert that names what {many:,} name, of one that names what {FEW} name"
    return [
        of_medians(says + ", once that is counted", "µs", counted, NO_MORE, many),
        of_medians(says + ", before", "µs", uncounted, None, many),
    ]


async def _alternating(bed: Bed, tenant: int, number: int, seldom: list[str]) -> dict[str, list[float]]:
    sides: dict[str, list[float]] = {"by many": [], "by few": []}
    for one in seldom:  # each once: they would be named by many soon
        for text, costs in zip((HUB, one), sides.values(), strict=True):
            alert = _naming(text, number)
            before = bed.spent()
            await bed.take_one(tenant, alert)
            costs.append((bed.spent() - before) * 1e6)
            number += 1
    return sides


def _naming(text: str, number: int) -> Alert:
    return naming(f"{text} {number}", FIRST + BETWEEN * number, address(text), user(f"user{number}", "compromised"))


async def _expect_named(bed: Bed, tenant: int, key: str) -> None:
    found: list[dict[str, Any]] = await bed.store.fetch("entity_names", tenant=tenant, after=key[:-1], before=f"{key}!", most=2)
    if key not in [row["text"] for row in found]:
        raise Failed(f"No alert is known to name {key}.")
