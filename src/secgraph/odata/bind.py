"""Nodes + model → query. Nothing is ignored: an option is obeyed or refused with a reason and a way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from secgraph.errors import BadFilter, BadOption
from secgraph.model.edm import EntitySet, Model, StructType, load
from secgraph.odata import clauses, parse, search
from secgraph.odata.ast import Literal as Constant
from secgraph.odata.ast import Path
from secgraph.odata.condition import Binder
from secgraph.odata.names import meant, member_field
from secgraph.odata.options import truth, whole
from secgraph.odata.query import Chosen, Compare, Const, Expanded, Field, Form, Operand, Order, Query, Test, fields_of, narrowed

MOST_KEYS = 8
"""Most keys of an order."""


_UNSERVED = {
    "$deltatoken": "It belongs to /delta(), where it came from.",
    "$compute": "Expressions can stand in $filter and $orderby themselves.",
    "$index": "No collection here has places to insert at.",
    "$id": "Ask for an object by its key.",
    "$schemaversion": "The model has one version for each root, /v1.0 and /beta.",
}
"""Options of the grammar that nothing here answers, and what to do instead."""


def query(of: EntitySet, options: Mapping[str, str], model: Model, *, unknown_members: bool = False) -> Query:
    """The question that a collection's query options ask. Raises BadOption or BadFilter."""
    found = dict(options)
    aliases = _parameters(found)
    binder = Binder(of, model, aliases)
    top = whole(found, "$top")
    _served(found)
    return Query(
        of=of,
        where=_where(binder, found.get("$filter", "").strip(), found.get("$search", "").strip()),
        order=_order(binder, found.get("$orderby", "")),
        select=_select(of, found.get("$select", "")),
        expand=_expand(of, found.get("$expand", ""), aliases),
        top=min(of.choices.page if top is None else top, of.choices.page_most),
        clamped=top is not None and top > of.choices.page_most,
        skip=whole(found, "$skip") or 0,
        count=truth(found, "$count"),
        unknown_members=unknown_members,
    )


def item(of: EntitySet, options: Mapping[str, str], *, unknown_members: bool = False) -> Query:
    """The same for one object: `$select` and `$expand` are all that can be asked of it."""
    for name in options:
        if name not in {"$select", "$expand", "$format"} and not name.startswith("@"):
            raise BadOption(name, "cannot be asked of a single object.", hint="Use $select or $expand here.")
    _served(options)
    return Query(
        of=of,
        where=None,
        order=(),
        select=_select(of, options.get("$select", "")),
        expand=_expand(of, options.get("$expand", ""), _parameters(options)),
        top=1,
        unknown_members=unknown_members,
    )


def equals(of: EntitySet, name: str, value: Any) -> Test:
    """The condition that a property of the set has a value."""
    field = cast("Field", member_field(of, name))
    return Compare("eq", field, Const(value, field.kind, field.enum), field.kind, field.enum)


def _served(found: Mapping[str, str]) -> None:
    if "$format" in found and "json" not in found["$format"].lower():
        raise BadOption("$format", "only JSON is served.", hint="Leave $format out.")
    for name in _UNSERVED.keys() & found.keys():
        if found[name].strip():
            raise BadOption(name, "is not served.", hint=_UNSERVED[name])


def _where(binder: Binder, text: str, wanted: str) -> Test | None:
    where = binder.test(parse.expression(text), text) if text else None
    if not wanted:
        return where
    if not binder.of.choices.search:
        raise BadOption("$search", f"is not possible on {binder.of.path}.", hint="Use $filter with contains(...).")
    return narrowed(where, search.condition(wanted, binder.of.path))


def _order(binder: Binder, text: str) -> tuple[Order, ...]:
    """The order, ended by the key in the direction of the last one named; none named means the set's own."""
    keys: list[Order] = []
    of = binder.of
    for sort in clauses.orderby(text):
        by = _sortable(binder, sort)
        if all(key.by != by for key in keys):
            keys.append(Order(by, sort.descending))
        if len(keys) > MOST_KEYS:
            raise BadOption("$orderby", f"takes at most {MOST_KEYS} keys.")
    if not keys:
        keys.append(Order(cast("Field", member_field(of, of.choices.newest)), descending=not of.choices.rising))
    key = cast("Field", member_field(of, "id"))
    if all(one.by != key for one in keys):
        keys.append(Order(key, keys[-1].descending))
    return tuple(keys)


