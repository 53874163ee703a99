"""Whether two alerts belong together, and why: a function of the two, in whichever order they came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from secgraph import clock
from secgraph.ingest.correlate.rarity import Snapshot
from secgraph.ingest.correlate.settings import Settings
from secgraph.ingest.correlate.strength import family_of, of, sort_of
from secgraph.ingest.correlate.subject import Subject
from secgraph.ingest.correlate.tactics import follows
from secgraph.ingest.entities import Entity
from secgraph.ingest.entities.entity import WEAK, kind_of, rank, same

TOGETHER = 5 * 60 * clock.SECOND
"""How near in time two products report one and the same thing."""

ABOUT = 0.5
"""How strong a thing is at least that two tellings of one detection share."""

Kind = Literal["shared", "series", "twin"]


@dataclass(frozen=True, slots=True)
class Reason:
    """A thing that two alerts share, and what it counts."""

    key: str
    """The key by which it is one and the same."""
    type: str
    name: str
    roles: tuple[str, str]
    """Its part in either alert, in alphabetical order."""
    strength: float
    rarity: float
    weight: float
    """What it adds: strength times rarity, and half of that for each weightier thing of its family."""


@dataclass(frozen=True, slots=True)
class Link:
    """Why two alerts belong together. `one` is the alert whose activity began first."""

    one: str
    other: str
    kind: Kind
    """`shared`: what they share weighs enough; `series`: one detection repeated; `twin`: one detection told by two products."""
    score: float
    reasons: tuple[Reason, ...]
    """The weightiest first."""
    tactics: tuple[str, str] | None
    """The tactics of the two, where the later follows the earlier in the order of an attack."""
    gap: int
    """The time between their activity, in ticks; 0 where they overlap."""
    v: int
    """The number of the snapshot that it was judged under."""


def judge(one: Subject, other: Subject, snapshot: Snapshot, settings: Settings) -> Link | None:
    """The link between two alerts, None where there is none. The snapshot is the one of the higher number of the two."""
    gap = max(one.first, other.first) - min(one.last, other.last)
    if gap > settings.window or one.id == other.id:
        return None
    shared = one.places.keys() & other.places.keys()
    if not shared:
        return None
    if (other.first, other.id) < (one.first, one.id):
        one, other = other, one
    reasons = _reasons(one, other, shared, snapshot, settings)
    if not reasons:
        return None
    score = sum(reason.weight for reason in reasons)
    tactics = _tactics(one, other)
    if tactics is not None:
        score *= 1 + settings.bonus
    kind = _kind(one, other, reasons, max(gap, 0))
    if kind is None and score < settings.threshold:
        return None
    return Link(one.id, other.id, kind or "shared", score, reasons, tactics, max(gap, 0), snapshot.v)


def _reasons(one: Subject, other: Subject, shared: set[str], snapshot: Snapshot, settings: Settings) -> tuple[Reason, ...]:
    """What the two share and how much each counts, the weightiest first."""
    pairs: dict[tuple[int, int], list[str]] = {}
    for key in shared:
        pairs.setdefault((one.places[key], other.places[key]), []).append(key)
    found = []
    for (place, place_of_other), keys in pairs.items():
        mine, theirs = one.entities[place], other.entities[place_of_other]
        if len(keys) > 1:
            keys.sort(key=rank)
        best = keys[0]
        weak = kind_of(best) in WEAK
        if weak and same(mine.keys, theirs.keys) is None:
            continue
        sort = sort_of(best)
        strength = min(of(sort, mine.role), of(sort, theirs.role))
        if strength > 0:
            rarity = min([snapshot.rarity(key, settings) for key in keys if weak or kind_of(key) not in WEAK])
            if rarity > 0:
                found.append((-strength * rarity, best, mine, theirs, strength, rarity))
    found.sort(key=_order)
    return _counted(found)


_Found = tuple[float, str, Entity, Entity, float, float]


def _order(found: _Found) -> tuple[float, str]:
    return found[0], found[1]


def _counted(found: list[_Found]) -> tuple[Reason, ...]:
    """Each with what it adds: of one family the weightiest whole, the next half, and so on. Two names of one thing are not
    two reasons.
    """
    share: dict[str, float] = {}
    reasons = []
    for weight, key, mine, theirs, strength, rarity in found:
        family = family_of(sort_of(key))
        part = share.get(family, 1.0)
        share[family] = part / 2
        roles = (mine.role, theirs.role) if mine.role <= theirs.role else (theirs.role, mine.role)
        name = max(mine.name, theirs.name)
        reasons.append(Reason(key, mine.type, name, roles, strength, rarity, -weight * part))
    return tuple(reasons)


def _tactics(one: Subject, other: Subject) -> tuple[str, str] | None:
    """The tactics of the earlier and the later alert, where one follows the other; where the two happened at the same time,
    either order will do.
    """
    if follows(one.tactic, other.tactic):
        return one.tactic, other.tactic
    if other.first <= one.last + TOGETHER and follows(other.tactic, one.tactic):
        return other.tactic, one.tactic
    return None


def _kind(one: Subject, other: Subject, reasons: tuple[Reason, ...], gap: int) -> Kind | None:
    """Whether the two are one detection: repeated, or told by two products."""
    if one.detector == other.detector:
        return "series" if one.main == other.main and any(reason.key == one.main for reason in reasons) else None
    if gap > TOGETHER or one.product == other.product:
        return None
    told_alike = (one.native and one.native == other.native) or (one.title and one.title == other.title)
    about_alike = any(reason.strength >= ABOUT for reason in reasons)
    return "twin" if told_alike and about_alike else None
