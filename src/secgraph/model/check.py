"""JSON in, a valid record out, or a refusal with the path to the fault.

Two readers of the same model. A client is held to it: an undeclared word, a wrong type, a NUL is a `BadBody` that says
where. A source is believed as far as it can be: an undeclared enum word becomes `unknown` (or `unknownFutureValue`), a
value of the wrong type is converted or left out, and each such thing is counted in the notes; the raw record is kept
elsewhere. Either way the result is canonical: members in the order of the contract, absent ones null or `[]`, times in
UTC with seven digits, enum members as published.

Checkers are compiled once per type into closures, because every stored record passes here.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import cache
from threading import RLock
from typing import Any

import msgspec

from secgraph.errors import BadBody
from secgraph.model.edm import EnumType, Primitive, Property, StructType, Type
from secgraph.model.value import (
    UNSTORABLE,
    Check,
    Context,
    clean,
    loose_enum,
    loose_primitive,
    strict_enum,
    strict_primitive,
    told,
)

Record = dict[str, Any]

DEEPEST = 32
"""How deep values of an open type may nest."""

EXTRA_MOST = 2048
"""Most bytes of JSON that `additionalData` may hold."""


def _empty(item: Property) -> Any:
    """What an absent member is: `[]`, null, or for a required one the plainest value of its type."""
    if item.collection:
        return ()
    if item.nullable or isinstance(item.type, StructType):
        return None
    if isinstance(item.type, EnumType):
        return item.type.undeclared if "unknown" in item.type.members else next(iter(item.type.members))
    return {"Edm.Boolean": False, "Edm.Int32": 0, "Edm.Int64": 0, "Edm.Double": 0.0, "Edm.String": ""}.get(item.type.name)


def polymorphic(kind: StructType) -> bool:
    """Whether a value of this declared type says which type it is by `@odata.type`."""
    return kind.kind == "ComplexType" and bool(kind.derived)


class _Struct:
    """The checker of one structured type."""

    def __init__(self, kind: StructType, *, strict: bool, tagged: bool) -> None:
        self.kind = kind
        self.strict = strict
        self.tagged = tagged
        self.members: dict[str, Check] = {}
        self.template: Record = {}
        self.lists: list[str] = []
        self.times: list[str] = []

    @staticmethod
    @cache
    def of(kind: StructType) -> _Struct:
        """The lenient checker of an entity type."""
        return _struct(kind, strict=False, tagged=False)

    def build(self) -> None:
        if self.tagged:
            self.template["@odata.type"] = f"#{self.kind.name}"
        for name, item in self.kind.properties.items():
            if item.navigation:
                continue
            self.members[name] = _member(item, strict=self.strict)
            self.template[name] = _empty(item)
            if item.collection:
                self.lists.append(name)
            if isinstance(item.type, Primitive) and item.type.name == "Edm.DateTimeOffset" and not item.nullable:
                self.times.append(name)

    def check(self, value: Any, context: Context) -> Record | None:
        """The object in canonical form; for one that is none a refusal, or None and a note."""
        if not isinstance(value, dict):
            if self.strict:
                raise told("an object", value)
            context.notes["not an object"] += 1
            return None
        if context.depth >= DEEPEST:
            if self.strict:
                raise BadBody("", f"nests deeper than {DEEPEST} levels.")
            context.notes["nested too deep"] += 1
            return None
        context.depth += 1
        record = self.template.copy()
        for name in self.lists:
            record[name] = []
        members = self.members
        for name, given in value.items():
            check = members.get(name)
            if check is not None:
                if given is not None:
                    found = _under(name, check, given, context) if self.strict else check(given, context)
                    if found is not None:
                        record[name] = found
            elif name != "@odata.type":
                self._other(name, given, record, context)
        for name in self.times:
            if record[name] is None:
                record[name] = context.created
        context.depth -= 1
        return record

    def _other(self, name: str, given: Any, record: Record, context: Context) -> None:
        known = self.kind.folded.get(name.casefold())
        if known is not None and not known.navigation:
            found = None if given is None else _under(known.name, self.members[known.name], given, context)
            if found is not None:
                record[known.name] = found
        elif self.kind.open:
            if "@" not in name:
                record[clean(name)] = _under(name, _open(strict=self.strict), given, context)
        elif "@" in name:
            return
        elif self.strict:
            raise BadBody(name, f"is not a member of {self.kind.name}.", hint=f"Members: {', '.join(self.members)}.")
        else:
            context.notes[f"{self.kind.name.rpartition('.')[2]} has no member {name[:40]!r}"] += 1


def _under(name: str, check: Check, value: Any, context: Context) -> Any:
    try:
        return check(value, context)
    except BadBody as fault:
        path = f"{name}/{fault.path}" if fault.path else name
        raise BadBody(path, fault.reason, hint=fault.hint) from None


@cache
def _open(*, strict: bool) -> Check:
    """Values of an open type: any JSON that both databases can hold."""

    def value_of(value: Any, context: Context, depth: int) -> Any:
        if isinstance(value, str):
            if strict and UNSTORABLE.search(value):
                raise BadBody("", "holds a NUL or a lone surrogate, which cannot be stored.", hint="Leave it out.")
            return value
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            return value if -(2**63) <= value < 2**63 else str(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if depth >= DEEPEST:
            if strict:
                raise BadBody("", f"nests deeper than {DEEPEST} levels.")
            context.notes["nested too deep"] += 1
            return None
        if isinstance(value, list):
            return [value_of(item, context, depth + 1) for item in value]
        return {clean(str(key)): value_of(item, context, depth + 1) for key, item in value.items()}

    return lambda value, context: value_of(value, context, 0)


def _polymorph(kind: StructType, *, strict: bool) -> Check:
    """The checker of a type whose values say which type they are. It knows its types from its first use on: they may hold
    each other.
    """
    by_tag: dict[str, Check] = {}
    by_name: dict[str, Check] = {}

    def check(value: Any, context: Context) -> Any:
        if not by_tag:
            family = {child.name: _struct(child, strict=strict, tagged=True).check for child in kind.family()}
            by_name.update({name.casefold(): reader for name, reader in family.items()})
            by_tag.update({f"#{name}": reader for name, reader in family.items()})  # all at once: other threads look here
        tag = value.get("@odata.type") if isinstance(value, dict) else f"#{kind.name}"
        reader = by_tag.get(tag) if isinstance(tag, str) else None
        return reader(value, context) if reader is not None else other(tag, context)(value, context)

    def other(tag: Any, context: Context) -> Check:
        """The checker for a tag that is not written as it is published, or that is none."""
        found = by_name.get(tag.lstrip("#").casefold()) if isinstance(tag, str) else None
        if found is None:
            if strict:
                raise BadBody("@odata.type", f"{tag!r} is not a type of {kind.name}.")
            context.notes[f"no evidence type {str(tag)[:60]!r}"] += 1
            found = by_tag[f"#{kind.name}"]
        return found

    return check


_structs: dict[tuple[str, bool, bool], _Struct] = {}
_building = RLock()


def _struct(kind: StructType, *, strict: bool, tagged: bool) -> _Struct:
    key = (kind.name, strict, tagged)
    with _building:  # what one thread is building is not whole yet for another
        if key not in _structs:
            _structs[key] = made = _Struct(kind, strict=strict, tagged=tagged)
            made.build()  # after it is known, for types that hold themselves
        return _structs[key]


@cache
def _single(kind: Type, *, strict: bool) -> Check:
    if isinstance(kind, Primitive):
        return strict_primitive(kind.name) if strict else loose_primitive(kind.name)
    if isinstance(kind, EnumType):
        return strict_enum(kind) if strict else loose_enum(kind)
    if polymorphic(kind):
        return _polymorph(kind, strict=strict)
    return _struct(kind, strict=strict, tagged=False).check


def _member(item: Property, *, strict: bool) -> Check:
    if isinstance(item.type, StructType) and item.type.base is not None and not item.type.derived:
        # A declared type that is itself an evidence type (networkConnectionEvidence/sourceAddress).
        single: Check = _struct(item.type, strict=strict, tagged=True).check
    else:
        single = _single(item.type, strict=strict)
    if not item.collection:
        return single

    def several(value: Any, context: Context) -> list[Any]:
        if not isinstance(value, list):
            if strict:
                raise told("a list", value)
            value = value.split(",") if isinstance(value, str) and isinstance(item.type, EnumType) else [value]
        if not strict:
            return [found for one in value if one is not None and (found := single(one, context)) is not None]
        return [_under(f"{place}", single, one, context) for place, one in enumerate(value)]

    return several


# --- what the rest of the program calls ---------------------------------------------------------------------------


def from_source(kind: StructType, value: Record, created: str | None) -> tuple[Record, Counter[str]]:
    """A source's record in canonical form, and what had to be changed or left out. `created` fills required times."""
    context = Context(created)
    record = _struct(kind, strict=False, tagged=False).check(value, context)
    assert record is not None  # noqa: S101 -- an object gives an object
    extra = record.get("additionalData")
    if extra:
        _trim(extra, context)
    return record, context.notes


def completed(kind: StructType, record: Record) -> Record:
    """A stored record with every member of the contract, those it was stored without null or `[]`: a member that the
    contract gained is not in the documents from before.
    """
    made = _Struct.of(kind)
    if len(record) > len(made.template):  # the entity tag is one more
        return record
    empty = {name: [] if value == () else value for name, value in made.template.items() if name not in record}
    return {**record, **empty}


def _trim(extra: Record, context: Context) -> None:
    """Leaves out the last members until what stays fits."""
    size = 1
    for place, (name, value) in enumerate(list(extra.items())):
        size += len(msgspec.json.encode(name)) + len(msgspec.json.encode(value)) + 2
        if size > EXTRA_MOST:
            dropped = list(extra)[place:]
            for last in dropped:
                del extra[last]
            context.notes["additionalData is larger than 2 KiB"] += len(dropped)
            return


def from_client(item: Property, value: Any) -> Any:
    """A member's value as a client may give it; BadBody with the path to the fault."""
    return _under(item.name, _member(item, strict=True), value, Context())


def text_from_client(name: str, value: str) -> str:
    """A text that can be stored; BadBody when it cannot."""
    checked: str = _under(name, _single(Primitive("Edm.String"), strict=True), value, Context())
    return checked
