"""What a year of secure scores takes of a database, what reading and computing them costs: figures and ratios in one run.

scripts/bench score                              # 365 days of 500 controls of 200 tenants, SQLite
scripts/bench score --database postgresql        # the same on a PostgreSQL that it starts
scripts/bench score --short                      # whether it works
"""

from __future__ import annotations

import argparse
import asyncio
import io
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import msgspec

from bench.costs.row import Goal, Row, data, of_medians, table
from bench.data import databases
from bench.processes import Failed
from bench.scores.made import days, findings
from bench.sides import SEAL, Place
from secgraph import clock
from secgraph.extend import source
from secgraph.model.choices import SECURE_SCORES
from secgraph.model.edm import load
from secgraph.store.facts import Needs
from secgraph.store.protocol import Change, Decision, Put
from secgraph.testing import Clock, Graph, running

NOW = 17_900_000_000_000_000
"""An instant of which the days before are the year."""

PAGE = 90
"""Scores that are read."""

LEAN = "id,createdDateTime,currentScore,maxScore"


def options(words: Sequence[str]) -> argparse.Namespace:
    """What was asked for."""
    plain = argparse.RawDescriptionHelpFormatter
    found = argparse.ArgumentParser(prog="scripts/bench score", description=__doc__, formatter_class=plain)
    found.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="(default sqlite)")
    found.add_argument("--tenants", type=int, default=200, help="(default 200)")
    found.add_argument("--days", type=int, default=365, help="(default 365)")
    found.add_argument("--controls", type=int, default=500, help="(default 500)")
    found.add_argument("--rounds", type=int, default=7, help="how often the sides of a pair take turns (default 7)")
    found.add_argument("--seed", type=int, default=1, help="of what is made up (default 1)")
    found.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there too")
    found.add_argument("--short", action="store_true", help="a hundred days of twenty controls of two tenants")
    given = found.parse_args(words)
    if given.short:
        given.tenants, given.days, given.controls, given.rounds = 2, 100, 20, 1
    if min(given.tenants, given.controls, given.rounds) < 1 or given.days < PAGE:
        found.error(f"--days is at least {PAGE}, everything else at least 1")
    return given


def main(words: Sequence[str]) -> int:
    """Measures and prints; 1 when an answer was wrong."""
    given = options(words)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="secgraph-bench-") as name,
            databases(Path(name), given.database) as (place, version),
        ):
            found = asyncio.run(measured(place, given))
    except Failed as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    print(table(found))
    print(f"\ndatabase: {f'PostgreSQL {version}' if version else 'SQLite'}")
    if given.json is not None:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(data(found)), indent=2) + b"\n")
    return 0


async def measured(place: Place, given: argparse.Namespace) -> list[Row]:
    """The rows."""
    more = {"database": place.addresses["ours"], "seal_key": SEAL} if place.addresses else {}
    async with running(place.folder / "ours", Clock(NOW), **more) as graph:
        found = [*await _kept(graph, place, given), *await _read(graph, given)]
        return [*found, *[await _computed(graph, many, given) for many in (given.controls, 10 * given.controls)]]


# --- what a year takes ----------------------------------------------------------------------------------------------------


async def _kept(graph: Graph, place: Place, given: argparse.Namespace) -> list[Row]:
    one, random, copies = load().sets[SECURE_SCORES], Random(given.seed), 0  # noqa: S311 -- to be made again
    first = NOW - (given.days - 1) * clock.DAY
    before = await _size(place)
    for number in range(given.tenants):
        tenant = graph.tenant if number == 0 else await graph.core.registry.create_tenant(f"tenant {number}")
        for record in days(tenant.id, first, given.days, given.controls, random):
            copies += len(msgspec.json.encode(record))
            changes: list[Change] = [Put(one, {**dict.fromkeys(one.type.properties), **record}, (), created=True)]
            await graph.core.store.write(tenant.number, Needs(), lambda _, made=changes: Decision(made, None))  # type: ignore[misc]
        print(f"tenant {number + 1} of {given.tenants}", end="\r", file=sys.stderr, flush=True)
    taken = await _size(place) - before
    says = f"bytes of {given.days} days of {given.controls} controls of {given.tenants} tenants, of copies"
    goal = Goal(0.1, from_size=10_000)
    return [Row(says, taken / copies, "bytes", {"kept": [taken], "copies": [copies]}, goal, given.tenants * given.days)]


