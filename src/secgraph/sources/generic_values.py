"""What a member's value is taken from: an expression, a template or a constant; words that are mapped; times by a format."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from secgraph import clock
from secgraph.errors import BadBody
from secgraph.extend import address, integer, moment, tactic, text
from secgraph.model.check import from_client
from secgraph.model.edm import EnumType, Primitive, Property
from secgraph.sources.generic_paths import STEPS, Find, Meter, compiled, names_of

MOST = 10
"""Most values of a list that are taken."""

PIECE = 1000
"""Most characters of one value that a template takes up."""

FORM = frozenset({"value", "record", "text", "is", "map", "default", "format", "zone", "split"})
"""What a member's table may say."""

WORDS = ("iso", "seconds", "milliseconds", "microseconds", "nanoseconds")
_PER_SECOND = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_ZONE = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)
ANYTHING = Property("member", Primitive("Edm.String"), collection=False, nullable=True)
"""A member of an open type: what is shown of it is text."""

_BRACES = re.compile(r"\{([^{}]*)\}")
_DECIMAL = re.compile(r"\d{1,20}(\.\d{1,20})?", re.ASCII)
_LONGEST_TIME = 80
MOST_SECONDS = 10**11
"""Seconds since 1970 that are a time of this or the next millennium."""


class Look(Meter):
    """One record while it is read, and what is left of the steps over it."""

    __slots__ = ("created", "notes", "record")

    def __init__(self, record: Any) -> None:
        self.left = STEPS
        self.record = record
        self.created: str | None = None
        self.notes: list[str] = []


Take = Callable[[Any, Look], Any]
"""The value of a member, or None: given the object at hand and the record around it."""

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Faults:
    """What is wrong with a mapping, by the keys where it stands."""

    found: list[tuple[Path, str]] = field(default_factory=list)

    def tell(self, path: Path, says: str) -> None:
        """One more."""
        self.found.append((path, says))

    def unknown(self, path: Path, table: Mapping[str, Any], known: Iterable[str]) -> None:
        """Tells the keys of a table that are none."""
        possible = sorted(known)
        for name in table:
            if name not in possible:
                self.tell((*path, name), f"there is no such key here; there are: {', '.join(possible)}")

    def expression(self, path: Path, given: Any) -> Find | None:
        """The expression at that key."""
        if not isinstance(given, str):
            self.tell(path, f"must be an expression in quotes, not {_kind(given)}")
            return None
        try:
            return compiled(given)
        except ValueError as fault:
            self.tell(path, str(fault))
            return None

    def text(self, path: Path, given: Any) -> str:
        """The text at that key."""
        if not isinstance(given, str) or not given.strip():
            self.tell(path, f"must be a text, not {_kind(given)}")
            return ""
        return given


def _kind(value: Any) -> str:
    return {dict: "a table", list: "a list", bool: "true or false", str: "an empty text"}.get(type(value), "a number")


def words(value: Any) -> str | None:
    """A value as a word: a text, a number, true or false; None for anything else."""
    found = text(value)
    if found is None and value.__class__ is float and math.isfinite(value):
        return str(value)
    return ("true" if value else "false") if value.__class__ is bool else found


@dataclass(frozen=True, slots=True)
class Member:
    """A member and where its value comes from."""

    name: str
    take: Take
    constant: bool = False
    """Whether nothing of the record is in it."""