def _sortable(binder: Binder, sort: clauses.Sort) -> Operand:
    binder.text, binder.moves = sort.text, False
    try:
        by = binder.operand(sort.node)
    except BadFilter as fault:
        raise BadOption("$orderby", fault.message, hint=fault.hint) from None
    simple = not isinstance(by, Constant) and (not isinstance(by, Field) or not (by.collection or by.kind == "complex"))
    if isinstance(by, Constant) or not simple:
        said = "/".join(sort.node.steps) if isinstance(sort.node, Path) else sort.text.strip()[:60]
        raise BadOption("$orderby", f"'{said}' has no order.", hint="Sort by a single value.")
    if next(fields_of(by), None) is None:
        raise BadOption("$orderby", f"'{sort.text.strip()[:60]}' is the same for all.", hint="Sort by a property.")
    if binder.moves:
        raise BadOption("$orderby", f"'{sort.text.strip()[:60]}' changes between pages.", hint="Sort without now().")
    return by


def _select(of: EntitySet, text: str) -> tuple[Chosen, ...] | None:
    """The members to send, or None for all."""
    found = clauses.select(text)
    if any(one.path == ("*",) for one in found):
        return None
    chosen: dict[str, Chosen] = {}
    for one in found:
        if one.options:
            raise BadOption("$select", f"'{one.text[:60]}' has options, and a member is sent as it is.", hint="Leave them out.")
        path = one.path
        if len(path) > 1 and "." in path[0] and load().cast(path[0]) is of.type:
            path = path[1:]  # a cast to the type that every object has anyway
        _choose(chosen, of.type, path, (), one.text)
    declared = [chosen.pop(name) for name in of.type.properties if name in chosen]
    return (*declared, *chosen.values()) or None


def _choose(chosen: dict[str, Chosen], kind: StructType, path: tuple[str, ...], tags: tuple[str, ...], text: str) -> None:
    """Adds a path to the members chosen so far; a member chosen whole stays whole."""
    name = path[0]
    if "." in name:
        cast = load().cast(name)
        if cast is None or cast not in set(kind.family()) or len(path) == 1:
            raise BadOption("$select", f"'{text[:80]}' names no property: {name[:60]} cannot stand there.")
        _choose(chosen, cast, path[1:], tuple(f"#{one.name}" for one in cast.family()), text)
        return
    member = kind.member(name)
    if member is None and not kind.open:
        raise BadOption("$select", f"'{name[:60]}' is not a property of {kind.name}.", hint=meant(name, list(kind.properties)))
    known = member.name if member is not None else name
    key = f"{tags[0] if tags else ''}{known}"
    before = chosen.get(key)
    if len(path) == 1:
        chosen[key] = Chosen(known, (), tags)
        return
    if member is not None and not isinstance(member.type, StructType):
        raise BadOption("$select", f"'{known}' has no members.", hint=f"Write $select={known}.")
    if before is not None and not before.inner:
        return
    inner = {f"{one.tags[0] if one.tags else ''}{one.name}": one for one in (before.inner if before is not None else ())}
    within = member.type if member is not None and isinstance(member.type, StructType) else load().struct(_OPEN)
    _choose(inner, within, path[1:], (), text)
    chosen[key] = Chosen(known, tuple(inner.values()), tags)


def _parameters(options: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in options.items() if name.startswith("@")}


def _expand(of: EntitySet, text: str, aliases: dict[str, str]) -> tuple[Expanded, ...]:
    """The relationships to expand, each with the question asked of what it holds; parameters of the whole are known inside."""
    found: dict[str, Expanded] = {}
    for one in clauses.expand(text):
        form: Form = _FORMS.get(one.path[-1], "items")
        path = one.path if form == "items" else one.path[:-1]
        for name in of.choices.expand if path == ("*",) else path[:1]:
            known = {link.casefold(): link for link in of.choices.expand}
            if name.casefold() not in known or len(path) > 1:
                hint = f"What can be expanded: {', '.join(of.choices.expand)}." if known else "Leave $expand out."
                raise BadOption("$expand", f"'{one.text[:60]}' cannot be expanded here.", hint=hint)
            link = known[name.casefold()]
            if "$levels" in one.options:
                raise BadOption("$expand", f"levels is not possible: {link} does not lead back to itself.")
            inside = {**aliases, **one.options}
            found[link] = Expanded(link, query(_held(of, link), inside, load()), tuple(inside.items()), form)
    return tuple(found.values())


_OPEN = "microsoft.graph.security.dictionary"
_FORMS: dict[str, Form] = {"$ref": "references", "$count": "count"}


def _held(of: EntitySet, link: str) -> EntitySet:
    """The set that a relationship leads to."""
    kind = of.type.properties[link].type
    return next(one for one in load().sets.values() if one.type is kind)
