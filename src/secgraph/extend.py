"""Where outside code plugs in: the protocols a product implements, and the loading of entry points.

Built-in products come in by the same door as a stranger's: an entry point in the group `secgraph.sources` that names a
`Connector` class. A plug-in returns data; it is never handed the application. Products import this module, `model` and
`errors`, and nothing else of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.metadata import entry_points
from typing import Any, Literal, Protocol, runtime_checkable

from secgraph import clock
from secgraph.errors import UsageError

Record = dict[str, Any]
"""A JSON object in the words of the published contract."""

Framing = Literal["json", "lines"]
"""How a delivery falls into records: JSON values (an array, one object, an object with `value`, or NDJSON), or lines."""


@dataclass(frozen=True, slots=True)
class Raw:
    """One record as it came."""

    line: int
    """Where it stood in its delivery: the line of the text, or the place in the array, counted from 1."""
    data: bytes
    """The bytes exactly as received; what is kept as the original."""
    value: Any
    """The decoded JSON value, or for `lines` the text. NUL and lone surrogates are U+FFFD already."""
    received: int = 0
    """When it came, in ticks: the fallback for a record that carries no time of its own."""


@dataclass(frozen=True, slots=True)
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
    notes: tuple[str, ...] = field(default=())
    """What a reader of the ingest report should know, such as a time that had to be guessed."""


class NotAnAlert(Exception):
    """The record is well formed and of a kind that is never an alert (a flow, a health line). Not kept."""


class Unusable(Exception):
    """The record should have been an alert and cannot be made into one; it is kept with this reason."""


class Connector(Protocol):
    """A product as a source of alerts. One instance reads every delivery, several at a time: it keeps nothing of them."""

    name: str
    framing: Framing

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        """The alerts in one record, usually one. Raises NotAnAlert or Unusable with a reason a person can act on."""
        ...


@runtime_checkable
class Unwraps(Protocol):
    """A source whose JSON deliveries wrap their records in a way of their own."""

    def unwrap(self, value: Any) -> Iterable[Any] | None:
        """The records inside a decoded delivery, or None when it is no wrapper."""
        ...


@cache
def sources() -> Mapping[str, type[Connector]]:
    """Every installed source by name, in alphabetical order. Nothing is imported until `source` asks for it; what is
    installed is looked up once, because that reads every package's files.
    """
    found = {point.name: point for point in entry_points(group="secgraph.sources")}
    return _Lazy(dict(sorted(found.items())))


@cache
def source(name: str) -> Connector:
    """The source of that name, made once; a UsageError that lists the names when there is none."""
    known = sources()
    if name not in known:
        raise UsageError(f"There is no source '{name}'. Known sources: {', '.join(known)}.")
    return known[name]()


class _Lazy(Mapping[str, Any]):
    def __init__(self, points: dict[str, Any]) -> None:
        self._points = points

    def __getitem__(self, name: str) -> Any:
        return self._points[name].load()

    def __contains__(self, name: object) -> bool:
        return name in self._points  # the inherited way would import the module to find out

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)


# What nearly every product needs when it speaks of time, techniques and evidence.

MOST_DIGITS = 18
SHORT = 32
"""Most characters of a text whose techniques are remembered. Products list them one by one, and there are some hundreds."""
TECHNIQUE = re.compile(r"\bT\d{4}(?:\.\d{3})?\b", re.IGNORECASE | re.ASCII)


def text(value: Any) -> str | None:
    """The text, or a whole number as text; None for anything else and for text without content."""
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    if value.__class__ is int and -(10**19) < value < 10**19:
        return str(value)
    return None


def integer(value: Any) -> int | None:
    """A whole number of 64 bits, also when it comes as text; None for anything else."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS else None
    return value if value.__class__ is int and -(2**63) <= value < 2**63 else None


def moment(value: Any, *, zone: int = 0) -> str | None:
    """A time in wire form (UTC, seven digits), or None. Text is ISO 8601; `zone` is what a text without one means,
    in seconds east of UTC. Numbers are Unix seconds, milliseconds, microseconds or nanoseconds by their size.
    """
    if isinstance(value, str):
        return clock.wire(value, zone=zone)
    instant = instant_of(value)
    return None if instant is None else clock.text(instant)


def instant_of(value: Any, *, zone: int = 0) -> int | None:
    """The same in ticks of 100 ns since 1970."""
    if isinstance(value, str):
        return clock.ticks(value, zone=zone)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    if value >= 1e20:
        return None
    seconds = float(value)
    for _ in range(3):
        if seconds < 1e11:
            break
        seconds /= 1000
    return clock.from_seconds(seconds)


def techniques(*texts: Any) -> list[str]:
    """The ATT&CK technique ids named in texts or lists of texts: upper case, each once, in order."""
    found: dict[str, None] = {}
    for text in texts:
        for item in text if isinstance(text, list | tuple) else (text,):
            if isinstance(item, str):
                for name in _in_short(item) if len(item) <= SHORT else _in_text(item):
                    found[name] = None
    return list(found)


def _in_text(text: str) -> tuple[str, ...]:
    return tuple(match.upper() for match in TECHNIQUE.findall(text))


_in_short = lru_cache(1024)(_in_text)


def evidence(kind: str, created: str | None, **members: Any) -> Record:
    """One evidence item: `kind` is the short type name (`device`, `user`, `ip` ...); members that are None are left out."""
    item: Record = {"@odata.type": f"#microsoft.graph.security.{kind}Evidence", "createdDateTime": created}
    item.update((name, value) for name, value in members.items() if value is not None)
    return item
