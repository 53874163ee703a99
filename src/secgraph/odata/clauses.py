"""The lists that `$orderby`, `$select`, `$expand` and `$compute` are: their items as nodes, by the grammar alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from secgraph.errors import BadFilter, BadOption
from secgraph.odata import parse
from secgraph.odata.ast import Node
from secgraph.odata.literal import NAME
from secgraph.odata.options import nested, split

MOST = 200
"""Most items of one list."""

LONGEST = parse.LONGEST
"""Most characters of one list."""

_DEEPEST = 32
"""Most names of one path: no member of the model lies deeper."""

_STEP = re.compile(rf"(?:@?{NAME}(?:#\w+)?|\*|{NAME}\.\*|\$ref|\$count|\$value)")
_ITEM = re.compile(r"(?P<path>[^()]*)(?:\((?P<inside>.*)\))?", re.DOTALL)
_COMPUTED = re.compile(rf"(?P<expression>.+)\sas\s+(?P<name>{NAME})\s*", re.DOTALL | re.IGNORECASE)

_AFTER: dict[str, frozenset[str]] = {
    "$ref": frozenset({"$filter", "$search", "$orderby", "$skip", "$top", "$count"}),
    "$count": frozenset({"$filter", "$search"}),
}


@dataclass(frozen=True, slots=True)
class Item:
    """A path with options behind it; `text` is the item as it came."""

    path: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Sort:
    """A key of `$orderby`."""

    node: Node
    text: str
    descending: bool


def orderby(text: str) -> list[Sort]:
    """The keys of an order; BadOption or BadFilter when one is not understood."""
    found = []
    for part in _parts(text, "$orderby"):
        before, *last = part.rsplit(None, 1)
        named = bool(last) and last[0].lower() in {"asc", "desc"}
        expression = before if named else part
        try:
            node = parse.expression(expression)
        except BadFilter as fault:
            raise BadOption("$orderby", f"'{part[:60]}' is not understood: {fault.message}",
                            hint=fault.hint or "Write a property and asc or desc: createdDateTime desc.") from None  # fmt: skip
        found.append(Sort(node, expression, named and last[0].lower() == "desc"))
    return found


def select(text: str) -> list[Item]:
    """The members that a `$select` names."""
    found = [_item(part, "$select") for part in _parts(text, "$select")]
    for one in found:
        if "$ref" in one.path or "$value" in one.path:
            raise BadOption("$select", f"'{one.text[:60]}' is no property.")
    return found


def expand(text: str) -> list[Item]:
    """The relationships that a `$expand` names, options behind them."""
    found = [_item(part, "$expand") for part in _parts(text, "$expand")]
    for one in found:
        allowed = _AFTER.get(one.path[-1])
        levels = one.options.get("$levels", "1").strip().lower()
        if allowed is not None and (wrong := sorted(one.options.keys() - allowed)):
            raise BadOption("$expand", f"{wrong[0]} cannot stand behind {one.path[-1]}.",
                            hint=f"Possible there: {', '.join(sorted(allowed))}.")  # fmt: skip
        if levels != "max" and not re.fullmatch(r"[1-9]\d{0,3}", levels):
            raise BadOption("$expand", f"levels={levels[:20]} is neither a number from 1 nor max.")
    return found


def compute(text: str) -> list[tuple[Node, str]]:
    """The expressions of a `$compute`, each with the name it is given."""
    found = []
    for part in _parts(text, "$compute"):
        match = _COMPUTED.fullmatch(part)
        if match is None:
            raise BadOption("$compute", f"'{part[:60]}' has no name.", hint="Write an expression, `as`, and a name.")
        found.append((parse.expression(match["expression"]), match["name"]))
    return found


def _parts(text: str, what: str) -> list[str]:
    if not text:
        return []
    if len(text) > LONGEST:
        raise BadOption(what, f"has {len(text)} characters; at most {LONGEST} are read.")
    parts = [part.strip() for part in split(text, ",")]
    if len(parts) > MOST:
        raise BadOption(what, f"has more than {MOST} items.")
    return [part for part in parts if part]


def _item(text: str, what: str) -> Item:
    match = _ITEM.fullmatch(text)
    path = tuple(step.strip() for step in match["path"].split("/")) if match else ()
    if len(path) > _DEEPEST:
        raise BadOption(what, f"'{text[:60]}' has more than {_DEEPEST} names in a row.")
    if match is None or not all(_STEP.fullmatch(step) for step in path):
        raise BadOption(what, f"'{text[:60]}' is not understood.", hint="Write names parted by commas.")
    inside = match["inside"]
    if inside is None:
        return Item(path, {}, text)
    if what == "$select" and all(re.fullmatch(NAME, part.strip()) for part in inside.split(",")):
        return Item(path, {}, text)  # the parameters of a function, told apart from options by having no value
    return Item(path, nested(inside, what), text)
