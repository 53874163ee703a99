"""Whether two alerts belong together, and why: a function of the two, in whichever order they came."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Protocol

from secgraph import clock
from secgraph.ingest.correlate.rarity import Snapshot
from secgraph.ingest.correlate.settings import Settings
from secgraph.ingest.correlate.strength import Part
from secgraph.ingest.correlate.subject import Subject
from secgraph.ingest.correlate.tactics import follows, reaches_goal, uses
from secgraph.ingest.entities.entity import same

TOGETHER = 5 * 60 * clock.SECOND
"""How near in time two products report one and the same thing."""

PAUSE = 3 * clock.DAY
"""How long a detection may keep still and go on as the same series. After that it has to weigh enough like any other."""

TAKING = 2 * clock.DAY
"""How near in time two alerts are that somebody collects, carries out or destroys something, to count whole of the person
however ordinary each of them is by itself.
"""

USED = 1.2
"""What an alert that stolen credentials are used is worth of the person at least, told by another product than the theft, if
the seldomer of the two is worth as much.
"""

HALF = 0.5
"""What both have to be worth for that: of everybody somebody tries to steal credentials."""

SECOND = 0.2
"""What else has to weigh for a weak thing not to be alone."""

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
    """The tactics of the two, where the later follows the earlier in the order of an attack, or uses what it stole."""
    gap: int
    """The time between their activity, in ticks; 0 where they overlap."""
    v: int
    """The number of the snapshot that it was judged under."""


def judge(one: Subject, other: Subject, snapshot: Snapshot, settings: Settings) -> Link | None:
    """The link between two alerts, None where there is none. The snapshot is the one of the higher number of the two."""
    gap = max(one.first, other.first) - min(one.last, other.last)
    if gap > settings.window or one.id == other.id or one.alone or other.alone:
        return None
    shared = one.places.keys() & other.places.keys()
    if not shared:
        return None
    if (other.first, other.id) < (one.first, one.id):
        one, other = other, one
    worth = one.gravity * snapshot.worth(one.detector, settings)
    higher = other.gravity * snapshot.worth(other.detector, settings)
    if higher < worth:
        worth, higher = higher, worth
    used = None if one.product == other.product else _in_order(uses, one, other)
    person = worth
    if gap <= TAKING and reaches_goal(one.tactic) and reaches_goal(other.tactic):
        person = max(worth, settings.most_worth)
    elif used is not None and worth >= HALF:
        person = max(worth, min(higher, USED))
    reasons = _reasons(one, other, shared, snapshot, settings, _count(worth, person, gap, settings))
    if not reasons:
        return None
    tactics = _in_order(follows, one, other)
    if tactics is None and used is not None and any(reason.type == "user" for reason in reasons):
        tactics = used
    score = sum(reason.weight for reason in reasons)
    if tactics is not None or (one.detector == other.detector and worth >= 1 and not _devices_only(one, reasons)):
        score *= 1 + settings.bonus
    kind = _kind(one, other, reasons, max(gap, 0))
    if kind is None and (score < settings.threshold or not _enough(one, reasons, worth)):
        return None
    return Link(one.id, other.id, kind or "shared", score, reasons, tactics, max(gap, 0), snapshot.v)


class _Count(NamedTuple):
    """What part counts of a thing that two alerts share."""

    people: float
    steady: float
    """Of a device, and what else is there all day."""
    other: float

    def of(self, part: Part) -> float:
        """What counts of that thing."""
        if not part.steady:
            return self.other
        return self.people if part.family == "people" else self.steady


def _count(worth: float, person: float, gap: int, settings: Settings) -> _Count:
    past = 0.0 if gap <= TOGETHER else math.log(gap / TOGETHER) / math.log(settings.window / TOGETHER)
    left = settings.fresh - (settings.fresh - settings.stale) * past
    return _Count(person * left, worth * left, max(1.0, worth))


def _devices_only(one: Subject, reasons: tuple[Reason, ...]) -> bool:
    """Whether nothing but where it happened is shared: there the same detection may be of another story."""
    return all(one.places[reason.key][1].family == "devices" for reason in reasons)


def _enough(one: Subject, reasons: tuple[Reason, ...], worth: float) -> bool:
    """Whether what is shared may hold two alerts together: a weak thing alone does not, however much speaks for it."""
    alone = one.places[reasons[0].key][1].alone
    if alone == "yes" or sum(reason.weight for reason in reasons[1:]) >= SECOND:
        return True
    return alone == "seldom" and worth >= 1


def _reasons(
    one: Subject, other: Subject, shared: set[str], snapshot: Snapshot, settings: Settings, count: _Count
) -> tuple[Reason, ...]:
    """What the two share and how much each counts, the weightiest first."""
    found: dict[tuple[int, int], _Found] = {}
    for key in shared:
        (place, mine), (place_of_other, theirs) = one.places[key], other.places[key]
        strength = min(mine.strength, theirs.strength)
        if strength > 0:
            pair = place, place_of_other
            rarity = snapshot.rarity(key, settings)
            known = found.get(pair)
            if known is None:
                found[pair] = _Found(mine, key, strength, rarity)
            else:
                found[pair] = _better(known, _Found(mine, key, strength, rarity))
    counted = []
    for (place, place_of_other), (mine, key, strength, rarity) in found.items():
        a, b = one.entities[place], other.entities[place_of_other]
        if rarity > 0 and not (mine.weak and same(a.keys, b.keys) is None):
            roles = (a.role, b.role) if a.role <= b.role else (b.role, a.role)
            weight = strength * rarity * count.of(mine)
            counted.append(
                (-weight, key, mine.family, Reason(key, a.type, max(a.name, b.name), roles, strength, rarity, weight))
            )
    return _shared_out(counted) if len(counted) > 1 else tuple(reason for *_, reason in counted)


class _Found(NamedTuple):
    part: Part
    key: str
    strength: float
    rarity: float


def _better(one: _Found, other: _Found) -> _Found:
    """Of two keys of one thing the stronger; how rare it is, is said by the more common of those that are not weak."""
    if (other.part.rank, other.key) < (one.part.rank, one.key):
        one, other = other, one
    return one if other.part.weak and not one.part.weak else one._replace(rarity=min(one.rarity, other.rarity))


def _shared_out(counted: list[tuple[float, str, str, Reason]]) -> tuple[Reason, ...]:
    """Each with what it adds: of one family the weightiest whole, the next half, and so on. Two names of one thing are not
    two reasons, nor are a device and an inner address.
    """
    counted.sort(key=_order)
    device = any(reason.type == "device" for *_, reason in counted)
    share: dict[str, float] = {}
    reasons = []
    for _, _, family, reason in counted:
        if device and reason.key.startswith("ip.private:"):
            continue
        left = share.get(family, 1.0)
        share[family] = left / 2
        reasons.append(reason if left == 1 else replace(reason, weight=reason.weight * left))
    return tuple(reasons)


def _order(counted: tuple[float, str, str, Reason]) -> tuple[float, str]:
    return counted[0], counted[1]


def _in_order(rule: Callable[[str, str], bool], one: Subject, other: Subject) -> tuple[str, str] | None:
    """The tactics of the earlier and the later alert, where the rule has them in this order; where the two happened at the
    same time, either order will do.
    """
    if rule(one.tactic, other.tactic):
        return one.tactic, other.tactic
    if other.first <= one.last + TOGETHER and rule(other.tactic, one.tactic):
        return other.tactic, one.tactic
    return None


def _kind(one: Subject, other: Subject, reasons: tuple[Reason, ...], gap: int) -> Kind | None:
    """Whether the two are one detection: repeated, or told by two products."""
    if not may_be_one(one, other) or not any(_about(reason.key, one) and _about(reason.key, other) for reason in reasons):
        return None
    if one.detector == other.detector:
        return "series" if gap <= PAUSE else None
    return "twin" if gap <= TOGETHER else None


def _about(key: str, subject: Subject) -> bool:
    return subject.places[key][0] in subject.about


class Detection(Protocol):
    """As much of a subject as is looked at before its entities are."""

    @property
    def id(self) -> str:
        """Of the alert."""

    @property
    def first(self) -> int:
        """When its activity began."""

    @property
    def last(self) -> int:
        """When it ended."""

    @property
    def product(self) -> str:
        """What reports it."""

    @property
    def detector(self) -> str:
        """What of the product raised it."""

    @property
    def title(self) -> str:
        """What it is called."""

    @property
    def native(self) -> str:
        """The product's id of it."""

    @property
    def main(self) -> str:
        """What it is about."""


def may_be_one(one: Detection, other: Detection) -> bool:
    """Whether the two can be one detection, as far as that is seen without looking at what they share."""
    if one.detector == other.detector:
        return one.main == other.main
    return one.product != other.product and ((one.native == other.native != "") or (one.title == other.title != ""))
