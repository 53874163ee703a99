"""A condition against one record in Python: the executor that rules, subscriptions and views use.

A record is an object as it is stored, enum members past the sentinel in full. `None` is null, in values and in truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from secgraph import clock
from secgraph.model.edm import EnumType
from secgraph.odata import search
from secgraph.odata.functions import computed
from secgraph.odata.pattern import matches
from secgraph.odata.query import (
    All,
    Apply,
    Cast,
    Choose,
    Compare,
    Const,
    Either,
    Every,
    Field,
    Found,
    IsA,
    Kind,
    Not,
    OneOf,
    Operand,
    Pattern,
    Present,
    Size,
    Some,
    Test,
    TextMatch,
    Truth,
    fold,
    kind_of,
)

Record = dict[str, Any]
Scope = dict[str, Any]
"""The record under "", each lambda's item under its variable, the present instant under "now"."""
Get = Callable[[Scope], Any]
Judge = Callable[[Scope], bool | None]

_JSON: dict[str, tuple[type, ...]] = {"text": (str,), "number": (int, float), "boolean": (bool,)}


def predicate(test: Test, now: clock.Now = clock.now) -> Callable[[Record], bool]:
    """Whether a record answers a condition."""
    judge = judged(test)
    return lambda record: judge({"": record, "now": now()}) is True


def value(operand: Operand, now: clock.Now = clock.now) -> Callable[[Record], Any]:
    """What an operand is for a record: text, ticks of an instant, an enum member's name, a number, a truth, or None."""
    get = got(operand, kind_of(operand))
    return lambda record: get({"": record, "now": now()})


def settled(test: Test) -> Test:
    """The condition, or what it is for every row where it reads none."""
    if isinstance(test, Compare) and isinstance(test.left, Field) and not _no_number(test.right):
        return test
    if isinstance(test, Compare) and (_no_number(test.left) or _no_number(test.right)):
        return All(()) if test.op == "ne" else Either(())
    sides: tuple[Operand, ...] = ()
    match test:
        case Compare(left=left, right=right) | TextMatch(operand=left, needle=right):
            sides = (left, right)
        case OneOf(operand=operand) | Pattern(operand=operand):
            sides = (operand,)
    if sides and all(isinstance(side, Const) for side in sides):
        found = judged(test)({})
        if found is not None:
            return All(()) if found else Either(())
    return test


def _no_number(operand: Operand) -> bool:
    return isinstance(operand, Const) and isinstance(operand.value, float) and math.isnan(operand.value)


# -- values


def got(operand: Operand, kind: Kind) -> Get:
    """Reads an operand as a value of that kind."""
    match operand:
        case Const(value=constant):
            return lambda _: constant
        case Present(later=later):
            return lambda scope: scope["now"] + later
        case Field():
            return _field(operand, kind)
        case Size(of=of, variable=variable, body=body):
            items = _items(of)
            if body is None:
                return lambda scope: len(items(scope))
            judge = judged(body)
            return lambda scope: sum(judge({**scope, variable: item}) is True for item in items(scope))
        case Apply(function=function, arguments=arguments):
            gets = [got(argument, kind_of(argument)) for argument in arguments]
            return lambda scope: computed(function, tuple(get(scope) for get in gets))
        case Truth(test=test):
            return judged(test)
        case Choose(branches=branches):
            pairs = [(judged(condition), got(result, operand.kind)) for condition, result in branches]
            return lambda scope: next((get(scope) for judge, get in pairs if judge(scope) is True), None)


def _path(field: Field) -> Get:
    """The JSON value at a path; None where a cast on the way does not fit."""
    root, steps = field.root, field.steps
    if len(steps) == 1 and isinstance(steps[0], str) and not root:
        name = steps[0]
        return lambda scope: scope[""].get(name)

    def read(scope: Scope) -> Any:
        found = scope[root]
        for step in steps:
            if not isinstance(found, dict):
                return None
            if isinstance(step, Cast):
                if found.get("@odata.type") not in step.tags:
                    return None
            else:
                found = found.get(step)
        return found

    return read


def _field(field: Field, kind: Kind) -> Get:
    read = _path(field)
    if field.open:
        types = _JSON.get(kind)
        if types is not None:
            return lambda scope: found if _is(found := read(scope), types) else None
    if kind in {"moment", "date"}:
        return lambda scope: None if (found := read(scope)) is None else computed("moment_ticks", (found,))
    return read


def _is(found: Any, types: tuple[type, ...]) -> bool:
    return isinstance(found, types) and (isinstance(found, bool) is (types == (bool,)))


