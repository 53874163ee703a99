"""Leases: which process does a piece of work that one alone may do at a time, and the fence that keeps the others' hands off.

A lease is claimed for a while and renewed before it ends; when its holder is gone, another one takes it over, and its fence
grows. A holder that was only asleep cannot know that at once. So its writes carry its fence: the transaction of such a write
looks first whether the fence still stands, and a write behind an older one is refused. Until when a lease runs is told by the
clock of the process that claims it; a wrong clock moves a lease early or late, but never past its fence.
"""

from __future__ import annotations

from typing import Any

from secgraph import clock
from secgraph.store.protocol import Fence, Store

LIFE = 30 * clock.SECOND
"""How long a lease runs."""


class Leases:
    """The leases that one process holds or wants to hold."""

    def __init__(self, store: Store, now: clock.Now, life: int = 0) -> None:
        self._store = store
        self._now = now
        self._life = life or LIFE
        self.holder = clock.new_id()
        """Who this process is: another one each time it starts."""

    async def claim(self, name: str) -> Fence | None:
        """Takes a lease that nobody holds now; None while another process does."""
        now = self._now()
        await self._store.run(("lease_claim", {"name": name, "holder": self.holder, "now": now, "ends": now + self._life}))
        return await self._held(name)

    async def renew(self, fence: Fence) -> bool:
        """Lets a lease run on; whether it is held still."""
        ends = self._now() + self._life
        await self._store.run(("lease_renew", {**fence._asdict(), "holder": self.holder, "ends": ends}))
        return await self._held(fence.name) == fence

    async def release(self, fence: Fence) -> None:
        """Lets the next one have it at once."""
        await self._store.run(("lease_renew", {**fence._asdict(), "holder": self.holder, "ends": 0}))

    async def _held(self, name: str) -> Fence | None:
        found: list[dict[str, Any]] = await self._store.fetch("lease", name=name)
        return Fence(name, found[0]["fence"]) if found and found[0]["holder"] == self.holder else None
