"""What the alerts of an incident say together: how grave, which tactics, whose detections, which things, when.

An outline is made of one alert, and two outlines make one; in which order does not matter, so that it can grow with each alert
that joins and be one with another's when incidents merge. It is kept beside the incident and bounded: past the bounds the
lightest goes first, and what is counted of that begins anew where it is named again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from secgraph.ingest.correlate.subject import Subject
from secgraph.ingest.correlate.tactics import STAGES
from secgraph.ingest.entities import Entity
from secgraph.ingest.entities.entity import ASIDE, CENTRAL, GRADES, INVOLVED, WEAK, kind_of, rank
from secgraph.ingest.incident import graver

MOST_THINGS, MOST_DETECTIONS, MOST_PRODUCTS = 40, 20, 12

MOST_KEYS = 8
"""Most keys of a thing that are kept, the strongest first."""

GRADE = {ASIDE: 0, INVOLVED: 1, CENTRAL: 2}
CRITICALITY = {"": 0, "low": 1, "normal": 2, "high": 3, "critical": 4}
TAGS = ("breakGlass", "domainController", "vip")
"""The tags of assets that count here, the weightiest first."""

NOTHING = "unknown"


class Marked(Protocol):
    """What an organisation says of an asset of its own."""

    @property
    def criticality(self) -> str:
        """A word of `CRITICALITY`."""
        ...

    @property
    def tags(self) -> frozenset[str]:
        """Of which those in `TAGS` count."""
        ...


class Thing(msgspec.Struct, array_like=True, frozen=True):
    """A thing that alerts name."""

    type: str
    keys: tuple[str, ...]
    """The strongest first."""
    sure: int
    """How many of these, from the first on, are not weak."""
    name: str
    alerts: int
    """How many alerts name it."""
    grade: int
    """The weightiest part that it has in one of them: a number of `GRADE`."""
    criticality: int
    """What its organisation says: a number of `CRITICALITY`."""
    tags: tuple[str, ...]
    """Those of `TAGS` that it has."""

    @property
    def key(self) -> str:
        """The strongest of its keys."""
        return self.keys[0]

    @property
    def known_by(self) -> tuple[str, ...]:
        """The keys by which it is known for sure; its weak ones where it has no other."""
        return self.keys[: self.sure] or self.keys


class Counted(msgspec.Struct, array_like=True, frozen=True):
    """A detection or a product, and how many alerts are of it."""

    key: str
    name: str
    alerts: int


class Outline(msgspec.Struct, array_like=True, frozen=True):
    """What alerts say together. Lists have the weightiest first."""

    severity: str = NOTHING
    """The gravest."""
    first: int = 2**62
    """When their activity began and ended, in ticks."""
    last: int = -(2**62)
    tactics: dict[str, int] = msgspec.field(default_factory=dict)
    """Words of `STAGES`, and how many alerts are of each."""
    products: tuple[Counted, ...] = ()
    detections: tuple[Counted, ...] = ()
    """By their titles."""
    things: tuple[Thing, ...] = ()


_decoder = msgspec.msgpack.Decoder(Outline)


def packed(one: Outline) -> bytes:
    """An outline as it is kept."""
    return msgspec.msgpack.encode(one)


def unpacked(data: bytes) -> Outline:
    """An outline that was kept."""
    return _decoder.decode(data)


# --- of one alert -------------------------------------------------------------------------------------------------------


def outline(subject: Subject, assets: Mapping[str, Marked]) -> Outline:
    """What one alert says. `assets` are those of its entities that are somebody's assets, by their strongest keys."""
    title, product = subject.name, subject.label
    return Outline(
        subject.severity, subject.first, subject.last, {subject.tactic: 1} if subject.tactic else {},
        (Counted(subject.product, product, 1),) if product else (), (Counted(title, title, 1),) if title else (),
        _kept(_once(_grouped([_thing(one, assets.get(one.key)) for one in subject.entities]))),
    )  # fmt: skip


def _once(found: Iterable[Thing]) -> Iterable[Thing]:
    """The things of one alert, by which each of them is named once, whatever it calls it."""
    return (one if one.alerts == 1 else msgspec.structs.replace(one, alerts=1) for one in found)


def _thing(one: Entity, asset: Marked | None) -> Thing:
    criticality, tags = (CRITICALITY.get(asset.criticality, 0), asset.tags) if asset is not None else (0, frozenset[str]())
    keys = one.keys[:MOST_KEYS]
    return Thing(
        one.type, keys, _sure(keys), one.name or one.key.partition(":")[2], 1, GRADE[GRADES[one.role]], criticality,
        tuple(tag for tag in TAGS if tag in tags) if tags else (),
    )  # fmt: skip


