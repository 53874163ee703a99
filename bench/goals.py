"""What the numbers have to reach, and whether they do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.report import Numbers, aligned, ratio

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Goal:
    """One number and its bound."""

    says: str
    row: str
    value: Callable[[Numbers], float | None]
    """None where the row does not tell it."""
    bound: float
    least: bool = True
    """Whether the bound is the least that will do; else the most."""
    from_size: int = 0
    """The fewest alerts with which it is a goal."""


def _of(other: str, label: str = "ours") -> Callable[[Numbers], float | None]:
    def value(row: Numbers) -> float | None:
        found = ratio(row, label, other)
        return None if found is None else found[0]

    return value


def _ours(what: str) -> Callable[[Numbers], float | None]:
    def value(row: Numbers) -> float | None:
        found = row["asked"]["ours"].get(what)
        return None if found is None else float(found)

    return value


GOALS = (
    Goal("the peer's get, of the bare handler", "get", _of("bare", "peer"), 0.045),
    Goal("the peer's page, of the bare handler", "page", _of("bare", "peer"), 0.018),
    Goal("get by id, of the bare handler", "get", _of("bare"), 0.50),
    Goal("filtered page, of the bare handler", "page", _of("bare"), 0.55),
    Goal("filtered page, times the peer", "page", _of("peer"), 20),
    Goal("page 100 deep, of our first page", "deep", _of("first"), 0.95),
    *(Goal(f"{name}, of ours at 100,000 alerts", row, _of("small"), 0.80) for name, row in (
        ("get", "get"), ("page", "page"), ("page 100", "deep"), ("page 1,001", "deepest"), ("enumeration count", "count"))),
    Goal("PATCH, times the peer", "patch", _of("peer"), 6),
    Goal("POST, times the peer", "post", _of("peer"), 6),
    Goal("bulk ingest, of raw inserts", "bulk", _of("bare"), 0.35),
    Goal("bulk ingest, memory of the second half by the first's", "bulk", _ours("growth"), 1.10, least=False),
    Goal("private memory idle, MiB of a process", "start", _ours("process"), 110, least=False),
    Goal("private memory under the page load, MiB of a process", "page", _ours("process"), 250, least=False),
    Goal("get p99 while four full scans run, ms", "get-scans", _ours("p99"), 20, least=False),
    Goal("first answer after `secgraph serve`, s", "start", lambda row: float(row["seconds"]), 2, least=False,
         from_size=MILLION),
)  # fmt: skip


def judged(found: Sequence[Numbers], size: int) -> list[tuple[Goal, float, str]]:
    """The goals of which something was measured, with what was reached: met, missed, or told where it is no goal yet."""
    # The last row of a name is that of the most connections.
    by_name = {row["name"]: row for row in found}
    answers = []
    for goal in GOALS:
        value = goal.value(by_name[goal.row]) if goal.row in by_name else None
        if value is None:
            continue
        word = "met" if (value >= goal.bound if goal.least else value <= goal.bound) else "missed"
        answers.append((goal, value, word if size >= goal.from_size else f"a goal from {goal.from_size:,} alerts on"))
    return answers


def table(found: Sequence[Numbers], size: int) -> str:
    """The goals beside what was reached."""
    lines = [("goal, at sixteen connections", "bound", "reached", "")]
    for goal, value, word in judged(found, size):
        lines.append((goal.says, f"{'>=' if goal.least else '<='} {goal.bound:g}", f"{value:.3g}", word))
    return aligned(lines)
