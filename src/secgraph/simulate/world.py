"""The scenario and what was written into it since: what each alert and incident is now, as the APIs are to show it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from secgraph.clock import MICROSECOND, SECOND
from secgraph.simulate.cast import Organisation
from secgraph.simulate.chance import chance, share
from secgraph.simulate.faults import Faults
from secgraph.simulate.hand import Hand
from secgraph.simulate.scenario import Scenario
from secgraph.simulate.truth import Alert, Case, Change, Comment, State, View, state

WRITE_STEP = 1000 * MICROSECOND
"""How far a write moves the clock: two writes never bear the same time, even where the clock stands still."""


class World:
    """One truth, its clock, and its faults. Reading is by tenant; `true` reads past the faults."""

    def __init__(self, scenario: Scenario, hand: Hand, faults: Faults, steady: Callable[[], float]) -> None:
        self.scenario = scenario
        self.hand = hand
        self.faults = faults
        self.steady = steady
        self.throw: random.Random = chance(scenario.seed, "faults")
        self.writes: list[dict[str, Any]] = []
        self.subscriptions: set[tuple[str, str]] = set()
        """Tenants and the content types of the audit feed that they asked for."""
        self.blobs: dict[str, tuple[int, dict[str, Any]]] = {}
        """What the audit feed has of a tenant, and until when."""
        self.read: set[str] = set()
        """The alerts of the cloud-application product that somebody has opened."""
        self._written: dict[str, list[Change]] = {}
        self._alerts = {one.id: [a for a in scenario.alerts if a.organisation is one] for one in scenario.organisations}
        self._incidents = {one.id: [i for i in scenario.incidents if i.organisation is one] for one in scenario.organisations}

    def now(self) -> int:
        """What the products take for the time."""
        return self.hand.now() + int(self.faults.skew * SECOND)

    def organisation(self, tenant: str) -> Organisation | None:
        """The tenant of that id or domain."""
        for one in self.scenario.organisations:
            if tenant.lower() in (one.id, one.domain):
                return one
        return None

    def alerts(self, tenant: str, at: int | None = None, *, true: bool = False) -> list[View]:
        """All alerts of a tenant that are raised by then, the newest first."""
        at = self.now() if at is None else at
        views = (self._view(alert, at, true=true) for alert in reversed(self._alerts[tenant]))
        return [view for view in views if view is not None]

    def alert(self, tenant: str, name: str, *, by: str = "native_id") -> View | None:
        """The alert with that id of the named kind."""
        for alert in self._alerts[tenant]:
            if getattr(alert, by) == name:
                return self._view(alert, self.now(), true=True)
        return None

    def cases(self, tenant: str, at: int | None = None, *, true: bool = False) -> list[Case]:
        """All incidents of a tenant with their alerts, the newest first."""
        at = self.now() if at is None else at
        held: dict[int, list[View]] = {}
        for view in self.alerts(tenant, at, true=true):
            if view.alert.unified:
                held.setdefault(view["incident"], []).append(view)
        found: list[Case] = []
        for incident in reversed(self._incidents[tenant]):
            made = state(self._changes(f"incident/{tenant}/{incident.number}", incident.changes), at)
            if made is not None:
                found.append(Case(incident, made).holding(held.get(incident.number, ())))
        found.sort(key=lambda case: (case.incident.created, case.incident.number), reverse=True)
        return found

    def case(self, tenant: str, number: str) -> Case | None:
        """The incident of that number."""
        for case in self.cases(tenant, true=True):
            if str(case.incident.number) == number:
                return case
        return None

    def history(self, alert: Alert, at: int) -> list[Change]:
        """Everything that became of an alert until then, in the order of its clock."""
        return [change for change in self._changes(alert.graph_id, alert.changes) if change.at <= at]

    def write(self, thing: View | Case, members: Mapping[str, Any], comment: str | None, by: str, through: str) -> None:
        """Changes an alert or an incident now; its update clock moves, as it does whoever changes it."""
        self.hand.advance(WRITE_STEP)
        at = self.now()
        if isinstance(thing, View):
            key, name = thing.alert.graph_id, thing.alert.native_id
        else:
            key, name = f"incident/{thing.incident.organisation.id}/{thing.incident.number}", str(thing.incident.number)
        said = None if comment is None else Comment(comment, by, at)
        self._written.setdefault(key, []).append(Change(at, dict(members), said, by))
        self.writes.append({"at": at, "through": through, "id": name, "members": dict(members), "comment": comment, "by": by})

    def _changes(self, key: str, told: tuple[Change, ...]) -> Sequence[Change]:
        written = self._written.get(key)
        return sorted([*told, *written], key=lambda change: change.at) if written else told

    def _view(self, alert: Alert, at: int, *, true: bool) -> View | None:
        made = self.seen(alert.graph_id, self._changes(alert.graph_id, alert.changes), at, true=true)
        return None if made is None else View(alert, made)

    def seen(self, name: str, changes: Sequence[Change], at: int, *, true: bool = False) -> State | None:
        """What a thing of that name is by its changes at an instant, as far as they can be seen."""
        if not true and changes and (self.faults.late or self.faults.stale):
            made = changes[0].at
            changes = [change for change in changes if not self._hidden(name, made, change, at)]
        return state(changes, at)

    def _hidden(self, name: str, made: int, change: Change, at: int) -> bool:
        """Whether a change that was made cannot be seen yet."""
        bound = self.faults.late_seconds * SECOND
        if change.by or not 0 <= at - change.at < bound:
            return False
        thrown = share(self.scenario.seed, name, change.at)
        if thrown < self.faults.late:
            return at - change.at < bound * thrown / self.faults.late
        return change.at != made and self.throw.random() < self.faults.stale