def _sure(keys: Sequence[str]) -> int:
    return sum(kind_of(key) not in WEAK for key in keys)  # weak kinds are the last of every type


# --- of several ---------------------------------------------------------------------------------------------------------


def together(one: Outline, other: Outline) -> Outline:
    """What the alerts of both say."""
    words = one.tactics.keys() | other.tactics.keys()
    tactics = {word: one.tactics.get(word, 0) + other.tactics.get(word, 0) for word in STAGES if word in words}
    return Outline(
        graver(one.severity, other.severity), min(one.first, other.first), max(one.last, other.last), tactics,
        _counted((*one.products, *other.products), MOST_PRODUCTS),
        _counted((*one.detections, *other.detections), MOST_DETECTIONS),
        _kept(_joined(one.things, other.things)),
    )  # fmt: skip


def again(one: Outline) -> Outline:
    """The outline of an alert that is counted already: of another version of it only what is new counts."""
    return Outline(
        one.severity, one.first, one.last, dict.fromkeys(one.tactics, 0),
        tuple(msgspec.structs.replace(each, alerts=0) for each in one.products),
        tuple(msgspec.structs.replace(each, alerts=0) for each in one.detections),
        tuple(msgspec.structs.replace(each, alerts=0) for each in one.things),
    )  # fmt: skip


def _counted(found: Iterable[Counted], most: int) -> tuple[Counted, ...]:
    by_key: dict[str, Counted] = {}
    for each in found:
        known = by_key.get(each.key)
        by_key[each.key] = each if known is None else Counted(
            each.key, _better(known.name, each.name), known.alerts + each.alerts
        )  # fmt: skip
    return tuple(sorted(by_key.values(), key=lambda each: (-each.alerts, each.key))[:most])


def _better(one: str, other: str) -> str:
    """The better of two names of one thing, whichever came first: no mere number, and the fuller one."""
    return one if one == other else max(one, other, key=lambda name: (not numbered(name), len(name), name))


def numbered(name: str) -> bool:
    """Whether a name is but the number under which a product knows a thing."""
    return _NUMBER.fullmatch(name) is not None


_NUMBER = re.compile(r"(?i:s-1-[\d-]+|[0-9a-f-]{16,}|\d+)")


def _joined(one: tuple[Thing, ...], other: tuple[Thing, ...]) -> Iterable[Thing]:
    """Things of which two are one where they share a strong key, or where neither has one, a weak one. What only has weak ones
    stays by itself here: which of two devices of one name it is may be known later.
    """
    if len(one) < len(other):
        one, other = other, one
    # Those of one outline are each another thing already, so that only what the shorter names can become one.
    named = {key for each in other for key in each.keys}
    found = [each for each in one if named.isdisjoint(each.keys)]
    return [*found, *_grouped([*(each for each in one if not named.isdisjoint(each.keys)), *other])]


def _grouped(found: Sequence[Thing]) -> Iterable[Thing]:
    """The things that these are."""
    names = [key for each in found for key in each.known_by]
    if len(set(names)) == len(names):
        return found
    groups: dict[int, Thing] = {}
    by_key: dict[str, int] = {}
    for place, each in enumerate(found):
        grown = each
        # A key past the bound leads to a group that is in another by now.
        for known in sorted({by_key[key] for key in each.known_by if key in by_key}.intersection(groups)):
            grown = one_of(groups.pop(known), grown)
        groups[place] = grown
        by_key.update(dict.fromkeys((*grown.known_by, *each.known_by), place))
    return groups.values()


def one_of(one: Thing, other: Thing) -> Thing:
    """A thing that is named twice."""
    keys = one.keys
    if one.keys != other.keys:
        keys = tuple(sorted({*one.keys, *other.keys}, key=lambda key: (rank(key), key))[:MOST_KEYS])
    return Thing(
        one.type, keys, _sure(keys), _better(one.name, other.name), one.alerts + other.alerts, max(one.grade, other.grade),
        max(one.criticality, other.criticality), tuple(tag for tag in TAGS if tag in {*one.tags, *other.tags}),
    )  # fmt: skip


def _kept(found: Iterable[Thing]) -> tuple[Thing, ...]:
    """The weightiest of them, in that order."""
    return tuple(sorted(found, key=weight)[:MOST_THINGS])


def weight(one: Thing) -> tuple[int, int, int, int, str]:
    """What a thing is sorted by: its part, what it is worth, how often it is named."""
    return -one.grade, -one.criticality, -len(one.tags), -one.alerts, one.key
