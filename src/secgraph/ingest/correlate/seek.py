"""Which alerts are looked at when one comes: by which keys they are read, and which of them can link at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from secgraph import clock
from secgraph.ingest.correlate.link import HALF, USED, Detection, may_be_one
from secgraph.ingest.correlate.rarity import Snapshot
from secgraph.ingest.correlate.settings import Settings
from secgraph.ingest.correlate.subject import Subject
from secgraph.ingest.correlate.tactics import USES, reaches_goal

AHEAD = clock.DAY
"""How far a product's clock may be ahead."""

STEP = 6 * 60 * 60 * clock.SECOND
"""What the times in which is looked are rounded to: alerts of one delivery then look in the same ones."""


def times(subject: Subject, settings: Settings, now: int) -> tuple[int, int]:
    """Between which instants the activity of those ended that may link with an alert, rounded outwards. What went on for
    longer than an incident may last is not looked for, nor what is in the future by more than the clocks of products are wrong.
    """
    since = max(subject.first, subject.last - settings.most_span) - settings.window
    until = min(subject.last + settings.window + settings.most_span, max(subject.last, now) + AHEAD)
    return since // STEP * STEP, -(-until // STEP) * STEP


Other = TypeVar("Other", bound=Detection)


class Sought(NamedTuple):
    """A thing by which other alerts are looked for."""

    keys: tuple[str, ...]
    most: float
    """The most that it can add to a link."""
    about: bool
    """Whether the alert is about it: by such things one detection that is repeated is found."""


def sought(subject: Subject, snapshot: Snapshot, settings: Settings) -> list[Sought]:
    """What other alerts are looked for by: the things that can count, and what the alert is about."""
    worth = subject.gravity * snapshot.worth(subject.detector, settings)
    steady, other = worth * settings.fresh, max(1.0, worth)
    people = steady
    if reaches_goal(subject.tactic):
        people = max(worth, settings.most_worth) * settings.fresh
    elif subject.tactic in USES and worth >= HALF:
        people = max(worth, USED) * settings.fresh
    found = []
    for place, entity in enumerate(subject.entities):
        keys, most = [], 0.0
        for key in entity.keys:
            at, part = subject.places[key]
            if at == place and part.strength > 0:
                rarity = snapshot.rarity(key, settings)
                if rarity > 0:
                    keys.append(key)
                    counts = other if not part.steady else people if part.family == "people" else steady
                    most = max(most, part.strength * rarity * counts)
        about = place in subject.about
        if keys and (most > 0 or about):
            found.append(Sought(tuple(keys), most, about))
    return found


def promising(
    subject: Subject, things: Iterable[Sought], read: Callable[[str], Iterable[Other]], settings: Settings
) -> Iterator[Other]:
    """The alerts that may link with this one, each once. `read` gives those that name a key, the latest first. Left out are
    only those that cannot: what they share would be too little at best.
    """
    since, until = subject.first - settings.window, subject.last + settings.window
    found: dict[str, Other] = {}
    sums: dict[str, float] = {}
    enough = settings.threshold / (1 + settings.bonus) - 1e-9
    small = 0.0  # what all things so far can add together, the smallest first
    for keys, most, about in sorted(things, key=_most):
        # Who shares only what is too little together is found by none of it, but for a detection that is repeated.
        needless = small + most < enough
        small += most if needless else 0.0
        if needless and not about:
            continue
        counted = {subject.id}
        for key in keys:
            for other in read(key):
                name = other.id
                if name in counted or other.last < since or other.first > until:
                    continue
                if not needless:
                    counted.add(name)
                    found[name] = other
                    sums[name] = sums.get(name, 0.0) + most
                elif name not in found and may_be_one(subject, other):
                    found[name] = other
    for name, other in found.items():
        if sums.get(name, 0.0) + small >= enough or may_be_one(subject, other):
            yield other


def _most(thing: Sought) -> float:
    return thing.most
