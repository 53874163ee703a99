"""What a database can answer of a condition by itself: from a set's typed columns and its index of words, no document read.

The answer is a weaker condition: every row that answers the one answers the other, and whoever asks judges the documents of
those that are found, unless both are the same. How a comparison is spelled, and what is kept from the planner, is the
dialect's matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from secgraph.model.edm import EntitySet, EnumType
from secgraph.odata.implied import implied
from secgraph.odata.query import (
    All,
    Compare,
    Const,
    Either,
    Field,
    Found,
    Kind,
    Not,
    OneOf,
    Operand,
    Present,
    Test,
    TextMatch,
)

WHOLE = range(-(2**63), 2**63)
"""The numbers that a column can hold, and that can be bound beside one."""

_FAR = 2**62
"""Ticks from now beyond which an instant may be no such number."""


class Native(NamedTuple):
    """The part of a condition that a database answers by itself; without a test, every row may answer."""

    test: Test | None
    exact: bool
    """Whether the rows that answer it are those that answer the condition."""


class _Part(NamedTuple):
    """A condition near to another, and whether it is the same for every row, null where that is null."""

    test: Test
    same: bool


def native(where: Test | None, of: EntitySet) -> Native:
    """The strongest condition that the columns and words of a set can answer and that is true wherever this one is.

    Words in a row are only found near to each other by some databases, so that they never make it exact.
    """
    if where is None:
        return Native(None, exact=True)
    part = _true(where, of)
    return Native(None, exact=False) if part is None else Native(part.test, part.same)


def _true(test: Test, of: EntitySet) -> _Part | None:
    """A condition that is true where this one is; None where nothing can be said."""
    match test:
        case All(parts=parts):
            return _some_of(All, [_true(part, of) for part in parts])
        case Either(parts=parts):
            return _each_of(Either, [_true(part, of) for part in parts])
        case Not(part=part):
            return _not(_false(part, of))
        case Found():
            return _Part(test, same=False)
    if _plain(test):
        return _Part(test, same=True)
    found = implied(test, of)
    return None if found is None else _Part(found, same=False)


def _false(test: Test, of: EntitySet) -> _Part | None:
    """A condition that is false where this one is; None where nothing can be said."""
    match test:
        case All(parts=parts):
            return _each_of(All, [_false(part, of) for part in parts])
        case Either(parts=parts):
            return _some_of(Either, [_false(part, of) for part in parts])
        case Not(part=part):
            return _not(_true(part, of))
    return _Part(test, same=True) if _plain(test) else None


def _not(part: _Part | None) -> _Part | None:
    return None if part is None else _Part(Not(part.test), part.same)


def _some_of(joined: type[All | Either], parts: list[_Part | None]) -> _Part | None:
    """What is left when the parts about which nothing can be said are left out."""
    known = [part for part in parts if part is not None]
    if parts and not known:
        return None
    return _together(joined, known, same=len(known) == len(parts))


def _each_of(joined: type[All | Either], parts: list[_Part | None]) -> _Part | None:
    """What is left when something can be said about each of the parts."""
    known = [part for part in parts if part is not None]
    return _together(joined, known, same=True) if len(known) == len(parts) else None


def _together(joined: type[All | Either], parts: list[_Part], *, same: bool) -> _Part:
    tests = tuple(dict.fromkeys(part.test for part in parts))
    return _Part(tests[0] if len(tests) == 1 else joined(tests), same and all(part.same for part in parts))


# -- comparisons of columns


def _plain(test: Test) -> bool:
    """Whether a comparison reads columns alone, beside values that can be bound."""
    match test:
        case Compare(op=op, left=left, right=right, kind=kind, enum=enum):
            sides = (left, right)
            if any(isinstance(side, Const) and side.value is None for side in sides) and op not in {"eq", "ne"}:
                return False
            return any(map(_column, sides)) and all(_column(side, kind, enum) or _given(side, kind, enum) for side in sides)
        case OneOf(operand=operand, values=values, kind=kind, enum=enum):
            return _column(operand, kind, enum) and bool(values) and _bindable(values, kind, enum)
        case TextMatch(operand=operand, needle=Const(value=str(needle))):
            return _column(operand, "text", None) and _bindable((needle,), "text", None)
    return False


def _column(operand: Operand, kind: Kind | None = None, enum: EnumType | None = None) -> bool:
    """Whether it is a column (that is compared as that kind)."""
    if not isinstance(operand, Field) or operand.column is None:
        return False
    return kind is None or (operand.kind == kind and operand.enum is enum and not (enum is not None and enum.flags))


def _given(operand: Operand, kind: Kind, enum: EnumType | None) -> bool:
    """Whether it is known without the row, and can be bound beside a column of that kind."""
    match operand:
        case Const(value=value):
            return _bindable((value,), kind, enum)
        case Present(later=later):
            return kind == "moment" and abs(later) < _FAR
    return False


def _bindable(values: Iterable[Any], kind: Kind, enum: EnumType | None) -> bool:
    """Whether every database takes these beside a column of that kind: none takes a fraction or "not a number" beside whole
    numbers, PostgreSQL no text with a NUL in it, and nothing is stored that it does not take.
    """
    return all(value is None or _fits(value, kind, enum) for value in values)


def _fits(value: Any, kind: Kind, enum: EnumType | None) -> bool:
    match kind:
        case "text":
            return isinstance(value, str) and "\x00" not in value and not any("\ud800" <= one <= "\udfff" for one in value)
        case "enum":
            return enum is not None and value in enum.members
        case "moment" | "number":
            return isinstance(value, int) and not isinstance(value, bool) and value in WHOLE
        case "boolean":
            return isinstance(value, bool)
    return False
