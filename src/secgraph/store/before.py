"""A store in front of another: whatever it does not say otherwise, it hands on."""

from __future__ import annotations

from typing import Any

from secgraph.access.narrow import Scoped, ScopedKey
from secgraph.odata.query import Query
from secgraph.store.facts import Needs
from secgraph.store.protocol import Answer, Decide, Fence, Key, Original, Page, Store


class Before:
    """The same store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, scoped: Scoped, after: Key | None = None) -> Page:
        """One page."""
        return await self._store.find(scoped, after)

    async def count(self, scoped: Scoped) -> int:
        """How many rows answer the query, whatever its page."""
        return await self._store.count(scoped)

    async def get(self, key: ScopedKey, query: Query) -> bytes | None:
        """One object; None when there is none."""
        return await self._store.get(key, query)

    async def originals(self, key: ScopedKey) -> list[Original]:
        """What every source said about an alert, as it came."""
        return await self._store.originals(key)

    async def write(self, tenant: int, needs: Needs, decide: Decide[Answer], *, fence: Fence | None = None) -> Answer:
        """Carries out a decision."""
        return await self._store.write(tenant, needs, decide, fence=fence)

    async def fetch(self, statement: str, /, **values: Any) -> list[dict[str, Any]]:
        """Rows of a named statement."""
        return await self._store.fetch(statement, **values)

    async def run(self, *steps: tuple[str, dict[str, Any]], fence: Fence | None = None) -> None:
        """Named statements in one transaction."""
        await self._store.run(*steps, fence=fence)

    async def close(self) -> None:
        """Closes the store behind it."""
        await self._store.close()
