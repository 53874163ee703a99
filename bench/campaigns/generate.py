"""Labelled alerts of a seed, in the order in which they arrive.

Even seeds are for tuning, odd ones for judging. What an ideal analyst could get out of them is not everything: `bound.py` says
how much of each campaign hangs together by things its alerts name.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bench.campaigns import identities, intrusions
from bench.campaigns.delivery import Delivery, Post
from bench.campaigns.noise import Background
from bench.campaigns.organisation import BEGIN, DAYS, Organisation, dice, founded
from bench.campaigns.scribe import Scribe, Sighting

LEAST, MOST = 6, 60
"""Alerts of one campaign."""

STORIES: dict[str, Callable[[Scribe], None]] = {
    "ransomware": intrusions.ransomware, "stuffing": identities.stuffing, "insider": identities.insider,
    "supply-chain": intrusions.supply_chain, "business-mail": identities.business_mail, "cloud-key": intrusions.cloud_key,
    "web-shell": intrusions.web_shell, "shared-host": intrusions.shared_host,
}  # fmt: skip
CONCURRENT = 0.4
"""How often a campaign begins while the one before it goes on."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Alerts as they arrive, and beside each the campaign it is of; an empty label is noise. An id that comes again is a
    correction of that alert.
    """

    alerts: list[dict[str, Any]]
    labels: list[str]
    place: Organisation | None = None
    """Whose they are, where they are made up."""


def made(seed: int, noise: int) -> Labelled:
    """The alerts of that seed: `noise` of the background for each of a campaign."""
    place = founded(seed)
    chance = dice(seed, "campaigns")
    post = Post(place, dice(seed, "delivery"))
    delivered = [one for label, seen in campaigns(place, chance) for sighting in seen for one in post.deliver(sighting, label)]
    wanted = noise * len({one.alert["id"] for one in delivered})
    delivered += background(place, post, wanted)
    delivered.sort(key=lambda one: (one.arrived, one.alert["id"]))
    return Labelled([one.alert for one in delivered], [one.label for one in delivered], place)


def background(place: Organisation, post: Post, wanted: int) -> list[Delivery]:
    """That many alerts of noise; corrections of them are not counted."""
    around, found, ids = Background(place), list[Delivery](), set[str]()
    while len(ids) < wanted:
        # Some sightings are of things no product has a word for.
        for sighting in around.sightings(wanted - len(ids)):
            told = list(post.deliver(sighting, ""))
            found += told
            ids.update(one.alert["id"] for one in told)
    return found


def campaigns(place: Organisation, chance: random.Random) -> list[tuple[str, list[Sighting]]]:
    """Five to nine of them, each with its label."""
    kinds = chance.sample(list(STORIES), chance.randint(5, len(STORIES)))
    kinds += chance.choices(list(STORIES), k=chance.randint(0, 9 - len(kinds)))
    found = []
    begun = BEGIN
    for number, kind in enumerate(kinds):
        if number == 0 or chance.random() >= CONCURRENT:
            begun = BEGIN + timedelta(days=chance.uniform(0, DAYS - 10))
        else:
            begun += timedelta(hours=chance.uniform(0, 48))
        begun = min(begun, BEGIN + timedelta(days=DAYS - 6))
        found.append((f"{kind}-{number + 1}", _told(place, chance, STORIES[kind], begun)))
    return found


def _told(place: Organisation, chance: random.Random, story: Callable[[Scribe], None], begun: Any) -> list[Sighting]:
    """The story at a scale at which it is neither too short nor too long."""
    while True:
        scribe = Scribe(place, chance, begun, scale=chance.uniform(0.5, 1.6))
        story(scribe)
        if LEAST <= len(scribe.seen) <= MOST:
            return scribe.seen
