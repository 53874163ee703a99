"""Work under a lease: done while this process holds it, and by no other then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from secgraph import clock
from secgraph.errors import Refusal, Superseded
from secgraph.store.leases import LIFE, Leases
from secgraph.store.protocol import Fence

RENEW_SECONDS = LIFE / clock.SECOND / 3
"""How often a lease is renewed."""


async def held(leases: Leases, name: str, work: Callable[[Fence], Awaitable[None]], *, renew: float = RENEW_SECONDS) -> None:
    """Does the work until it is done or the lease is lost; nothing where another process holds it. What the work raises is
    raised.
    """
    fence = await leases.claim(name)
    if fence is None:
        return
    working = asyncio.ensure_future(work(fence))
    try:
        while not working.done():
            await asyncio.wait([working], timeout=renew)
            with contextlib.suppress(Refusal):  # not renewed now, but perhaps soon; the fence says how it stands
                if not await leases.renew(fence):
                    return
        with contextlib.suppress(Superseded):
            await working
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        with contextlib.suppress(Refusal):
            await leases.release(fence)
