"""Evidence is made ready before the turn: which control a finding speaks of, and what that control is where nobody knows it.
Pure.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

from secgraph import clock
from secgraph.extend import ControlDraft, EvidenceDraft, ObjectDraft, Unusable
from secgraph.ingest.objects import Known, known_of
from secgraph.model.choices import CONTROL_PROFILES
from secgraph.model.value import clean
from secgraph.odata.query import fold
from secgraph.score.catalogue import control_of
from secgraph.store.found import Found

CATEGORIES = frozenset(("Identity", "Data", "Device", "Apps", "Infrastructure"))
LONGEST = 500
"""Characters kept of a subject, a scope and a sentence."""
LONGEST_CHECK = 200
"""Characters of a scanner's id of a check: it becomes the id of a control."""


Scope = tuple[str, str, int]
"""A scanner, what its report is all of, and when that was made, in ticks."""


@dataclass(slots=True)
class Gathered:
    """The evidence of one record."""

    found: list[Found]
    scopes: list[Scope]
    """What the record is all of."""
    notes: tuple[str, ...]


class Gathering:
    """The evidence of one delivery: which control a check speaks of is found out once, and said once what it is."""

    def __init__(self) -> None:
        self._controls: dict[tuple[str, str], str] = {}

    def gathered(self, drafts: list[EvidenceDraft], objects: list[Known]) -> Gathered:
        """What is kept of these drafts; profiles of controls that only their scanner knows join the objects."""
        if not drafts:
            return NOTHING
        found = [found_of(draft, self._control(draft, objects)) for draft in drafts]
        scopes: dict[tuple[str, str], int] = {}
        for one in found:
            if one.scope:
                key = (one.scanner, one.scope)
                scopes[key] = min(one.at, scopes.get(key, one.at))
        return Gathered(
            found, [(*key, at) for key, at in scopes.items()], (*{draft.note: None for draft in drafts if draft.note},)
        )

    def _control(self, draft: EvidenceDraft, objects: list[Known]) -> str:
        key = (draft.scanner, draft.check)
        known = self._controls.get(key)
        if known is None:
            listed = control_of(*key)
            if listed is not None:
                known = listed.id
            else:
                known = draft.profile or own_control(*key)
                objects.append(described(draft, known))
            self._controls[key] = known
        return known


NOTHING = Gathered([], [], ())


def found_of(draft: EvidenceDraft, control: str) -> Found:
    """What is kept of a finding; Unusable where it can be none."""
    if not draft.check or not draft.scanner:
        raise Unusable("evidence without a check")
    share, points = draft.share, draft.points
    if share is not None and not 0 <= share <= 1:
        raise Unusable(f"a share of {share!r} is none from 0 to 1")
    if points is not None and not (math.isfinite(points) and points >= 0):
        raise Unusable(f"{points!r} are no points")
    parts = (draft.scanner, draft.scope, draft.check, draft.subject)
    key = hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
    return Found(
        key, fold(control), draft.scanner, clean(draft.scope)[:LONGEST], clean(draft.check)[:LONGEST_CHECK],
        clean(draft.subject)[:LONGEST], draft.at, share, points, clean(draft.details)[:LONGEST],
    )  # fmt: skip


def served(one: Found) -> dict[str, Any]:
    """A piece of evidence as it is served."""
    result = "notApplicable" if one.share is None and one.points is None else "partial"
    if one.share is not None and one.share in {0.0, 1.0}:
        result = "pass" if one.share else "fail"
    return {
        "source": one.scanner, "check": one.check, "scope": one.scope or None, "subject": one.subject or None, "result": result,
        "scoreInPercentage": None if one.share is None else round(100 * one.share, 2), "score": one.points,
        "checkedDateTime": clock.text(one.at), "details": one.details or None,
    }  # fmt: skip


def own_control(scanner: str, check: str) -> str:
    """The id of the control that a check is by itself, where the catalogue has none for it."""
    if len(check) > LONGEST_CHECK:
        raise Unusable(f"the id of its check has more than {LONGEST_CHECK} characters")
    return f"{scanner}_{clean(check)}"


def described(draft: EvidenceDraft, control: str) -> Known:
    """The profile of a control that nobody knows but its scanner, which stands only where there is none yet."""
    says = draft.control or ControlDraft(draft.check, "Infrastructure")
    if says.category not in CATEGORIES:
        raise Unusable(f"{says.category[:40]!r} is no category of controls")
    if not 0 < says.max_score <= 100:
        raise Unusable(f"a control of {says.max_score!r} points")
    made = known_of(ObjectDraft(CONTROL_PROFILES, control, profile_of(says, draft.scanner)), draft.at)
    made.first = draft.control is None
    return made


def profile_of(says: ControlDraft, scanner: str) -> dict[str, Any]:
    """The members of a control profile."""
    certifications: dict[str, list[dict[str, str]]] = {}
    for name, number in says.compliance:
        certifications.setdefault(name, []).append({"name": number, "url": ""})
    return {
        "title": says.title, "controlCategory": says.category, "service": says.service or None, "maxScore": says.max_score,
        "tier": says.tier, "remediation": says.remediation or None, "remediationImpact": says.remediation_impact or None,
        "actionUrl": says.action_url or None, "actionType": "Config", "implementationCost": says.implementation_cost,
        "userImpact": says.user_impact, "threats": list(says.threats), "deprecated": False,
        "complianceInformation": [
            {"certificationName": name, "certificationControls": controls} for name, controls in certifications.items()
        ],
        "vendorInformation": {"vendor": "secgraph", "provider": scanner, "providerVersion": None, "subProvider": None},
    }  # fmt: skip
