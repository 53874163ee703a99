"""What a member's value is taken from: an expression, a template or a constant; words that are mapped; times by a format."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from secgraph.errors import BadBody
from secgraph.extend import address, integer, tactic, text
from secgraph.model.check import from_client
from secgraph.model.edm import EnumType, Primitive, Property
from secgraph.sources.generic_faults import Faults, Path, kind_of
from secgraph.sources.generic_meter import STEPS, Meter
from secgraph.sources.generic_paths import Find, names_of
from secgraph.sources.generic_times import DECIMAL, time_reader

MOST = 10
"""Most values of a list that are taken."""

PIECE = 1000
"""Most characters of one value that a template takes up."""

FORM = frozenset({"value", "record", "text", "is", "map", "default", "format", "zone", "split"})
"""What a member's table may say."""

ANYTHING = Property("member", Primitive("Edm.String"), collection=False, nullable=True)
"""A member of an open type: what is shown of it is text."""

_BRACES = re.compile(r"\{([^{}]*)\}")


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
        faults.tell(path, f"must be an expression in quotes or a table, not {kind_of(given)}: a constant is {{ is = ... }}")
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
    first, last = names[0], names[-1]

    def found(value: Any) -> Any:
        word = words(value)
        return default if word is None else word

    def by_one(here: Any, _: Look) -> Any:
        value = here.get(first) if here.__class__ is dict else None
        return value if value.__class__ is str and value and not value.isspace() else found(value)

    def by_two(here: Any, _: Look) -> Any:
        value = here.get(first) if here.__class__ is dict else None
        value = value.get(last) if value.__class__ is dict else None
        return value if value.__class__ is str and value and not value.isspace() else found(value)

    return by_one if len(names) == 1 else by_two


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
        word = value if value.__class__ is str and value else words(value)
        if word is None:
            return None
        found = mapped.get(word) or mapped.get(word.strip().casefold())
        if found is None and word.isspace():
            return None
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
    if value.__class__ is str and DECIMAL.fullmatch(value.strip()):
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
