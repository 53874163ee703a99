"""What the judge found, as a table for a person and as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.campaigns.generate import Labelled
from bench.campaigns.judge import BASELINES, Judged
from bench.campaigns.score import Score
from bench.report import aligned

HEAD = ("grouping", "alerts of", "precision", "recall", "F1", "worst campaign", "noise inside", "largest of noise", "groups",
        "seconds")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Goal:
    """One number and its bound."""

    says: str
    value: Callable[[Score], float]
    bound: float
    least: bool = True


GOALS = (
    Goal("precision (B-cubed, alerts of campaigns)", lambda one: one.precision, 0.95),
    Goal("recall (B-cubed, alerts of campaigns)", lambda one: one.recall, 0.90),
    Goal("F1", lambda one: one.f1, 0.93),
    Goal("recall of the worst campaign", lambda one: one.worst, 0.6),
    Goal("share of noise in a campaign's group", lambda one: one.swallowed_share, 0.02, least=False),
    Goal("alerts of the largest group of noise only", lambda one: one.largest_noise, 200, least=False),
)
AHEAD = 0.25
"""By how much F1 is to be above the better baseline's."""

Answer = tuple[str, str, float, bool]
"""What was wanted, its bound, what was reached, and whether that is enough."""


def answers(one: Judged, others: Sequence[Judged]) -> list[Answer]:
    """The goals beside what a correlator reached over all sets."""
    total, found = one.total, list[Answer]()
    for goal in GOALS:
        value = goal.value(total)
        met = value >= goal.bound if goal.least else value <= goal.bound
        found.append((goal.says, f"{'>=' if goal.least else '<='} {goal.bound:g}", value, met))
    better = max((other.total.f1 for other in others if other.name in BASELINES), default=0.0)
    found.append(("F1 above the better baseline's", f">= {AHEAD:g}", total.f1 - better, total.f1 - better >= AHEAD))
    return found


def goals(one: Judged, others: Sequence[Judged]) -> str:
    """The goals as a table."""
    lines = [(f"goal, of {one.name}", "bound", "reached", "")]
    lines += [(says, bound, f"{value:.3f}", "met" if met else "missed") for says, bound, value, met in answers(one, others)]
    return aligned(lines)


def about(sets: Mapping[str, Labelled]) -> str:
    """What the alerts are."""
    lines = [("set", "alerts", "arrivals", "of campaigns", "campaigns", "products")]
    for name, data in sets.items():
        ids = {alert["id"]: label for alert, label in zip(data.alerts, data.labels, strict=True)}
        place = "" if data.place is None else " ".join((*data.place.products, f"({data.place.tool})"))
        lines.append((name, str(len(ids)), str(len(data.alerts)), str(sum(map(bool, ids.values()))),
                      str(len({label for label in ids.values() if label})), place))  # fmt: skip
    return aligned(lines)


def table(found: Sequence[Judged]) -> str:
    """Every grouping over every set, and over all of them where there are several."""
    lines: list[Sequence[str]] = [HEAD]
    for one in found:
        rows = dict(one.scores) if len(one.scores) == 1 else {**one.scores, "all": one.total}
        for name, score in rows.items():
            seconds = f"{one.seconds:.1f}" if name == list(rows)[-1] else ""
            lines.append((one.name, name, *_cells(score), seconds))
    return aligned(lines)


def _cells(score: Score) -> tuple[str, ...]:
    return (
        f"{score.precision:.3f}", f"{score.recall:.3f}", f"{score.f1:.3f}", f"{score.worst:.2f}",
        f"{score.swallowed_share:.2%}", str(score.largest_noise), str(score.groups),
    )  # fmt: skip


def campaigns(found: Sequence[Judged]) -> str:
    """The recall of every campaign under each grouping."""
    totals = [one.total.recalls for one in found]
    lines = [("recall of campaign", *(one.name for one in found))]
    lines += [(name, *(f"{recalls[name]:.2f}" for recalls in totals)) for name in totals[0]]
    return aligned(lines)


def data(found: Sequence[Judged], given: Judged | None) -> dict[str, Any]:
    """All numbers."""
    reached = [] if given is None else [{"goal": says, "bound": bound, "reached": value, "met": met}
                                        for says, bound, value, met in answers(given, found)]  # fmt: skip
    return {"groupings": [{"name": one.name, "seconds": one.seconds, "all": _numbers(one.total),
                           "sets": {name: _numbers(score) for name, score in one.scores.items()}} for one in found],
            "goals": reached}  # fmt: skip


def _numbers(score: Score) -> dict[str, Any]:
    return {"alerts": score.alerts, "precision": score.precision, "recall": score.recall, "f1": score.f1, "worst": score.worst,
            "recalls": dict(score.recalls), "noise": score.noise, "noiseInside": score.swallowed,
            "largestOfNoise": score.largest_noise, "groups": score.groups}  # fmt: skip
