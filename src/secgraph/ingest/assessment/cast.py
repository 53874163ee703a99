"""Who and what takes part in an incident, as its outline names them, each once and sorted by what they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from secgraph.ingest.assessment.outline import Outline, Thing, numbered, one_of, weight
from secgraph.ingest.entities.entity import kind_of, same

DEVICES, PEOPLE, RESOURCES, INSIDE, OUTSIDE = "devices", "people", "resources", "inside", "outside"

_KINDS = {
    "device": DEVICES, "user": PEOPLE, "gitHubUser": PEOPLE, "domain": OUTSIDE, "url": OUTSIDE,
    **dict.fromkeys((
        "application", "aiAgent", "azureResource", "amazonResource", "googleResource", "blobContainer", "container",
        "kubernetesCluster", "kubernetesObject", "gitHubRepo",
    ), RESOURCES),
}  # fmt: skip
"""What type of thing is what. A mailbox is named beside whose it is."""


class Cast(NamedTuple):
    """The things of an outline, the weightiest of each kind first. What is only named beside takes no part."""

    all: Sequence[Thing]
    """Those too that are of no kind, or take no part."""
    devices: Sequence[Thing]
    people: Sequence[Thing]
    resources: Sequence[Thing]
    inside: Sequence[Thing]
    """Private addresses."""
    outside: Sequence[Thing]
    """Addresses, hosts and pages outside."""

    @property
    def assets(self) -> list[Thing]:
        """What there is to lose."""
        return [*self.devices, *self.people, *self.resources]


def cast(one: Outline) -> Cast:
    """Who and what takes part."""
    found: dict[str, list[Thing]] = {DEVICES: [], PEOPLE: [], RESOURCES: [], INSIDE: [], OUTSIDE: []}
    everything = things(one)
    for each in everything:
        kind = _kind(each)
        if kind and each.grade:
            found[kind].append(each)
    for kind in (DEVICES, PEOPLE, RESOURCES):
        found[kind].sort(key=_unnamed)  # those first of which more than a number is known
    return Cast(everything, **found)


def _kind(one: Thing) -> str:
    if one.type == "ip":
        return INSIDE if kind_of(one.key) == "ip.private" else OUTSIDE
    return _KINDS.get(one.type, "")


def _unnamed(one: Thing) -> bool:
    return numbered(one.name)


def things(one: Outline) -> list[Thing]:
    """The things that are named, each once and the weightiest first: here those are one too that share a weak key, where no
    better one, which both have, says otherwise.
    """
    found: list[Thing] = []
    by_key: dict[str, int] = {}
    for each in one.things:
        known = [by_key[key] for key in each.keys if key in by_key]
        place = next((place for place in known if same(found[place].keys, each.keys)), len(found))
        if place < len(found):
            found[place] = one_of(found[place], each)
        else:
            found.append(each)
        for key in each.keys:
            by_key.setdefault(key, place)
    return sorted(found, key=weight) if len(found) < len(one.things) else found


def products(one: Outline) -> list[str]:
    """The names of the products that report, each once, the one that reports most first."""
    return list(dict.fromkeys(each.name for each in one.products))
