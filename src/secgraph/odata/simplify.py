"""Conditions put together from parts that are partly known, with nothing asked that is answered already.

What is compared with one of several constants becomes the conditions under which they stand, so that an index over the
columns in those conditions still helps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from secgraph.model.edm import EnumType
from secgraph.odata.match import settled
from secgraph.odata.query import (
    All,
    Choose,
    Compare,
    Const,
    Either,
    Field,
    Kind,
    Not,
    OneOf,
    Operand,
    Ordering,
    Pattern,
    Test,
    TextMatch,
    Truth,
    enum_of,
    fold,
    kind_of,
)

TRUE = All(())
FALSE = Either(())
YES = Const(value=True, kind="boolean")

_MIRROR: dict[str, Ordering] = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}
_OTHER: dict[str, Ordering] = {"eq": "ne", "ne": "eq"}


def both(parts: Iterable[Test]) -> Test:
    """Every part holds."""
    found: dict[Test, None] = {}
    for part in parts:
        if part == FALSE:
            return FALSE
        found.update(dict.fromkeys(part.parts if isinstance(part, All) else (part,)))
    known = {part.left for part in found if isinstance(part, Compare) and part.op != "ne" and _something(part.right)}
    for operand in known:
        found.pop(_there(operand), None)
    return next(iter(found)) if len(found) == 1 else All(tuple(found))


def _something(operand: Operand) -> bool:
    """Whether it is a constant other than null: what is equal to it, before it or after it is not null either."""
    return isinstance(operand, Const) and operand.value is not None


def _there(operand: Operand) -> Test:
    kind, enum = kind_of(operand), enum_of(operand)
    return Compare("ne", operand, Const(None, kind, enum), kind, enum)


def either(parts: Iterable[Test]) -> Test:
    """Some part holds."""
    found: dict[Test, None] = {}
    for part in parts:
        if part == TRUE:
            return TRUE
        found.update(dict.fromkeys(part.parts if isinstance(part, Either) else (part,)))
    return next(iter(found)) if len(found) == 1 else Either(tuple(found))


def negated(test: Test) -> Test:
    """The test is false; null stays null."""
    match test:
        case Not(part=part):
            return part
        case Compare(op="eq" | "ne" as op, left=left, right=right, kind=kind, enum=enum):
            return Compare(_OTHER[op], left, right, kind, enum)
    return FALSE if test == TRUE else TRUE if test == FALSE else Not(test)


def definite(test: Test) -> bool:
    """Whether a test is true or false and never null."""
    match test:
        case TextMatch() | Pattern():
            return False
        case All(parts=parts) | Either(parts=parts):
            return all(map(definite, parts))
        case Not(part=part):
            return definite(part)
    return True


def held(test: Test) -> Test:
    """The test is true: false for null too."""
    return test if definite(test) else Compare("eq", Truth(test), YES, "boolean")


def untrue(test: Test) -> Test:
    """The test is false or null."""
    return negated(test) if definite(test) else Compare("ne", Truth(test), YES, "boolean")


def compared(op: Ordering, left: Operand, right: Operand, kind: Kind, enum: EnumType | None) -> Test:
    """A comparison of two operands of one kind; a constant goes to the right."""
    if isinstance(left, Const) and not isinstance(right, Const):
        left, right, op = right, left, _MIRROR[op]
    if isinstance(right, Const):
        if right.value is None and op not in {"eq", "ne"}:
            return FALSE  # an order comparison with null is false
        if isinstance(left, Choose):
            return chosen(left, lambda value: compared(op, value, right, kind, enum))
        if isinstance(left, Truth) and definite(left.test) and right == YES and op in {"eq", "ne"}:
            return left.test if op == "eq" else negated(left.test)
    return settled(Compare(op, left, right, kind, enum))


def one_of(operand: Operand, values: tuple[Any, ...], kind: Kind, enum: EnumType | None) -> Test:
    """Whether an operand equals one of the constants."""
    if isinstance(operand, Choose):
        return chosen(operand, lambda value: one_of(value, values, kind, enum))
    return settled(OneOf(operand, values, kind, enum))


def chosen(choose: Choose, ask: Callable[[Operand], Test]) -> Test:
    """What is asked of a chosen value, asked of each value it may be; `ask` gives a test that is never null."""
    listed = _listed(choose)
    if listed is not None:
        return _by_value(*listed, ask)
    parts: list[Test] = []
    before: list[Test] = []
    for condition, value in choose.branches:
        parts.append(both([*before, held(condition), ask(value)]))
        before.append(untrue(condition))
    return either([*parts, both([*before, ask(Const(None, choose.kind, choose.enum))])])


def members_of(choose: Choose) -> tuple[Field, dict[str | None, Operand]] | None:
    """The enumeration's field that alone decides what is chosen, and the value that each of its members leads to; None
    where something else decides.
    """
    listed = _listed(choose)
    if listed is None or listed[0].kind != "enum":
        return None
    of, cases, _ = listed
    return of, {value: operand for values, operand in cases for value in values}


_Cases = list[tuple[tuple[Any, ...], Operand]]


def _listed(choose: Choose) -> tuple[Field, _Cases, Operand] | None:
    """The field that alone decides what is chosen, the values of it that lead to each operand, and the operand for all
    others; None where the conditions ask for more than whether one field has one of some values.
    """
    fields: set[Field] = set()
    cases: _Cases = []
    seen: set[Any] = set()
    otherwise: Operand = Const(None, choose.kind, choose.enum)
    for condition, value in choose.branches:
        match condition:
            case Compare(op="eq", left=Field() as of, right=Const(value=constant), kind="enum" | "text"):
                values: tuple[Any, ...] = (constant,)
            case OneOf(operand=Field() as of, values=values, kind="enum" | "text"):
                pass
            case _ if condition == TRUE:
                otherwise = value
                break
            case _:
                return None
        fields.add(of)
        keys = [fold(one) if of.kind == "text" and one is not None else one for one in values]
        cases.append((tuple(one for one, key in zip(values, keys, strict=True) if key not in seen), value))
        seen.update(keys)
    if len(fields) != 1:
        return None
    of = fields.pop()
    if of.enum is None or of.enum.flags:
        return None if of.enum is not None else (of, cases, otherwise)
    others = tuple(member for member in (*of.enum.members, *([None] if of.nullable else [])) if member not in seen)
    return of, [*cases, (others, otherwise)], otherwise  # of an enumeration every value is known


def _by_value(of: Field, cases: _Cases, otherwise: Operand, ask: Callable[[Operand], Test]) -> Test:
    """The same by the values of the field: which of them lead to which test."""
    leads: dict[Test, list[Any]] = {}
    for values, operand in cases:
        leads.setdefault(ask(operand), []).extend(values)
    total = sum(map(len, leads.values()))
    parts = []
    for test, among in sorted(leads.items(), key=lambda one: one[0] != TRUE):  # what the field alone answers comes first
        where = TRUE if of.kind == "enum" and len(among) == total else _is_among(of, among)
        parts.append(both([where, test]))
    if of.kind != "enum":
        parts.append(both([negated(_is_among(of, [value for values, _ in cases for value in values])), ask(otherwise)]))
    return either(parts)


def _is_among(of: Field, values: list[Any]) -> Test:
    if len(values) == 1:
        return Compare("eq", of, Const(values[0], of.kind, of.enum), of.kind, of.enum)
    return OneOf(of, tuple(values), of.kind, of.enum) if values else FALSE
