"""The fence before a write that belongs to periodic work: it falls when another process takes that work over (`leases.py`)."""

from __future__ import annotations

from typing import Any

from secgraph.errors import Superseded
from secgraph.store.before import Before
from secgraph.store.facts import Needs
from secgraph.store.protocol import Answer, Decide, Fence, Store
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


class Fenced(Before):
    """The same store; everything that is written stands behind a fence."""

    def __init__(self, store: Store, fence: Fence) -> None:
        super().__init__(store)
        self._fence = fence

    async def write(self, tenant: int, needs: Needs, decide: Decide[Answer], *, fence: Fence | None = None) -> Answer:
        """Carries out a decision."""
        return await self._store.write(tenant, needs, decide, fence=fence or self._fence)

    async def run(self, *steps: tuple[str, dict[str, Any]], fence: Fence | None = None) -> None:
        """Named statements in one transaction."""
        await self._store.run(*steps, fence=fence or self._fence)
