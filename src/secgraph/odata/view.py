"""A set that is no more than another way to see a stored one: its objects made from rows, its questions asked of rows.

The table in `model/legacy.py` is bound once. Read one way, its expressions give an object's members; read the other way, they
stand in a query wherever a client named one of those members. So a filter selects the very objects that show what it asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from secgraph import clock
from secgraph.errors import Fault
from secgraph.model import legacy
from secgraph.model.edm import EntitySet, EnumType, Model, Property, StructType, Type, load
from secgraph.odata import parse
from secgraph.odata.condition import Binder
from secgraph.odata.match import Get, Judge, Scope, got, judged
from secgraph.odata.names import Seen
from secgraph.odata.query import Choose, Compare, Const, Field, Operand, Test, enum_of, kind_of, value_kind
from secgraph.odata.simplify import FALSE, TRUE, members_of

Record = dict[str, Any]

ITEM = "item"
"""The variable under which the table's expressions know the stored item that a state is made of."""

SPACE = "microsoft.graph.security"

APART = 1000
"""Where the table counts its own variables from: past every number that a client's lambdas can get."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """An object: its members, and the condition without which it is null."""

    members: Mapping[str, Operand | Shape]
    there: Test = TRUE


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Where items of a collection come from: the items of a stored collection, or the row itself."""

    over: Field | None
    tags: tuple[str, ...]
    """The types of the items that are meant; empty for all."""
    when: Test
    """Which of them."""
    each: Operand | Shape


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One view of one stored set."""

    of: EntitySet
    stored: EntitySet
    members: Mapping[str, Operand | Shape | tuple[Source, ...]]
    writes: Mapping[str, tuple[str, Mapping[str, str] | None]]
    """Members that stand for a stored one alone: its name, and its words by the older ones where they differ."""
    reads: Mapping[str, Get]

    def project(self, record: Record) -> Record:
        """The object that a row shows, its entity tag first."""
        scope: Scope = {"": record}
        return {"@odata.etag": record["@odata.etag"], **{name: read(scope) for name, read in self.reads.items()}}

    def written(self, given: Record) -> Record:
        """The stored members that these members stand for. KeyError for one that stands for more than one."""
        found: Record = {}
        for name, value in given.items():
            stored, words = self.writes[name]
            found[stored] = value if words is None else words[value]
        return found


@cache
def view(path: str) -> View:
    """The view that a set is. Bound at first use; a Fault when the table and the model contradict each other."""
    model = load()
    of = model.sets[path]
    stored = model.sets[of.choices.view_of]
    declared = {name: item for name, item in of.type.properties.items() if not item.navigation}
    if declared.keys() != legacy.ALERT.keys():
        raise Fault(f"legacy.py differs from {of.type.name} in {', '.join(sorted(declared.keys() ^ legacy.ALERT.keys()))}.")
    table = _Table(stored, model)
    members = {name: table.member(item, legacy.ALERT[name]) for name, item in declared.items()}
    writes = {name: found for name, value in legacy.ALERT.items() if (found := _alone(stored, value)) is not None}
    return View(of, stored, members, writes, {name: _reader(member) for name, member in members.items()})


def _alone(stored: EntitySet, value: legacy.Member) -> tuple[str, Mapping[str, str] | None] | None:
    if isinstance(value, legacy.Words):
        return value.of, {older: word for word, older in value.words.items()}
    return (value, None) if isinstance(value, str) and value in stored.type.properties else None


# --- text → operands --------------------------------------------------------------------------------------------------


class _Table:
    """Binds the table's expressions against the stored set."""

    def __init__(self, stored: EntitySet, model: Model) -> None:
        self.model = model
        self.binder = Binder(stored, model)
        self.binder.nested = APART

    def member(self, item: Property, value: legacy.Member) -> Operand | Shape | tuple[Source, ...]:
        if item.collection:
            return tuple(self._source(item.type, one) for one in (value if isinstance(value, tuple) else ()))
        if isinstance(value, tuple):
            raise Fault(f"legacy.py makes a collection of {item.name}.")
        return self._value(item.type, value)

    def _source(self, kind: Type, one: legacy.Items) -> Source:
        over: Field | None = None
        tags: tuple[str, ...] = ()
        if one.over:
            over = self._collection(one.over)
            struct = self.model.struct(f"{SPACE}.{one.type}") if one.type else self.binder.struct(over)
            self.binder.item = Seen(ITEM, over, struct)
            if one.type and struct is not None:
                tags = tuple(f"#{child.name}" for child in struct.family())
        try:
            each = self._value(kind, one.each) if isinstance(one.each, str) else self._object(kind, one.each)
            return Source(over, tags, self._condition(one.when), each)
        finally:
            self.binder.item = None

    def _collection(self, text: str) -> Field:
        found = self._operand(text)
        if not isinstance(found, Field) or not (found.collection or found.open):
            raise Fault(f"legacy.py: {text} is no collection.")
        return found if found.collection else Field("", found.steps, "text", collection=True)

    def _value(self, kind: Type, value: legacy.Value | None) -> Operand | Shape:
        if isinstance(kind, StructType):
            if isinstance(value, str | legacy.Words):
                raise Fault(f"legacy.py: {value} is no {kind.name}.")
            if value is None:
                return self._object(kind, {}, FALSE)
            return self._object(kind, value.members, self._condition(value.when))
        enum = kind if isinstance(kind, EnumType) else None
        if value is None:
            return Const(None, value_kind(kind), enum)
        if isinstance(value, legacy.Words) and enum is not None:
            return self._words(value, enum)
        if not isinstance(value, str):
            raise Fault(f"legacy.py: {value} is no {kind.name}.")
        found = self._operand(value)
        if enum is not None and isinstance(found, Choose) and found.kind == "text":
            return _words(found, enum)
        if kind_of(found) != value_kind(kind) or enum_of(found) is not enum:
            raise Fault(f"legacy.py: {value} is no {kind.name}.")
        return found

    def _object(self, kind: Type, members: Mapping[str, legacy.Value], there: Test = TRUE) -> Shape:
        if not isinstance(kind, StructType) or not members.keys() <= kind.properties.keys():
            raise Fault(f"legacy.py: {kind.name} does not have all of {', '.join(members)}.")
        return Shape({name: self._value(item.type, members.get(name)) for name, item in kind.properties.items()}, there)

    def _words(self, value: legacy.Words, enum: EnumType) -> Choose:
        of = self._operand(value.of)
        stored = enum_of(of)
        if stored is None or not isinstance(of, Field) or not value.words.keys() <= stored.members.keys():
            raise Fault(f"legacy.py: {value.of} does not have all of {', '.join(value.words)}.")
        branches: list[tuple[Test, Operand]] = [
            (Compare("eq", of, Const(word, "enum", stored), "enum", stored), _member(enum, Const(older, "text")))
            for word, older in value.words.items()
        ]
        return Choose((*branches, (TRUE, _member(enum, Const(value.otherwise, "text")))), "enum", enum)

    def _operand(self, text: str) -> Operand:
        self.binder.text = text
        return self.binder.typed(parse.expression(text))

    def _condition(self, text: str) -> Test:
        return self.binder.test(parse.expression(text), text)


