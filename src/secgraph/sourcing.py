"""Sources whose products are called: a task for each feed that pulls or carries changes back, in the one process that holds the
feed's lease. So all calls of a feed keep to one rate, and use one token.

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

CARRY_SECONDS = 1.0
"""How often it is looked whether changes wait to be carried back."""

SPREAD = 0.1
"""By how much of itself an interval is longer or shorter, so that feeds of one kind do not come at once."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A feed and who asks it."""

    feed: Feed
    task: asyncio.Task[None]


async def do_pulls(core: Core, *, renew: float = RENEW_SECONDS, look: float = LOOK_SECONDS, time: Time | None = None) -> None:
    """Asks the products of all tenants' feeds, and tells them of changes, until it is cancelled; gives up its leases then."""
    leases, waits = Leases(core.store, core.now), time or Time()
    asked: dict[tuple[int, str], _Asked] = {}
    ending: set[asyncio.Task[None]] = set()
    try:
        while True:
            try:
                found = {(one.tenant, one.name): one for one in await core.feeds.all() if not one.paused and _calls(core, one)}
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


def _calls(core: Core, feed: Feed) -> bool:
    return feed.road == "pull" or core.feeds.writes_back(feed)


async def _ask(core: Core, feed: Feed, leases: Leases, renew: float, time: Time, former: asyncio.Task[None] | None) -> None:
    """Calls a feed's product for as long as it is as it is; whoever did so before ends first, and gives up the lease."""
    if former is not None:
        await asyncio.wait([former])
    try:
        await while_claimed(f"pull {feed.tenant} {feed.name}", partial(_work, core, feed, time), leases, renew)
    finally:
        await core.puller.forget(feed)


async def _work(core: Core, feed: Feed, time: Time, fence: Fence) -> None:
    """Pulls, carries back, or both; ends when another process took that over."""
    work = [_repeat(core, feed, time, fence)] if feed.road == "pull" else []
    if core.feeds.writes_back(feed):
        work.append(_carry(core, feed, time, fence))
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _carry(core: Core, feed: Feed, time: Time, fence: Fence) -> None:
    """Carries back whatever waits, again and again; ends when another process took that over."""
    failures = 0
    while True:
        try:
            good = await core.carrier.once(feed, fence)
        except Superseded:
            return
        except Exception as fault:  # noqa: BLE001 -- pulling goes on, and it is tried again
            observe(ChoreFailed("carry changes back", str(fault)), failure=None if isinstance(fault, Refusal) else fault)
            good = False
        failures = 0 if good else failures + 1
        await time.sleep(_until_next(CARRY_SECONDS, failures, time.chance()))


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
