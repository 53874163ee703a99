"""Rounds: the server is started, clients write and read, it is cut off at some moment, started again, and looked at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

import httpx
from tests.real.faults.journal import ALERTS, INCIDENTS, Journal
from tests.real.faults.load import WRITERS, Follower, Wire, Writer
from tests.real.faults.server import Server
from tests.real.faults.stored import Rows
from tests.real.faults.verdict import differing, of_copies, of_journal, of_rows

SHORTEST, LONGEST = 0.1, 0.9
"""How long clients work before the end, in seconds."""

PATIENCE = 15.0

FOLLOWED = ((ALERTS, ""), (ALERTS, "status eq 'inProgress'"), (INCIDENTS, ""))
"""What readers keep copies of."""


class Stage(Protocol):
    """A server over a database, and the way in which it is cut off."""

    server: Server

    def work(self) -> None:
        """What happens on its side while clients work may begin."""
        ...

    def cut(self, chance: Random) -> None:
        """Ends the server, the database or both, without warning; returns when they have ended."""
        ...

    def start(self) -> None:
        """Starts what was cut off; returns while it may still be starting."""
        ...

    async def rows(self) -> Rows:
        """What is stored now."""
        ...

    def close(self) -> None:
        """Ends whatever still runs."""
        ...


@dataclass(slots=True)
class Clients:
    """Who writes and who reads."""

    wire: Wire
    writers: list[Writer]
    followers: list[Follower]

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Everybody writes and reads; at the end they finish what is under way."""
        stop = asyncio.Event()
        tasks = [
            *(asyncio.create_task(writer.write(stop)) for writer in self.writers),
            *(asyncio.create_task(follower.follow(stop)) for follower in self.followers),
        ]
        try:
            yield
        finally:
            stop.set()
            await asyncio.gather(*tasks)

    async def settle(self) -> None:
        """Sends again what was not answered, and reads all that there is to read."""
        await asyncio.gather(*(writer.settle() for writer in self.writers))
        await asyncio.gather(*(follower.settle() for follower in self.followers))


@asynccontextmanager
async def clients(url: str, seed: int) -> AsyncIterator[Clients]:
    """The clients of a server; they are signed in once it is up."""
    limits = httpx.Limits(max_connections=WRITERS + len(FOLLOWED), max_keepalive_connections=WRITERS + len(FOLLOWED))
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False, limits=limits) as http:
        wire = Wire(http, Journal())
        yield Clients(
            wire,
            [Writer(number, wire, Random(f"{seed}/{number}")) for number in range(1, WRITERS + 1)],  # noqa: S311 -- to be made again, not to be unguessable
            [Follower(wire, path, condition) for path, condition in FOLLOWED],
        )


async def until(true: Callable[[], bool], what: str) -> None:
    """Waits until something is true; `what` says what is wrong when it does not become so."""
    ends = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < ends, what
        await asyncio.sleep(0.01)


async def verdict(stage: Stage, among: Clients) -> list[str]:
    """All that is wrong, after a start and before anybody writes again, and once more when everybody has settled."""
    journal = among.wire.journal
    rows = await stage.rows()
    found = [*of_rows(rows), *of_journal(journal, rows)]
    if found:
        return found
    await among.settle()
    rows = await stage.rows()
    found = [*of_rows(rows), *of_journal(journal, rows)]
    for path in (ALERTS, INCIDENTS):
        found += of_copies(rows, await among.wire.listed(path), path)
    for follower in among.followers:
        options = {"filter": follower.condition} if follower.condition else {}
        there = await among.wire.listed(follower.path, **options)
        found += differing(f"the copy of {follower.path} {follower.condition}", follower.copy, "the list", there)
    return [*found, *await of_indexes(among, rows)]


async def of_indexes(among: Clients, rows: Rows) -> list[str]:
    """What counts and searches say otherwise than the rows."""
    found = []
    alerts = rows.tables["alerts_v2"].values()
    for severity in ("low", "medium", "high"):
        counted = await among.wire.counted(ALERTS, f"severity eq '{severity}'")
        there = sum(row.document["severity"] == severity for row in alerts)
        if counted != there:
            found.append(f"{counted} alerts are counted whose severity is {severity}, and {there} are there")
    for row in list(alerts)[:: max(1, len(alerts) // 5)]:
        words = " ".join(row.document["description"].split()[:4]).rstrip(".")
        if await among.wire.searched(words) != {row.id}:
            found.append(f"a search for '{words}' does not find {row.id} alone")
    return found


@dataclass(slots=True)
class Outcome:
    """What rounds came to."""

    found: list[str] = field(default_factory=list)
    rounds: int = 0
    acknowledged: int = 0


def seconds(chance: Random) -> Iterator[float]:
    """How long the clients work in each round; now and then hardly at all."""
    while True:
        yield chance.uniform(SHORTEST, LONGEST) if chance.random() < 0.8 else chance.uniform(0, SHORTEST)


async def rounds(stage: Stage, number: int, seed: int, say: Callable[[str], object] = lambda _: None) -> Outcome:
    """So many rounds, or as many until something is found."""
    chance = Random(seed)  # noqa: S311 -- to be made again, not to be unguessable
    outcome = Outcome()
    stage.start()
    stage.server.ready()
    async with clients(stage.server.url, seed) as among:
        await among.wire.sign_in(stage.server.members)
        for long in seconds(chance):
            before = outcome.acknowledged
            stage.server.prepare()
            stage.work()
            async with among.at_work():
                await asyncio.sleep(long)
                stage.cut(chance)
            if chance.random() < 0.2:
                stage.start()
                await asyncio.sleep(chance.uniform(0, 1))
                stage.cut(chance)  # in the middle of the start, or just behind it
            stage.start()
            stage.server.ready()
            outcome.rounds += 1
            outcome.acknowledged = among.wire.journal.acknowledged()
            outcome.found = await verdict(stage, among)
            say(f"round {outcome.rounds}: cut off after {long:.2f} s, {outcome.acknowledged - before} changes acknowledged,"
                f" {len(outcome.found)} findings")  # fmt: skip
            if outcome.found or outcome.rounds == number:
                return outcome
    return outcome
