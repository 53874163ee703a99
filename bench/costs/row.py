"""What was measured, as rows with goals: as a table for a person and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.report import aligned


@dataclass(frozen=True, slots=True)
class Goal:
    """What a number has to reach."""

    bound: float
    least: bool = False
    """Whether the bound is the least that will do; else the most."""
    from_size: int = 0
    """The fewest alerts with which it is a goal."""


@dataclass(frozen=True, slots=True)
class Row:
    """A number, and what of each side it was made from."""

    says: str
    value: float
    unit: str
    """Of the sides' numbers; a value of two sides has none."""
    sides: Mapping[str, Sequence[float]]
    goal: Goal | None = None
    size: int = 0

    @property
    def word(self) -> str:
        """Met, missed, or told where it is no goal."""
        goal = self.goal
        if goal is None:
            return ""
        if self.size < goal.from_size:
            return f"a goal from {goal.from_size:,} alerts on"
        return "met" if (self.value >= goal.bound if goal.least else self.value <= goal.bound) else "missed"


def of_pairs(says: str, unit: str, sides: Mapping[str, Sequence[float]], goal: Goal | None, size: int) -> Row:
    """The median of what the first side is, of the second, in each pair."""
    one, other = sides.values()
    return Row(says, median(a / b for a, b in zip(one, other, strict=True)), unit, sides, goal, size)


def of_medians(says: str, unit: str, sides: Mapping[str, Sequence[float]], goal: Goal | None, size: int) -> Row:
    """What the median of the first side is, of that of the second."""
    one, other = sides.values()
    return Row(says, median(one) / median(other), unit, sides, goal, size)


def percentile(values: Sequence[float], part: float) -> float:
    """The least value that this part of all does not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def table(rows: Sequence[Row]) -> str:
    """All rows, each with the median of its sides."""
    lines: list[Sequence[str]] = [("what", "goal", "reached", "", "medians")]
    for row in rows:
        goal = "" if row.goal is None else f"{'>=' if row.goal.least else '<='} {row.goal.bound:g}"
        sides = ", ".join(f"{name} {median(values):.4g} {row.unit}" for name, values in row.sides.items() if values)
        lines.append((row.says, goal, f"{row.value:.3g}", row.word, sides))
    return aligned(lines)


def data(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """All numbers."""
    return [{"says": row.says, "reached": row.value, "bound": None if row.goal is None else row.goal.bound, "answer": row.word,
             "unit": row.unit, "size": row.size, "sides": dict(row.sides)} for row in rows]  # fmt: skip
