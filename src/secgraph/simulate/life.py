"""What becomes of an alert and of an incident: looked at, commented on, resolved, judged again, merged."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from secgraph.clock import MICROSECOND, SECOND
from secgraph.simulate.cast import Organisation
from secgraph.simulate.detections import Detection
from secgraph.simulate.truth import Alert, Change, Comment, Incident

MINUTE = 60 * SECOND
VERDICTS = (("truePositive", "malware"), ("truePositive", "phishing"), ("truePositive", "multiStagedAttack"),
            ("falsePositive", "notMalicious"), ("falsePositive", "notEnoughDataToValidate"),
            ("informationalExpectedActivity", "securityTesting"),
            ("informationalExpectedActivity", "lineOfBusinessApplication"))  # fmt: skip
WORDS = ("Asked the person; waiting for an answer.", "Seen before on this machine.", "Taken over from the night desk.",
         "Isolated by hand.", "Same sender as last week.")  # fmt: skip
RISK_ENDS = (("remediated", "userPerformedSecuredPasswordReset", "unknown"),
             ("dismissed", "adminDismissedAllRiskForUser", "informationalExpectedActivity"),
             ("confirmedCompromised", "adminConfirmedUserCompromised", "truePositive"),
             ("confirmedSafe", "aiConfirmedSigninSafe", "falsePositive"))  # fmt: skip
"""How a risk ends: its state, its detail, and the classification that this means."""
SEVERER = {"informational": "low", "low": "medium", "medium": "high", "high": "high"}


def _after(throw: random.Random, at: int, low: int, high: int) -> int:
    """An instant some minutes later, in whole microseconds."""
    return at + throw.randrange(low * MINUTE, high * MINUTE) // MICROSECOND * MICROSECOND


def _until(changes: Sequence[Change], end: int) -> tuple[Change, ...]:
    return tuple(sorted((change for change in changes if change.at < end), key=lambda change: change.at))


def life(throw: random.Random, org: Organisation, detection: Detection, created: int, first: int, incident: int, things: int,
         end: int) -> tuple[Change, ...]:  # fmt: skip
    """The changes of an alert; the first one raises it."""
    known = min(things, 2)
    raised: dict[str, Any] = {
        "severity": detection.severity, "status": "new", "classification": "unknown", "determination": "unknown",
        "assignedTo": None, "incident": incident, "last": first + 30 * SECOND, "known": known,
    }  # fmt: skip
    changes = [Change(created, raised)]
    at = created
    while known < things and throw.random() < 0.7:
        at, known = _after(throw, at, 2, 40), known + 1
        changes.append(Change(at, {"known": known, "last": at - MINUTE}))
    if throw.random() < 0.1:
        at = _after(throw, at, 5, 60)
        changes.append(Change(at, {"severity": SEVERER[detection.severity]}))
    if throw.random() < 0.25:
        return _until(changes, end)
    who = throw.choice(org.analysts)
    at = _after(throw, at, 5, 600)
    changes.append(Change(at, {"status": "inProgress", "assignedTo": who}))
    for _ in range(throw.choice((0, 0, 1, 2))):
        at = _after(throw, at, 1, 90)
        changes.append(Change(at, comment=Comment(throw.choice(WORDS), who, at)))
    if throw.random() < 0.2:
        return _until(changes, end)
    classification, determination = throw.choice(VERDICTS)
    at = _after(throw, at, 10, 900)
    changes.append(Change(at, {"status": "resolved", "classification": classification, "determination": determination}))
    if throw.random() < 0.15:
        classification, determination = throw.choice(VERDICTS)
        at = _after(throw, at, 30, 1500)
        changes.append(Change(at, {"classification": classification, "determination": determination}))
    if throw.random() < 0.06:
        changes.append(Change(_after(throw, at, 30, 600), {"status": "inProgress", "assignedTo": throw.choice(org.analysts)}))
    return _until(changes, end)


def risk_life(throw: random.Random, _org: Organisation, detection: Detection, created: int, first: int, incident: int,
              things: int, end: int) -> tuple[Change, ...]:  # fmt: skip
    """The changes of a risk detection: it is at risk until something ends that."""
    raised = {"severity": detection.severity, "status": "new", "classification": "unknown", "determination": "unknown",
              "assignedTo": None, "incident": incident, "last": first, "known": things, "riskState": "atRisk",
              "riskDetail": "none"}  # fmt: skip
    changes = [Change(created, raised)]
    if throw.random() < 0.7:
        state, detail, classification = throw.choice(RISK_ENDS)
        status = "new" if state == "confirmedCompromised" else "resolved"
        changes.append(Change(_after(throw, created, 20, 2000), {"riskState": state, "riskDetail": detail, "status": status,
                                                               "classification": classification}))  # fmt: skip
    return _until(changes, end)


def incident_life(throw: random.Random, org: Organisation, alerts: Sequence[Alert], end: int, merged: Incident | None,
                  at: int) -> tuple[tuple[Change, ...], int | None]:  # fmt: skip
    """The changes of an incident, and when it is merged into the other one, if it is before the end."""
    order = ("informational", "low", "medium", "high")
    highest = max((alert.detection.severity for alert in alerts), key=order.index)
    raised = {"status": "active", "classification": "unknown", "determination": "unknown", "assignedTo": None,
              "severity": highest, "tags": (), "redirect": None}  # fmt: skip
    changes = [Change(alert.created) for alert in alerts[1:]]
    changes.insert(0, Change(alerts[0].created, raised))
    at = max(at, changes[-1].at + MINUTE)
    if merged is not None and at < end:
        changes.append(Change(at, {"status": "redirected", "redirect": merged.number}))
        return _until(changes, end), at
    if throw.random() < 0.5:
        at = _after(throw, at, 10, 900)
        changes.append(Change(at, {"assignedTo": throw.choice(org.analysts), "tags": ("Watched",)}))
        if throw.random() < 0.6:
            classification, determination = throw.choice(VERDICTS)
            at = _after(throw, at, 30, 2000)
            changes.append(Change(at, {"status": "resolved", "classification": classification, "determination": determination},
                                  Comment("Closed with its alerts.", throw.choice(org.analysts), at)))  # fmt: skip
    return _until(changes, end), None
