"""What became of a delivery, record by record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from secgraph.ingest.ready import Ready

LISTED = 1000
"""Most problems that a report lists one by one."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A record that was not taken, or taken with something to know."""

    line: int
    reason: str
    kept: bool
    """Whether it can be retried later."""


@dataclass(slots=True)
class Report:
    """What became of a delivery. Every record is in exactly one of the three counts."""

    taken: int = 0
    unchanged: int = 0
    rejected: int = 0
    unreadable: int = 0
    """How many of the rejected are no JSON at all."""
    problems: list[Problem] = field(default_factory=list)
    more_problems: int = 0
    """Problems past the first thousand, which are counted only."""
    notes: Counter[str] = field(default_factory=Counter)
    """What had to be changed or left out in records that were taken."""
    ignored: int = 0
    """How many of the rejected are of a kind that is never an alert."""
    evidence: int = 0
    """Findings of scanners in what was taken."""
    example: Ready | None = None
    """An alert of the delivery."""
    newest: int = 0
    """The latest instant at which an alert of it was made, in ticks."""
    told: tuple[int, int, int] = (0, 0, 0)
    """What of the three counts the health of its source knows."""

    @property
    def records(self) -> int:
        """All records of the delivery."""
        return self.taken + self.unchanged + self.rejected

    def reject(self, line: int, reason: str, *, kept: bool) -> None:
        """Counts a record that was not taken."""
        self.rejected += 1
        if len(self.problems) < LISTED:
            self.problems.append(Problem(line, reason, kept))
        else:
            self.more_problems += 1


def as_data(report: Report) -> dict[str, Any]:
    """A report as JSON."""
    return {
        "records": report.records, "taken": report.taken, "unchanged": report.unchanged, "rejected": report.rejected,
        "problems": [{"line": one.line, "reason": one.reason, "kept": one.kept} for one in report.problems],
        "moreProblems": report.more_problems, "notes": dict(report.notes.most_common(100)),
    }  # fmt: skip