def member_of(item: Property, given: Any, path: Path, faults: Faults) -> Member | None:
    """The member of a text, a number, a time or a word; None where it cannot be, which is told."""
    if isinstance(given, str):
        find = faults.expression(path, given)
        if find is None:
            return None
        given = {"value": given}
    if not isinstance(given, dict):
        faults.tell(path, f"must be an expression in quotes or a table, not {_kind(given)}: a constant is {{ is = ... }}")
        return None
    faults.unknown(path, given, FORM)
    ways = [name for name in ("value", "record", "text", "is") if name in given]
    if len(ways) != 1:
        faults.tell(path, "takes its value from one of value, record, text and is")
        return None
    way = ways[0]
    if way == "is":
        if set(given) & FORM != {"is"}:
            faults.tell(path, "is a constant: it has neither map nor default, format, zone and split")
        constant = _checked(item, given["is"], (*path, "is"), faults)
        return Member(item.name, lambda _here, _look: constant, constant=True)
    source = _template((*path, "text"), given["text"], faults) if way == "text" else _found(way, path, given, faults)
    reader = _reader(item, given, path, faults)
    default = _checked(item, given["default"], (*path, "default"), faults) if "default" in given else None
    if source is None or reader is None:
        return None
    if item.collection:
        return Member(item.name, _several(source, reader, default, given, path, faults))
    names = names_of(given["value"]) if way == "value" else ()
    return Member(item.name, _named_text(names, default) if reader is _text and 1 <= len(names) <= 2
                  else _single(source, reader, default))  # fmt: skip


def _checked(item: Property, value: Any, path: Path, faults: Faults) -> Any:
    """A constant as the member may have it."""
    try:
        return from_client(item, value)
    except BadBody as fault:
        faults.tell(path, f"{item.name} {fault.reason} {fault.hint or ''}".strip())
        return None


def _found(way: str, path: Path, given: Mapping[str, Any], faults: Faults) -> Take | None:
    find = faults.expression((*path, way), given[way])
    if find is None:
        return None
    known: Find = find
    if way == "record":
        return lambda _here, look: known(look.record, look)
    return known


def _template(path: Path, given: Any, faults: Faults) -> Take | None:
    """Words with expressions in braces; None where none of them has a value."""
    template = faults.text(path, given)
    finds = [faults.expression(path, inner.strip()) for inner in _BRACES.findall(template)]
    between = _BRACES.split(template)[::2]
    if any("{" in one or "}" in one for one in between):
        faults.tell(path, "has a brace that belongs to no {expression}; an expression with braces cannot stand in a template")
    elif not finds:
        faults.tell(path, "has no {expression}: a constant is { is = ... }")
    known = [find for find in finds if find is not None]
    if len(known) != len(finds):
        return None

    def filled(here: Any, look: Look) -> Any:
        found = [words(find(here, look)) for find in known]
        if not any(found):
            return None
        made = [between[0]]
        for one, rest in zip(found, between[1:], strict=True):
            made += ((one or "")[:PIECE], rest)
        return "".join(made).strip()

    return filled


# --- values by the type of their member -----------------------------------------------------------------------------------

Read = Callable[[Any, Look], Any]


def _single(source: Take, reader: Read, default: Any) -> Take:
    def take(here: Any, look: Look) -> Any:
        value = source(here, look)
        if value is not None:
            value = reader(value, look)
        return default if value is None else value

    return take


def _named_text(names: tuple[str, ...], default: Any) -> Take:
    """The same for a text behind one name or two, which most members are: in one step."""
    first, second = (*names, None)[:2]

    def take(here: Any, _: Look) -> Any:
        if here.__class__ is not dict:
            return default
        value = here.get(first)
        if second is not None:
            value = value.get(second) if value.__class__ is dict else None
        if value.__class__ is str and value and not value.isspace():
            return value
        value = words(value)
        return default if value is None else value

    return take


def _several(source: Take, reader: Read, default: Any, given: Mapping[str, Any], path: Path, faults: Faults) -> Take:
    split = faults.text((*path, "split"), given["split"]) if "split" in given else None

    def take(here: Any, look: Look) -> Any:
        value = source(here, look)
        if split and value.__class__ is str:
            value = [one.strip() for one in value.split(split, MOST)[:MOST]]
        several = value[:MOST] if value.__class__ is list else [value]
        found = [made for one in several if one is not None and (made := reader(one, look)) is not None]
        return found or default

    return take


