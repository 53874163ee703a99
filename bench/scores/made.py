"""Scores and findings that are made up: a year of days of which each changes a hundredth of the controls."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from secgraph import clock

CHANGING = 0.01
"""How much of the controls changes from one day to the next."""

SCANNERS = ("scubagear", "prowler", "xccdf", "lynis", "securityhub")
CATEGORIES = ("Identity", "Data", "Device", "Apps", "Infrastructure")

Record = dict[str, Any]


def days(tenant: str, first: int, many: int, controls: int, random: Random) -> Iterator[Record]:
    """The scores of so many days, from the first one on, in ticks."""
    points = [random.choice((1.0, 2.0, 5.0, 8.0, 10.0)) for _ in range(controls)]
    passed = [random.randrange(5) for _ in range(controls)]
    for day in range(many):
        for _ in range(round(controls * CHANGING)):
            passed[random.randrange(controls)] = random.randrange(5)
        at = first + day * clock.DAY
        entries = [entry(number, points[number], passed[number], at) for number in range(controls)]
        yield {
            "id": f"{tenant}_{clock.text(at)[:10]}", "azureTenantId": tenant, "createdDateTime": clock.text(at),
            "currentScore": round(sum(one["score"] for one in entries), 2), "maxScore": sum(points),
            "averageComparativeScores": [], "controlScores": entries, "activeUserCount": None, "licensedUserCount": None,
            "enabledServices": ["AAD", "AWS", "EXO", "Linux"],
            "vendorInformation": {"vendor": "secgraph", "provider": "SecureScore"},
        }  # fmt: skip


def entry(number: int, points: float, passed: int, at: int) -> Record:
    """What a control has."""
    scanner = number % len(SCANNERS)
    return {
        "controlCategory": CATEGORIES[number % len(CATEGORIES)], "controlName": f"made-up-control-{number:04}",
        "description": f"Have the made-up setting number {number} as it should be, everywhere",
        "score": round(points * passed / 4, 2),
        "scoreInPercentage": 25.0 * passed, "maxScore": points, "source": SCANNERS[scanner],
        "lastSynced": clock.text(at - (1 + scanner) * 3_600 * clock.SECOND),
        "implementationStatus": f"{passed} of 4 resources pass.",
    }  # fmt: skip


def findings(many: int, controls: int, at: int, random: Random) -> Iterator[Record]:
    """Findings of Prowler, each on another resource."""
    for number in range(many):
        good = random.random() < 0.7
        check = f"made_up_check_{number % controls}"
        yield {
            "metadata": {"event_code": check, "product": {"name": "Prowler", "vendor_name": "Prowler"}, "version": "1.4.0"},
            "severity": "Medium", "severity_id": 3, "status": "New", "status_id": 1, "status_code": "PASS" if good else "FAIL",
            "status_detail": f"The resource {number} is {'' if good else 'not '}as it should be.",
            "finding_info": {"title": f"The made-up setting {number % controls} is as it should be", "uid": f"f{number}"},
            "resources": [{"uid": f"arn:aws:made:eu-north-1:111122223333:up/{number}", "group": {"name": "ec2"}}],
            "cloud": {"provider": "aws", "account": {"uid": "111122223333"}}, "time": at // clock.SECOND,
            "remediation": {"desc": "Set it.", "references": ["https://docs.example.com/set-it"]},
            "unmapped": {"compliance": {"CIS-3.0": ["1.1"]}},
        }  # fmt: skip
