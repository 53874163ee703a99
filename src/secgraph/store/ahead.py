"""Tenants whose stamps run ahead of the clock, because that was set back: somebody should know."""

from __future__ import annotations

import math
import time

from secgraph import clock
from secgraph.observe import ClockAhead, observe

AHEAD = 5 * clock.SECOND
"""How far a tenant's stamps may run ahead."""

AGAIN_SECONDS = 60
"""How long nothing more is said of a tenant."""


class Ahead:
    """Says it once a minute at most."""

    def __init__(self) -> None:
        self._told: dict[int, float] = {}

    def watch(self, tenant: int, ticks: int) -> None:
        """A tenant's stamps are that far ahead."""
        if ticks > AHEAD and time.monotonic() > self._told.get(tenant, -math.inf) + AGAIN_SECONDS:
            self._told[tenant] = time.monotonic()
            observe(ClockAhead(tenant, ticks // clock.SECOND))
