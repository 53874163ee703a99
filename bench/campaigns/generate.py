"""Labelled alerts of a seed, in the order in which they arrive.

Even seeds are for tuning, odd ones for judging. What an ideal analyst could get out of them is not everything: `bound.py` says
how much of each campaign hangs together by things its alerts name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bench.campaigns import identities, intrusions
from bench.campaigns.delivery import Delivery, Post
from bench.campaigns.noise import Background
from bench.campaigns.organisation import BEGIN, DAYS, Organisation, dice, founded
from bench.campaigns.scribe import Scribe

LEAST, MOST = 6, 60
"""Alerts of one campaign."""

STORIES: dict[str, Callable[[Scribe], None]] = {
    "ransomware": intrusions.ransomware, "stuffing": identities.stuffing, "insider": identities.insider,
    "supply-chain": intrusions.supply_chain, "business-mail": identities.business_mail, "cloud-key": intrusions.cloud_key,
    "web-shell": intrusions.web_shell, "shared-host": intrusions.shared_host,
}  # fmt: skip
NEEDED = {"business-mail": "office", "stuffing": "cloud", "cloud-key": "cloud"}
"""A product without which a campaign's parts have nothing in common that anybody could see."""

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
    post = Post(place, dice(seed, "delivery"))
    delivered = campaigns(place, post)
    delivered += background(place, post, noise * len({one.alert["id"] for one in delivered}))
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


def campaigns(place: Organisation, post: Post) -> list[Delivery]:
    """Five to nine campaigns, some of the same kind, some while another goes on."""
    chance = dice(place.seed, "campaigns")
    possible = [kind for kind in STORIES if NEEDED.get(kind, place.products[0]) in place.products]
    kinds = chance.sample(possible, chance.randint(5, len(possible)))
    kinds += chance.choices(possible, k=chance.randint(0, 9 - len(kinds)))
    found: list[Delivery] = []
    begun = BEGIN
    for number, kind in enumerate(kinds):
        if number == 0 or chance.random() >= CONCURRENT:
            begun = BEGIN + timedelta(days=chance.uniform(0, DAYS - 10))
        else:
            begun += timedelta(hours=chance.uniform(0, 48))
        scribe = Scribe(place, chance, min(begun, BEGIN + timedelta(days=DAYS - 6)))
        found += _told(scribe, STORIES[kind], post, f"{kind}-{number + 1}")
    return found


def _told(blank: Scribe, story: Callable[[Scribe], None], post: Post, label: str) -> list[Delivery]:
    """The story at a scale at which it is neither too short nor too long."""
    while True:
        scribe = Scribe(blank.place, blank.chance, blank.now, scale=0.6 * 3.5 ** blank.chance.random())
        story(scribe)
        told = [one for sighting in scribe.seen for one in post.deliver(sighting, label)]
        if LEAST <= len({one.alert["id"] for one in told}) <= MOST:
            return told
