"""Controls and findings, made up."""

from __future__ import annotations

from typing import Any

from secgraph import clock
from secgraph.score.scoring import Limits
from secgraph.score.standing import Held, Profile

NOW = clock.ticks("2026-11-20T12:00:00Z") or 0
LIMITS = Limits(30 * clock.DAY, 90 * clock.DAY)


def control(name: str = "aws-root-mfa", points: float = 10.0, **more: Any) -> Profile:
    given = {
        "title": f"Do {name}", "category": "Identity", "service": "AWS", "rank": 1, "action_type": "Config",
        "implementation_cost": "Low", "user_impact": "Low", "remediation": "Do it.", "action_url": "", **more,
    }  # fmt: skip
    return Profile(id=name, max_score=points, **given)


def held(name: str = "aws-root-mfa", scanner: str = "prowler", *shares: float, days: float = 0, points: float | None = None) -> Held:
    """What a scanner found so many days ago."""
    at = NOW - round(days * clock.DAY)
    return Held(
        name.casefold(), scanner, 1 if points is not None else len(shares), sum(shares), sum(one < 1 for one in shares), points, at, at
    )
