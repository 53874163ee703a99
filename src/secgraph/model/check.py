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
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from secgraph import clock
from secgraph.errors import BadBody
from secgraph.model.edm import SENTINEL, EnumType, Primitive, Property, StructType, Type

Record = dict[str, Any]

DEEPEST = 32
"""How deep values of an open type may nest."""

EXTRA_MOST = 2048
"""Most bytes of JSON that `additionalData` may hold."""

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WIRE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{7}Z", re.ASCII)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(slots=True)
class Context:
    """What one record's check knows and finds out."""

    created: str | None = None
    """Fills a required time which the source left out."""
    notes: Counter[str] = field(default_factory=Counter)
    """What had to be changed or left out, counted by member."""
    depth: int = 0


Check = Callable[[Any, Context], Any]


def clean(text: str) -> str:
    """The text with NUL and lone surrogates, which no store and no UTF-8 can hold, replaced by U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def instant(value: str) -> str | None:
    """A date-time in wire form, or None. A text that is in wire form already costs next to nothing."""
    if _WIRE.fullmatch(value):
        try:
            datetime.fromisoformat(value[:19])
        except ValueError:
            pass
        else:
            return value
    ticks = clock.ticks(value)
    return None if ticks is None else clock.text(ticks)


# --- a client's value -------------------------------------------------------------------------------------------


def _told(kind: str, value: Any) -> BadBody:
    shown = type(value).__name__ if isinstance(value, dict | list) else repr(value)[:60]
    return BadBody("", f"must be {kind}, not {shown}.")


def _strict_primitive(name: str) -> Check:
    def text(value: Any, _: Context) -> str:
        if not isinstance(value, str):
            raise _told("text", value)
        if _UNSTORABLE.search(value):
            raise BadBody("", "holds a NUL or a lone surrogate, which cannot be stored.", hint="Leave it out.")
        return value

    def moment(value: Any, _: Context) -> str:
        ticks = clock.ticks(value, zone=None) if isinstance(value, str) else None
        if ticks is None:
            raise _told("a date-time with an offset, such as 2026-01-31T09:00:00Z", value)
        return clock.text(ticks)

    def whole(low: int, high: int) -> Check:
        def check(value: Any, _: Context) -> int:
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise _told(f"a whole number from {low} to {high}", value)
            return value

        return check

    def number(value: Any, _: Context) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _told("a number", value)
        return float(value)

    def truth(value: Any, _: Context) -> bool:
        if not isinstance(value, bool):
            raise _told("true or false", value)
        return value

    def guid(value: Any, _: Context) -> str:
        if not isinstance(value, str) or not _GUID.fullmatch(value):
            raise _told("a GUID", value)
        return value.lower()

    return {
        "Edm.String": text, "Edm.DateTimeOffset": moment, "Edm.Int32": whole(-(2**31), 2**31 - 1),
        "Edm.Int64": whole(-(2**63), 2**63 - 1), "Edm.Double": number, "Edm.Boolean": truth, "Edm.Guid": guid,
    }[name]  # fmt: skip


def _strict_enum(kind: EnumType) -> Check:
    def member(word: Any) -> str:
        found = kind.folded.get(word.strip().casefold()) if isinstance(word, str) else None
        if found is None or found == SENTINEL:
            known = ", ".join(name for name in kind.members if name != SENTINEL)
            raise BadBody("", f"{word!r} is not a member of {kind.name}.", hint=f"Members: {known}.")
        return found

    if kind.flags:
        return lambda value, _: ", ".join(member(word) for word in str(value).split(","))
    return lambda value, _: member(value)


# --- a source's value -------------------------------------------------------------------------------------------


def _loose_primitive(name: str) -> Check:
    def text(value: Any, context: Context) -> str | None:
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        context.notes["not text"] += 1
        return None

    def moment(value: Any, context: Context) -> str | None:
        found = instant(value) if isinstance(value, str) else None
        if found is None:
            context.notes["not a time"] += 1
        return found

    def whole(low: int, high: int) -> Check:
        def check(value: Any, context: Context) -> int | None:
            try:
                number = int(value)
            except (TypeError, ValueError, OverflowError):
                number = high + 1
            if not low <= number <= high:
                context.notes["not a whole number"] += 1
                return None
            return number

        return check

    def number(value: Any, context: Context) -> float | None:
        try:
            found = float(value)
        except (TypeError, ValueError, OverflowError):
            found = math.nan
        if not math.isfinite(found):
            context.notes["not a number"] += 1
            return None
        return found

    def truth(value: Any, context: Context) -> bool | None:
        if isinstance(value, bool):
            return value
        found = {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())
        if found is None:
            context.notes["not true or false"] += 1
        return found

    def guid(value: Any, context: Context) -> str | None:
        if isinstance(value, str) and _GUID.fullmatch(value.strip("{}")):
            return value.strip("{}").lower()
        context.notes["not a GUID"] += 1
        return None

    return {
        "Edm.String": text, "Edm.DateTimeOffset": moment, "Edm.Int32": whole(-(2**31), 2**31 - 1),
        "Edm.Int64": whole(-(2**63), 2**63 - 1), "Edm.Double": number, "Edm.Boolean": truth, "Edm.Guid": guid,
    }[name]  # fmt: skip


def _loose_enum(kind: EnumType) -> Check:
    exact = {name: name for name in kind.members}

    def member(word: Any, context: Context) -> str | None:
        found = kind.folded.get(word.strip().casefold()) if isinstance(word, str) else None
        if found is None:
            shown = repr(word[:40]) if isinstance(word, str) else f"of type {type(word).__name__}"
            context.notes[f"{kind.name.rpartition('.')[2]} has no member {shown}"] += 1
            return kind.undeclared
        return found

    if kind.flags:

        def several(value: Any, context: Context) -> str:
            words = (member(word, context) for word in str(value).split(","))
            return ", ".join(word for word in words if word)

        return several

    def one(value: Any, context: Context) -> str | None:
        # Nearly every word comes spelled as published; the rest takes the longer way.
        if isinstance(value, str) and value in exact:
            return value
        return member(value, context)

    return one


# --- structures -------------------------------------------------------------------------------------------------


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
    def of(kind: StructType) -> _Struct:
        """The lenient checker of an entity type."""
        made = _struct(kind, strict=False, tagged=False)
        assert isinstance(made, _Struct)  # noqa: S101 -- that is what it makes
        return made

    def build(self) -> None:
        if self.tagged:
            self.template["@odata.type"] = f"#{self.kind.name}"
        for name, item in self.kind.properties.items():
            if item.navigation:
                continue
            self.members[name] = _member(item, strict=self.strict)
            empty = _empty(item)
            self.template[name] = empty
            if empty == ():
                self.lists.append(name)
            if isinstance(item.type, Primitive) and item.type.name == "Edm.DateTimeOffset" and not item.nullable:
                self.times.append(name)

    def __call__(self, value: Any, context: Context) -> Record | None:
        if not isinstance(value, dict):
            if self.strict:
                raise _told("an object", value)
            context.notes["not an object"] += 1
            return None
        context.depth += 1
        if context.depth > DEEPEST:
            context.depth -= 1
            if self.strict:
                raise BadBody("", f"nests deeper than {DEEPEST} levels.")
            context.notes["nested too deep"] += 1
            return None
        record = self._filled(value, context)
        context.depth -= 1
        return record

    def _filled(self, value: Record, context: Context) -> Record:
        record = self.template.copy()
        for name in self.lists:
            record[name] = []
        members = self.members
        for name, given in value.items():
            check = members.get(name)
            if check is not None:
                if given is not None:
                    found = check(given, context) if not self.strict else _under(name, check, given, context)
                    if found is not None:
                        record[name] = found
            elif name == "@odata.type":
                continue
            else:
                self._other(name, given, record, context)
        for name in self.times:
            if record[name] is None:
                record[name] = context.created
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
            raise BadBody(name, f"is not a member of {self.kind.name}.")
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
            if strict and _UNSTORABLE.search(value):
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
    by_name = {child.name.casefold(): _struct(child, strict=strict, tagged=True) for child in kind.family()}
    by_tag = {f"#{child.name}": by_name[child.name.casefold()] for child in kind.family()}
    plain = by_tag[f"#{kind.name}"]

    def check(value: Any, context: Context) -> Any:
        if not isinstance(value, dict):
            return plain(value, context)
        tag = value.get("@odata.type")
        found = by_tag.get(tag) if isinstance(tag, str) else None
        if found is None and isinstance(tag, str):
            found = by_name.get(tag.lstrip("#").casefold())
        if found is None:
            if strict:
                raise BadBody("@odata.type", f"{tag!r} is not a type of {kind.name}.")
            context.notes[f"no evidence type {str(tag)[:60]!r}"] += 1
            found = plain
        return found(value, context)

    return check


_structs: dict[tuple[str, bool, bool], _Struct] = {}


def _struct(kind: StructType, *, strict: bool, tagged: bool) -> Check:
    key = (kind.name, strict, tagged)
    if key not in _structs:
        _structs[key] = made = _Struct(kind, strict=strict, tagged=tagged)
        made.build()  # after it is known, for types that hold themselves
    return _structs[key]


@cache
def _single(kind: Type, *, strict: bool) -> Check:
    if isinstance(kind, Primitive):
        return _strict_primitive(kind.name) if strict else _loose_primitive(kind.name)
    if isinstance(kind, EnumType):
        return _strict_enum(kind) if strict else _loose_enum(kind)
    if polymorphic(kind):
        return _late(kind, strict=strict)
    return _struct(kind, strict=strict, tagged=False)


def _late(kind: StructType, *, strict: bool) -> Check:
    """The checker of a polymorphic type, made at first use: its types may hold each other."""
    made: list[Check] = []

    def check(value: Any, context: Context) -> Any:
        if not made:
            made.append(_polymorph(kind, strict=strict))
        return made[0](value, context)

    return check


def _member(item: Property, *, strict: bool) -> Check:
    if isinstance(item.type, StructType) and item.type.base is not None and not item.type.derived:
        # A declared type that is itself an evidence type (networkConnectionEvidence/sourceAddress).
        single: Check = _struct(item.type, strict=strict, tagged=True)
    else:
        single = _single(item.type, strict=strict)
    if not item.collection:
        return single

    def several(value: Any, context: Context) -> list[Any]:
        if not isinstance(value, list):
            if strict:
                raise _told("a list", value)
            value = value.split(",") if isinstance(value, str) and isinstance(item.type, EnumType) else [value]
        if not strict:
            found = (single(one, context) for one in value if one is not None)
            return [one for one in found if one is not None]
        return [_under(f"{place}", single, one, context) for place, one in enumerate(value)]

    return several


# --- what the rest of the program calls ---------------------------------------------------------------------------


def from_source(kind: StructType, value: Record, created: str | None) -> tuple[Record, Counter[str]]:
    """A source's record in canonical form, and what had to be changed or left out. `created` fills required times."""
    context = Context(created)
    record = _struct(kind, strict=False, tagged=False)(value, context)
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
