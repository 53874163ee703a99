"""Nodes + model → query. Nothing is ignored: an option is obeyed or refused with a reason and a way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from secgraph.errors import BadOption
from secgraph.model.edm import EntitySet, Model
from secgraph.odata import parse
from secgraph.odata.condition import Binder, field_of, meant
from secgraph.odata.options import truth, whole
from secgraph.odata.query import Compare, Const, Order, Query, Size, Test


def query(of: EntitySet, options: Mapping[str, str], model: Model, *, unknown_members: bool = False) -> Query:
    """The question that a collection's query options ask. Raises BadOption or BadFilter."""
    binder = Binder(of, model)
    found = dict(options)
    text = found.get("$filter", "").strip()
    top = whole(found, "$top")
    if "json" not in found.get("$format", "json").lower():
        raise BadOption("$format", "only JSON is served.", hint="Leave $format out.")
    return Query(
        of=of,
        where=binder.test(parse.expression(text), text) if text else None,
        order=_order(binder, found.get("$orderby", "")),
        select=_select(of, found.get("$select", "")),
        expand=_expand(of, found.get("$expand", "")),
        top=min(of.choices.page if top is None else top, of.choices.page_most),
        clamped=top is not None and top > of.choices.page_most,
        skip=whole(found, "$skip") or 0,
        count=truth(found, "$count"),
        unknown_members=unknown_members,
    )


def item(of: EntitySet, options: Mapping[str, str], *, unknown_members: bool = False) -> Query:
    """The same for one object: `$select` and `$expand` are all that can be asked of it."""
    for name in options:
        if name not in {"$select", "$expand", "$format"}:
            raise BadOption(name, "cannot be asked of a single object.", hint="Use $select or $expand here.")
    return Query(
        of=of,
        where=None,
        order=(),
        select=_select(of, options.get("$select", "")),
        expand=_expand(of, options.get("$expand", "")),
        top=1,
        unknown_members=unknown_members,
    )


def equals(of: EntitySet, name: str, value: Any) -> Test:
    """The condition that a property of the set has a value."""
    field = field_of(of, "", [], of.type.properties[name], of.type.properties[name].name)
    return Compare("eq", field, Const(value), field.kind, field.enum)


def _order(binder: Binder, text: str) -> tuple[Order, ...]:
    """The order, ended by the key in the direction of the last one named; none named means newest first."""
    keys: list[Order] = []
    of = binder.of
    binder.text = text
    for item_text in filter(None, (part.strip() for part in text.split(","))):
        words = item_text.split()
        if len(words) > 2 or (len(words) == 2 and words[1].lower() not in {"asc", "desc"}):
            raise BadOption("$orderby", f"'{item_text[:60]}' is not understood.",
                            hint="Write a property and asc or desc: createdDateTime desc.")  # fmt: skip
        binder.text = words[0]
        field = binder.path(parse.path(words[0]))
        if isinstance(field, Size) or field.collection or field.kind == "complex":
            raise BadOption("$orderby", f"'{words[0]}' has no order.", hint="Sort by a single value.")
        if all(key.field != field for key in keys):
            keys.append(Order(field, len(words) == 2 and words[1].lower() == "desc"))
    if len(keys) > 8:
        raise BadOption("$orderby", "takes at most 8 keys.")
    if not keys:
        newest = of.type.properties[of.choices.newest]
        keys.append(Order(field_of(of, "", [], newest, newest.name), descending=True))
    key = field_of(of, "", [], of.type.properties["id"], "id")
    if all(one.field != key for one in keys):
        keys.append(Order(key, keys[-1].descending))
    return tuple(keys)


def _select(of: EntitySet, text: str) -> tuple[str, ...] | None:
    """The members to send, or None for all."""
    chosen = set()
    for name in filter(None, (part.strip() for part in text.split(","))):
        if name == "*":
            return None
        member = of.type.member(name)
        if member is None:
            raise BadOption("$select", f"'{name[:60]}' is not a property of {of.type.name}.",
                            hint=meant(name, list(of.type.properties)))  # fmt: skip
        chosen.add(member.name)
    if not chosen:
        return None
    return tuple(name for name in of.type.properties if name in chosen)


def _expand(of: EntitySet, text: str) -> tuple[str, ...]:
    """The relationships to expand."""
    found: list[str] = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        known = {link.casefold(): link for link in of.choices.expand}
        if name.casefold() not in known:
            hint = f"What can be expanded: {', '.join(of.choices.expand)}." if known else "Leave $expand out."
            raise BadOption("$expand", f"'{name[:60]}' cannot be expanded here.", hint=hint)
        if known[name.casefold()] not in found:
            found.append(known[name.casefold()])
    return tuple(found)
