"""How rare a thing is: counted once a day, published, and from then on a number that nobody disputes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from secgraph.ingest.correlate.settings import Settings


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How many alerts named what at some instant. Pairs of alerts are judged under the higher of their two numbers."""

    v: int = 0
    total: int = 0
    """How many alerts were counted."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Key, or detection, to the number of alerts that name it or were raised by it."""

    def rarity(self, key: str, settings: Settings) -> float:
        """1 for what few alerts name, falling to 0 for what a crowd of them names, or what is to be ignored."""
        if key in settings.ignored:
            return 0.0
        count = self.counts.get(key, 0)
        return 1.0 if count <= settings.few else falling(count, settings.few, settings.crowd)

    def worth(self, detector: str, settings: Settings) -> float:
        """What an alert is worth by how much of all alerts its detection raises: 0 for the ever-present, 1 for the seldom, more
        for the very seldom.
        """
        count, most = self.counts.get(detector, 0), settings.most_worth if self.total >= LEAST else 1.0
        if count <= FEWEST:
            return most
        return min(most, falling(count / max(self.total, LEAST), settings.seldom, settings.always))


@lru_cache(4096)
def falling(value: float, least: float, most: float) -> float:
    """1 at the least, 0 from the most on, as the logarithm falls: more than 1 below the least."""
    return 0.0 if value >= most else 1.0 - math.log(value / least) / math.log(most / least)


FEWEST = 4
"""Times that a detection is raised before it can be common."""

LEAST = 200
"""Alerts that are counted at least before shares of them mean something: until then nothing is very seldom."""

EMPTY = Snapshot()
"""Before the first is published everything is rare."""
