"""Why a control stands as it does: all there is to say of it, as data and in lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.score.scoring import Entry, Limits, judged, scaled, share_of, stated
from secgraph.score.standing import Held, Profile, Stated
from secgraph.score.telling import number, passed, told


@dataclass(frozen=True, slots=True)
class Word:
    """What one scanner says of a control."""

    held: Held
    share: float
    decides: bool
    """Whether it is the one that counts."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A control, and why it stands as it does."""

    control: Profile
    said: Stated | None
    entry: Entry | None
    """What it has in the score; None where it does not count."""
    words: tuple[Word, ...]
    """The decisive one first."""
    ends: int | None
    """When the evidence that counts is too old to count, in ticks."""


def named(profiles: Mapping[str, Profile], name: str) -> Profile:
    """The control of that id, in any letters. UsageError with the nearest ids where there is none."""
    control = profiles.get(name.strip().casefold())
    if control is None:
        near = [profiles[key].id for key in get_close_matches(name.strip().casefold(), profiles, 3, 0.5)]
        hint = f" Did you mean {' or '.join(near)}?" if near else " GET /security/secureScoreControlProfiles lists them."
        raise UsageError(f"There is no control {name.strip()[:100]!r}.{hint}")
    return control


def explained(control: Profile, profiles: Mapping[str, Profile], held: Iterable[Held], now: int, limits: Limits) -> Explained:
    """Why a control stands as it does at an instant."""
    mine = [scaled(one, control, profiles) for one in held if one.control == control.id.casefold() and one.found]
    said = stated(control, profiles)
    entry = judged(control, said, mine, now, limits) if control.max_score > 0 else None
    words = [
        Word(one, share_of(one, control), entry is not None and entry.held is one) for one in mine if control.max_score > 0
    ]
    words.sort(key=lambda one: (not one.decides, one.share, -one.held.newest, one.held.scanner))
    ends = None if entry is None or entry.held is None else entry.synced + limits.over
    return Explained(control, said, entry, tuple(words), ends)


def as_data(one: Explained, worst: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The same as JSON, with the findings that stand worst."""
    entry = one.entry
    return {
        "control": one.control.id, "title": one.control.title, "category": one.control.category,
        "service": one.control.service or None, "maxScore": one.control.max_score,
        "score": None if entry is None else round(entry.score, 2),
        "scoreInPercentage": None if entry is None else round(100 * entry.share, 2),
        "counts": entry is not None, "stale": entry is not None and entry.stale,
        "state": None if one.said is None else {
            "state": one.said.state, "updatedBy": one.said.by or None, "comment": one.said.comment or None,
            "updatedDateTime": clock.text(one.said.at) if one.said.at else None,
        },
        "scanners": [
            {
                "scanner": word.held.scanner, "found": word.held.found, "failing": word.held.failing,
                "scoreInPercentage": round(100 * word.share, 2), "oldest": clock.text(word.held.oldest),
                "newest": clock.text(word.held.newest), "decides": word.decides,
            }
            for word in one.words
        ],
        "endsDateTime": None if one.ends is None else clock.text(one.ends),
        "worst": list(worst), "remediation": one.control.remediation or None, "actionUrl": one.control.action_url or None,
    }  # fmt: skip


def lines(one: Explained, worst: Sequence[str]) -> list[str]:
    """The same as a person reads it."""
    control, entry = one.control, one.entry
    head = f"{control.title} ({control.id})"
    where = ", ".join(part for part in (control.category, control.service) if part)
    return [head, where, "", *_standing(one, entry), *_heard(one), *_worst(worst), *_remedy(control)]


def _standing(one: Explained, entry: Entry | None) -> list[str]:
    most = number(one.control.max_score)
    said = one.said
    if said is not None and said.state == "Ignored":
        found = [f"It is ignored, and counts neither way; it would be worth {most} points."]
    elif entry is None:
        found = [f"Nobody found anything of it that counts: its {most} points are in no sum."]
    else:
        found = [f"It has {number(entry.score)} of {most} points. "
                 + told(one.control, entry.held, entry.state, entry.synced, stale=entry.stale)]  # fmt: skip
    if said is not None:
        by = f" by {said.by}" if said.by else ""
        when = f" on {clock.text(said.at)[:10]}" if said.at else ""
        note = f": {said.comment}" if said.comment else ""
        found.append(f"{said.state} was stated{by}{when}{note}.")
    if one.ends is not None:
        found.append(f"This counts until {clock.text(one.ends)[:10]}, unless it is found again.")
    return found


def _heard(one: Explained) -> list[str]:
    if not one.words:
        return []
    found = ["", "What was found:"]
    for word in one.words:
        held = word.held
        days = clock.text(held.newest)[:10]
        if held.oldest // clock.DAY != held.newest // clock.DAY:
            days = f"{clock.text(held.oldest)[:10]} to {days}"
        found.append(f"  {held.scanner}, {days}: {passed(one.control, held)}{' This one counts.' if word.decides else ''}")
    if len(one.words) > 1 and any(word.decides for word in one.words):
        found.append("  Of several, the one that finds least in order counts.")
    return found


def _worst(worst: Sequence[str]) -> list[str]:
    return ["", "Where it is worst:", *(f"  {text}" for text in worst)] if worst else []


def _remedy(control: Profile) -> list[str]:
    if not control.remediation and not control.action_url:
        return []
    return ["", *(text for text in (control.remediation, control.action_url) if text)]
