"""What is true: things with a life of changes, and what they are at an instant. No product's words, no product's shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from secgraph.simulate.cast import Machine, Organisation, Person
from secgraph.simulate.detections import Detection

Evidence = Mapping[str, Any]
"""One thing that an alert names: `kind`, and what is known of it."""


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote."""

    text: str
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class Change:
    """Some members become what they say, at that instant of the product's update clock."""

    at: int
    members: Mapping[str, Any] = field(default_factory=dict)
    comment: Comment | None = None
    by: str = ""
    """The application that wrote it; empty where it belongs to the story."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What a product found, and its whole life."""

    organisation: Organisation
    detection: Detection
    native_id: str
    """As its own product names it."""
    graph_id: str
    provider_id: str
    created: int
    first: int
    """When it happened."""
    person: Person
    machine: Machine
    address: str
    evidence: tuple[Evidence, ...]
    changes: tuple[Change, ...]
    audit_id: str = ""
    """Its AlertId in the audit feed, where it is told there."""
    detector: str = ""

    @property
    def unified(self) -> bool:
        """Whether Microsoft Graph and the incidents API show it: of the risk detections, only the high ones."""
        return not self.detection.risk or self.detection.severity == "high"


@dataclass(frozen=True, slots=True)
class Incident:
    """Alerts that belong together, and the incident's own life."""

    organisation: Organisation
    number: int
    title: str
    created: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What the changes until an instant made of a thing."""

    members: Mapping[str, Any]
    stamps: Mapping[str, int]
    """When each member was set last."""
    comments: tuple[Comment, ...]
    updated: int
    steps: int
    """How many changes it has seen."""


@dataclass(frozen=True, slots=True)
class View:
    """An alert as it is at an instant."""

    alert: Alert
    state: State

    def __getitem__(self, member: str) -> Any:
        return self.state.members.get(member)

    @property
    def updated(self) -> int:
        """The product's update clock."""
        return self.state.updated

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What is known of it by now."""
        return self.alert.evidence[: self["known"]]

    @property
    def resolved(self) -> int | None:
        """Since when it is resolved."""
        return self.state.stamps["status"] if self["status"] == "resolved" else None


@dataclass(frozen=True, slots=True)
class Case:
    """An incident as it is at an instant, with its alerts."""

    incident: Incident
    state: State
    alerts: tuple[View, ...] = ()

    def __getitem__(self, member: str) -> Any:
        return self.state.members.get(member)

    @property
    def updated(self) -> int:
        """Its update clock, which its alerts move too."""
        return max([self.state.updated, *(view.updated for view in self.alerts)])

    def holding(self, alerts: Iterable[View]) -> Case:
        """The same with its alerts."""
        return replace(self, alerts=tuple(alerts))


def state(changes: Iterable[Change], at: int) -> State | None:
    """What the changes until that instant make; None before the first. They come in the order of their clock."""
    members: dict[str, Any] = {}
    stamps: dict[str, int] = {}
    comments: list[Comment] = []
    updated = steps = 0
    for change in changes:
        if change.at > at:
            continue
        for name, value in change.members.items():
            if name not in members or members[name] != value:
                stamps[name] = change.at
            members[name] = value
        if change.comment is not None:
            comments.append(change.comment)
        updated, steps = change.at, steps + 1
    return State(members, stamps, tuple(comments), updated, steps) if steps else None