async def _size(place: Place) -> int:
    """Bytes of the database, all of it on the disk."""
    if place.addresses:
        import asyncpg  # noqa: PLC0415 -- only where it is needed

        connection = await asyncpg.connect(place.addresses["ours"])
        try:
            await connection.execute("CHECKPOINT")
            return int(await connection.fetchval("SELECT pg_database_size(current_database())"))
        finally:
            await connection.close()
    import apsw  # noqa: PLC0415 -- as above

    file = place.folder / "ours" / "secgraph.db"
    connection = apsw.Connection(str(file))
    connection.pragma("wal_checkpoint(TRUNCATE)")
    connection.close()
    return sum(file.stat().st_size for file in (place.folder / "ours").glob("secgraph.db*"))


# --- what reading costs -----------------------------------------------------------------------------------------------


async def _read(graph: Graph, given: argparse.Namespace) -> list[Row]:
    """Ninety scores without their lists beside ninety with them, over HTTP in this process."""
    sides: dict[str, list[float]] = {"without controlScores": [], "whole": []}
    for _ in range(given.rounds):
        sides["without controlScores"].append(await _timed(lambda: _all(graph, given, select=LEAN)))
        sides["whole"].append(await _timed(lambda: _all(graph, given)))
    milliseconds = {name: [1000 * one for one in times] for name, times in sides.items()}
    says = f"{PAGE} scores without controlScores, of whole ones"
    return [of_medians(says, "ms", milliseconds, Goal(0.1, from_size=200), given.controls)]


async def _all(graph: Graph, given: argparse.Namespace, **more: str) -> None:
    body: Any = await graph.get("security/secureScores", top=str(PAGE), **more)
    found = body["value"]
    while len(found) < PAGE:
        body = await graph.get(body["@odata.nextLink"])
        found += body["value"]
    if len({one["id"] for one in found[:PAGE]}) != PAGE:
        raise Failed("Pages of scores repeat each other.")
    if not more and any(len(one["controlScores"]) != given.controls for one in found):
        raise Failed("A score has not all of its controls.")


async def _timed(work: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


# --- what computing costs ---------------------------------------------------------------------------------------------


async def _computed(graph: Graph, many: int, given: argparse.Namespace) -> Row:
    """Computing a tenant's score beside taking the evidence that it is computed of."""
    random, prowler = Random(given.seed), source("prowler")  # noqa: S311 -- as above
    scorer, sides = graph.core.door.scorer, {"computing": list[float](), "taking": list[float]()}
    compute, refresh = scorer.recompute, scorer.refresh

    async def nothing(_: int) -> None:
        return

    for round_ in range(given.rounds):
        tenant = await graph.core.registry.create_tenant(f"evidence {many} {round_}")
        lines = [msgspec.json.encode(one) for one in findings(many, given.controls, NOW - 3600 * clock.SECOND, random)]
        scorer.refresh = nothing  # type: ignore[method-assign, assignment]  # so that taking is nothing but taking
        began = time.perf_counter()
        report = await graph.core.door.take(tenant.number, prowler, io.BytesIO(b"\n".join(lines)))
        sides["taking"].append(1000 * (time.perf_counter() - began))
        scorer.refresh = refresh  # type: ignore[method-assign]
        if report.taken != many:
            raise Failed(f"Of {many} findings {report.taken} were taken: {report.problems[:3]}")
        began = time.perf_counter()
        if not await compute(tenant.number):
            raise Failed("No score was computed.")
        sides["computing"].append(1000 * (time.perf_counter() - began))
    says = f"computing a score of {many:,} findings, of taking these"
    return Row(says, median(sides["computing"]) / median(sides["taking"]), "ms", sides, Goal(1.0), many)
