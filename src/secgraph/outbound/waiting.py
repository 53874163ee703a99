"""How long to wait: as a product says, or by chance and longer each time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from secgraph import clock

FIRST_WAIT, LAST_WAIT = 1.0, 30.0
"""Seconds before the second try at most, twice that before the next, up to the last."""


@dataclass(frozen=True, slots=True)
class Time:
    """Time and chance, as they are handed to whatever waits."""

    now: clock.Now = clock.now
    """The instant, in ticks."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds that nobody sets."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
    """From 0 up to 1."""


def told_to_wait(headers: Mapping[str, str], now: int) -> float | None:
    """The seconds for which a product says to leave it alone (Retry-After, as seconds or as a date); None where it does not."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        until = parsedate_to_datetime(text)
        until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
        return max(0.0, until.timestamp() - now / clock.SECOND)
    except (ValueError, TypeError, OverflowError):
        return None


def pause(failures: int, chance: float, *, first: float = FIRST_WAIT, last: float = LAST_WAIT) -> float:
    """Seconds to wait after so many failures in a row: anything up to a bound that doubles, so that those who failed together
    do not come back together.
    """
    return chance * min(last, first * 2.0 ** min(failures - 1, 32))
