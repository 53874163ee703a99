"""Into which incidents the alerts of a delivery go: who is near, who belongs together, what is merged for it.

Pure: what has to be seen is asked of the turn, and all that is decided stands in the desk and in the cases, as the alerts
after it find it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import count
from typing import TypeVar

from secgraph.ingest.cases import Cases
from secgraph.ingest.correlate.link import Link, judge
from secgraph.ingest.correlate.pack import as_data, unpack
from secgraph.ingest.correlate.place import Placement, Standing, place, series_of
from secgraph.ingest.correlate.seek import promising
from secgraph.ingest.correlate.subject import Subject
from secgraph.ingest.correlate.terms import Terms
from secgraph.ingest.desk import Desk
from secgraph.ingest.looked import Looked, Order
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.store.facts import HELD, Facts, Judged, Near, Needs
from secgraph.store.protocol import PutJudged

Result = TypeVar("Result")
Asking = Generator[Needs, None, Result]


_unpacked = lru_cache(4096)(unpack)
"""Those who are near one delivery are near the next one too. Nobody changes them."""

SMALL = 4096
"""Bytes of a subject up to which it is kept so: what names hundreds of things would fill the memory."""


class Other:
    """An alert that is there already; what it names is read when it is first asked for."""

    __slots__ = ("_subject", "first", "id", "judged", "last", "order")

    def __init__(self, judged: Judged, order: Order, subject: Subject | None = None) -> None:
        self.judged = judged
        self.id = judged.alert
        self.first = judged.first
        self.last = judged.last
        self.order = order
        self._subject = subject

    @property
    def subject(self) -> Subject:
        """The whole of it."""
        if self._subject is None:
            read = _unpacked if len(self.judged.data) <= SMALL else unpack
            self._subject = read(self.id, self.judged.v, self.judged.data)
        return self._subject

    @property
    def product(self) -> str:
        """What reports it."""
        return self.subject.product

    @property
    def detector(self) -> str:
        """What of the product raised it."""
        return self.subject.detector

    @property
    def title(self) -> str:
        """What it is called."""
        return self.subject.title

    @property
    def native(self) -> str:
        """The product's id of it."""
        return self.subject.native

    @property
    def main(self) -> str:
        """What it is about."""
        return self.subject.main


