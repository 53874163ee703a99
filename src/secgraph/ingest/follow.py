"""The status of an incident that only machines had to do with: it follows its alerts. Pure.

Where sources resolved all alerts of an incident, it is resolved too, as users of Defender know it of what was remediated
without them; else the queue fills with incidents of which nothing is left to do. Where a source opens such an alert again, or
names the incident of one that is open, it is active again: an open alert in a resolved incident is seen by nobody.

All this only while no person wrote the status or took the incident over: what somebody has in hand does not close under their
hands, and what a person resolved stays resolved. That people resolve its alerts one by one resolves no incident: they can say
so themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator

from secgraph.ingest.desk import Desk
from secgraph.ingest.placing import Placing
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.store.facts import Facts, Needs

HANDS = frozenset({"status", "assignedTo"})
"""The members by which a person takes an incident over."""


class Following:
    """What sources said of the status of alerts in one delivery, and what follows for their incidents."""

    def __init__(self, facts: Facts, desk: Desk, placing: Placing) -> None:
        self._facts = facts
        self._desk = desk
        self._placing = placing
        self._said: dict[str, dict[str, bool]] = defaultdict(dict)
        """By incident, as it was called then: the alerts that were spoken of, and whether they are resolved now."""
        self._moved: set[str] = set()
        """The incidents whose status that may change."""

    def opens(self, incident: str, alert: str, *, resolved: bool) -> None:
        """Takes note of an alert around which an incident is opened, in the status that goes with it."""
        self._said[incident][alert] = resolved

    def joins(self, incident: str, alert: str, *, resolved: bool) -> None:
        """Takes note of an alert that came into an incident. One that is resolved resolves nothing there."""
        self._said[incident][alert] = resolved
        if not resolved:
            self._moved.add(incident)

    def turns(self, incident: str | None, alert: str, *, resolved: bool) -> None:
        """Takes note of an alert of another status than before."""
        if incident is not None:
            self._said[incident][alert] = resolved
            self._moved.add(incident)

    def follow(self) -> Generator[Needs, None, None]:
        """Writes what follows. What others hold that were merged into an incident in this delivery is not known here: that one
        waits until something is said of it again.
        """
        now, grown = self._placing.now, self._placing.grown()
        for incident, came in grown.items():
            if self._status(incident) == "resolved" and not all(map(self._is_resolved, came)):
                self._desk.restate(incident, status="active")
        if not self._moved:
            return
        said: dict[str, dict[str, bool]] = defaultdict(dict)
        for incident, alerts in self._said.items():
            said[now(incident)].update(alerts)
        closing: dict[str, set[str]] = {}
        for incident in sorted({now(incident) for incident in self._moved}, key=int):
            status, alerts = self._status(incident), said[incident]
            if status == "resolved" and not all(alerts.values()):
                self._desk.restate(incident, status="active")
            elif status == "active" and all(alerts.values()) and incident not in grown:
                closing[incident] = set(alerts)
        if closing:
            yield Needs(open=tuple((incident, len(known) + 1) for incident, known in closing.items()))
        for incident, known in closing.items():
            if known.issuperset(self._facts.open[incident]):
                self._desk.restate(incident, status="resolved")

    def _is_resolved(self, alert: str) -> bool:
        return bool(self._facts.rows[ALERTS, alert].record["status"] == "resolved")

    def _status(self, incident: str) -> str:
        """The status of an incident that no person took over; empty for any other."""
        row = self._facts.rows.get((INCIDENTS, incident))
        return "" if row is None or HANDS & row.touched.keys() else str(row.record["status"])
