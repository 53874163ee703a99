"""What a decision asks to see, and what it is shown: needs and facts, and what the store keeps of alerts and incidents beside
their rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from secgraph.store.found import Found
from secgraph.store.kept import Kept

Record = dict[str, Any]

HELD = 10_000
"""Most alerts of incidents that one decision is about."""

NEAR = 256
"""Alerts of one thing from which on it is named by a crowd: none of these is read."""


class Near(NamedTuple):
    """Which alerts name a thing, their activity ending from one instant to another."""

    key: int
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Needs:
    """What a decision has to see. Keys are (set path, id), (alert id, source), (id space, native id)."""

    rows: tuple[tuple[str, str], ...] = ()
    entries: tuple[tuple[str, str], ...] = ()
    incidents: tuple[tuple[str, str], ...] = ()
    around: bool = False
    """Whether the incidents of the alerts among `rows` are needed too."""
    held: tuple[tuple[str, int], ...] = ()
    """(incident id, most): which alerts an incident holds, no more of them than `most`, and no more than one past `HELD` in
    all, which is how a decision can tell that there are too many.
    """
    open: tuple[tuple[str, int], ...] = ()
    """(incident id, most): which of an incident's alerts are not resolved, no more of them than `most`."""
    near: tuple[Near, ...] = ()
    """Which alerts name what, where that is less than `NEAR`."""
    subjects: tuple[str, ...] = ()
    """Alerts that are needed as they are judged."""
    cases: tuple[str, ...] = ()
    """Incidents that are needed with their cases."""
    inside: tuple[str, ...] = ()
    """Incidents all of whose alerts are needed as they are judged."""
    sent: tuple[str, ...] = ()
    """Alerts of which it is needed what their products were told last."""
    found: tuple[str, ...] = ()
    """Keys of evidence of which it is needed what was said last."""
    standing: int | None = None
    """The instant from which on findings count, where it is needed what was found of controls, and their profiles."""
    newest: tuple[str, ...] = ()
    """Sets of which it is needed when they last changed: what was decided on a reading of a whole set is good as long as that
    is not after the reading.
    """


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a source said last of an object that only sources fill."""

    updated: int | None = None
    """The product's own update clock of that version, in ticks."""
    said: dict[str, Any] = {}
    """The members that stand otherwise in the row, since a person changed them: as the source has them."""


class Row:
    """A stored object as a decision sees it: full enum members, and who touched what. Its record is read when it is first
    asked for: what a source repeats is known without.
    """

    __slots__ = ("_read", "_record", "born", "seq", "told", "touched")

    def __init__(
        self,
        record: Record | Callable[[], Record],
        seq: int,
        touched: dict[str, int] | None = None,
        born: int = 0,
        told: Told | None = None,
    ) -> None:
        self._record: Record | None = record if isinstance(record, dict) else None
        self._read: Callable[[], Record] | None = None if isinstance(record, dict) else record
        self.seq = seq
        self.touched = {} if touched is None else touched
        """Member to the instant (ticks) of the last change by a person or an application."""
        self.born = born
        """The tenant's stamp of its first commit."""
        self.told = told
        """What its source said last, where only sources fill its set."""

    @property
    def record(self) -> Record:
        """The object."""
        if self._record is None:
            assert self._read is not None  # noqa: S101 -- a row has the one or the other
            self._record = self._read()
        return self._record

    @record.setter
    def record(self, record: Record) -> None:
        self._record = record

    def copy(self) -> Row:
        """Another row, whose record can be changed; what is inside its members is shared."""
        if self._record is None and self._read is not None:
            read = self._read = _once(self._read)
            return Row(lambda: {**read()}, self.seq, {**self.touched}, self.born, self.told)
        return Row({**self.record}, self.seq, {**self.touched}, self.born, self.told)

    def written(self, read: Callable[[], Record], told: Record) -> None:
        """Takes notice of how it was written: as what `read` gives, or, where it was read already, with these members."""
        self._read = read
        if self._record is not None:
            self._record.update(told)


def _once(read: Callable[[], Record]) -> Callable[[], Record]:
    """The same, read once for all who ask."""
    found: list[Record] = []

    def kept() -> Record:
        if not found:
            found.append(read())
        return found[0]

    return kept


@dataclass(slots=True)
class Entry:
    """What one source last said about an alert."""

    updated: int | None
    """The product's own update clock, in ticks."""
    kept: Kept
    native_id: str = ""
    """What it calls the alert."""


@dataclass(slots=True)
class Judged:
    """An alert as it is judged with others."""

    alert: str
    incident: str
    v: int
    """Of the snapshot it was judged under."""
    first: int
    last: int
    """When its activity began and ended, in ticks."""
    keys: bytes
    """What it is found by: numbers, eight bytes each."""
    data: bytes
    """What the judgement sees of it; the store need not know."""
    born: int = 0
    """The tenant's stamp of the alert's first commit, which the store knows."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is kept of an incident beside its row."""

    incident: str
    alerts: int = 0
    first: int = 0
    last: int = 0
    """When the activity of its alerts began and ended, in ticks."""
    series: str = ""
    """The series that all of them are of; empty where there is none."""
    continues: str | None = None
    """The incident that it goes on from."""
    joined: int = 0
    """The instant at which an alert last joined it."""
    settled: bool = False
    outline: bytes = b""
    """What its alerts say together; the store need not know."""
    apart: frozenset[str] = frozenset()
    """The incidents from which a person keeps it apart."""


@dataclass(slots=True)
class Facts:
    """What the store found, and the tenant's clock at this turn."""

    now: int
    tenant_id: str
    rows: dict[tuple[str, str], Row]
    """What was asked for and is there; behind an incident that redirects stand all that it leads to."""
    entries: dict[tuple[str, str], Entry]
    incidents: dict[tuple[str, str], str]
    new_incident: Callable[[], str]
    """The next incident id of the tenant: decimal digits."""
    held: dict[str, list[str]] = field(default_factory=dict)
    """The ids of the alerts of an incident, the oldest first."""
    open: dict[str, list[str]] = field(default_factory=dict)
    """The ids of the alerts of an incident that are not resolved, the oldest first."""
    near: dict[Near, list[Judged]] = field(default_factory=dict)
    """The alerts that name a thing, the latest first."""
    crowds: set[Near] = field(default_factory=set)
    """What so many alerts name that none of them was read."""
    subjects: dict[str, Judged] = field(default_factory=dict)
    """Alerts as they are judged, by id."""
    cases: dict[str, Case] = field(default_factory=dict)
    inside: dict[str, list[Judged]] = field(default_factory=dict)
    """The alerts of an incident, the oldest first."""
    terms: int = 0
    """The number of what alerts are judged by in this tenant: another one means that something of it changed."""
    sent: dict[str, dict[str, tuple[int, Any]]] = field(default_factory=dict)
    """What the product of an alert was told last of each member: the stamp of the change, and the value."""
    found: dict[str, Found] = field(default_factory=dict)
    """Evidence by its key."""
    standing: list[tuple[str, str, int, float, int, float | None, int, int]] = field(default_factory=list)
    """What was found of each control by each scanner: control, scanner, findings, the sum of their shares, those not passed
    wholly, points on average, the oldest and the newest instant.
    """
    profiles: list[bytes] = field(default_factory=list)
    """The stored profiles of controls."""
    newest: dict[str, int] = field(default_factory=dict)
    """The stamp of the last commit of a row that is in a set; 0 where there is none."""
