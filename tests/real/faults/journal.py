"""What was asked of the server, what it acknowledged, and what its readers saw: all that is known from outside.

It lives in a process that is never killed. A change whose answer did not come may be there or not; one that was acknowledged
must be there, and one that was refused must not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

ALERTS, INCIDENTS = "security/alerts_v2", "security/incidents"
ENTITIES = {ALERTS: "alerts_v2", INCIDENTS: "incidents"}
"""How the log names the sets."""

Kind = Literal["owner", "comment", "version"]
Place = tuple[str, str]
"""The set and the id of an object."""


@dataclass(slots=True)
class Change:
    """One change that was asked for. Its word stands nowhere else, so that it is found again in whatever is stored."""

    place: Place
    kind: Kind
    word: str
    asked: int
    """When, on the journal's own clock: the number of what was asked and answered before."""
    answered: int | None = None
    refused: bool = False
    seq: int | None = None
    """The number under which it was committed, where the answer tells."""

    @property
    def acknowledged(self) -> bool:
        """Whether it was answered as done."""
        return self.answered is not None and not self.refused


@dataclass(frozen=True, slots=True)
class Sight:
    """A version of an object as somebody saw it."""

    place: Place
    document: dict[str, Any]


@dataclass(slots=True)
class Journal:
    """Everything that was asked, answered and seen."""

    changes: dict[Place, list[Change]] = field(default_factory=dict)
    seen: dict[int, Sight] = field(default_factory=dict)
    """Every version that was ever shown to a client, by its number."""
    faults: list[str] = field(default_factory=list)
    """What was wrong in the answers themselves."""
    there: dict[str, dict[str, None]] = field(default_factory=lambda: {ALERTS: {}, INCIDENTS: {}})
    """The ids of objects that somebody may change by now, of each set."""
    missing: dict[Place, None] = field(default_factory=dict)
    """Objects that were there and are answered to be no more (404)."""
    unavailable: int = 0
    """Answers that asked to come back later (503)."""
    _ticks: int = 0

    def asks(self, place: Place, kind: Kind, word: str) -> Change:
        """Notes a change before it is sent."""
        self._ticks += 1
        change = Change(place, kind, word, self._ticks)
        self.changes.setdefault(place, []).append(change)
        return change

    def acknowledges(self, change: Change, document: dict[str, Any] | None = None) -> None:
        """Notes that a change was answered as done, with the object as the answer shows it."""
        self._ticks += 1
        change.answered = self._ticks
        self.there[change.place[0]][change.place[1]] = None
        if document is not None:
            change.seq = self.sees(change.place[0], document)

    def refuses(self, change: Change) -> None:
        """Notes that a change was answered as not done."""
        self._ticks += 1
        change.answered, change.refused = self._ticks, True

    def misses(self, change: Change) -> None:
        """Notes that a change was answered as not done, because its object is no more."""
        self.refuses(change)
        self.missing[change.place] = None
        self.there[change.place[0]].pop(change.place[1], None)

    def sees(self, path: str, document: dict[str, Any]) -> int:
        """Notes a version that was shown; its number."""
        document = {name: value for name, value in document.items() if name != "@odata.context"}
        seq = number_of(document)
        found = self.seen.setdefault(seq, Sight((path, document["id"]), document))
        if found.place != (path, document["id"]) or found.document != document:
            self.faults.append(f"number {seq} was handed out twice: for {found.place[1]} and for {document['id']}")
        self.there[path][document["id"]] = None
        return seq

    def acknowledged(self) -> int:
        """How many changes were answered as done."""
        return sum(change.acknowledged for changes in self.changes.values() for change in changes)

    def unanswered(self, kind: Kind) -> list[Change]:
        """The changes of a kind whose answer did not come."""
        return [one for changes in self.changes.values() for one in changes if one.kind == kind and one.answered is None]


def number_of(document: dict[str, Any]) -> int:
    """The number of a version, from its entity tag."""
    return int(document["@odata.etag"].removeprefix('W/"').removesuffix('"'))
