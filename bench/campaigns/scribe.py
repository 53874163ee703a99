"""Writes down what products see while a story goes on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from bench.campaigns.organisation import Organisation, Person
from bench.campaigns.things import Address, Thing, outside

HOUR = 60.0
DAY = 24 * HOUR
"""In minutes."""

SEEN_TWICE = 0.35
"""How often another product that could see the same thing does."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Detection:
    """What a product says it is."""

    title: str
    category: str
    technique: str
    severity: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one product saw, in the world's own time."""

    product: str
    detection: Detection
    began: datetime
    ended: datetime
    things: tuple[tuple[Thing, str], ...]
    """Each with the part it plays, as a product would say it."""
    again: bool = False
    """Whether another product has reported the same."""


class Scribe:
    """A story's clock, its chance and what was seen of it so far."""

    def __init__(self, place: Organisation, chance: random.Random, begun: datetime, scale: float = 1.0) -> None:
        self.place = place
        self.chance = chance
        self.now = begun
        self.scale = scale
        self.seen: list[Sighting] = []

    def wait(self, least: float, most: float) -> None:
        """Lets minutes pass: short waits are likelier than long ones."""
        self.now += timedelta(minutes=least + (most - least) * self.chance.betavariate(1.2, 2.2))

    def many(self, least: int, most: int) -> int:
        """A number from the range, by the story's scale."""
        return max(1, round(self.chance.uniform(least, most) * self.scale))

    def saw(self, products: str, detection: tuple[str, str, str, str], *things: Thing | tuple[Thing, str],
            last: float = 5.0) -> None:  # fmt: skip
        """Some product sees it: the first of `products` that the organisation has, and by chance the others too. Nothing is
        written down where it has none of them. `last` is how many minutes it goes on.
        """
        able = [name for name in products.split() if name in self.place.products]
        named = tuple(one if isinstance(one, tuple) else (one, "") for one in things)
        what = Detection(*detection)
        for place, name in enumerate(able):
            if place and self.chance.random() >= SEEN_TWICE:
                continue
            ended = self.now + timedelta(minutes=self.chance.uniform(0.1, last))
            self.seen.append(Sighting(name, what, self.now, ended, named, again=place > 0))

    def outside(self, country: str | None = None) -> Address:
        """An address on the internet."""
        return outside(self.chance, country)

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return self.chance.choice(choices)

    def people(self, many: int) -> list[Person]:
        """Different people: half of them anybody, half rather those who make much noise anyway."""
        place, found = self.place, dict[Person, None]()
        while len(found) < many:
            weights = place.weights if self.chance.random() < 0.5 else None
            found[self.chance.choices(place.people, weights)[0]] = None
        return list(found)
