"""The fence before a write that belongs to periodic work: it falls when another process takes that work over (`leases.py`)."""

from __future__ import annotations

from typing import Any

from secgraph.access.narrow import Scoped, ScopedKey
from secgraph.errors import Superseded
from secgraph.odata.query import Query
from secgraph.store.facts import Needs
from secgraph.store.protocol import Answer, Decide, Fence, Key, Original, Page, Store
from secgraph.store.steps import Steps, ask, do


def guarded(fence: Fence | None) -> Steps[None]:
    """The first step of a write that belongs to a lease. Superseded when another process took the lease over."""
    if fence is not None:
        found = yield ask("lease_fence", name=fence.name, number=fence.number)
        if not found:
            raise Superseded(f"The work '{fence.name}' was taken over by another process.")


def named(steps: tuple[tuple[str, dict[str, Any]], ...], fence: Fence | None) -> Steps[None]:
    """Named statements, one after the other, behind a fence if there is one."""
    yield from guarded(fence)
    for name, values in steps:
        yield do(name, values)


class Fenced:
    """The same store; everything that is written stands behind a fence."""

    def __init__(self, store: Store, fence: Fence) -> None:
        self._store = store
        self._fence = fence

    async def write(self, tenant: int, needs: Needs, decide: Decide[Answer], *, fence: Fence | None = None) -> Answer:
        """Carries out a decision."""
        return await self._store.write(tenant, needs, decide, fence=fence or self._fence)

    async def run(self, *steps: tuple[str, dict[str, Any]], fence: Fence | None = None) -> None:
        """Named statements in one transaction."""
        await self._store.run(*steps, fence=fence or self._fence)

    # -- what writes nothing

    async def find(self, scoped: Scoped, after: Key | None = None) -> Page:
        """One page."""
        return await self._store.find(scoped, after)

    async def count(self, scoped: Scoped) -> int:
        """How many rows answer the query."""
        return await self._store.count(scoped)

    async def get(self, key: ScopedKey, query: Query) -> bytes | None:
        """One object; None when there is none."""
        return await self._store.get(key, query)

    async def originals(self, key: ScopedKey) -> list[Original]:
        """What every source said about an alert, as it came."""
        return await self._store.originals(key)

    async def fetch(self, statement: str, /, **values: Any) -> list[dict[str, Any]]:
        """Rows of a named statement."""
        return await self._store.fetch(statement, **values)

    async def close(self) -> None:
        """Closes the store behind it."""
        await self._store.close()