def _reader(item: Property, given: Mapping[str, Any], path: Path, faults: Faults) -> Read | None:
    kind = item.type.name
    if "split" in given and not item.collection:
        faults.tell((*path, "split"), f"{item.name} is no list")
    if kind == "Edm.DateTimeOffset":
        if "map" in given:
            faults.tell((*path, "map"), f"{item.name} is a time: its words are not mapped")
        return time_reader(given, path, faults)
    for name in ("format", "zone"):
        if name in given:
            faults.tell((*path, name), f"{item.name} is no time")
    if isinstance(item.type, EnumType):
        return _word(item, item.type, given, path, faults)
    plain = _PLAIN.get(kind)
    if plain is None:
        faults.tell(path, f"{item.name} is of the type {kind}, which no expression gives")
        return None
    if kind == "Edm.String":
        plain = {"ipAddress": _address, "category": _category}.get(item.name, plain)
    mapped = _map(item, given, path, faults)
    return plain if mapped is None else _through(mapped, plain, otherwise="default" not in given)


def _map(item: Property, given: Mapping[str, Any], path: Path, faults: Faults) -> dict[str, Any] | None:
    """The map by its words in small letters, its values checked."""
    if "map" not in given:
        return None
    if not isinstance(given["map"], dict) or not given["map"]:
        faults.tell((*path, "map"), "must be a table: word = value")
        return {}
    made: dict[str, Any] = {}
    for word, value in given["map"].items():
        if word.casefold() in made:
            faults.tell((*path, "map", word), "stands here twice: letter case does not count")
        wrapped = _checked(item, [value] if item.collection else value, (*path, "map", word), faults)
        made[word.casefold()] = wrapped[0] if item.collection and wrapped else wrapped
    return made


def _through(mapped: Mapping[str, Any], plain: Read, *, otherwise: bool) -> Read:
    def read(value: Any, look: Look) -> Any:
        word = words(value)
        if word is None:
            return None
        folded = word.strip().casefold()
        if folded in mapped:
            return mapped[folded]
        return plain(value, look) if otherwise else None

    return read


def _word(item: Property, kind: EnumType, given: Mapping[str, Any], path: Path, faults: Faults) -> Read:
    mapped = {**kind.folded, **(_map(item, given, path, faults) or {})}
    quiet, undeclared, name = "default" in given, kind.undeclared, item.name

    def read(value: Any, look: Look) -> Any:
        word = words(value)
        if word is None:
            return None
        found = mapped.get(word) or mapped.get(word.strip().casefold())
        if found is None and not quiet:
            look.notes.append(f"{name} has no member {word[:40]!r}")
            return undeclared
        return found

    return read


def _text(value: Any, _: Look) -> Any:
    return words(value)


def _address(value: Any, _: Look) -> Any:
    return address(value.strip()) if value.__class__ is str else None


def _category(value: Any, _: Look) -> Any:
    return tactic(value) or words(value)


def _whole(low: int, high: int) -> Read:
    def read(value: Any, _: Look) -> Any:
        if value.__class__ is float and value.is_integer():
            value = int(value)
        found = integer(value.strip() if value.__class__ is str else value)
        return found if found is not None and low <= found <= high else None

    return read


def _number(value: Any, _: Look) -> Any:
    if value.__class__ is str and _DECIMAL.fullmatch(value.strip()):
        return float(value)
    if (value.__class__ is int and abs(value) < 2**63) or (value.__class__ is float and math.isfinite(value)):
        return float(value)
    return None