class Placing:
    """The incidents as the decisions so far leave them."""

    def __init__(self, facts: Facts, terms: Terms, desk: Desk) -> None:
        self.terms = terms
        self._facts = facts
        self._desk = desk
        self._looked: dict[str, Looked] = {}
        self._others: dict[str, Other] = {}
        self._fresh: dict[str, list[Other]] = defaultdict(list)
        """Alerts that this delivery brought or speaks of, by what they name."""
        self._of: dict[str, Other] = {}
        self.cases = Cases(facts)
        self._into: dict[str, str] = {}
        self._members: dict[str, list[str]] = defaultdict(list)
        self._comes = count(2**62)

    # -- who is near

    def look(self, alerts: Iterable[Looked]) -> Asking[None]:
        """Judges new alerts with those that are there, all of them at once."""
        wanted = list(alerts)
        for judged in self._facts.subjects.values():
            if judged.alert not in self._of:
                self._keep(Other(judged, (-judged.last, -judged.born)))
        missing = dict.fromkeys(near for one in wanted for near in one.near.values() if near not in self._facts.near)
        if missing:
            yield Needs(near=tuple(missing))
        for one in wanted:
            self._judge(one)
            self._looked[one.subject.id] = one
        yield from self._see(incident for one in wanted for incident in one.links)

    def _judge(self, one: Looked) -> None:
        seen, crowds, most = self._facts.near, self._facts.crowds, one.settings.most_postings
        one.pass_over([key for key, near in one.near.items() if near in crowds or len(seen[near]) >= most])
        one.links = {}
        if not any(seen[near] for near in one.near.values()):
            return
        for other in self._promising(one, self._there):
            incident = other.judged.incident
            if incident not in one.links and other.id not in self._of and (link := self._link(one, other)) is not None:
                one.links[incident] = other.order, link

    def _promising(self, one: Looked, read: Reader) -> list[Other]:
        found = promising(one.subject, one.things, lambda key: read(one, key), one.settings)
        return sorted(found, key=_order)

    def _there(self, one: Looked, key: str) -> Iterator[Other]:
        for judged in self._facts.near[one.near[key]]:
            other = self._others.get(judged.alert)
            if other is None:
                other = self._others[judged.alert] = Other(judged, (-judged.last, -judged.born))
            yield other

    def _here(self, one: Looked, key: str) -> Sequence[Other]:
        near = one.near[key]
        return [other for other in self._fresh.get(key, ()) if near.since <= other.last <= near.until]

    def _is_crowd(self, one: Looked, key: str, near: Near) -> bool:
        """Whether those that were there and those of this delivery are too many together."""
        there, here, most = self._facts.near[near], self._fresh.get(key, ()), one.settings.most_postings
        if not here or len(there) + len(here) < most:
            return False
        return sum(known.alert not in self._of for known in there) + len(self._here(one, key)) >= most

    def _link(self, one: Looked, other: Other) -> Link | None:
        return judge(one.subject, other.subject, self.terms.snapshot, one.settings)

    def _see(self, incidents: Iterable[str]) -> Asking[None]:
        """Asks for incidents and their cases that were not asked for yet."""
        wanted = [*dict.fromkeys(key for key in incidents if key not in self.cases)]
        if wanted:
            yield Needs(rows=tuple((INCIDENTS, key) for key in wanted), cases=tuple(wanted))

    # -- where it goes

    def place(self, one: Looked, home: str | None, *, closed: bool) -> Asking[Placement]:
        """Where an alert goes; what is merged for it is merged. `home` is the incident that it is in, or that its source names;
        `closed` says that it comes resolved.
        """
        subject = one.subject
        if self._looked.pop(subject.id, None) is not one:
            yield from self.look([one])
            del self._looked[subject.id]
        crowded = [key for key, near in one.near.items() if self._is_crowd(one, key, near)]
        if crowded:
            one.pass_over(crowded)
            self._judge(one)
        found: dict[str, tuple[Order, Link]] = {}
        for incident, (order, link) in one.links.items():
            _prefer(found, self.now(incident), order, link)
        for other in self._promising(one, self._here) if any(key in self._fresh for key in one.near) else ():
            incident = self.now(other.judged.incident)
            if incident not in found or other.order < found[incident][0]:
                said = self._link(one, other)
                if said is not None:
                    found[incident] = other.order, said
        yield from self._see((*found, *((home,) if home is not None else ())))
        standings = {key: self._standing(key, closed=closed) for key in (*found, *((home,) if home is not None else ()))}
        links = {incident: link for incident, (_, link) in found.items()}
        placement = place(subject, links, standings, one.settings, home)
        if placement.merged and placement.incident is not None:
            yield from self._merge(placement.merged, placement.incident)
        return placement

    def now(self, incident: str) -> str:
        """What an incident is by now: itself, or the one that it was merged into in this delivery."""
        while (into := self._into.get(incident)) is not None:
            incident = into
        return incident

    def _standing(self, incident: str, *, closed: bool) -> Standing:
        """An incident as the placing sees it. What comes resolved may join what no person closed: that opens nothing again."""
        case, row = self.cases[incident], self._facts.rows.get((INCIDENTS, incident))
        touched = row.touched if row is not None else {}
        over = row is None or row.record["status"] in {"resolved", "redirected"}
        return Standing(
            incident, int(incident), case.alerts, case.first, case.last, case.series, bool(touched),
            over and not (closed and "status" not in touched), case.apart,
        )  # fmt: skip

    def grown(self) -> dict[str, list[str]]:
        """The incidents into which others were merged in this delivery, and the alerts that came into them since it began."""
        return {incident: self._members[incident] for incident in map(self.now, self._into.values())}

    def _merge(self, merged: tuple[str, ...], into: str) -> Asking[None]:
        """Makes incidents one: their alerts move, they redirect."""
        yield Needs(held=tuple((incident, HELD + 1) for incident in merged))
        rows = self._facts.rows
        held = {incident: self._facts.held[incident] for incident in merged}
        yield Needs(rows=tuple((ALERTS, key) for keys in held.values() for key in keys if (ALERTS, key) not in rows))
        for incident in merged:
            alerts = dict.fromkeys((*held[incident], *self._members.pop(incident, ())))
            for key in alerts:
                if rows[ALERTS, key].record["incidentId"] == incident:
                    self._desk.move(key, into)
                    if (other := self._of.get(key)) is not None:
                        other.judged = replace(other.judged, incident=into)
                    self._members[into].append(key)
            self._into[incident] = into
        self._desk.redirect(merged, into)
        for incident in merged:
            self.cases.absorb(incident, into)

    # -- what is written of it

    def joined(self, one: Looked, incident: str, placement: Placement, *, new: bool) -> PutJudged:
        """Takes note of the incident that an alert is in now, which it is new to unless it was there before; what is to be kept
        of how it was judged.
        """
        subject = one.subject
        judged = Judged(subject.id, incident, subject.v, subject.first, subject.last, one.keys, one.data)
        self._keep(Other(judged, (-subject.last, -next(self._comes)), subject))
        if new:
            self._members[incident].append(subject.id)
        if incident not in self.cases:
            self.cases.open(incident, placement.continues)
        self.cases.join(incident, subject.first, subject.last, series_of(subject), one.says, many=int(new))
        told = placement.links or placement.refused or one.crowded
        reasons = as_data((incident, placement, one.crowded)) if told else b""
        names = tuple((one.numbers[entity.keys[0]], entity.keys[0], entity.name) for entity in subject.entities)
        return PutJudged(judged, names, reasons)

    def _keep(self, other: Other) -> None:
        before = self._of.get(other.id)
        if before is not None:
            for key in before.subject.places:
                self._fresh[key].remove(before)
        self._of[other.id] = other
        for key in other.subject.places:
            self._fresh[key].append(other)


Reader = Callable[[Looked, str], Iterable[Other]]


def _order(other: Other) -> Order:
    return other.order


def _prefer(found: dict[str, tuple[Order, Link]], incident: str, order: Order, link: Link) -> None:
    known = found.get(incident)
    if known is None or order < known[0]:
        found[incident] = order, link
