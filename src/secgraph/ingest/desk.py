"""Incidents and alerts as a decision leaves them: alerts put into other incidents, incidents made one, each row written once
with all that changed in it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from secgraph import clock
from secgraph.ingest.assessment.members import members
from secgraph.ingest.cases import Cases
from secgraph.ingest.incident import graver, opened
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.store.facts import Facts, Record, Row
from secgraph.store.protocol import Change, Put

MERGED = frozenset({"incidentId", "redirectIncidentId"})
"""What changes where incidents become one."""


class Desk:
    """The rows as the decision leaves them, each to be written once with all that changed in it."""

    def __init__(self, facts: Facts, cause: str, by: str = "") -> None:
        """`by` is what incidents call the person or application that does this; empty for this program itself, whose changes
        are nobody's word.
        """
        self._facts = facts
        self._cause = cause
        self._by = by
        self._changed: dict[tuple[str, str], dict[str, None]] = {}
        self._new: set[tuple[str, str]] = set()

    def open(self, alerts: Sequence[str]) -> str:
        """A new incident, made as the door makes one around the first alert that comes."""
        incident = self._facts.new_incident()
        first = self._facts.rows[ALERTS, alerts[0]].record
        key = (INCIDENTS, incident)
        self._facts.rows[key] = Row(opened(incident, first, self._facts.tenant_id), 0)
        self._new.add(key)
        self._changed[key] = {}
        self._set(key, status=self._status(alerts))
        return incident

    def reopen(self, incident: str, alerts: Sequence[str]) -> None:
        """Opens an incident that redirects, for it holds these alerts again; any other stays as it is."""
        if self._facts.rows[INCIDENTS, incident].record["redirectIncidentId"]:
            self._set((INCIDENTS, incident), status=self._status(alerts), redirectIncidentId=None)

    def _status(self, alerts: Iterable[str]) -> str:
        """What the status of an incident is that holds just these alerts."""
        solved = all(self._facts.rows[ALERTS, key].record["status"] == "resolved" for key in alerts)
        return "resolved" if solved else "active"

    def move(self, alert: str, incident: str) -> None:
        """Puts an alert into another incident."""
        self._set((ALERTS, alert), incidentId=incident)
        self.touch(incident)

    def touch(self, incident: str) -> None:
        """Notes that an incident gained or lost alerts."""
        self._note(incident, "alerts")

    def part(self, incident: str) -> None:
        """Notes that an incident is kept apart from others."""
        self._note(incident, "apart")

    def _note(self, incident: str, what: str) -> None:
        """Has the event of an incident tell what changed of it beside its members."""
        key = (INCIDENTS, incident)
        self._signed(key)
        self._changed.setdefault(key, {})[what] = None

    def redirect(self, incidents: Sequence[str], target: str) -> None:
        """Makes incidents old names of another one, which takes over their comments and tags."""
        heir = self._facts.rows[INCIDENTS, target].record
        records = [heir, *(self._facts.rows[INCIDENTS, key].record for key in incidents)]
        # One and the same comment may have come to several of them by merges before.
        known = {tuple(one.items()) for one in heir["comments"]}
        new = {tuple(one.items()): one for record in records for one in record["comments"] if tuple(one.items()) not in known}
        if new:
            ordered = sorted([*heir["comments"], *new.values()], key=lambda one: one["createdDateTime"] or "")
            self._set((INCIDENTS, target), comments=ordered)
        for name in ("customTags", "systemTags"):
            self._set((INCIDENTS, target), **{name: list(dict.fromkeys(tag for record in records for tag in record[name]))})
        self._signed((INCIDENTS, target))
        for key in incidents:
            self._set((INCIDENTS, key), status="redirected", redirectIncidentId=target)
            self._signed((INCIDENTS, key))
            if self._facts.held[key]:
                self.touch(key)

    def graver(self, incident: str, severity: str) -> None:
        """Makes an incident at least as grave as that."""
        key = (INCIDENTS, incident)
        self._set(key, severity=graver(self._facts.rows[key].record["severity"], severity))

    def restate(self, incident: str, **members: Any) -> None:
        """Gives members of an incident other values."""
        self._set((INCIDENTS, incident), **members)

    def retell(self, cases: Cases) -> None:
        """Writes what follows for incidents from what their alerts say together; what a person wrote stands."""
        for incident, said, alerts in cases.retold():
            row = self._facts.rows.get((INCIDENTS, incident))
            if row is not None:
                self.restate(incident, **members(said, alerts, row.record, row.touched))

    def comment(self, path: str, key: str, texts: Iterable[str], name: str) -> None:
        """Adds comments at the end, of somebody of that name."""
        now = clock.text(self._facts.now)
        added = [{"comment": text, "createdByDisplayName": name, "createdDateTime": now} for text in texts]
        self._set((path, key), comments=[*self._facts.rows[path, key].record["comments"], *added])

    def _signed(self, key: tuple[str, str]) -> None:
        if self._by:
            self._set(key, lastModifiedBy=self._by)

    def _set(self, key: tuple[str, str], **members: Any) -> None:
        row = self._facts.rows[key]
        for name, value in members.items():
            if row.record[name] != value:
                row.record = {**row.record, name: value}
                self._changed.setdefault(key, {})[name] = None

    def changes(self, *, last: str = "") -> list[Change]:
        """One change for each row: new ones first, then in the order they were changed, the incident of all this last."""
        keys = sorted(self._changed, key=lambda key: 0 if key in self._new else 2 if key == (INCIDENTS, last) else 1)
        return [self._put(key) for key in keys]

    def _put(self, key: tuple[str, str]) -> Put:
        row, one = self._facts.rows[key], load().sets[key[0]]
        created = key in self._new
        changed = () if created else tuple(self._changed[key])
        # Severity is no person's word here: it follows the alerts, and goes on doing so.
        said = [name for name in changed if name in one.choices.triage and name != "severity"] if self._by else []
        if self._by and (created or "alerts" in changed):
            said.append("alerts")  # which alerts it holds is a person's word too
        kept: Record = dict.fromkeys(said, self._facts.now)
        note = {"status": row.record["status"]} if created else {}
        cause = self._cause
        if not self._by:
            cause += " merge" if MERGED.intersection(changed) else " correlation"
        return Put(one, row.record, changed, created=created, touched={**row.touched, **kept}, cause=cause, note=note)
