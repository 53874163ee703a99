"""Incidents merged and alerts moved: facts → decision. Pure, and decided in the tenant's turn, so that of two calls at once
the second sees what the first one did.

What the published pages leave open is decided so:

- The first incident named survives a merge, as in the published example; one that was merged before stands for where it
  went, so a merge that repeats changes nothing and answers the same.
- A merged incident stays: it is `redirected` and names the one it went into. A source that goes on naming it reaches that.
- An incident that a move empties went where its last alerts went, and is redirected like a merged one. One that keeps an
  alert stays as it is.
- An alert moved to an incident that redirects joins the incident at the end. Where it is there already, the move can only
  mean that the merge was wrong: then the named incident is opened again and takes the alert back.
- The comment of a merge is the surviving incident's, that of a move each alert's. The reasons stand before it in a comment of
  their own, and behind the action in the cause of every event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from secgraph import clock
from secgraph.errors import BadBody, NotFound
from secgraph.ingest.incident import destination, graver, opened
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.store.protocol import HELD, Change, Deciding, Decision, Facts, Needs, Put, Record, Row

NAMED = 10
"""Most ids that a refusal names one by one."""


@dataclass(frozen=True, slots=True)
class Call:
    """Who regroups, by which action, and why."""

    action: str
    app_id: str
    name: str
    """What comments and `lastModifiedBy` call them."""
    comment: str | None = None
    reasons: str | None = None
    """Published correlation reasons, in one text."""


# --- mergeIncidents -------------------------------------------------------------------------------------------------


def merge_needs(incidents: Sequence[str]) -> Needs:
    """What `merge` has to see first: the incidents, and where they lead."""
    return Needs(rows=tuple((INCIDENTS, key) for key in incidents))


def merge(facts: Facts, incidents: Sequence[str], call: Call) -> Deciding[str]:
    """Merges incidents into the first of them; the answer is the one that survives. NotFound names those that are not there,
    BadBody says when they hold too many alerts for one call.
    """
    _present(facts, INCIDENTS, incidents, "incident")
    target, *merged = _ends(facts, incidents)
    yield Needs(held=tuple((incident, HELD + 1) for incident in merged))
    alerts = [key for incident in merged for key in facts.held[incident]]
    if len(alerts) > HELD:
        raise BadBody("incidentIds", f"the incidents to be merged into {target} hold more than {HELD} alerts.",
                      hint="Name the largest one first, so that it stays; merge the others a few at a time.")  # fmt: skip
    yield Needs(rows=tuple((ALERTS, key) for key in alerts))
    desk = _Desk(facts, call)
    for key in alerts:
        desk.move(key, target)
    if merged:
        desk.redirect(merged, target)
        for incident in merged:
            desk.graver(target, facts.rows[INCIDENTS, incident].record["severity"])
        desk.comment(INCIDENTS, target)
    return Decision(desk.changes(last=target), target)


def _ends(facts: Facts, incidents: Iterable[str]) -> list[str]:
    """The incidents in which these are now, each once, in the order named."""
    known = (key for key in incidents if (INCIDENTS, key) in facts.rows)
    return list(dict.fromkeys(destination(facts.rows, key) for key in known))


# --- moveAlerts -----------------------------------------------------------------------------------------------------


def move_needs(alerts: Sequence[str], incident: str | None) -> Needs:
    """What `move` has to see first: the alerts, their incidents, and the one they go to."""
    rows = [(ALERTS, key) for key in alerts]
    if incident is not None:
        rows.append((INCIDENTS, incident))
    return Needs(rows=tuple(rows), around=True)


def move(facts: Facts, alerts: Sequence[str], incident: str | None, call: Call) -> Deciding[str]:
    """Moves alerts into an incident, or into a new one; the answer is the incident they are in. NotFound names what is not
    there.
    """
    _present(facts, ALERTS, alerts, "alert")
    if incident is not None:
        _present(facts, INCIDENTS, [incident], "incident")
    homes = _homes(facts, alerts)
    yield Needs(held=tuple((key, leaving + 1) for key, leaving in homes.items()))  # whether an incident keeps an alert
    desk = _Desk(facts, call)
    if incident is None:
        target = desk.open(alerts)
    else:
        target = destination(facts.rows, incident)
        if target != incident and target in homes:
            target = incident
    moved = [key for key in alerts if facts.rows[ALERTS, key].record["incidentId"] != target]
    if not moved:
        return Decision((), target)
    desk.reopen(target, moved)
    for key in moved:
        desk.move(key, target)
        desk.comment(ALERTS, key)
        if "severity" not in facts.rows[INCIDENTS, target].touched:  # a person's word on it stands, as at the door
            desk.graver(target, facts.rows[ALERTS, key].record["severity"])
    gone = set(moved)
    left = [home for home in homes if home != target and (INCIDENTS, home) in facts.rows]
    emptied = {home: None for home in left if gone.issuperset(facts.held[home])}
    for home in left:
        if home not in emptied:
            desk.touch(home)
    if emptied:
        desk.redirect(list(emptied), target)
    return Decision(desk.changes(last=target), target)


def _homes(facts: Facts, alerts: Iterable[str]) -> Counter[str]:
    """The incidents that the alerts are in, and how many of them each holds."""
    rows = (facts.rows.get((ALERTS, key)) for key in alerts)
    return Counter(row.record["incidentId"] for row in rows if row is not None and row.record["incidentId"])


# --- both -----------------------------------------------------------------------------------------------------------


def _present(facts: Facts, path: str, keys: Iterable[str], what: str) -> None:
    """NotFound when one of them is not there; it names the first few."""
    missing = [key[:80] for key in keys if (path, key) not in facts.rows]
    if missing:
        named = ", ".join(f"'{key}'" for key in missing[:NAMED])
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise NotFound(f"There is no {what} {named}{more} in this tenant.", hint="Nothing was changed.")


class _Desk:
    """The rows as the decision leaves them, each to be written once with all that changed in it."""

    def __init__(self, facts: Facts, call: Call) -> None:
        self._facts = facts
        self._call = call
        self._by = f"API-App:{call.name}"
        self._now = clock.text(facts.now)
        self._cause = " ".join(filter(None, (f"app:{call.app_id}", call.action, call.reasons)))
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
        key = (INCIDENTS, incident)
        self._set(key, lastModifiedBy=self._by)
        self._changed.setdefault(key, {})["alerts"] = None

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
        self._set((INCIDENTS, target), lastModifiedBy=self._by)
        for key in incidents:
            self._set((INCIDENTS, key), status="redirected", redirectIncidentId=target, lastModifiedBy=self._by)
            if self._facts.held[key]:
                self.touch(key)

    def graver(self, incident: str, severity: str) -> None:
        """Makes an incident at least as grave as that."""
        key = (INCIDENTS, incident)
        self._set(key, severity=graver(self._facts.rows[key].record["severity"], severity))

    def comment(self, path: str, key: str) -> None:
        """Adds the reasons and the comment of the call at the end."""
        texts = [f"Correlation reasons: {self._call.reasons}."] if self._call.reasons else []
        if self._call.comment is not None:
            texts.append(self._call.comment)
        added = [{"comment": text, "createdByDisplayName": self._call.name, "createdDateTime": self._now} for text in texts]
        self._set((path, key), comments=[*self._facts.rows[path, key].record["comments"], *added])

    def _set(self, key: tuple[str, str], **members: Any) -> None:
        row = self._facts.rows[key]
        for name, value in members.items():
            if row.record[name] != value:
                row.record = {**row.record, name: value}
                self._changed.setdefault(key, {})[name] = None

    def changes(self, *, last: str) -> list[Change]:
        """One change for each row: new ones first, then in the order they were changed, the incident of all this last."""
        keys = sorted(self._changed, key=lambda key: 0 if key in self._new else 2 if key == (INCIDENTS, last) else 1)
        return [self._put(key) for key in keys]

    def _put(self, key: tuple[str, str]) -> Put:
        row, one = self._facts.rows[key], load().sets[key[0]]
        created = key in self._new
        changed = () if created else tuple(self._changed[key])
        kept: Record = {name: self._facts.now for name in changed if name in one.choices.triage and name != "severity"}
        # Severity is no person's word here: it follows the alerts, and goes on doing so.
        return Put(one, row.record, changed, created=created, touched={**row.touched, **kept}, cause=self._cause)
