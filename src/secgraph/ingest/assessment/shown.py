"""An incident's assessment as clients are shown it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from secgraph import clock
from secgraph.ingest.assessment.cast import cast
from secgraph.ingest.assessment.deadlines import Deadlines, due, is_overdue, settles
from secgraph.ingest.assessment.outline import CRITICALITY, GRADE, Counted, Outline, Thing, unpacked
from secgraph.ingest.assessment.priority import factors, score
from secgraph.ingest.assessment.words import reached
from secgraph.store.facts import Case, Record

MOST = 20
"""Most entities that are shown, the weightiest first."""

_CRITICALITY = {number: word or None for word, number in CRITICALITY.items()}
_GRADE = {number: word for word, number in GRADE.items()}


def shown(record: Record, case: Case, now: int, said: Deadlines) -> dict[str, Any]:
    """What is known of an incident beyond its row: how urgent it is and why, until when it is due, whether it has settled, what
    its alerts say together.
    """
    outline = unpacked(case.outline) if case.outline else Outline()
    outline = msgspec.structs.replace(outline, severity=record["severity"])  # a person's word on it counts
    named = cast(outline)
    found = factors(outline, named)
    return {
        "id": record["id"],
        "priorityScore": score(found),
        "factors": [{"name": one.name, "points": one.points, "reason": one.why} for one in found],
        "dueDateTime": _moment(due(record, said)),
        "overdue": is_overdue(record, now, said),
        "settled": case.settled and case.alerts > 0,
        "settledDateTime": _moment(settles(case.joined, said)) if case.settled and case.alerts else None,
        "continues": case.continues,
        "alertCount": case.alerts,
        "firstActivityDateTime": clock.text(case.first) if case.alerts else None,
        "lastActivityDateTime": clock.text(case.last) if case.alerts else None,
        "tactics": reached(outline)[::-1],
        "products": _counted(outline.products),
        "detections": _counted(outline.detections),
        "entities": _entities(named.all),
    }


def _moment(at: int | None) -> str | None:
    return None if at is None else clock.text(at)


def _counted(found: Iterable[Counted]) -> list[dict[str, Any]]:
    return [{"name": one.name, "alertCount": one.alerts} for one in found]


def _entities(found: Sequence[Thing]) -> list[dict[str, Any]]:
    return [
        {
            "type": one.type, "key": one.key, "name": one.name, "alertCount": one.alerts, "part": _GRADE[one.grade],
            "criticality": _CRITICALITY[one.criticality], "tags": [*one.tags],
        }
        for one in found[:MOST]
    ]  # fmt: skip
