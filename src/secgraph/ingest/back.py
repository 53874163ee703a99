"""Which changes of an alert go back to the product that owns it, and by which of its sources. Pure.

The id of an alert is that of one product. So all of its sources are doors to that product, and a change goes through one of
them: the first, in the order that is given, that has said something of the alert.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Any

from secgraph.model.choices import ALERTS
from secgraph.odata.query import fold
from secgraph.store.facts import Facts, Needs, Record
from secgraph.store.protocol import Back, Change, Put

COMMENTS = "comments"
MEMBERS = ("status", "assignedTo", "classification", "determination", COMMENTS)
"""What of an alert a product can be told."""

PENDING, UNKNOWN, REFUSED, SUPERSEDED, ACCEPTED = range(5)
STATES = ("pending", "unknown", "refused", "superseded", "accepted")
"""What becomes of a change on its way, as the numbers that are kept and as it is told. Of one that is `unknown` the product is
asked; of one that is `superseded` a source changed the member since.
"""

Doors = tuple[str, ...]
"""The sources of a tenant that carry changes back, those that come first first."""

Known = Callable[[int], Awaitable[Doors]]
"""Gives them, as of some seconds ago at most."""


def entries(keys: Sequence[str], doors: Doors) -> tuple[tuple[str, str], ...]:
    """What is needed in order to know by which door the changes of these alerts go."""
    return tuple((key, door) for key in keys for door in doors)


def needed(changes: Sequence[Change], doors: Doors) -> Generator[Needs, None, None]:
    """Asks for that, where which alerts change was not known before."""
    if doors and (puts := _telling(changes)):
        yield Needs(entries=entries([fold(put.record["id"]) for put in puts], doors))


def sent_back(facts: Facts, changes: Sequence[Change], doors: Doors) -> None:
    """Marks of each change of an alert what of it goes to its product."""
    for put in _telling(changes) if doors else ():
        key = fold(put.record["id"])
        for door in doors:
            entry = facts.entries.get((key, door))
            if entry is not None:
                put.back = Back(door, entry.native_id, _values(put, facts.rows[ALERTS, key].record))
                break


def _telling(changes: Sequence[Change]) -> list[Put]:
    """The changes that say something which a product can be told."""
    return [
        put for put in changes
        if isinstance(put, Put) and put.set.path == ALERTS and not put.created and any(name in MEMBERS for name in put.changed)
    ]  # fmt: skip


def _values(put: Put, before: Record) -> Record:
    found: dict[str, Any] = {name: put.record[name] for name in MEMBERS if name in put.changed}
    if COMMENTS in found:
        found[COMMENTS] = [one["comment"] for one in put.record[COMMENTS][len(before[COMMENTS]) :]]
    return found
