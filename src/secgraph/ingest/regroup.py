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
from collections.abc import Container, Generator, Iterable, Sequence
from dataclasses import dataclass

from secgraph.errors import BadBody, NotFound
from secgraph.ingest.cases import Cases
from secgraph.ingest.desk import Desk
from secgraph.ingest.incident import destination
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.store.facts import HELD, Facts, Needs
from secgraph.store.protocol import Deciding, Decision

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

    @property
    def cause(self) -> str:
        """What the events of the call name as their cause."""
        return " ".join(filter(None, (f"app:{self.app_id}", self.action, self.reasons)))

    @property
    def texts(self) -> list[str]:
        """The comments that it writes: the reasons in one of their own before what was said."""
        return [*([f"Correlation reasons: {self.reasons}."] if self.reasons else []), *filter(None, (self.comment,))]


# --- mergeIncidents -------------------------------------------------------------------------------------------------


def merge_needs(incidents: Sequence[str]) -> Needs:
    """What `merge` has to see first: the incidents, and where they lead."""
    return Needs(rows=tuple((INCIDENTS, key) for key in incidents))


def merge(facts: Facts, incidents: Sequence[str], call: Call) -> Deciding[str]:
    """Merges incidents into the first of them; the answer is the one that survives. NotFound names those that are not there,
    BadBody says when they hold too many alerts for one call.
    """
    present(facts, INCIDENTS, incidents, "incident")
    target, *merged = ends(facts, incidents)
    yield Needs(held=tuple((incident, HELD + 1) for incident in merged))
    alerts = [key for incident in merged for key in facts.held[incident]]
    if len(alerts) > HELD:
        raise BadBody("incidentIds", f"the incidents to be merged into {target} hold more than {HELD} alerts.",
                      hint="Name the largest one first, so that it stays; merge the others a few at a time.")  # fmt: skip
    yield Needs(rows=tuple((ALERTS, key) for key in alerts), cases=(target, *merged))
    desk = Desk(facts, call.cause, f"API-App:{call.name}")
    for key in alerts:
        desk.move(key, target)
    if merged:
        desk.redirect(merged, target)
        for incident in merged:
            desk.graver(target, facts.rows[INCIDENTS, incident].record["severity"])
        desk.comment(INCIDENTS, target, call.texts, call.name)
    cases = Cases(facts)
    for incident in merged:
        cases.absorb(incident, target)
    desk.retell(cases)
    return Decision([*desk.changes(last=target), *cases.changes()], target)


def ends(facts: Facts, incidents: Iterable[str]) -> list[str]:
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
    present(facts, ALERTS, alerts, "alert")
    if incident is not None:
        present(facts, INCIDENTS, [incident], "incident")
    homes = _homes(facts, alerts)
    yield Needs(held=tuple((key, leaving + 1) for key, leaving in homes.items()))  # whether an incident keeps an alert
    desk = Desk(facts, call.cause, f"API-App:{call.name}")
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
        desk.comment(ALERTS, key, call.texts, call.name)
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
    cases = yield from _recounted(facts, moved, target, left, emptied)
    desk.retell(cases)
    return Decision([*desk.changes(last=target), *cases.changes()], target)


def _recounted(
    facts: Facts, moved: Sequence[str], target: str, left: Sequence[str], emptied: Container[str]
) -> Generator[Needs, None, Cases]:
    """The cases once the alerts are where they were put. Whom a person parts the machine never brings together again."""
    there = (INCIDENTS, target) in facts.rows and facts.rows[INCIDENTS, target].seq > 0
    yield Needs(inside=(*left, *((target,) if there else ())), cases=(*left, *((target,) if there else ())))
    cases, gone = Cases(facts), set(moved)
    if not there:
        cases.open(target)
    came = [one for home in left for one in facts.inside[home] if one.alert in gone]
    cases.recount(target, [*facts.inside.get(target, ()), *came])
    for home in left:
        cases.recount(home, [one for one in facts.inside[home] if one.alert not in gone])
        if home not in emptied:
            cases.keep_apart(home, target)
    return cases


def _homes(facts: Facts, alerts: Iterable[str]) -> Counter[str]:
    """The incidents that the alerts are in, and how many of them each holds."""
    rows = (facts.rows.get((ALERTS, key)) for key in alerts)
    return Counter(row.record["incidentId"] for row in rows if row is not None and row.record["incidentId"])


# --- both -----------------------------------------------------------------------------------------------------------


def present(facts: Facts, path: str, keys: Iterable[str], what: str) -> None:
    """NotFound when one of them is not there; it names the first few."""
    missing = [key[:80] for key in keys if (path, key) not in facts.rows]
    if missing:
        named = ", ".join(f"'{key}'" for key in missing[:NAMED])
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise NotFound(f"There is no {what} {named}{more} in this tenant.", hint="Nothing was changed.")
