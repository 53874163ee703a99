"""How rare a thing is: counted once a day, published, and from then on a number that nobody disputes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from secgraph.ingest.correlate.settings import Settings


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How many alerts named what at some instant. Pairs of alerts are judged under the higher of their two numbers."""

    v: int = 0
    total: int = 0
    """How many alerts were counted."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Key to the number of alerts that name it; what `few` or fewer name need not stand here."""

    def rarity(self, key: str, settings: Settings) -> float:
        """1 for what few alerts name, falling to 0 for what a crowd of them names, or what is to be ignored."""
        if key in settings.ignored:
            return 0.0
        count = self.counts.get(key, 0)
        if count <= settings.few:
            return 1.0
        if count >= settings.crowd:
            return 0.0
        return 1.0 - math.log(count / settings.few) / math.log(settings.crowd / settings.few)


EMPTY = Snapshot()
"""Before the first is published everything is rare."""
