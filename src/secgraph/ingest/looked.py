"""By what others are looked for of an alert that is to be placed: what it names, under the terms of its tenant. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from secgraph.ingest.assessment.outline import Outline, outline, unpacked
from secgraph.ingest.assets.inventory import Inventory
from secgraph.ingest.correlate.link import Link
from secgraph.ingest.correlate.pack import keys_of, numbered, pack
from secgraph.ingest.correlate.seek import Sought, sought, times
from secgraph.ingest.correlate.settings import Settings
from secgraph.ingest.correlate.subject import Subject
from secgraph.ingest.correlate.terms import Terms
from secgraph.ingest.entities.read import with_aliases
from secgraph.store.facts import Near

Order = tuple[int, int]
"""Of two that may link the one whose activity ended later comes first; of those of one instant, the one that came later."""


@dataclass(slots=True)
class Looked:
    """An alert that is to be placed, and by what others are looked for."""

    subject: Subject
    data: bytes
    """The subject as it is kept."""
    keys: bytes
    """What it is found by."""
    says: Outline
    """What it says, for the incident that it joins."""
    numbers: dict[str, int]
    """What it names, and the number of each key."""
    settings: Settings
    """By which it is judged: those of the tenant, and what is a scanner at that time."""
    things: list[Sought]
    near: dict[str, Near]
    links: dict[str, tuple[Order, Link]] = field(default_factory=dict)
    """The link to each incident, as the incidents stood before this delivery."""
    crowded: list[str] = field(default_factory=list)
    """Keys that a crowd of alerts names."""

    def pass_over(self, crowded: list[str]) -> None:
        """Nothing is put together by what a crowd names, whether a snapshot knows that already or not."""
        if not crowded:
            return
        self.crowded = [*self.crowded, *crowded]
        self.settings = replace(self.settings, ignored=self.settings.ignored.union(crowded))
        self.near = {key: near for key, near in self.near.items() if key not in crowded}
        kept = (one._replace(keys=tuple(key for key in one.keys if key in self.near)) for one in self.things)
        self.things = [one for one in kept if one.keys]

    @property
    def alone(self) -> Looked:
        """The same for whom no others are looked for."""
        return replace(self, things=[], near={})


def looked(subject: Subject, data: bytes, keys: bytes, says: bytes, terms: Terms, now: int) -> Looked:
    """By what others are looked for. What is given beside the subject was made of it before."""
    subject.v = terms.snapshot.v
    settings, told = terms.settings, None
    if terms.assets:
        found, told = _known(subject, terms.assets)
        if found is not subject:
            subject, data, keys = found, pack(found), keys_of(found)
        scanners = terms.assets.ignored(subject.first, subject.last)
        if scanners:
            settings = replace(settings, ignored=settings.ignored | scanners)
    named = numbered(subject, keys)
    if told is None:
        told = unpacked(says)
    if settings.off or subject.alone:
        return Looked(subject, data, keys, told, named, settings, [], {})
    things = sought(subject, terms.snapshot, settings)
    since, until = times(subject, settings, now)
    near = {key: Near(named[key], since, until) for one in things for key in one.keys}
    return Looked(subject, data, keys, told, named, settings, things, near)


def _known(subject: Subject, assets: Inventory) -> tuple[Subject, Outline | None]:
    """An alert with the further names of the assets among what it names, and what it says with how much they matter; the same,
    and None, where there are none.
    """
    first, last, found = subject.first, subject.last, [*subject.entities]
    mine = assets.assets(found, first, last)
    if not mine:
        return subject, None
    named = with_aliases(found, assets.aliases(found, first, last))
    if named != found:
        subject = replace(subject, entities=named)
    return subject, outline(subject, assets.assets(named, first, last))
