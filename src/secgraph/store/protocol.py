"""What a store is: the values that go in and out, and the protocol both databases answer to.

A write is decided by a pure function inside the tenant's turn: the store takes the tenant's clock, reads what the
decision needs, hands it over as `Facts`, and carries out the changes it gets back, each with its event, in the same
transaction. So a decision never sees a stale row and never waits.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from secgraph.access.narrow import Scoped, ScopedKey
from secgraph.model.edm import EntitySet
from secgraph.odata.query import Query
from secgraph.store.blank import Blank
from secgraph.store.kept import Kept

Record = dict[str, Any]
Note = dict[str, Any]
Answer = TypeVar("Answer")

# --- reading --------------------------------------------------------------------------------------------------------

Key = tuple[Any, ...]
"""The values of a row's order keys: where the next page goes on."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as stored JSON, in order, and where the next page starts (None after the last)."""

    documents: list[bytes]
    ids: list[str]
    next: Key | None
    last: Key | None = None
    """The order keys of the last row, whether more follow or not; None where there is no row."""


# --- writing --------------------------------------------------------------------------------------------------------

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
    newest: tuple[str, ...] = ()
    """Sets of which it is needed when they last changed: what was decided on a reading of a whole set is good as long as that
    is not after the reading.
    """


class Row:
    """A stored object as a decision sees it: full enum members, and who touched what. Its record is read when it is first
    asked for: what a source repeats is known without.
    """

    __slots__ = ("_read", "_record", "born", "seq", "touched")

    def __init__(
        self, record: Record | Callable[[], Record], seq: int, touched: dict[str, int] | None = None, born: int = 0
    ) -> None:
        self._record: Record | None = record if isinstance(record, dict) else None
        self._read: Callable[[], Record] | None = None if isinstance(record, dict) else record
        self.seq = seq
        self.touched = {} if touched is None else touched
        """Member to the instant (ticks) of the last change by a person or an application."""
        self.born = born
        """The tenant's stamp of its first commit."""

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
        record = self._read if self._record is None and self._read is not None else {**self.record}
        return Row(record, self.seq, {**self.touched}, self.born)

    def written(self, read: Callable[[], Record], told: Record) -> None:
        """Takes notice of how it was written: as what `read` gives, or, where it was read already, with these members."""
        self._read = read
        if self._record is not None:
            self._record.update(told)


@dataclass(slots=True)
class Entry:
    """What one source last said about an alert."""

    updated: int | None
    """The product's own update clock, in ticks."""
    kept: Kept


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
    newest: dict[str, int] = field(default_factory=dict)
    """The stamp of the last commit of a row that is in a set; 0 where there is none."""


@dataclass(slots=True)
class Put:
    """Write an object. The store sets `lastUpdateDateTime` and `@odata.etag` in the record itself."""

    set: EntitySet
    record: Record
    changed: tuple[str, ...]
    """The members that changed; () for a new object."""
    created: bool = False
    touched: Mapping[str, int] = field(default_factory=dict)
    cause: str = ""
    """Who or what: `app:{client id}`, `source:{name}`; behind a blank the action, and the reasons given for it."""
    words: str | None = None
    """The words that `$search` finds it by, where they were gathered before the turn."""
    note: Note = field(default_factory=dict)
    """What its event says besides, for who replays the log."""


@dataclass(slots=True)
class Remove:
    """Take an object away, with the words it is found by; of an alert all that sources said, of an incident its sources' keys.
    Nothing that is kept may point to it: the decision sees to that.
    """

    set: EntitySet
    id: str
    cause: str = ""


@dataclass(slots=True)
class PutNew:
    """Write an object that is not there yet and was written down before the turn."""

    set: EntitySet
    id: str
    blank: Blank
    row: Row
    """What decisions see of it; it is told what the store sets."""
    incident: str | None = None
    """What goes into its `incidentId`."""
    cause: str = ""
    note: Note = field(default_factory=dict)
    """What its event says besides, for who replays the log."""


