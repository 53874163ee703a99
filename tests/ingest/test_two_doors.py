"""Two processes take alerts of one tenant in at once: what comes out is what the order of the tenant's clock alone makes."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING, Any

from tests.ingest.conftest import Product
from tests.ingest.test_differ import same
from tests.ingest.test_placing import grouped, report, user

from secgraph.ingest.differ import differing
from secgraph.ingest.door import Door
from secgraph.model.edm import load

if TYPE_CHECKING:
    from pathlib import Path

    from tests.databases import Databases
    from tests.ingest.conftest import Intake

PEOPLE = ("ana", "bo", "cy", "dee", "eve", "fay")


def told(start: int) -> list[dict[str, Any]]:
    """Alerts of which each names two people: by and by everything hangs together."""
    return [report(f"{number}", user(PEOPLE[number % 6]), user(PEOPLE[number // 2 % 6]), hour=number / 10) for number in range(start, 60, 2)]


async def test_two_at_once_are_as_one_after_the_other(intake: Intake, tmp_path: Path, databases: Databases, database: str) -> None:
    other = await databases.place(database, tmp_path).open(intake.clock)
    try:
        doors = (intake.door, Door(other, load(), intake.clock))

        async def hand_in(door: Door, start: int) -> int:
            taken = 0
            for one in told(start):
                lines = json.dumps(one).encode()
                taken += (await door.take(intake.tenant.number, Product(), io.BytesIO(lines))).taken
            return taken

        assert await asyncio.gather(*(hand_in(door, start) for start, door in enumerate(doors))) == [30, 30]
        first = await grouped(intake)
        assert sorted(key for held in first for key in held) == sorted(map(str, range(60)))
        assert same(await differing(intake.store, intake.tenant.number)), "the log, line by line, makes the same incidents"
        assert await asyncio.gather(*(hand_in(door, start) for start, door in enumerate(doors))) == [0, 0], "known already"
        assert await grouped(intake) == first
    finally:
        await other.close()
