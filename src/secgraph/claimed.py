"""Work that one of all processes does at a time, for as long as it holds the lease of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from secgraph import clock
from secgraph.errors import Refusal
from secgraph.observe import ChoreClaimed, ChoreFailed, ChoreLost, observe
from secgraph.store.leases import LIFE, Leases
from secgraph.store.protocol import Fence

RENEW_SECONDS = LIFE / clock.SECOND / 3
"""How often a lease is renewed, and looked for by those who wait for it."""

END_SECONDS = 3.0
"""How long work that was told to end is waited for."""


async def while_claimed(name: str, work: Callable[[Fence], Awaitable[None]], leases: Leases, renew: float) -> None:
    """Claims the lease of that name, again and again, and does the work while it is held; ends when it is cancelled. The work
    is given the fence that its writes are to carry.
    """
    while True:
        try:
            await once_claimed(name, work, leases, renew)
        except Exception as fault:  # noqa: BLE001 -- whatever it is: requests are answered, and it is tried again
            observe(ChoreFailed(name, str(fault)), failure=None if isinstance(fault, Refusal) else fault)
        await asyncio.sleep(renew)


async def once_claimed(
    name: str, work: Callable[[Fence], Awaitable[None]], leases: Leases, renew: float = RENEW_SECONDS
) -> None:
    """Does the work until it ends or the lease of that name is lost; nothing where another process holds it. What the work
    raises is raised.
    """
    fence = await leases.claim(name)
    if fence is None:
        return
    observe(ChoreClaimed(name, fence.number))
    working, lost, fault = asyncio.ensure_future(work(fence)), False, None
    try:
        while not working.done() and not lost:
            await asyncio.wait([working], timeout=renew)
            with contextlib.suppress(Refusal):  # not renewed now, but perhaps soon; the fence says how it stands
                lost = not await leases.renew(fence)
    finally:
        working.cancel()
        # What somebody else wrote may not want to end; behind the fence it does no harm.
        await asyncio.wait([working], timeout=END_SECONDS)
        if working.done() and not working.cancelled():
            fault = working.exception()
        with contextlib.suppress(Refusal):
            await leases.release(fence)
    if lost:
        observe(ChoreLost(name, fence.number))
    if fault is not None:
        raise fault
