"""Profiles, states, evidence, time → score. Pure.

A control is as good as the worst that a scanner says of it: of two that look at one thing, the one that finds a fault is
seldom wrong. Within a scanner partial passes count by their share. What nobody found anything of does not count at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from secgraph import clock
from secgraph.score.catalogue import catalogue
from secgraph.score.standing import Held, Profile, Stated
from secgraph.score.telling import told

IGNORED, THIRD_PARTY, REVIEWED = "Ignored", "ThirdParty", "Reviewed"
REVIEW = "Review"
"""The type of those controls that are passed by looking at something."""
MANUAL = "manual"

VENDOR = {"vendor": "secgraph", "provider": "SecureScore", "providerVersion": None, "subProvider": None}


@dataclass(frozen=True, slots=True)
class Limits:
    """How old evidence may be, in ticks."""

    stale: int
    """From then on it is marked."""
    over: int
    """From then on it does not count."""

    def since(self, now: int) -> int:
        """Evidence of that instant or an earlier one does not count any more."""
        return now - self.over


@dataclass(frozen=True, slots=True)
class Entry:
    """What a control has in a score."""

    control: Profile
    share: float
    """From 0 to 1."""
    source: str
    """Whose word counts: a scanner, or the person who stated something."""
    synced: int
    """When that was found or stated last, in ticks."""
    stale: bool
    state: str
    """Where it is not the usual one."""
    held: Held | None
    """What decides; None where a statement does."""

    @property
    def score(self) -> float:
        """In points."""
        return self.share * self.control.max_score


@dataclass(frozen=True, slots=True)
class Score:
    """A computed score."""

    entries: tuple[Entry, ...]
    """Of the controls that count, by their ids."""
    now: int
    average: float | None
    users: tuple[int | None, int | None]

    @property
    def current(self) -> float:
        """Points that it has."""
        return sum(one.score for one in self.entries)

    @property
    def most(self) -> float:
        """Points that it could have."""
        return sum(one.control.max_score for one in self.entries)


def scored(
    profiles: Iterable[Profile], held: Iterable[Held], now: int, limits: Limits, *, average: float | None = None,
    users: tuple[int | None, int | None] = (None, None),
) -> Score:  # fmt: skip
    """The score at an instant. `average` is what all tenants have, in percent; `users` are active and licensed ones."""
    known = {one.id.casefold(): one for one in profiles}
    found: dict[str, list[Held]] = {}
    for one in held:
        found.setdefault(one.control, []).append(one)
    entries = []
    for key, control in known.items():
        if control.max_score > 0:
            mine = [scaled(one, control, known) for one in found.get(key, ())]
            entry = judged(control, stated(control, known), mine, now, limits)
            if entry is not None:
                entries.append(entry)
    return Score(tuple(sorted(entries, key=lambda one: one.control.id)), now, average, users)


def stated(control: Profile, known: Mapping[str, Profile]) -> Stated | None:
    """What was stated of a control last, under its own name or under one that Microsoft has for it."""
    names = [control, *theirs(control, known)]
    return max((one.state for one in names if one.state is not None), key=lambda one: one.at, default=None)


def theirs(control: Profile, known: Mapping[str, Profile]) -> list[Profile]:
    """The profiles of Microsoft's that the catalogue says are this control."""
    listed = catalogue().get(control.id)
    names = listed.checks.get("graph", ()) if listed is not None else ()
    return [known[key] for name in names if (key := name.casefold()) in known]


def scaled(one: Held, control: Profile, known: Mapping[str, Profile]) -> Held:
    """What a scanner found, its points as ours: what Microsoft gives five points for may have ten here."""
    most = max((profile.max_score for profile in theirs(control, known)), default=0.0)
    return one if one.points is None or not most else replace(one, points=one.points * control.max_score / most)


def judged(control: Profile, said: Stated | None, held: Iterable[Held], now: int, limits: Limits) -> Entry | None:
    """What a control has; None where it does not count."""
    state = "" if said is None or said.state == "Default" else said.state
    if said is not None and state == IGNORED:
        return None
    if said is not None and (state == THIRD_PARTY or (state == REVIEWED and reviewed(control, said, now, limits))):
        return Entry(control, 1.0, said.by or MANUAL, said.at, stale=False, state=state, held=None)
    counted = [one for one in held if one.found and one.newest > now - limits.over]
    if not counted:
        return None
    # The lowest share; of several the newest, and then by name, so that the same evidence gives the same score.
    worst = min(counted, key=lambda one: (share_of(one, control), -one.newest, one.scanner))
    stale = worst.newest <= now - limits.stale
    return Entry(control, share_of(worst, control), worst.scanner, worst.newest, stale=stale, state=state, held=worst)


def reviewed(control: Profile, said: Stated, now: int, limits: Limits) -> bool:
    """Whether a review is what the control asks for, and recent enough to count."""
    return control.action_type == REVIEW and said.at > now - limits.over


def share_of(one: Held, control: Profile) -> float:
    """How much of a control a scanner says is passed, from 0 to 1."""
    if one.points is not None:
        return min(one.points / control.max_score, 1.0)
    return min(max(one.passed / one.found, 0.0), 1.0)


# --- in the words of the contract ---------------------------------------------------------------------------------------


def as_record(score: Score, tenant_id: str) -> dict[str, Any]:
    """The score as a secureScore. Numbers have two decimals: computed again of the same, it is the same."""
    created = clock.text(score.now)
    most = round(score.most, 2)
    averages = [] if score.average is None else [
        {"basis": "AllTenants", "averageScore": round(score.average * most / 100, 2)}
    ]  # fmt: skip
    active, licensed = score.users
    return {
        "id": f"{tenant_id}_{created[:10]}", "azureTenantId": tenant_id, "createdDateTime": created,
        "currentScore": round(score.current, 2), "maxScore": most, "averageComparativeScores": averages,
        "controlScores": [_entry(one) for one in score.entries], "activeUserCount": active, "licensedUserCount": licensed,
        "enabledServices": sorted({one.control.service for one in score.entries if one.control.service}),
        "vendorInformation": dict(VENDOR),
    }  # fmt: skip


def _entry(one: Entry) -> dict[str, Any]:
    record = {
        "controlCategory": one.control.category, "controlName": one.control.id, "description": one.control.title,
        "score": round(one.score, 2), "scoreInPercentage": round(100 * one.share, 2),
        "maxScore": round(one.control.max_score, 2), "source": one.source, "lastSynced": clock.text(one.synced),
        "implementationStatus": told(one.control, one.held, one.state, one.synced, stale=one.stale),
    }  # fmt: skip
    if one.state:
        record["state"] = one.state
    if one.stale:
        record["stale"] = True
    return record
