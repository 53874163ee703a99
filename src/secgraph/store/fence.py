"""The fence before a write that belongs to periodic work: it falls when another process takes that work over (`leases.py`)."""

from __future__ import annotations

from typing import Any

from secgraph.errors import Superseded
from secgraph.store.protocol import Fence
from secgraph.store.steps import Steps, ask, do


def guarded(fence: Fence | None) -> Steps[None]:
    """The first step of a write that belongs to a lease. Superseded when another process took the lease over."""
    if fence is not None:
        found = yield ask("lease_fence", name=fence.name)
        if not found or found[0][0] != fence.number:
            raise Superseded(f"The work '{fence.name}' was taken over by another process.")


def named(steps: tuple[tuple[str, dict[str, Any]], ...], fence: Fence | None) -> Steps[None]:
    """Named statements, one after the other, behind a fence if there is one."""
    yield from guarded(fence)
    for name, values in steps:
        yield do(name, values)
