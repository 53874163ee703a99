"""Which members of an incident the machine writes, and where it keeps its hands off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from secgraph.ingest.assessment.cast import Cast, cast
from secgraph.ingest.assessment.outline import Outline
from secgraph.ingest.assessment.priority import factors, score
from secgraph.ingest.assessment.words import display_name, summary
from secgraph.ingest.entities.normal import shown
from secgraph.store.facts import Record


def members(one: Outline, alerts: int, record: Record, touched: Mapping[str, Any]) -> Record:
    """What changes in an incident that these alerts make up: those members that are not as they should be. What a person wrote
    stands, and who has an incident in hand finds it again by its name.
    """
    named = cast(one)
    severity = record["severity"] if "severity" in touched else one.severity
    judged = msgspec.structs.replace(one, severity=severity)
    found: Record = {"severity": severity, "priorityScore": score(factors(judged, named))}
    if not named_by_people(record, touched):
        found["displayName"] = _name(one, named, alerts, record["displayName"])
    if "summary" not in touched:
        found["summary"] = summary(one, named, alerts) if alerts > 1 else None
    return {name: value for name, value in found.items() if value != record[name]}


def _name(one: Outline, named: Cast, alerts: int, stands: str | None) -> str | None:
    """What it is called. The title of its only alert stands there whole already, of which an outline may know the beginning."""
    name = display_name(one, named, alerts)
    return stands if not name or (alerts == 1 and shown(stands) == name) else name


def named_by_people(record: Record, touched: Mapping[str, Any]) -> bool:
    """Whether the name of an incident stays as it is: a person wrote it, or has or had the incident in hand."""
    return "displayName" in touched or "assignedTo" in touched or bool(record["assignedTo"])
