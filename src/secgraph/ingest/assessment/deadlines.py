"""Until when an incident is to be resolved, and when it has settled: what a tenant says of it, and what follows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import msgspec

from secgraph import clock
from secgraph.store.facts import Record

HOUR, MINUTE = 3600 * clock.SECOND, 60 * clock.SECOND

MOST_HOURS, MOST_MINUTES = 10_000, 10_000


@dataclass(frozen=True, slots=True)
class Deadlines:
    """What a tenant says about due times and settling."""

    due_high: int = 4
    """Hours after which a high incident is due, from its creation on; 0 for never."""
    due_medium: int = 24
    """The same of a medium one, and of one whose severity nobody said."""
    due_low: int = 72
    """The same of a low one."""
    due_informational: int = 0
    """The same of an informational one."""
    quiet: int = 30
    """Minutes without another alert after which an incident has settled."""


def deadlines(said: Mapping[str, str]) -> Deadlines:
    """What a tenant's words come to, which are JSON by name. One that is no number it can have is as if it was not said: an
    incident has its due time in any case.
    """
    found: dict[str, int] = {}
    for one in fields(Deadlines):
        try:
            value = msgspec.json.decode(said.get(one.name, ""), type=int)
        except msgspec.MsgspecError:
            continue
        least, most = (1, MOST_MINUTES) if one.name == "quiet" else (0, MOST_HOURS)
        if least <= value <= most:
            found[one.name] = value
    return replace(Deadlines(), **found)


def due(record: Record, said: Deadlines) -> int | None:
    """The instant until which an incident is to be resolved; None for one that is never due, or is another's by now. It counts
    from the creation, so that one that turns out graver is due earlier.
    """
    severity = record["severity"]
    hours: int = getattr(said, f"due_{severity}", said.due_medium)
    created = clock.ticks(record["createdDateTime"] or "")
    if not hours or created is None or record["status"] == "redirected":
        return None
    return created + hours * HOUR


def is_overdue(record: Record, now: int, said: Deadlines) -> bool:
    """Whether an incident should be resolved by now and is not."""
    until = due(record, said)
    return until is not None and now > until and record["status"] != "resolved"


def settles(joined: int, said: Deadlines) -> int:
    """The instant at which an incident has settled that an alert last joined then, where none joins until then."""
    return joined + said.quiet * MINUTE


def is_settled(joined: int, now: int, said: Deadlines) -> bool:
    """Whether an incident has been quiet for long enough that an alert last joined then."""
    return now >= settles(joined, said)
