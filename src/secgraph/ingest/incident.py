"""What an incident is: what a new one is made of, how grave it is, where a merged one leads. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from secgraph.errors import Fault
from secgraph.model.check import from_source
from secgraph.model.choices import INCIDENTS
from secgraph.model.edm import EnumType, load
from secgraph.store.facts import Record, Row
from secgraph.store.turn import new_record


def opened(incident: str, alert: Record, tenant_id: str) -> Record:
    """A new incident around an alert that nothing else claims."""
    record, _ = from_source(load().sets[INCIDENTS].type, {
        "displayName": alert["title"], "severity": alert["severity"], "createdDateTime": alert["createdDateTime"],
        "status": "resolved" if alert["status"] == "resolved" else "active", "description": alert["description"],
        "classification": alert["classification"], "determination": alert["determination"],
        "assignedTo": alert["assignedTo"],
    }, alert["createdDateTime"])  # fmt: skip
    record = new_record(record)
    record["id"], record["tenantId"] = incident, tenant_id
    return record


def graver(one: str, other: str) -> str:
    """The graver of two severities."""
    grave = _severities()
    return one if grave[one] >= grave[other] else other


@cache
def _severities() -> Mapping[str, int]:
    severity = load().sets[INCIDENTS].type.properties["severity"].type
    assert isinstance(severity, EnumType)  # noqa: S101 -- the contract says so
    return severity.members


def destination(rows: Mapping[tuple[str, str], Row], incident: str) -> str:
    """The incident in which what an incident held is now: itself, or the end of its redirects."""
    for _ in range(len(rows) + 1):
        row = rows.get((INCIDENTS, incident))
        if row is None or not row.record["redirectIncidentId"]:
            return incident
        incident = row.record["redirectIncidentId"]
    raise Fault(f"The redirects of incident {incident} lead in a circle.")
