"""Periodic work: what has to be done now and then, by one of all processes that share a database.

A chore is claimed by its lease, which is renewed for as long as the process lives; the other processes wait, and take it over
when the lease has ended. What a chore writes stands behind its claim's fence, so that a process which slept through the end of
its lease writes nothing under it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from secgraph.app import Core
from secgraph.claimed import RENEW_SECONDS, while_claimed
from secgraph.errors import Refusal, Superseded
from secgraph.ingest.counting import publish_each
from secgraph.ingest.feeds.standing import watch_silence
from secgraph.ingest.prune import prune_each
from secgraph.ingest.settle import settle_each
from secgraph.ingest.unread import read_each
from secgraph.observe import ChoreFailed, observe
from secgraph.store.fence import Fenced
from secgraph.store.leases import Leases
from secgraph.store.protocol import Fence


@dataclass(frozen=True, slots=True)
class Chore:
    """Periodic work. `work` is given the fence that its writes are to carry, and may be cut off anywhere and done again."""

    name: str
    seconds: float
    """From one end of the work to its next begin."""
    work: Callable[[Core, Fence], Awaitable[None]]


async def forget_assertions(core: Core, fence: Fence) -> None:
    """Removes the assertions of clients that have ended: no one can be used again."""
    await core.store.run(("assertions_ended", {"now": core.now()}), fence=fence)


async def prune(core: Core, fence: Fence) -> None:
    """Takes away what the tenants keep no longer."""
    await prune_each(Fenced(core.store, fence), core.registry, core.model, core.now)


async def publish(core: Core, fence: Fence) -> None:
    """Publishes what the tenants' alerts name, and how often, once a day."""
    await publish_each(Fenced(core.store, fence), core.registry, core.now)


async def read_earlier(core: Core, fence: Fence) -> None:
    """Reads alerts from an earlier version for what they name."""
    await read_each(Fenced(core.store, fence))


async def settle(core: Core, fence: Fence) -> None:
    """Tells which incidents have settled."""
    await settle_each(Fenced(core.store, fence), core.registry, core.model, core.now)


async def score(core: Core, fence: Fence) -> None:
    """Computes the scores of all tenants: evidence grows old by itself, and a new day has a score of its own."""
    await core.scores.run(Fenced(core.store, fence), core.registry)


async def watch_sources(core: Core, fence: Fence) -> None:
    """Tells which configured sources are silent for too long."""
    await watch_silence(Fenced(core.store, fence), core.feeds, core.now)


CHORES = (
    Chore("forget ended assertions", 3600, forget_assertions),
    Chore("prune", 3600, prune),
    Chore("publish snapshots", 600, publish),
    Chore("read earlier alerts", 600, read_earlier),
    Chore("settle incidents", 30, settle),
    Chore("score", 600, score),
    Chore("watch sources", 30, watch_sources),
)
"""All periodic work there is."""


async def do_chores(core: Core, chores: Sequence[Chore] = CHORES, *, renew: float = RENEW_SECONDS) -> None:
    """Does periodic work until it is cancelled; gives up its leases then."""
    leases = Leases(core.store, core.now)
    async with asyncio.TaskGroup() as group:
        for chore in chores:
            group.create_task(while_claimed(chore.name, partial(_repeat, core, chore), leases, renew))


async def _repeat(core: Core, chore: Chore, fence: Fence) -> None:
    """The chore, again and again; ends when another process took it over."""
    while True:
        try:
            await chore.work(core, fence)
        except Superseded:
            return
        except Exception as fault:  # noqa: BLE001 -- the next time may go well, and the other chores go on
            observe(ChoreFailed(chore.name, str(fault)), failure=None if isinstance(fault, Refusal) else fault)
        await asyncio.sleep(chore.seconds)
