"""The two wire forms of a record: the full one, and the default one that old clients can read.

An enum member numbered past the sentinel is sent as `unknownFutureValue` unless the client asks for it
(`Prefer: include-unknown-enum-members`); typed clients fail on a word they do not know.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import is_
from typing import Any

from secgraph.model.edm import SENTINEL, EnumType, Property, StructType, Type

Hide = Callable[[Any], Any]
"""Gives the default form of a value: the very same object when nothing in it is hidden."""


@cache
def hider(kind: StructType) -> Hide | None:
    """The default form of records of a type, or None where no value of it can hold a hidden member."""
    return _struct(kind) if _reaches(kind, set()) else None


def _reaches(kind: object, seen: set[str]) -> bool:
    """Whether a value of this type can hold a hidden member, at any depth."""
    if isinstance(kind, EnumType):
        return any(map(kind.hidden, kind.members))
    if not isinstance(kind, StructType) or kind.name in seen:
        return False
    seen.add(kind.name)
    return any(
        _reaches(item.type, seen) for child in kind.family() for item in child.properties.values() if not item.navigation
    )


@cache
def _struct(kind: StructType) -> Hide:
    members = [
        (name, _member(item)) for name, item in kind.properties.items() if not item.navigation and _reaches(item.type, set())
    ]

    def hide(record: Any) -> Any:
        result = record
        for name, change in members:
            value = record.get(name)
            if not value:
                continue
            changed = change(value)
            if changed is not value:
                if result is record:
                    result = record.copy()
                result[name] = changed
        return result

    return hide


def _member(item: Property) -> Hide:
    single = _enum(item.type) if isinstance(item.type, EnumType) else _family(item.type)
    if not item.collection:
        return single

    def several(values: Any) -> Any:
        changed = [single(value) for value in values]
        return values if all(map(is_, changed, values)) else changed

    return several


@cache
def _enum(kind: EnumType) -> Hide:
    hidden = frozenset(member for member in kind.members if kind.hidden(member))
    if kind.flags:
        return lambda value: (
            ", ".join(dict.fromkeys(SENTINEL if word in hidden else word for word in value.split(", ")))
            if not hidden.isdisjoint(value.split(", "))
            else value
        )
    return lambda value: SENTINEL if value in hidden else value


def _family(kind: Type) -> Hide:
    """Values of a declared type, each by its own: looked up at use, because types may hold themselves."""
    assert isinstance(kind, StructType)  # noqa: S101 -- told to the type checker; `_reaches` let nothing else through
    by_tag = {f"#{child.name}": child for child in kind.family()}

    def one(value: Any) -> Any:
        return _struct(by_tag.get(value.get("@odata.type"), kind))(value)

    return one
