"""Lists that hardly change from one day to the next: kept entry by entry, each with the days on which it was so, and woven into
the document when somebody reads it. Pure.

A document is kept without its list; an entry says from which day on it holds and until which (not any more). What changes
with every day by nature, as the time of the last look does, stands beside them, packed, once for each day.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import msgspec

from secgraph import clock
from secgraph.model.choices import Woven
from secgraph.model.edm import EntitySet
from secgraph.odata.query import Query, fields, fields_of, fold

Record = dict[str, Any]

OPEN = 2**31 - 1
"""The day on which an entry ends that holds still."""

LONGEST_NAME = 500
"""Characters of an entry's name, which is a key."""

VARYING = ""
"""The name under which stands what changes with every day. No entry has it."""

_encode, _decode = msgspec.json.encode, msgspec.json.decode


class Held(NamedTuple):
    """An entry, and the days on which it holds: from the first one, and before the last."""

    name: str
    since: int
    until: int
    entry: str


class Entry(NamedTuple):
    """The same, of the series that it belongs to."""

    series: str
    name: str
    since: int
    until: int
    entry: str


@dataclass(frozen=True, slots=True)
class Parts:
    """A document taken apart."""

    series: str
    """Whose days these are."""
    day: int
    rest: Record
    """The document without the list."""
    entries: Mapping[str, str]
    """The entries by name, without what varies."""


@cache
def _head(one: Woven) -> msgspec.json.Decoder[Any]:
    """Reads what of a stored document says which entries belong to it; its list, where it has it itself."""
    kind = msgspec.defstruct(
        "Head",
        [
            ("series", str | None, msgspec.field(name=one.series, default=None)),
            ("day", str | None, msgspec.field(name=one.day, default=None)),
            ("whole", msgspec.Raw | msgspec.UnsetType, msgspec.field(name=one.list, default=msgspec.UNSET)),
        ],
    )
    return msgspec.json.Decoder(kind)


def day_of(text: str | None) -> int | None:
    """The number of the day of an instant in wire form."""
    at = clock.ticks(text) if text else None
    return None if at is None else at // clock.DAY


# --- taken apart -------------------------------------------------------------------------------------------------------


def parted(one: Woven, record: Record) -> Parts | None:
    """A document taken apart; None where it is kept whole: there is no telling whose day it is, or entries have no names."""
    series, day, listed = record.get(one.series), day_of(record.get(one.day)), record.get(one.list)
    if not isinstance(series, str) or not series or day is None or not isinstance(listed, list) or not listed:
        return None
    if fold(str(record["id"])) != fold(f"{series}_{record[one.day][:10]}"):
        return None  # another of that day could have the same entries
    entries: dict[str, str] = {}
    varying: list[Any] = []
    for item in listed:
        name = item.get(one.by) if isinstance(item, dict) else None
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or name in entries:
            return None
        steady = {**item}
        varying.append(steady.pop(one.varies, None))
        if one.varies in item and item[one.varies] is None:
            return None
        entries[name] = _encode(steady).decode()
    if [*entries] != sorted(entries):
        return None
    entries[VARYING] = _packed(varying)
    return Parts(series, day, {name: value for name, value in record.items() if name != one.list}, entries)


def _packed(varying: Sequence[Any]) -> str:
    """Values of which most are the same, by the place of each among the different ones."""
    texts = [_encode(value).decode() for value in varying]
    different = sorted(set(texts))
    places = {text: place for place, text in enumerate(different)}
    data = _encode([[_decode(text) for text in different], [places[text] for text in texts]])
    return base64.b85encode(zlib.compress(data, 9)).decode()


def _unpacked(text: str) -> list[Any]:
    different, places = _decode(zlib.decompress(base64.b85decode(text)))
    return [different[place] for place in places]


# --- what a day changes -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Changes:
    """What becomes of the entries of a series."""

    gone: list[tuple[str, int]]
    """(name, since)"""
    ended: list[tuple[str, int, int]]
    """(name, since, until): they hold until another day than before."""
    new: list[Held]


def changes(parts: Parts, there: Iterable[Held], later: int | None) -> Changes:
    """What a day changes, written for the first time or once more. `there` are the entries that hold on it, and those that
    held until it; `later` is the next day that the series has.
    """
    day, until = parts.day, OPEN if later is None else later
    held: dict[str, Held] = {}
    before: dict[str, Held] = {}
    for one in there:
        (before if one.until == day else held)[one.name] = one
    made = Changes([], [], [])
    for name, entry in parts.entries.items():
        now = held.pop(name, None)
        if now is not None and now.entry == entry:
            continue
        if now is not None:
            _cut(made, now, day, later)
        ends = day + 1 if name == VARYING else until
        left = before.get(name)
        if left is not None and left.entry == entry and name != VARYING:
            made.ended.append((name, left.since, ends))
        else:
            made.new.append(Held(name, day, ends, entry))
    for now in held.values():
        _cut(made, now, day, later)
    return made


def _cut(made: Changes, one: Held, day: int, later: int | None) -> None:
    """Takes a day out of an entry's days; those on either side stay."""
    if one.since < day:
        made.ended.append((one.name, one.since, day))
    else:
        made.gone.append((one.name, one.since))
    if later is not None and later < one.until:
        made.new.append(Held(one.name, later, one.until, one.entry))


# --- woven -----------------------------------------------------------------------------------------------------------


def needs(query: Query) -> bool:
    """Whether the list is asked for, to be sent."""
    one = query.of.choices.woven
    return one is not None and (query.select is None or any(chosen.name == one.list for chosen in query.select))


def judged(query: Query) -> bool:
    """Whether rows are chosen or sorted by the list."""
    one = query.of.choices.woven
    if one is None:
        return False
    read = [*fields(query.where), *(field for key in query.order for field in fields_of(key.by))]
    return any(not field.root and bool(field.steps) and field.steps[0] == one.list for field in read)


def days(one: EntitySet, documents: Iterable[bytes]) -> list[tuple[str, int] | None]:
    """(series, day) of each stored document; None of one that has its list itself."""
    woven = one.choices.woven
    assert woven is not None  # noqa: S101 -- whoever asks knows it
    decoder = _head(woven)
    found: list[tuple[str, int] | None] = []
    for document in documents:
        head = decoder.decode(document)
        day = day_of(head.day)
        found.append((head.series, day) if head.whole is msgspec.UNSET and head.series and day is not None else None)
    return found


def weave(one: EntitySet, documents: Sequence[bytes], held: Iterable[Entry]) -> list[bytes]:
    """The documents, each with its list; `held` are all entries of their days."""
    woven = one.choices.woven
    assert woven is not None  # noqa: S101 -- as above
    of_series: dict[str, list[Entry]] = {}
    for entry in sorted(held):
        of_series.setdefault(entry.series, []).append(entry)
    member, varies = _encode(woven.list), _encode(woven.varies).decode()
    made = []
    for document, whose in zip(documents, days(one, documents), strict=True):
        if whose is None:
            made.append(document)
            continue
        series, day = whose
        # What varies stands first, since its name is the least.
        varying, *entries = [entry.entry for entry in of_series[series] if entry.since <= day < entry.until]
        texts = [
            text if value is None else f"{text[:-1]},{varies}:{_encode(value).decode()}}}"
            for text, value in zip(entries, _unpacked(varying), strict=True)
        ]
        made.append(b"".join((document[:-1], b",", member, b":[", ",".join(texts).encode(), b"]}")))
    return made


def kind_of(one: EntitySet) -> str:
    """What the entries of a set are kept under."""
    return one.table
