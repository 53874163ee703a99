"""The clock in the hand: simulated time that stands still, is set, or runs at any pace."""

from __future__ import annotations

from collections.abc import Callable

from secgraph.clock import MICROSECOND, SECOND


class Hand:
    """Simulated time. `steady` tells the seconds that really pass; at a pace of 0 time moves only when it is told to."""

    def __init__(
        self, start: int, *, steady: Callable[[], float], pace: float = 0.0, present: Callable[[], int] | None = None
    ) -> None:
        self._from = start
        self._steady = steady
        self._since = steady()
        self.pace = pace
        self._present = present

    def now(self) -> int:
        """The simulated instant. With a pace above 1 and a `present` it runs up to the present, and with that from there."""
        passed = (self._steady() - self._since) * self.pace
        instant = self._from + int(passed * SECOND) // MICROSECOND * MICROSECOND
        if self._present is not None and self.pace > 1:
            return min(instant, self._present())
        return instant

    def set(self, instant: int) -> None:
        """It is that instant from here on."""
        self._from, self._since = instant, self._steady()

    def advance(self, ticks: int) -> None:
        """It is so much later. Held at the present it gets no further until it runs up to it again."""
        self.set(self.now() + ticks)

    def run(self, pace: float) -> None:
        """From here on a second of ours is so many simulated ones."""
        self.set(self.now())
        self.pace = pace
