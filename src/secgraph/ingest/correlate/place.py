"""Into which incident an alert goes, once its links are known: what joins, what merges, what is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from secgraph.ingest.correlate.link import Link
from secgraph.ingest.correlate.settings import Settings
from secgraph.ingest.correlate.subject import Subject

Why = Literal["resolved", "apart", "touched", "alerts", "span", "series"]

CONTINUED = frozenset({"resolved", "alerts", "span", "series"})
"""For what an incident that is opened instead says that it continues another."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An incident as the decision sees it."""

    id: str
    born: int
    """Its place among the incidents: a lower number is the older."""
    alerts: int
    first: int
    """When the activity of its alerts began and ended, in ticks."""
    last: int
    series: str = ""
    """The series that all its alerts are of, where there is one."""
    touched: bool = False
    """Whether a person wrote on it: owner, comment, status, title, tag."""
    resolved: bool = False
    apart: frozenset[str] = field(default_factory=frozenset)
    """The incidents from which a person has set it apart."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A link that was not followed, to which incident, and why."""

    link: Link
    incident: str
    why: Why


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an alert goes."""

    incident: str | None
    """The incident that it joins, or that survives the merge; None for one that is to be opened."""
    links: tuple[Link, ...] = ()
    """Why: one link to each incident that was joined or merged."""
    merged: tuple[str, ...] = ()
    """Incidents that redirect to it from now on."""
    refused: tuple[Refused, ...] = ()
    continues: str | None = None
    """The incident that the opened one goes on from."""
    reached: tuple[str, ...] = ()
    """The incident to which each of the links led, before any merge."""

    @property
    def suggested(self) -> tuple[str, ...]:
        """The incidents of which a person is to say whether they are one with this."""
        return tuple(one.incident for one in self.refused if one.why == "touched")


def series_of(subject: Subject) -> str:
    """The series that an alert is of; empty when it is about nothing."""
    return f"{subject.detector}/{subject.main}" if subject.main else ""


def grown(standing: Standing, *, alerts: int, first: int, last: int, series: str) -> Standing:
    """An incident with more alerts in it."""
    if not standing.alerts:
        return replace(standing, alerts=alerts, first=first, last=last, series=series)
    return replace(
        standing, alerts=standing.alerts + alerts, first=min(standing.first, first), last=max(standing.last, last),
        series=series if series == standing.series else "",
    )  # fmt: skip


def place(
    subject: Subject, links: Mapping[str, Link], standings: Mapping[str, Standing], settings: Settings, home: str | None = None
) -> Placement:
    """Decides where an alert goes. `links` holds its best link to each incident; `home` is the incident that it is in, or
    that its source names, to which it belongs in any case.
    """
    group = [standings[home]] if home is not None else []
    used: dict[str, Link] = {home: links[home]} if home is not None and home in links else {}
    refused: list[Refused] = []
    for incident, link in sorted(links.items(), key=lambda item: (-item[1].score, standings[item[0]].born)):
        if incident == home:
            continue
        why = _against(standings[incident], group, subject, settings, counted=home is not None)
        if why is None:
            group.append(standings[incident])
            used[incident] = link
        else:
            refused.append(Refused(link, incident, why))
    if not group:
        continued = next((one.incident for one in refused if one.why in CONTINUED), None)
        return Placement(None, (), (), tuple(refused), continued)
    stays = survivor(group)
    merged = tuple(one.id for one in sorted(group, key=_age) if one.id != stays.id)
    return Placement(stays.id, tuple(used.values()), merged, tuple(refused), reached=tuple(used))


def survivor(group: Iterable[Standing]) -> Standing:
    """The one that stays when incidents become one: the one that a person touched, else the oldest."""
    return min(group, key=lambda one: (not one.touched, _age(one)))


def _age(one: Standing) -> tuple[int, str]:
    return one.born, one.id


def _against(one: Standing, group: list[Standing], subject: Subject, settings: Settings, *, counted: bool) -> Why | None:
    """What speaks against an incident's becoming one with these and the alert."""
    if one.resolved or (group and any(known.resolved for known in group)):
        return "resolved"
    if any(known.id in one.apart or one.id in known.apart for known in group):
        return "apart"
    if one.touched and any(known.touched for known in group):
        return "touched"
    everyone = [*group, one]
    alerts = sum(known.alerts for known in everyone) + (not counted)
    if alerts > settings.most_alerts:
        return "alerts"
    first = min(subject.first, *(known.first for known in everyone))
    last = max(subject.last, *(known.last for known in everyone))
    if last - first > settings.most_span:
        return "span"
    series = {known.series for known in everyone} | {series_of(subject)}
    if len(series) == 1 and "" not in series and alerts > settings.most_series:
        return "series"
    return None
