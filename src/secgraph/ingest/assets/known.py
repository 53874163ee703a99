"""The assets of each tenant, kept in memory and brought up to date by what was committed since; and writes that rely on all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec

from secgraph import clock
from secgraph.errors import Busy
from secgraph.ingest.assets.inventory import Inventory, remembered
from secgraph.ingest.assets.register import Register
from secgraph.model.choices import ASSETS
from secgraph.store.facts import Facts, Needs
from secgraph.store.protocol import Decision, Store

Answer = TypeVar("Answer")

FRESH = clock.SECOND
"""How long an inventory is believed without a look at the tenant's clock."""

READ = 100
"""Rows read at once; what waits on the event loop waits for no more."""

TRIES = 20
"""How often a write is decided anew because another came before it."""

KEPT = 10_000
"""Tenants whose inventories are kept."""

decode = msgspec.json.decode
Decide = Callable[[Facts, Register], Answer]
"""What becomes of the register, and the answer."""


@dataclass(slots=True)
class _Kept:
    inventory: Inventory = field(default_factory=Inventory)
    looked: int | None = None
    """When it was last brought up to date."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class _OutdatedError(Exception):
    """Another write came between the reading of the inventory and the turn."""


class Assets:
    """Reads and changes inventories. Others over the same database are noticed within a second."""

    def __init__(self, store: Store, now: clock.Now) -> None:
        self._store = store
        self._now = now
        self._kept: dict[int, _Kept] = {}

    async def of(self, tenant: int) -> Inventory:
        """A tenant's inventory as it was at most a second ago; false where there is nothing in it."""
        kept = self._kept.get(tenant)
        # A clock set back would otherwise keep an old reading for as long as it was set back.
        if kept is not None and kept.looked is not None and 0 <= self._now() - kept.looked < FRESH:
            return kept.inventory
        return await self.fresh(tenant)

    async def fresh(self, tenant: int) -> Inventory:
        """A tenant's inventory with everything that was committed before the call."""
        if tenant not in self._kept and len(self._kept) >= KEPT:
            self._kept.clear()
        kept = self._kept.setdefault(tenant, _Kept())
        async with kept.turn:
            now = self._now()
            [clock_now] = await self._store.fetch("tenant_stamp", tenant=tenant) or [{"stamp": 0, "pruned": 0}]
            known, upto = kept.inventory.stamp, clock_now["stamp"]
            if known > upto or (known and clock_now["pruned"] > known):
                # The database was put back, or notes of removals since then are gone: what is known says nothing.
                kept.inventory, known = Inventory(), 0
            if known < upto:
                await self._brought_up(tenant, kept.inventory, upto)
            kept.looked = now
            return kept.inventory

    async def _brought_up(self, tenant: int, inventory: Inventory, upto: int) -> None:
        """Takes notice of everything up to a stamp. Rows that change meanwhile have a later one, and come the next time."""
        after = inventory.stamp
        while rows := await self._store.fetch("assets_since", tenant=tenant, after=after, upto=upto, most=READ):
            for row in rows:
                inventory.put(remembered(decode(row["doc"]), row["stamp"]))
            after = rows[-1]["stamp"]
            await asyncio.sleep(0)
        after = inventory.stamp
        # From nothing, there is nothing that can have been taken away.
        while after and (gone := await self._store.fetch("removed", tenant=tenant, after=after, upto=upto, most=READ)):
            for row in gone:
                if row["entity"] == ASSETS.rpartition("/")[2]:
                    inventory.drop(row["id"], before=row["stamp"])
            after = gone[-1]["stamp"]
            await asyncio.sleep(0)
        inventory.stamp = upto

    async def write(self, tenant: int, needs: Callable[[Inventory], Needs], decide: Decide[Answer]) -> Answer:
        """Carries out a decision on the whole inventory as it stands in the turn, and gives its answer after the commit. Busy
        where others always come before it.
        """
        for _ in range(TRIES):
            inventory = await self.fresh(tenant)
            needed = replace(needs(inventory), newest=(ASSETS,))

            def inside(facts: Facts, inventory: Inventory = inventory) -> Decision[Answer]:
                if facts.newest[ASSETS] > inventory.stamp:
                    raise _OutdatedError
                register = Register(inventory)
                answer = decide(facts, register)
                return Decision(register.changes, answer)

            try:
                return await self._store.write(tenant, needed, inside)
            except _OutdatedError:
                continue
        raise Busy("Others change the inventory without a pause.", hint="Try again.", headers={"Retry-After": "1"})
