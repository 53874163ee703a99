"""What a change of an incident means for its alerts: facts → changes. Pure, and decided in the tenant's turn.

Who resolves an incident is done with its alerts: that they are resolved with it is how users of Defender know it. What the
published pages leave open is decided so:

- What goes down is that an incident was resolved, and its classification and determination, whenever these change and when it
  is resolved, so that an alert that joined since gets them too. Comments, tags and the rest are the incident's own.
- An alert that was judged by itself keeps that, whether a person said so or its product: one is told of twelve alerts at once,
  the other of this one. It was judged by itself where its classification is neither unknown nor what the incident said before.
  Its status goes with the incident all the same.
- A determination belongs to its classification: both go down or none does. Where the classification stays what it is, or was
  unknown, an alert's own determination stays.
- An alert that was resolved already keeps its time of resolution. Opening an incident again opens none of its alerts: they were
  resolved one by one, and nobody said of any of them that this was wrong.
- What went down is a person's word on the alert: a source changes it only by changing that very member afterwards.
"""

from __future__ import annotations

from collections.abc import Generator

from secgraph import clock
from secgraph.errors import BadBody
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load
from secgraph.store.facts import HELD, Facts, Needs, Record, Row
from secgraph.store.protocol import Put

UNKNOWN = "unknown"
DOWN = ("status", "classification", "determination")
"""The members of an incident that its alerts may follow."""


def goes_down(before: Record, after: Record) -> bool:
    """Whether what changed in an incident concerns its alerts."""
    changed = {name for name in DOWN if after[name] != before[name]}
    return bool(changed - {"status"}) or ("status" in changed and after["status"] == "resolved")


def handed_down(facts: Facts, before: Record, after: Record, cause: str) -> Generator[Needs, None, list[Put]]:
    """The changes of an incident's alerts that follow from its own, the oldest alert first; alerts are seen only where
    they may follow. BadBody where it holds too many.
    """
    if not goes_down(before, after):
        return []
    incident = after["id"]
    yield Needs(held=((incident, HELD + 1),))
    ids = facts.held[incident]
    if len(ids) > HELD:
        name = next(name for name in DOWN if after[name] != before[name])
        raise BadBody(name, f"would be handed down to the alerts of incident {incident}, and it holds more than {HELD}.",
                      hint="Move some of them into another incident with moveAlerts, and update both.")  # fmt: skip
    yield Needs(rows=tuple((ALERTS, key) for key in ids))
    resolved = before["status"] != "resolved" == after["status"]
    rows = (facts.rows[ALERTS, key] for key in ids)
    found = (_followed(row, before, after, facts.now, f"{cause} incident {incident}", resolved=resolved) for row in rows)
    return [put for put in found if put is not None]


def _followed(row: Row, before: Record, after: Record, now: int, cause: str, *, resolved: bool) -> Put | None:
    """The change of an alert that follows its incident; None where it is as the incident says, or goes its own way."""
    record = {**row.record, **_judgement(row.record, before, after)}
    if resolved and record["status"] != "resolved":
        record["status"], record["resolvedDateTime"] = "resolved", clock.text(now)
    changed = tuple(name for name, value in record.items() if value != row.record[name])
    if not changed:
        return None
    alerts = load().sets[ALERTS]
    touched = {**row.touched, **{name: now for name in changed if name in alerts.choices.triage}}
    return Put(alerts, record, changed, touched=touched, cause=cause)


def _judgement(alert: Record, before: Record, after: Record) -> Record:
    """What an alert's classification and determination become; nothing where it was judged by itself."""
    stands, own = alert["classification"], alert["determination"]
    if stands not in {UNKNOWN, before["classification"], after["classification"]}:
        return {}
    found = {"classification": after["classification"]}
    if own in {UNKNOWN, before["determination"]} or stands not in {UNKNOWN, after["classification"]}:
        found["determination"] = after["determination"]
    return found
