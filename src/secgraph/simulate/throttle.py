"""The documented ceilings: so many calls in so many seconds, of one application in one tenant."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable


class Throttle:
    """Counts calls. `steady` tells the seconds that really pass: a client waits for them, whatever the simulated clock does."""

    def __init__(self, steady: Callable[[], float]) -> None:
        self._steady = steady
        self._calls: dict[tuple[str, float], deque[float]] = {}

    def wait(self, who: str, ceilings: tuple[tuple[int, float], ...]) -> int:
        """Whole seconds until that caller may come again; 0 when it may now. A call that is refused counts as well."""
        now = self._steady()
        longest = 0.0
        for most, seconds in ceilings:
            calls = self._calls.setdefault((who, seconds), deque())
            while calls and calls[0] <= now - seconds:
                calls.popleft()
            calls.append(now)
            if len(calls) > most:
                longest = max(longest, calls[-most - 1] + seconds - now)
        return math.ceil(longest) if longest > 0 else 0
