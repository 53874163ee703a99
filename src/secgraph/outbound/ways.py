"""The ways out of this process: one for each source, for as long as it is configured as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING

from secgraph.extend import Reach
from secgraph.outbound.waiting import Time

if TYPE_CHECKING:
    from secgraph.outbound.exchange import Exchange
    from secgraph.outbound.web import Outside


class Ways:
    """Gives sources their way out, the same one for every call, so that a rate is kept from one pull to the next.

    What speaks HTTP takes longer to import than all the rest, and most commands call nothing: the first who does imports it.
    """

    def __init__(self, private: Collection[str], authorities: str, time: Time) -> None:
        """The settings `outbound_private` and `outbound_ca`."""
        self._private = private
        self._authorities = authorities
        self._time = time
        self._known: dict[tuple[int, str], tuple[int, Outside]] = {}
        self._making = asyncio.Lock()

    async def way(self, tenant: int, name: str, number: int, reach: Reach) -> Outside:
        """The way of the source of that tenant and name, which was changed last at that number. CallFailed where its reach
        names what is never called, UsageError where the authorities' file cannot be used.
        """
        async with self._making:  # who asks and who writes back come at the same time, and share one
            former = self._known.get((tenant, name))
            if former is not None and former[0] == number:
                return former[1]
            from secgraph.outbound.web import Outside  # noqa: PLC0415 -- see above

            made = Outside(reach, await asyncio.to_thread(self._exchange), self._time)
            await self.forget(tenant, name)
            self._known[tenant, name] = number, made
            return made

    async def forget(self, tenant: int, name: str) -> None:
        """Closes what a source has open."""
        former = self._known.pop((tenant, name), None)
        if former is not None:
            await former[1].close()

    async def close(self) -> None:
        """Closes everything."""
        while self._known:
            await self.forget(*next(iter(self._known)))

    def _exchange(self) -> Exchange:
        from secgraph.outbound.exchange import Exchange  # noqa: PLC0415 -- see above
        from secgraph.outbound.guard import Guard, trust  # noqa: PLC0415 -- see above

        return Exchange(Guard(self._private), trust(self._authorities))
