"""What Microsoft Graph tells of beside alerts: objects of its sets, copied member by member."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from secgraph.extend import EvidenceDraft, ObjectDraft, Record, Unusable, instant_of, text
from secgraph.model.edm import Property, StructType, load
from secgraph.sources.defender import objects

SCORES, PROFILES = "security/upstreamSecureScores", "security/secureScoreControlProfiles"
DETECTIONS, USERS = "identityProtection/riskDetections", "identityProtection/riskyUsers"
TYPES = {
    SCORES: "microsoft.graph.secureScore",
    PROFILES: "microsoft.graph.secureScoreControlProfile",
    DETECTIONS: "microsoft.graph.riskDetection",
    USERS: "microsoft.graph.riskyUser",
}
"""The sets that are read, and what is in them."""

CLOCKS = {
    SCORES: ("createdDateTime",),
    PROFILES: ("lastModifiedDateTime",),
    DETECTIONS: ("lastUpdatedDateTime", "detectedDateTime"),
    USERS: ("riskLastUpdatedDateTime",),
}
"""The members that say when a version was made; the first one that does."""


def shape(item: Property) -> tuple[type, ...]:
    """The Python types a value of this member comes in; what it holds is for the checker to judge."""
    if item.collection:
        return (list,)
    return (dict,) if isinstance(item.type, StructType) else (str, int, float)


@cache
def shapes(kind: str) -> tuple[tuple[str, tuple[type, ...]], ...]:
    """The members of a type, each with its shape."""
    return tuple((name, shape(item)) for name, item in load().struct(kind).properties.items())


def copied(record: Record, members: Iterable[tuple[str, tuple[type, ...]]]) -> Record:
    """These members, as far as they are there and have the right shape."""
    return {name: value for name, kind in members if (value := record.get(name)) is not None and isinstance(value, kind)}


def object_draft(path: str, record: Record) -> ObjectDraft:
    """The object of that set; Unusable where nothing says which one it is."""
    key = text(record.get("id"))
    if key is None:
        raise Unusable(f"no id: it is no object of {path}")
    return ObjectDraft(path, key, copied(record, shapes(TYPES[path])), _updated(path, record))


def evidence_of(record: Record, received: int) -> list[EvidenceDraft]:
    """What a score says of each of its controls, as evidence: a share where it tells one, else points."""
    made = _updated(SCORES, record) or received
    tenant = text(record.get("azureTenantId")) or ""
    found: dict[str, EvidenceDraft] = {}
    for item in objects(record.get("controlScores")):
        name = text(item.get("controlName"))
        share, points = _number(item.get("scoreInPercentage"), 100), _number(item.get("score"))
        if name is None or len(name) > LONGEST_NAME or (share is None and points is None):
            continue
        found[name] = EvidenceDraft(
            "graph", name, _instant(item.get("lastSynced")) or made, None if share is None else share / 100, subject=tenant,
            details=text(item.get("implementationStatus")) or "", points=points if share is None else None, profile=name,
        )  # fmt: skip
    return [*found.values()]


LONGEST_NAME = 200
"""Characters of a control's name that is evidence: it is a key."""


def _number(value: Any, most: float = float("inf")) -> float | None:
    """A number that is no less than 0 and no more than that."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most and value < float("inf")
    return float(value) if is_one else None


def _updated(path: str, record: Record) -> int | None:
    found = None
    for name in CLOCKS[path]:
        if (found := _instant(record.get(name)) or None) is not None:
            break
    if path != PROFILES:
        return found
    # What a person says of a control does not move the time of its profile.
    said = [_instant(change.get("updatedDateTime")) for change in objects(record.get("controlStateUpdates"))]
    return max((one for one in (found, *said) if one is not None), default=None)


def _instant(value: Any) -> int | None:
    return instant_of(value) if isinstance(value, str) else None