def ranked(operand: Operand, kind: Kind, enum: EnumType | None) -> Get:
    """Reads an operand as what is compared: texts folded, members by number."""
    get = got(operand, kind)
    rank = ranking(kind, enum)
    return get if rank is None else lambda scope: rank(get(scope))


def ranking(kind: Kind, enum: EnumType | None) -> Callable[[Any], Any] | None:
    """What a value of that kind is compared as; None where it is compared as it is."""
    if enum is not None and not enum.flags:
        return enum.members.get
    if kind in {"text", "enum", "dynamic"}:
        return lambda found: fold(found) if isinstance(found, str) else found
    return None


# -- conditions


def judged(test: Test) -> Judge:
    """Whether a condition holds in a scope; None for null."""
    match test:
        case All(parts=parts):
            judges = [judged(part) for part in parts]
            return lambda scope: _every(judge(scope) for judge in judges)
        case Either(parts=parts):
            judges = [judged(part) for part in parts]
            return lambda scope: _some(judge(scope) for judge in judges)
        case Not(part=part):
            judge = judged(part)
            return lambda scope: None if (found := judge(scope)) is None else not found
        case Compare():
            return _compare(test)
        case OneOf(operand=operand, values=values, kind=kind, enum=enum):
            get = ranked(operand, kind, enum)
            rank = ranking(kind, enum)
            among = [one if rank is None else rank(one) for one in values]
            return lambda scope: get(scope) in among
        case TextMatch():
            return _text_match(test)
        case Pattern(operand=operand, pattern=pattern):
            get = got(operand, "text")
            return lambda scope: None if (found := get(scope)) is None else matches(pattern, found)
        case IsA(field=field, tags=tags):
            get = _path(field)
            return lambda scope: isinstance(found := get(scope), dict) and found.get("@odata.type") in tags
        case Found(words=words, of=of):
            return lambda scope: search.holds(scope[""], of, words)
        case Some(over=over, variable=variable, body=body):
            items = _items(over)
            if body is None:
                return lambda scope: bool(items(scope))
            judge = judged(body)
            return lambda scope: any(judge({**scope, variable: item}) is True for item in items(scope))
        case Every(over=over, variable=variable, body=body):
            items = _items(over)
            judge = judged(body)
            return lambda scope: all(judge({**scope, variable: item}) is True for item in items(scope))


def _items(over: Field) -> Callable[[Scope], Sequence[Any]]:
    """Reads a collection; what is none, as a member of an open type may be anything, has no items."""
    read = _path(over)

    def items(scope: Scope) -> Sequence[Any]:
        found = read(scope)
        return found if isinstance(found, list) else ()

    return items


def _compare(test: Compare) -> Judge:
    op = test.op
    if test.kind == "complex":
        read = _path(test.left) if isinstance(test.left, Field) else got(test.left, "complex")
        return lambda scope: (read(scope) is None) is (op == "eq")
    left, right = ranked(test.left, test.kind, test.enum), ranked(test.right, test.kind, test.enum)
    if op == "eq":
        return lambda scope: left(scope) == right(scope)
    if op == "ne":
        return lambda scope: left(scope) != right(scope)
    holds = {"lt": _lt, "le": _le, "gt": _gt, "ge": _ge}[op]

    def ordered(scope: Scope) -> bool:
        one, other = left(scope), right(scope)
        return one is not None and other is not None and holds(one, other)

    return ordered


def _lt(one: Any, other: Any) -> bool:
    return bool(one < other)


def _le(one: Any, other: Any) -> bool:
    return bool(one <= other)


def _gt(one: Any, other: Any) -> bool:
    return bool(one > other)


def _ge(one: Any, other: Any) -> bool:
    return bool(one >= other)


def _text_match(test: TextMatch) -> Judge:
    left, right = ranked(test.operand, "text", None), ranked(test.needle, "text", None)
    holds: Callable[[str, str], bool] = {
        "contains": str.__contains__, "startswith": str.startswith, "endswith": str.endswith,
    }[test.op]  # fmt: skip

    def judge(scope: Scope) -> bool | None:
        text, needle = left(scope), right(scope)
        return None if text is None or needle is None else holds(text, needle)

    return judge


def _every(found: Any) -> bool | None:
    result: bool | None = True
    for one in found:
        if one is False:
            return False
        if one is None:
            result = None
    return result


def _some(found: Any) -> bool | None:
    result: bool | None = False
    for one in found:
        if one is True:
            return True
        if one is None:
            result = None
    return result