def _truth(value: Any, _: Look) -> Any:
    if value.__class__ is bool:
        return value
    word = words(value)
    return (
        None
        if word is None
        else {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(word.casefold())
    )


_PLAIN: dict[str, Read] = {
    "Edm.String": _text, "Edm.Int32": _whole(-(2**31), 2**31 - 1), "Edm.Int64": _whole(-(2**63), 2**63 - 1),
    "Edm.Double": _number, "Edm.Boolean": _truth,
}  # fmt: skip


# --- times ----------------------------------------------------------------------------------------------------------------


def time_reader(given: Mapping[str, Any], path: Path, faults: Faults) -> Read:
    """What reads a time by its `format`; `zone` is what a time without one means."""
    zone = _zone((*path, "zone"), given["zone"], faults) if "zone" in given else 0
    form = faults.text((*path, "format"), given["format"]) if "format" in given else ""
    if form in _PER_SECOND:
        return _counted(_PER_SECOND[form])
    if form in {"", "iso"}:
        return lambda value, _: moment(value, zone=zone) if form != "iso" or value.__class__ is str else None
    _expect_pattern((*path, "format"), form, faults)

    def by_pattern(value: Any, _: Look) -> Any:
        if value.__class__ is not str or len(value) > _LONGEST_TIME:
            return None
        try:
            found = datetime.strptime(value.strip(), form)  # noqa: DTZ007 -- its zone is added where it has none
        except ValueError:
            return None
        own = found.tzinfo is not None
        return moment(found.astimezone(UTC).isoformat() if own else found.isoformat(), zone=0 if own else zone)

    return by_pattern


def _expect_pattern(path: Path, form: str, faults: Faults) -> None:
    at = datetime(2026, 2, 7, 13, 4, 5, tzinfo=UTC)
    if "%" not in form:
        faults.tell(path, f"is neither one of {', '.join(WORDS)} nor a pattern such as %d/%b/%Y %H:%M:%S")
        return
    try:
        read = datetime.strptime(at.strftime(form), form)  # noqa: DTZ007 -- only its day is looked at
    except ValueError as fault:
        faults.tell(path, f"is no pattern of a time: {fault}")
        return
    if read.date() != at.date():
        faults.tell(path, "does not say year, month and day, so the day would be guessed")


def _zone(path: Path, given: Any, faults: Faults) -> int:
    found = _ZONE.fullmatch(given) if isinstance(given, str) else None
    if found is None or int(found[2]) > 14 or int(found[3]) > 59:
        faults.tell(path, "must be an offset such as +01:00")
        return 0
    return (-1 if found[1] == "-" else 1) * (int(found[2]) * 3600 + int(found[3]) * 60)


def _counted(per_second: int) -> Read:
    """Whole numbers exactly, to the last of the seven digits; others as far as a floating point number goes."""

    @lru_cache(64)  # the first and the last activity are often the same instant
    def whole(number: int) -> str | None:
        seconds, rest = divmod(number, per_second)
        return (
            clock.text(seconds * clock.SECOND + rest * clock.SECOND // per_second)
            if number > 0 and seconds < MOST_SECONDS
            else None
        )

    def read(value: Any, _: Look) -> Any:
        if value.__class__ is int:
            return whole(value)
        if value.__class__ is str:
            number = integer(value.strip())
            if number is not None:
                return whole(number)
            value = float(value) if _DECIMAL.fullmatch(value.strip()) else None
        if value.__class__ is float and 0 < value < MOST_SECONDS * per_second:
            return moment(value / per_second)
        return None

    return read


def open_members(given: Any, path: Path, faults: Faults) -> Callable[[Any, Look], list[tuple[str, Any]]] | None:
    """The members of an open type: those of an object that an expression finds, or one after the other."""
    if isinstance(given, str):
        find = faults.expression(path, given)
        return None if find is None else lambda here, look: _items(find(here, look))
    if not isinstance(given, dict):
        faults.tell(path, "must be a table of members, or an expression in quotes")
        return None
    made = [found for name, one in given.items() if (found := _named(name, one, path, faults)) is not None]
    return lambda here, look: [(one.name, one.take(here, look)) for one in made]


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(str(name), words(one)) for name, one in list(value.items())[:50]] if value.__class__ is dict else []


def _named(name: str, given: Any, path: Path, faults: Faults) -> Member | None:
    made = member_of(ANYTHING, given, (*path, name), faults)
    return None if made is None else Member(name, made.take, constant=made.constant)
