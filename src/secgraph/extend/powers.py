"""What a source may do beyond reading records: be told options, ask an API, carry changes back to its product.

Each power is a protocol of its own, found by `isinstance`. Whoever has one is handed what it needs to use it, `Web` above all,
and nothing else: which hosts may be called, with what token and how often is said as data (`Reach`), and held by the server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from secgraph.extend.draft import Connector

Options = Mapping[str, str]
"""What a source was told, by name; secrets are opened."""

Place = Mapping[str, Any]
"""Where the next pull goes on, as a JSON object; empty before the first one."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that a source is told: `secgraph source add KIND --option NAME=VALUE`."""

    name: str
    says: str
    default: str | None = None
    """What it is when nobody said; None where it has to be given."""
    secret: bool = False
    """Sealed in the database, never printed; may be given as `@file`."""


@runtime_checkable
class Told(Protocol):
    """A source that differs from one organisation to the next."""

    options: tuple[Option, ...]

    def told(self, options: Options) -> Connector:
        """The same source as these options want it: every one of `options` is there. UsageError names the one that is wrong."""
        ...


# --- asking an API ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """A token of the OAuth 2.0 client credentials grant, fetched when it is needed and renewed before it ends."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    """Further fields of the form, such as `resource`."""


@dataclass(frozen=True, slots=True)
class Headers:
    """Headers that prove who asks, such as `Authorization: Token ...`."""

    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a source may call, as what, and how often."""

    origins: tuple[str, ...]
    """`https://host[:port]`: a link to anything else is not followed, whoever sent it."""
    access: ClientCredentials | Headers | None = None
    calls: int = 60
    """At most so many calls ..."""
    seconds: float = 60.0
    """... in so many seconds."""


class CallFailed(Exception):
    """A product did not answer as it should. The sentence is for the person who looks at the source's health."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: any status but those that `Web` deals with itself."""

    status: int
    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes

    def good(self) -> bytes:
        """The body of an answer that is a 2xx; CallFailed, with the status and how the body begins, for any other."""
        if 200 <= self.status < 300:
            return self.body
        shown = " ".join(self.body[:300].decode("utf-8", "replace").split())
        raise CallFailed(f"answered {self.status}: {shown}" if shown else f"answered {self.status}")


class Web(Protocol):
    """The way to a product's API. It proves who asks, keeps to the rate, waits where the product says so (429, 503 with
    Retry-After), tries again what may be tried again, bounds time and size, and calls no address that `Reach` does not name.
    """

    async def call(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        once: bool = False,
    ) -> Reply:
        """What the product answered. `once`: it is not repeated when its outcome is not known, since it changes something.
        CallFailed where there is no answer, or none that can be read; OutcomeUnknown where `once` was lost in flight.
        """
        ...


class OutcomeUnknown(CallFailed):
    """The call may have been carried out: its answer was lost."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """Some records, and where to go on once they are committed."""

    records: Sequence[bytes]
    """Each exactly as it was sent."""
    place: Place | None = None
    """None while it must not move yet: a pull that is broken off there begins again where the last place was. Behind the last
    page it is told, with the highest update time that was seen and not the time of the call.
    """
    note: str = ""
    """What a person should know though the pull goes on, such as a list that may not be read: it stands in the source's health
    as the last failure, and fails nothing. Told with every pull it is news every time; the place can remember that it was.
    """


@runtime_checkable
class Pulls(Protocol):
    """A source that asks its product."""

    every: float
    """Seconds from one pull to the next, where nobody says otherwise."""

    def reach(self) -> Reach:
        """What it calls. It has been told its options by then."""
        ...

    def pull(self, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
        """Everything new since that place, in whatever order the product gives it. `now` is the instant at which it began, in
        ticks. What was pulled before may come again: it changes nothing. CallFailed ends it; it is tried again later.
        """
        ...


# --- carrying changes back --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """What the product made of a change."""

    accepted: bool
    why: str = ""
    """Where it refused: its reason, in words for a person."""


USUAL_PRECEDENCE = 10


@runtime_checkable
class WritesBack(Protocol):
    """A source whose product takes changes. Where several sources told of an alert, one of them carries its changes: the one
    with the lowest `precedence`, a number that a source may have; `USUAL_PRECEDENCE` where it has none.
    """

    writes: frozenset[str]
    """The members of an alert that its product takes: of status, assignedTo, classification, determination, comments."""

    def reach(self) -> Reach:
        """What it calls."""
        ...

    async def write(self, web: Web, native_id: str, changes: Mapping[str, Any]) -> Written:
        """Carries changes to the product: members in the words of the contract, `comments` as a list of the new texts.
        CallFailed where it is to be tried again; OutcomeUnknown where it may have been done.
        """
        ...

    async def read(self, web: Web, native_id: str) -> Mapping[str, Any] | None:
        """What the product says of those members now, in the words of the contract (`comments` as texts); None where it does
        not know the alert. Asked before anything is repeated whose outcome is not known.
        """
        ...
