"""What to do next: the controls that gain most for least cost. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from secgraph.score.scoring import Entry, Score
from secgraph.score.telling import told

WEIGHTS = {"Low": 1, "Moderate": 2, "High": 3}
UNKNOWN = 2
"""Where a profile does not say what it costs."""


@dataclass(frozen=True, slots=True)
class Improvement:
    """Something that can be put right."""

    entry: Entry
    gain: float
    """Points that passing it wholly adds."""
    cost: int
    """2 to 6: what it takes to do it and what users notice of it, 1 to 3 each. They add up: either may be what hurts."""

    @property
    def worth(self) -> float:
        """Points for each unit of cost."""
        return self.gain / self.cost

    @property
    def why(self) -> str:
        """How it stands, in a sentence."""
        one = self.entry
        return told(one.control, one.held, one.state, one.synced, stale=one.stale)


def improvements(score: Score, most: int) -> list[Improvement]:
    """The improvements of a score that are worth most, no more than so many; of equal ones those of the better rank first."""
    found = [
        Improvement(one, gain, _weight(one.control.implementation_cost) + _weight(one.control.user_impact))
        for one in score.entries
        if (gain := one.control.max_score - one.score) > 0
    ]
    return sorted(found, key=lambda one: (-one.worth, one.entry.control.rank, one.entry.control.id))[:most]


def _weight(word: str) -> int:
    return WEIGHTS.get(word, UNKNOWN)
