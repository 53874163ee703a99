"""The numbers of Defender for Cloud Apps in the words of the contract."""

from __future__ import annotations

from typing import Any

from secgraph.extend import Record, integer, text

SEVERITIES = ("low", "medium", "high", "informational")
"""By severityValue, which is no order."""

RESOLUTIONS = {
    0: ("new", "unknown"),
    1: ("resolved", "unknown"),
    2: ("resolved", "unknown"),
    3: ("resolved", "falsePositive"),
    4: ("resolved", "informationalExpectedActivity"),
    5: ("resolved", "truePositive"),
}
"""Status and classification by resolutionStatusValue. statusValue is another thing: whether somebody has read it."""

LONGEST_NULL = 8
"""Characters from which on a text cannot be `null` with a few blanks around."""

INTENTS = (
    "Unknown", "PreAttack", "InitialAccess", "Persistence", "PrivilegeEscalation", "DefenseEvasion", "CredentialAccess",
    "Discovery", "LateralMovement", "Execution", "Collection", "Exfiltration", "CommandAndControl", "Impact",
)  # fmt: skip
STORIES = {
    0: "ThreatDetection",
    1: "PrivilegedAccountMonitoring",
    2: "Compliance",
    3: "DLP",
    4: "Discovery",
    5: "SharingControl",
    7: "AccessControl",
    8: "ConfigurationMonitoring",
}


def severity(value: Any) -> str:
    """The word of a number; `unknown` for any other."""
    number = integer(value)
    return SEVERITIES[number] if number is not None and 0 <= number < len(SEVERITIES) else "unknown"


def resolution(record: Record) -> tuple[str, str]:
    """Status and classification of an alert."""
    number = integer(record.get("resolutionStatusValue"))
    return RESOLUTIONS.get(0 if number is None else number, ("new", "unknown"))


def category(record: Record) -> str | None:
    """The first tactic that is known, else the first story."""
    for number in _numbers(record.get("intent")):
        if 0 < number < len(INTENTS):
            return INTENTS[number]
    return next((STORIES[number] for number in _numbers(record.get("stories")) if number in STORIES), None)


def words(value: Any) -> str | None:
    """A text; the text `null` means that there is none."""
    if value is None or (found := text(value)) is None:
        return None
    return None if len(found) < LONGEST_NULL and found.strip().casefold() == "null" else found


def state(record: Record) -> Record:
    """What can be changed of an alert, as it stands in the product."""
    status, classification = resolution(record)
    comment = words(record.get("comment"))
    return {"status": status, "classification": classification, "comments": [] if comment is None else [comment]}


def _numbers(value: Any) -> list[int]:
    found = value if isinstance(value, list) else [value]
    return [number for item in found if (number := integer(item)) is not None]
