"""Raw → draft: what a source is given, what it gives back, and how it says that it cannot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

Record = dict[str, Any]
"""A JSON object in the words of the published contract."""

Framing = Literal["json", "lines", "whole"]
"""How a delivery falls into records: JSON values (an array, one object, an object with `value`, or NDJSON), lines, or not at
all: the report of a scanner is one record, whatever it is written in.
"""


@dataclass(frozen=True, slots=True)
class Raw:
    """One record as it came."""

    line: int
    """Where it stood in its delivery: the line of the text, or the place in the array, counted from 1."""
    data: bytes
    """The bytes exactly as received; what is kept as the original."""
    value: Any
    """The decoded JSON value, for `lines` the text, for `whole` None: a report is read from `data`, as it came. NUL and lone
    surrogates are U+FFFD already.
    """
    received: int = 0
    """When it came, in ticks: the fallback for a record that carries no time of its own."""


# Drafts are not frozen, though nobody changes one: each record makes one, and a frozen one takes thrice as long to make.
@dataclass(slots=True)
class AlertDraft:
    """An alert in the words of the contract, before it is checked, identified and stored."""

    product: str
    """Who raised it: the serviceSource member for Microsoft products, else `vendor/product`. Part of the identity."""
    native_id: str
    """The product's own id, untouched. With `product` it is the identity, by whichever road the record came."""
    alert: Record
    """Members of microsoft.graph.security.alert; those left out are unknown to the source."""
    prefixes: tuple[str, ...] = ()
    """Two-letter marks before ids of this product. A Microsoft product's native id that bears one stays as it is."""
    updated: int | None = None
    """The product's update clock for this version, in ticks; None when it has none."""
    incident: tuple[str, str] | None = None
    """(id space, incident id) when the source says which incident the alert belongs to."""
    adds: bool = False
    """Whether the record is one of several that make up the alert: its evidence joins what this source said before, whichever
    came first, and a member that it leaves out stays as it was.
    """
    notes: tuple[str, ...] = field(default=())
    """What a reader of the ingest report should know, such as a time that had to be guessed."""


@dataclass(slots=True)
class ObjectDraft:
    """What a product knows beside its alerts: an object of a set that only sources fill."""

    set: str
    """Where it is served, such as `identityProtection/riskDetections`."""
    id: str
    """Its key there, as the product has it. With the set it is the identity: a later version takes its place."""
    record: Record
    """Members of the set's type."""
    updated: int | None = None
    """The product's update clock for this version, in ticks: an older version never takes the place of a newer one."""


@dataclass(frozen=True, slots=True)
class ControlDraft:
    """How a check describes itself: what becomes of it a control of its own where the catalogue has none for it."""

    title: str
    category: str
    """Identity, Data, Device, Apps or Infrastructure."""
    service: str = ""
    max_score: float = 1.0
    """Points, more than 0 and at most 100."""
    remediation: str = ""
    remediation_impact: str = ""
    action_url: str = ""
    tier: str = "Core"
    implementation_cost: str = "Moderate"
    """Low, Moderate or High; as the user impact."""
    user_impact: str = "Low"
    threats: tuple[str, ...] = ()
    compliance: tuple[tuple[str, str], ...] = ()
    """Pairs of a certification's name and the number of what it asks for, such as (`NIST SP 800-53`, `IA-2(1)`)."""


@dataclass(slots=True)
class EvidenceDraft:
    """What a scanner found of one check on one subject: evidence for a control of the secure score."""

    scanner: str
    """Whose check it is: the name that the catalogue of controls lists its checks under, usually the source's own."""
    check: str
    """The scanner's own id of the check."""
    at: int
    """When it was checked, in ticks."""
    share: float | None
    """How much of it is passed, from 0 to 1. None: it does not apply or was not checked, and what was found before is over."""
    subject: str = ""
    """What was checked: a host, an account, a resource; empty for the organisation itself. The latest word on each counts."""
    scope: str = ""
    """What the record is all of, such as a host or a product: what was found in that scope before and is not in this record is
    over. Empty where a record tells of itself alone.
    """
    details: str = ""
    """What was found, in a sentence."""
    points: float | None = None
    """In place of a share: points, where the scanner counts them and nothing says how many there are. `share` is None then."""
    control: ControlDraft | None = None
    """What the check says of itself. Without it, a check that the catalogue does not know is named by its id."""
    profile: str = ""
    """The control's id where its product gives the profile itself; else made of scanner and check."""
    note: str = ""
    """What a reader of the ingest report should know."""


Draft = AlertDraft | ObjectDraft | EvidenceDraft


class NotAnAlert(Exception):
    """The record is well formed and of a kind that is never an alert (a flow, a health line). Not kept."""


class Unusable(Exception):
    """The record should have been an alert and cannot be made into one; it is kept with this reason."""


class Connector(Protocol):
    """A product as a source of alerts, and of what it knows beside them. One instance reads every delivery, several at a time:
    it keeps nothing of them.
    """

    name: str
    framing: Framing

    def normalise(self, raw: Raw) -> Iterable[Draft]:
        """The alerts and other objects in one record, usually one alert. Raises NotAnAlert or Unusable with a reason that a
        person can act on.
        """
        ...


@runtime_checkable
class Unwraps(Protocol):
    """A source whose JSON deliveries wrap their records in a way of their own."""

    def unwrap(self, value: Any) -> Iterable[Any] | None:
        """The records inside a decoded delivery, or None when it is no wrapper."""
        ...


@runtime_checkable
class TakesApart(Protocol):
    """A source of lines that can name the parts of one: a trial tells by their names what is in no alert."""

    def parts(self, value: Any) -> Record:
        """The parts of a line by name; none where it cannot be read."""
        ...
