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
from secgraph.store.facts import Case, Facts, Judged, Needs, Record, Row, Told
from secgraph.store.found import Found
from secgraph.store.kept import Kept

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


@dataclass(frozen=True, slots=True)
class Back:
    """What of a change of an alert is carried back to its product."""

    source: str
    """Which of the alert's sources does that."""
    native_id: str
    """What it calls the alert."""
    members: Mapping[str, Any]
    """The values as they were set; of comments the new texts."""


@dataclass(slots=True)
class Put:
    """Write an object. The store sets `@odata.etag` in the record itself, and the member that carries the tenant's stamp."""

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
    told: Told | None = None
    """What its source said last, where only sources fill the set: whoever changes the object hands it on."""
    back: Back | None = None
    """What of it is carried back to the product that owns the alert."""
    overtakes: tuple[str, ...] = ()
    """Members of an alert that a source changed: what was to be carried back of them, and was not taken yet, no longer is."""


@dataclass(slots=True)
class PutTold:
    """Keep what a source said last of an object, which stays as it is."""

    set: EntitySet
    id: str
    told: Told


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
class PutFound:
    """Keep evidence: of each finding the latest word; of a scope nothing that its report has no word on any more."""

    found: Sequence[Found]
    scopes: Sequence[tuple[str, str, int]] = ()
    """(scanner, scope, instant): what was found in that scope before that instant is over."""


@dataclass(slots=True)
class Reject:
    """Keep a record that could not be taken, with the reason."""

    source: str
    line: int
    reason: str
    received: int
    original: bytes


Change = (
    Put
    | PutNew
    | PutTold
    | Remove
    | PutEntry
    | PutJudged
    | PutCase
    | PutSnapshot
    | PutTerm
    | Tell
    | PutIncidentKey
    | PutFound
    | Reject
)


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
