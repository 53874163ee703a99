"""Runs correlators over labelled alerts and keeps what came of it."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.campaigns.baselines import anything, nothing
from bench.campaigns.bound import best
from bench.campaigns.generate import Labelled
from bench.campaigns.score import Score, last_of_each, score, together

Record = dict[str, Any]

Correlator = Callable[[Iterable[Record]], list[str]]
"""Alerts in order of arrival to the id of each one's group, as the groups are after the last of them. An alert may come
again with the same id, corrected: only the group of its last version counts.
"""

BASELINES: Mapping[str, Correlator] = {"join nothing": nothing, "join on any shared entity in 24 h": anything}
BY_NAMES, BY_DIRECTORY = "bound, names as told", "bound, directory at hand"


class NoCorrelator(Exception):
    """There is no such function."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one way of grouping reached: by set of alerts, and how long it took over all of them."""

    name: str
    scores: Mapping[str, Score]
    seconds: float

    @property
    def total(self) -> Score:
        """All sets as one."""
        return together(self.scores)


def named(path: str) -> Correlator:
    """The function at `module:function`. NoCorrelator when there is none."""
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as fault:
        raise NoCorrelator(f"{path}: {fault}. Name it as module:function, such as bench.mine:groups.") from None
    if not callable(found):
        raise NoCorrelator(f"{path} is no function. Name one that takes alerts and gives the group of each.")
    return found  # type: ignore[no-any-return]


def judged(sets: Mapping[str, Labelled], correlators: Mapping[str, Correlator]) -> list[Judged]:
    """Every correlator over every set, then the bounds."""
    found = [_one(name, sets, _blind(way)) for name, way in correlators.items()]
    found.append(_one(BY_NAMES, sets, lambda data: best(data.alerts, data.labels, None)))
    if all(data.place is not None for data in sets.values()):
        found.append(_one(BY_DIRECTORY, sets, lambda data: best(data.alerts, data.labels, data.place)))
    return found


def _blind(way: Correlator) -> Callable[[Labelled], list[str]]:
    """The correlator sees alerts and nothing else."""
    return lambda data: way(data.alerts)


def _one(name: str, sets: Mapping[str, Labelled], way: Callable[[Labelled], list[str]]) -> Judged:
    scores, begun = {}, time.monotonic()
    for label, data in sets.items():
        scores[label] = score(*last_of_each(data.alerts, data.labels, way(data)))
    return Judged(name, scores, time.monotonic() - begun)
