"""Counts what alerts name, day by day, for the snapshots that are published."""

from __future__ import annotations

from collections import Counter, deque

from secgraph import clock
from secgraph.ingest.correlate.rarity import Snapshot
from secgraph.ingest.correlate.subject import Subject


class Census:
    """How many alerts of the last days named each key, and how many were raised by each detection."""

    def __init__(self, days: int = 30) -> None:
        self._kept = days
        self._counts: Counter[str] = Counter()
        self._days: deque[tuple[int, Counter[str]]] = deque()

    def add(self, subject: Subject, at: int) -> None:
        """Counts an alert that came at that instant."""
        day = at // clock.DAY
        if not self._days or self._days[-1][0] < day:
            self._days.append((day, Counter()))
        counted = (*subject.places, subject.detector)
        self._days[-1][1].update(counted)
        self._counts.update(counted)

    def snapshot(self, v: int, at: int) -> Snapshot:
        """The counts of the days before that instant."""
        while self._days and self._days[0][0] < at // clock.DAY - self._kept:
            self._counts.subtract(self._days.popleft()[1])
        total = sum(count for key, count in self._counts.items() if key.startswith("#"))
        return Snapshot(v, total, {key: count for key, count in self._counts.items() if count > 1})
