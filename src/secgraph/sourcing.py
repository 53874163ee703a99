"""Sources that are asked: a task for each feed that pulls, in the one process that holds the feed's lease.

Feeds are added, changed, paused and removed in other processes. So the list is read again every few seconds: what is not there
any more, or not as it was, ends where it stands, which a pull may anywhere.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from secgraph.app import Core
from secgraph.claimed import END_SECONDS, RENEW_SECONDS, while_claimed
from secgraph.errors import Refusal, Superseded
from secgraph.ingest.feeds.feed import Feed
from secgraph.observe import ChoreFailed, observe
from secgraph.outbound.waiting import Time, pause
from secgraph.store.leases import Leases
from secgraph.store.protocol import Fence

LOOK_SECONDS = 2.0
"""How often it is looked which feeds there are."""

FIRST_PAUSE, LAST_PAUSE = 5.0, 900.0
"""Seconds to the next try after a failure at first, and after many."""

SPREAD = 0.1
"""By how much of itself an interval is longer or shorter, so that feeds of one kind do not come at once."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A feed and who asks it."""

    feed: Feed
    task: asyncio.Task[None]


async def do_pulls(core: Core, *, renew: float = RENEW_SECONDS, look: float = LOOK_SECONDS, time: Time | None = None) -> None:
    """Asks the products of all tenants' feeds until it is cancelled; gives up its leases then."""
    leases, waits = Leases(core.store, core.now), time or Time()
    asked: dict[tuple[int, str], _Asked] = {}
    ending: set[asyncio.Task[None]] = set()
    try:
        while True:
            try:
                found = {(one.tenant, one.name): one for one in await core.feeds.all() if one.road == "pull" and not one.paused}
            except Exception as fault:  # noqa: BLE001 -- those known go on, and it is looked again
                observe(ChoreFailed("pull", str(fault)), failure=None if isinstance(fault, Refusal) else fault)
            else:
                for key, one in list(asked.items()):
                    if one.task.done() or key not in found or found[key].number != one.feed.number:
                        one.task.cancel()
                        ending.add(one.task)
                        one.task.add_done_callback(ending.discard)
                        if key not in found:
                            del asked[key]
                for key, feed in found.items():
                    former = asked.get(key)
                    if former is None or former.task in ending or former.task.done():
                        work = _ask(core, feed, leases, renew, waits, former.task if former is not None else None)
                        asked[key] = _Asked(feed, asyncio.create_task(work))
            await asyncio.sleep(look)
    finally:
        tasks = {*ending, *(one.task for one in asked.values())}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=END_SECONDS + 1)


async def _ask(core: Core, feed: Feed, leases: Leases, renew: float, time: Time, former: asyncio.Task[None] | None) -> None:
    """Asks a feed for as long as it is as it is; whoever did so before ends first, and gives up the lease."""
    if former is not None:
        await asyncio.wait([former])
    try:
        await while_claimed(f"pull {feed.tenant} {feed.name}", partial(_repeat, core, feed, time), leases, renew)
    finally:
        await core.puller.forget(feed)


async def _repeat(core: Core, feed: Feed, time: Time, fence: Fence) -> None:
    """Pulls, again and again; ends when another process took that over."""
    failures = 0
    while True:
        try:
            good = await core.puller.once(feed, fence)
        except Superseded:
            return
        failures = 0 if good else failures + 1
        await time.sleep(_until_next(core.puller.every(feed), failures, time.chance()))


def _until_next(every: float, failures: int, chance: float) -> float:
    """Seconds to the next pull; after failures later each time."""
    if failures:
        return pause(failures, 0.5 + chance / 2, first=FIRST_PAUSE, last=LAST_PAUSE)
    return every * (1 - SPREAD + 2 * SPREAD * chance)