def _words(choose: Choose, enum: EnumType) -> Choose:
    """A choice among texts, which are members of an enumeration."""
    branches = (
        (when, _words(word, enum) if isinstance(word, Choose) else _member(enum, word)) for when, word in choose.branches
    )
    return Choose(tuple(branches), "enum", enum)


def _member(enum: EnumType, word: Operand) -> Const:
    if not isinstance(word, Const) or (word.value is not None and word.value not in enum.members):
        raise Fault(f"legacy.py: {word} is no member of {enum.name}.")
    return Const(word.value, "enum", enum)


# --- operands → members of an object ------------------------------------------------------------------------------------

_BY_TYPE = "by type"
"""Where the stored items of a record stand by their types while it is read: no variable has a blank in its name."""


def _reader(member: Operand | Shape | tuple[Source, ...]) -> Get:
    if isinstance(member, tuple):
        return _items([_each(source) for source in member])
    if isinstance(member, Shape):
        return _shape(member)
    kind = kind_of(member)
    if kind == "moment" and isinstance(member, Field):
        return got(replace(member, kind="text"), "text")  # it is kept in the form that goes out
    if isinstance(member, Choose) and (by_member := members_of(member)) is not None:
        word = got(by_member[0], "enum")
        reads = {name: _reader(value) for name, value in by_member[1].items()}
        missing = _reader(Const(None, member.kind, member.enum))
        return lambda scope: reads.get(word(scope), missing)(scope)
    get = got(member, kind)
    if kind == "moment":
        return lambda scope: None if (ticks := get(scope)) is None else clock.text(ticks)
    return get


def _shape(shape: Shape) -> Get:
    if shape.there == FALSE:
        return lambda _: None
    empty: Record = dict.fromkeys(shape.members)
    known = [
        (name, _reader(member))
        for name, member in shape.members.items()
        if not (isinstance(member, Const) and member.value is None)
    ]
    there: Judge | None = None if shape.there == TRUE else judged(shape.there)

    def read(scope: Scope) -> Record | None:
        if there is not None and there(scope) is not True:
            return None
        found = empty.copy()
        for name, get in known:
            found[name] = get(scope)
        return found

    return read


def _each(source: Source) -> Callable[[Scope], list[Any]]:
    read = _reader(source.each)
    when: Judge | None = None if source.when == TRUE else judged(source.when)
    if source.over is None:
        return lambda scope: [read(scope)] if when is None or when(scope) is True else []
    listed = _listed(source.over, source.tags)

    def found(scope: Scope) -> list[Any]:
        items = listed(scope)
        if not items:
            return []
        inner = scope.copy()
        result = []
        for item in items:
            inner[ITEM] = item
            if when is None or when(inner) is True:
                result.append(read(inner))
        return result

    return found


def _listed(over: Field, tags: tuple[str, ...]) -> Callable[[Scope], list[Any]]:
    """The items of a stored collection, or those of some types."""
    read = got(replace(over, kind="text", enum=None), "text")
    if not tags:
        return lambda scope: items if isinstance(items := read(scope), list) else []
    kept = f"{_BY_TYPE} {over.spelled()}"

    def found(scope: Scope) -> list[Any]:
        by_type = scope.get(kept)
        if by_type is None:
            by_type = scope[kept] = {}
            for item in read(scope) or ():
                by_type.setdefault(item.get("@odata.type"), []).append(item)
        return by_type.get(tags[0], []) if len(tags) == 1 else [item for tag in tags for item in by_type.get(tag, [])]

    return found


def _items(sources: list[Callable[[Scope], list[Any]]]) -> Get:
    if len(sources) == 1:
        return sources[0]
    return lambda scope: [item for source in sources for item in source(scope)]
