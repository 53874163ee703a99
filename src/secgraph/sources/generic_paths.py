"""JMESPath expressions, compiled once and bounded: each record is read in a counted number of steps.

The grammar and most functions are those of the package jmespath; the walk over a record is ours, because it has to be quick and
has to end: an expression such as `[@, @] | [@, @] | ...` grows without limit otherwise. Where JMESPath raises an error, the
value is null.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError

from secgraph.sources.generic_meter import TEXT_STEP, Meter, contains, number, rendered, same

LONGEST, DEEPEST = 2_000, 40
"""Characters of an expression, and how deep it nests."""


Find = Callable[[Any, Meter], Any]
Node = Mapping[str, Any]


def compiled(text: str) -> Find:
    """What finds the value of an expression in a record; ValueError says what is wrong with the expression."""
    if len(text) > LONGEST:
        raise ValueError(f"the expression is longer than {LONGEST} characters")
    try:
        parsed = jmespath.compile(text).parsed
        find = _made(parsed, 0)
    except JMESPathError as fault:
        lines = [line for line in str(fault).splitlines() if line.strip()]
        raise ValueError(f"'{text[:200]}' is no JMESPath expression: {' '.join(lines[:1])[:300]}") from None
    except RecursionError:
        raise ValueError("the expression nests too deep") from None
    return _guarded(find) if _calls(parsed) else find


def names_of(text: str) -> tuple[str, ...]:
    """The names of an expression that is nothing but one or several, such as `rule.name`; none of any other."""
    parsed: Node = jmespath.compile(text).parsed
    if not _plain(parsed) or parsed["type"] not in {"field", "subexpression"}:
        return ()
    return tuple(child["value"] for child in parsed["children"]) or (parsed["value"],)


def _plain(node: Node) -> bool:
    return node["type"] in {"field", "literal", "current", "identity"} or (
        node["type"] == "subexpression" and all(child["type"] == "field" for child in node["children"])
    )


def _calls(node: Node) -> bool:
    """Whether a function is called or something compared anywhere: nothing else raises."""
    return node["type"] in {"function_expression", "comparator"} or any(
        isinstance(one, dict) and _calls(one) for one in node["children"]
    )


def _guarded(find: Find) -> Find:
    def guarded(value: Any, meter: Meter) -> Any:
        try:
            return find(value, meter)
        except (JMESPathError, ArithmeticError, TypeError, ValueError):
            return None

    return guarded


def holds(value: Any) -> bool:
    """What JMESPath takes for true: all but null, false, and what is empty."""
    return not (value is None or value is False or (value.__class__ in {str, list, dict} and not value))


# --- a node of an expression becomes a function ---------------------------------------------------------------------------


def _made(node: Node, depth: int) -> Find:
    if depth > DEEPEST:
        raise ValueError(f"the expression nests deeper than {DEEPEST} levels")
    made = _MAKERS.get(node["type"])
    if made is None:
        raise ValueError(f"an expression of the kind {node['type']} is not known")
    return made(node, depth + 1)


def _inner(node: Node, depth: int) -> list[Find]:
    return [_made(child, depth) for child in node["children"]]


def _field(node: Node, _: int) -> Find:
    name = node["value"]
    return lambda value, _: value.get(name) if value.__class__ is dict else None


def _subexpression(node: Node, depth: int) -> Find:
    if not _plain(node):
        return _in_turn(node, depth)
    names = [child["value"] for child in node["children"]]
    if len(names) == 2:
        first, second = names

        def two(value: Any, _: Meter) -> Any:
            if value.__class__ is not dict:
                return None
            value = value.get(first)
            return value.get(second) if value.__class__ is dict else None

        return two

    def chain(value: Any, _: Meter) -> Any:
        for name in names:
            if value.__class__ is not dict:
                return None
            value = value.get(name)
        return value

    return chain


def _in_turn(node: Node, depth: int) -> Find:
    steps = _inner(node, depth)

    def walk(value: Any, meter: Meter) -> Any:
        for step in steps:
            value = step(value, meter)
        return value

    return walk


def _index(node: Node, _: int) -> Find:
    place = node["value"]
    return lambda value, _: value[place] if value.__class__ is list and -len(value) <= place < len(value) else None


def _slice(node: Node, _: int) -> Find:
    begin, end, step = node["children"]
    if step == 0:
        raise ValueError("a slice steps by 0")
    part = slice(begin, end, step)

    def cut(value: Any, meter: Meter) -> Any:
        if value.__class__ is not list:
            return None
        found = value[part]
        meter.spend(len(found))
        return found

    return cut


def _projection(node: Node, depth: int) -> Find:
    base, right = _inner(node, depth)
    return lambda value, meter: _each(base(value, meter), right, meter)


def _value_projection(node: Node, depth: int) -> Find:
    base, right = _inner(node, depth)

    def walk(value: Any, meter: Meter) -> Any:
        found = base(value, meter)
        if found.__class__ is not dict:
            return None
        meter.spend(len(found))
        return _each(list(found.values()), right, meter)

    return walk


def _filter_projection(node: Node, depth: int) -> Find:
    base, right, condition = _inner(node, depth)

    def walk(value: Any, meter: Meter) -> Any:
        found = base(value, meter)
        if found.__class__ is not list:
            return None
        meter.spend(len(found))
        return _each([one for one in found if holds(condition(one, meter))], right, meter)

    return walk


def _each(found: Any, right: Find, meter: Meter) -> Any:
    if found.__class__ is not list:
        return None
    meter.spend(len(found))
    return [value for one in found if (value := right(one, meter)) is not None]


def _flatten(node: Node, depth: int) -> Find:
    (base,) = _inner(node, depth)

    def walk(value: Any, meter: Meter) -> Any:
        found = base(value, meter)
        if found.__class__ is not list:
            return None
        merged: list[Any] = []
        for one in found:
            inside = one if one.__class__ is list else [one]
            meter.spend(len(inside) + 1)
            merged += inside
        return merged

    return walk


def _or(node: Node, depth: int) -> Find:
    left, right = _inner(node, depth)
    return lambda value, meter: found if holds(found := left(value, meter)) else right(value, meter)


def _and(node: Node, depth: int) -> Find:
    left, right = _inner(node, depth)
    return lambda value, meter: right(value, meter) if holds(found := left(value, meter)) else found


def _not(node: Node, depth: int) -> Find:
    (inner,) = _inner(node, depth)
    return lambda value, meter: not holds(inner(value, meter))


def _multi_list(node: Node, depth: int) -> Find:
    several = _inner(node, depth)

    def listed(value: Any, meter: Meter) -> Any:
        meter.spend(len(several))
        return None if value is None else [one(value, meter) for one in several]

    return listed


def _multi_dict(node: Node, depth: int) -> Find:
    named = {child["value"]: _made(child["children"][0], depth) for child in node["children"]}

    def gathered(value: Any, meter: Meter) -> Any:
        meter.spend(len(named))
        return None if value is None else {name: one(value, meter) for name, one in named.items()}

    return gathered


# --- comparing ------------------------------------------------------------------------------------------------------------

_ORDERS = {"lt": operator.lt, "gt": operator.gt, "lte": operator.le, "gte": operator.ge}


def _comparator(node: Node, depth: int) -> Find:
    left, right = _inner(node, depth)
    if node["value"] == "eq":
        return lambda value, meter: same(left(value, meter), right(value, meter), meter)
    if node["value"] == "ne":
        return lambda value, meter: not same(left(value, meter), right(value, meter), meter)
    order = _ORDERS[node["value"]]

    def compared(value: Any, meter: Meter) -> Any:
        one, other = left(value, meter), right(value, meter)
        if not (number(one) or one.__class__ is str) or not (number(other) or other.__class__ is str):
            return None
        return order(one, other)  # of a text and a number: an error, as with jmespath

    return compared


# --- functions ------------------------------------------------------------------------------------------------------------

TABLE = functions.Functions.FUNCTION_TABLE
FUNCTIONS = functions.Functions()


class _Expression:
    """An argument such as `&name`, as the functions of jmespath ask for it (they know it by the name of its class)."""

    def __init__(self, find: Find, meter: Meter) -> None:
        self.expression = find
        self._meter = meter

    def visit(self, find: Find, value: Any) -> Any:
        self._meter.spend(1)
        return find(value, self._meter)


def _expref(node: Node, depth: int) -> Find:
    (find,) = _inner(node, depth)
    return lambda _, meter: _Expression(find, meter)


def _function(node: Node, depth: int) -> Find:
    name, wants = node["value"], TABLE.get(node["value"])
    if wants is None:
        raise ValueError(f"there is no function {name}(); there are: {', '.join(sorted(TABLE))}")
    signature = wants["signature"]
    several, given = bool(signature and signature[-1].get("variadic")), len(node["children"])
    if given < len(signature) or (given > len(signature) and not several):
        raise ValueError(f"{name}() takes {len(signature)}{' or more' if several else ''} arguments, not {given}")
    for place, child in enumerate(node["children"]):
        wanted = "expref" in signature[min(place, len(signature) - 1)]["types"]
        if (child["type"] == "expref") != wanted:
            raise ValueError(f"{name}() takes {'an expression &...' if wanted else 'a value'} as its argument {place + 1}")
    arguments = _inner(node, depth)
    if name == "contains":
        subject, search = arguments
        return lambda value, meter: contains(subject(value, meter), search(value, meter), meter)
    if name == "to_string":
        return lambda value, meter: rendered(arguments[0](value, meter), meter)

    def call(value: Any, meter: Meter) -> Any:
        handed = [argument(value, meter) for argument in arguments]
        for one in handed:
            if one.__class__ is list or one.__class__ is dict:
                meter.spend(len(one))
            elif one.__class__ is str:
                meter.spend(len(one) // TEXT_STEP)
        if name == "join" and handed[1].__class__ is list:
            separator = len(handed[0]) if handed[0].__class__ is str else 0
            meter.spend(sum((len(one) + separator) // TEXT_STEP + 1 for one in handed[1] if one.__class__ is str))
        return FUNCTIONS.call_function(name, handed)

    return call


_MAKERS: dict[str, Callable[[Node, int], Find]] = {
    "field": _field, "subexpression": _subexpression, "index_expression": _in_turn, "pipe": _in_turn, "index": _index,
    "slice": _slice, "projection": _projection, "value_projection": _value_projection,
    "filter_projection": _filter_projection, "flatten": _flatten, "or_expression": _or, "and_expression": _and,
    "not_expression": _not, "multi_select_list": _multi_list, "multi_select_dict": _multi_dict, "comparator": _comparator,
    "function_expression": _function, "expref": _expref,
    "literal": lambda node, _: lambda _value, _meter: node["value"],
    "current": lambda _node, _: lambda value, _meter: value,
    "identity": lambda _node, _: lambda value, _meter: value,
}  # fmt: skip
