"""All alerts of a tenant and the incidents they are in, held in memory: what replays and tests go by."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from secgraph.ingest.correlate.link import Link, judge
from secgraph.ingest.correlate.place import Placement, Standing, grown, place, series_of
from secgraph.ingest.correlate.rarity import EMPTY, Snapshot
from secgraph.ingest.correlate.seek import promising, sought
from secgraph.ingest.correlate.settings import Settings
from secgraph.ingest.correlate.subject import Subject


@dataclass(slots=True)
class Case:
    """An incident: how it stands, and the alerts in it in the order in which they came."""

    standing: Standing
    alerts: list[str] = field(default_factory=list)
    continues: str | None = None
    into: str | None = None
    """The incident that it redirects to."""


class Partition:
    """Takes alerts one by one, as the door does, and what people decide between them."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.snapshots: dict[int, Snapshot] = {0: EMPTY}
        self.current = EMPTY
        self.cases: dict[str, Case] = {}
        self.subjects: dict[str, Subject] = {}
        self.of: dict[str, str] = {}
        self._postings: dict[str, deque[Subject]] = {}
        self._opened = 0

    # -- what is asked of it

    def incidents(self) -> list[list[str]]:
        """The alerts of each incident that has some."""
        return [list(case.alerts) for case in self.cases.values() if case.alerts]

    def incident(self, alert: str) -> str:
        """The incident that an alert is in."""
        return self.of[alert]

    def publish(self, snapshot: Snapshot) -> None:
        """From now on alerts are judged under this snapshot."""
        self.snapshots[snapshot.v] = snapshot
        self.current = snapshot

    # -- what the machine does

    def take(self, subject: Subject, home: str | None = None) -> Placement:
        """Takes an alert, or another version of one that is there. `home` is the incident that its source names."""
        known = self.subjects.get(subject.id)
        if known is not None:
            home = self.of[subject.id]
            if _alike(known, subject):
                return Placement(home)
        subject.v = self.current.v
        links = {} if self.settings.off else self._links(subject)
        standings = {key: self.cases[key].standing for key in (*links, *((home,) if home is not None else ()))}
        placement = place(subject, links, standings, self.settings, home)
        incident = placement.incident if placement.incident is not None else self.open(placement.continues)
        for merged in placement.merged:
            self._merge(merged, incident)
        self._put(subject, incident)
        return placement

    def candidates(self, subject: Subject) -> Iterator[Subject]:
        """The alerts that may link with this one, each once."""
        things = sought(subject, self.current, self.settings)
        return promising(subject, things, lambda key: reversed(self._postings.get(key, ())), self.settings)

    def _links(self, subject: Subject) -> dict[str, Link]:
        """A link to each incident that there is one to."""
        links: dict[str, Link] = {}
        for other in self.candidates(subject):
            incident = self.of[other.id]
            if incident not in links:
                link = judge(subject, other, self.snapshots[max(subject.v, other.v)], self.settings)
                if link is not None:
                    links[incident] = link
        return links

    def open(self, continues: str | None = None) -> str:
        """A new incident without alerts."""
        self._opened += 1
        key = str(self._opened)
        self.cases[key] = Case(Standing(key, self._opened, 0, 0, 0), continues=continues)
        return key

    def _put(self, subject: Subject, incident: str) -> None:
        known = self.subjects.get(subject.id)
        self.subjects[subject.id] = subject
        gained = subject.places.keys() - (known.places.keys() if known is not None else ())
        for key in subject.places:
            if key in gained:
                self._postings.setdefault(key, deque(maxlen=self.settings.most_postings)).append(subject)
            else:
                row = self._postings[key]
                self._postings[key] = deque((subject if one.id == subject.id else one for one in row), row.maxlen)
        if known is None:
            self.cases[incident].alerts.append(subject.id)
            self.of[subject.id] = incident
            case = self.cases[incident]
            case.standing = grown(case.standing, alerts=1, first=subject.first, last=subject.last, series=series_of(subject))
        else:
            self._count(incident)

    def _merge(self, incident: str, into: str) -> None:
        """Makes an incident another name of a second one."""
        one, other = self.cases[incident], self.cases[into]
        for alert in one.alerts:
            self.of[alert] = into
        other.alerts += one.alerts
        one.alerts, one.into = [], into
        for key in one.standing.apart - {into}:
            self.keep_apart(into, key)
        gone = one.standing
        other.standing = grown(other.standing, alerts=gone.alerts, first=gone.first, last=gone.last, series=gone.series)
        one.standing = replace(gone, alerts=0)

    def _count(self, incident: str) -> None:
        """Brings the standing of an incident up to its alerts."""
        case = self.cases[incident]
        subjects = [self.subjects[key] for key in case.alerts]
        series = {series_of(one) for one in subjects}
        case.standing = replace(
            case.standing, alerts=len(subjects), first=min((one.first for one in subjects), default=0),
            last=max((one.last for one in subjects), default=0), series=series.pop() if len(series) == 1 else "",
        )  # fmt: skip

    # -- what people do

    def touch(self, incident: str) -> None:
        """A person wrote on an incident."""
        self.cases[incident].standing = replace(self.cases[incident].standing, touched=True)

    def resolve(self, incident: str, *, resolved: bool = True) -> None:
        """A person closed an incident, or opened it again."""
        self.cases[incident].standing = replace(self.cases[incident].standing, touched=True, resolved=resolved)

    def keep_apart(self, one: str, other: str) -> None:
        """The machine never makes these two one."""
        for key, from_ in ((one, other), (other, one)):
            standing = self.cases[key].standing
            self.cases[key].standing = replace(standing, apart=standing.apart | {from_})

    def join(self, into: str, incidents: Iterable[str]) -> None:
        """A person made these incidents one, whatever kept them apart."""
        for incident in incidents:
            for key, from_ in ((into, incident), (incident, into)):
                standing = self.cases[key].standing
                self.cases[key].standing = replace(standing, apart=standing.apart - {from_})
            self._merge(incident, into)
        self.touch(into)

    def move(self, alerts: Iterable[str], into: str | None = None) -> str:
        """A person put alerts into another incident, or into one of their own; where they were is apart from there."""
        target = into if into is not None else self.open()
        for alert in alerts:
            left = self.of[alert]
            if left != target:
                self.cases[left].alerts.remove(alert)
                self.cases[target].alerts.append(alert)
                self.of[alert] = target
                self.keep_apart(left, target)
                self._count(left)
        self._count(target)
        self.touch(target)
        return target


def _alike(one: Subject, other: Subject) -> bool:
    """Whether two versions of an alert are judged alike."""
    return (one.first, one.last, one.entities, one.tactic, one.detector, one.title) == (
        other.first, other.last, other.entities, other.tactic, other.detector, other.title,
    )  # fmt: skip