@dataclass(slots=True)
class PutEntry:
    """Keep what a source said of an alert that is there, and its original record."""

    alert: str
    source: str
    product: str
    native_id: str
    updated: int | None
    received: int
    repaired: bool
    kept: Kept


@dataclass(slots=True)
class PutJudged:
    """Keep how an alert that is there is judged, and whatever names it has that were not there yet."""

    judged: Judged
    names: tuple[tuple[int, str, str], ...] = ()
    """Of the things that it names the strongest key, as a number and as text, and the name."""
    reasons: bytes = b""
    """Why it is where it is; empty where nothing is to be said."""


@dataclass(slots=True)
class PutCase:
    """Keep a case; from which others its incident is kept apart, both ways."""

    case: Case


@dataclass(slots=True)
class PutSnapshot:
    """Publish how common things are: from then on alerts are judged by that."""

    v: int
    total: int
    counts: bytes
    """The store need not know."""
    cause: str = ""


@dataclass(slots=True)
class PutTerm:
    """Say something about how alerts are judged, from then on, or take it back."""

    name: str
    value: str | None
    """JSON; None where it is to be as if nobody had said it."""
    cause: str = ""


@dataclass(slots=True)
class Tell:
    """Say something of an object that is there in the log, which changes nothing of its row: a kind of event, in one word."""

    set: EntitySet
    id: str
    kind: str
    cause: str = ""


@dataclass(slots=True)
class PutIncidentKey:
    """Remember which of our incidents a source's incident is."""

    space: str
    native_id: str
    incident: str


@dataclass(slots=True)
class Reject:
    """Keep a record that could not be taken, with the reason."""

    source: str
    line: int
    reason: str
    received: int
    original: bytes


Change = Put | PutNew | Remove | PutEntry | PutJudged | PutCase | PutSnapshot | PutTerm | Tell | PutIncidentKey | Reject


@dataclass(slots=True)
class Decision(Generic[Answer]):
    """What to change, and what to tell the asker once it is committed."""

    changes: Sequence[Change]
    answer: Answer


Deciding = Generator[Needs, None, Decision[Answer]]
"""A decision that asks for more on the way: once it goes on behind a need that it yielded, what is there of that is in its
facts. Whose alerts a merge moves depends on where its incidents redirect.
"""

Decide = Callable[[Facts], Decision[Answer] | Deciding[Answer]]


class Fence(NamedTuple):
    """What a write of periodic work stands behind: the number that the lease of that name had when it was claimed."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Original:
    """A source entry with the record as it came."""

    source: str
    product: str
    native_id: str
    updated: int | None
    received: int
    repaired: bool
    data: bytes


class Store(Protocol):
    """A database. Nothing here speaks of two tenants at once."""

    async def find(self, scoped: Scoped, after: Key | None = None) -> Page:
        """One page. TooSlow when no index helps and the deadline passes."""
        ...

    async def count(self, scoped: Scoped) -> int:
        """How many rows answer the query, whatever its page."""
        ...

    async def get(self, key: ScopedKey, query: Query) -> bytes | None:
        """One object as stored JSON; None when there is none."""
        ...

    async def originals(self, key: ScopedKey) -> list[Original]:
        """What every source said about an alert, as it came."""
        ...

    async def write(self, tenant: int, needs: Needs, decide: Decide[Answer], *, fence: Fence | None = None) -> Answer:
        """Carries out a decision and returns its answer after the commit. What `decide` raises is raised here, and
        nothing of it is written. Superseded, and nothing written, where the fence is no longer that of its lease.
        """
        ...

    async def fetch(self, statement: str, /, **values: Any) -> list[dict[str, Any]]:
        """Rows of a named statement of statements.sql."""
        ...

    async def run(self, *steps: tuple[str, dict[str, Any]], fence: Fence | None = None) -> None:
        """Named statements in one transaction, behind a fence as with `write`."""
        ...

    async def close(self) -> None:
        """Finishes what is under way and lets go of the files."""
        ...
