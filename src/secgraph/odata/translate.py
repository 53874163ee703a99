"""A question about a view → the same question about the rows behind it."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

from secgraph.errors import BadFilter, BadOption, Fault
from secgraph.odata.names import meant
from secgraph.odata.query import (
    Apply,
    Choose,
    Compare,
    Const,
    Every,
    Field,
    Found,
    IsA,
    OneOf,
    Operand,
    Order,
    Query,
    Size,
    Some,
    Test,
)
from secgraph.odata.rewrite import Renamed, Rewriter
from secgraph.odata.simplify import FALSE, TRUE, both, either, held, untrue
from secgraph.odata.values import folded
from secgraph.odata.view import ITEM, Shape, Source, View

MOST_BODIES = 2500
"""Most conditions on items, counted once for each kind of evidence that a state may come from."""

HEAVIEST = 8_000
"""Most that a translated question may weigh: a database reads the statement in 0.15 s."""


def translated(query: Query, view: View) -> Query:
    """The question whose rows show what the given one asks for, in its order; whole rows, for `View.project`. BadFilter or
    BadOption when it asks for a member that no object of the view has.
    """
    translator = _Translator(view)
    for one in query.select or ():
        if one.name not in view.members:
            reason = f"'{one.name[:60]}' is not a property of {view.of.type.name}."
            raise BadOption("$select", reason, hint=_near(one.name, view))
    where = None if query.where is None else translator.test(query.where)
    if _weight(where) > HEAVIEST:
        raise _too_much()
    try:
        order = [Order(translator.sorted_by(key.by), key.descending) for key in query.order]
    except BadFilter as fault:
        raise BadOption("$orderby", fault.message, hint=fault.hint) from None
    return replace(
        query,
        of=view.stored,
        where=None if where == TRUE else where,
        order=tuple(key for key in order if not isinstance(key.by, Const)),  # a constant orders nothing
        select=None,
        expand=(),
        unknown_members=True,
    )


class _Translator(Rewriter):
    """Puts the expressions of the table in the places of the members they stand for."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._items: dict[str, tuple[Operand | Shape, str]] = {}
        """What each variable of the lambdas around stands for, and the variable of the stored item, if there is one."""
        self._fresh = 0
        self._bodies = 0

    # -- members

    def field(self, field: Field) -> Operand:
        """The expression of the member."""
        if field.column is not None and field.column != "id":
            return field  # of a stored row already: how a delta goes through commits
        found = self._member(field)
        if isinstance(found, Shape | tuple):
            raise Fault(f"{field.spelled()} is not a single value.")
        return found

    def sorted_by(self, by: Operand) -> Operand:
        """What an order goes by: the stored column itself where its order is that of the words made of it."""
        found = self.operand(by)
        return _unchanged(found) if isinstance(found, Choose) else found

    def _member(self, field: Field) -> Operand | Shape | tuple[Source, ...]:
        """What stands for a path; inside a lambda under the variable of the stored item."""
        found: Operand | Shape | tuple[Source, ...]
        if field.root:
            (found, variable), steps = self._items[field.root], field.steps
        else:
            found, variable, steps = self._of_row(str(field.steps[0])), "", field.steps[1:]
        for step in steps:
            if not isinstance(found, Shape) or not isinstance(step, str):
                raise Fault(f"{field.spelled()} leads nowhere.")
            found = found.members[step]
        if not variable or isinstance(found, tuple):
            return found
        renamed = Renamed(ITEM, variable)
        return Shape(found.members, renamed.test(found.there)) if isinstance(found, Shape) else renamed.operand(found)

    def _of_row(self, name: str) -> Operand | Shape | tuple[Source, ...]:
        """What stands for a member of the object. The type is open, but no object of the view has a member beyond."""
        found = self._view.members.get(name)
        if found is None:
            raise BadFilter(f"'{name[:60]}' is not a property of {self._view.of.type.name}", hint=_near(name, self._view))
        return found

    def compare(self, test: Compare) -> Test:
        """A comparison; that of an object with null asks whether it is there."""
        if test.kind == "complex" and isinstance(test.left, Field):
            found = self._member(test.left)
            there = found.there if isinstance(found, Shape) else TRUE
            return untrue(there) if test.op == "eq" else held(there)
        return super().compare(test)

    def test(self, test: Test) -> Test:
        """What stands for a condition."""
        if isinstance(test, Found):
            return Found(test.words, self._view.stored.path)
        return super().test(test)

    # -- collections

    def _sources(self, over: Field) -> tuple[Source, ...]:
        found = self._member(over)
        if not isinstance(found, tuple):
            raise Fault(f"{over.spelled()} is no collection.")
        return found

    def _body(self, source: Source, variable: str, body: Test | None) -> tuple[str, Test, Test]:
        """The variable of the stored item, which items are meant, and what is asked of them."""
        self._bodies += 1
        if self._bodies > MOST_BODIES:
            raise _too_much()
        name = variable
        if not name:
            self._fresh += 1
            name = f"any{self._fresh}"
        keeps = Renamed(ITEM, name).test(source.when)
        if source.tags and source.over is not None:
            keeps = both([IsA(Field(name, (), source.over.kind, source.over.enum), source.tags), keeps])
        if body is None:
            return name, keeps, TRUE
        outer = self._items
        self._items = {**outer, variable: (source.each, name if source.over is not None else "")}
        try:
            return name, keeps, self.test(body)
        finally:
            self._items = outer

    def some(self, some: Some) -> Test:
        """`any` over each source."""
        parts: list[Test] = []
        for source in self._sources(some.over):
            name, keeps, body = self._body(source, some.variable, some.body)
            whole = both([keeps, body])
            if source.over is None:
                parts.append(held(whole))
            elif whole != FALSE:
                parts.append(Some(source.over, "", None) if whole == TRUE else Some(source.over, name, whole))
        return either(parts)

    def every(self, every: Every) -> Test:
        """`all` over each source."""
        parts: list[Test] = []
        for source in self._sources(every.over):
            name, keeps, body = self._body(source, every.variable, every.body)
            if source.over is None:
                parts.append(either([untrue(keeps), held(body)]))
            elif body != TRUE:
                parts.append(Every(source.over, name, either([untrue(keeps), body])))
        return both(parts)

    def size(self, size: Size) -> Operand:
        """The sizes of the sources together."""
        parts: list[Operand] = []
        for source in self._sources(size.of):
            name, keeps, body = self._body(source, size.variable, size.body)
            whole = both([keeps, body])
            if source.over is None:
                parts.append(Choose(((whole, Const(1, "number")), (TRUE, Const(0, "number"))), "number"))
            elif whole != FALSE:
                parts.append(Size(source.over) if whole == TRUE else Size(source.over, name, whole))
        total: Operand = parts[0] if parts else Const(0, "number")
        for part in parts[1:]:
            total = folded(Apply("add", (total, part), "number"))
        return total


def _too_much() -> BadFilter:
    return BadFilter(
        "The filter asks for too much of states that come from several kinds of evidence",
        hint="Nest fewer any(...) and all(...), or ask in several requests.",
    )


def _weight(node: object) -> int:
    """How much statement a part of a question makes, roughly."""
    match node:
        case tuple():
            return sum(map(_weight, node))
        case Field():
            return 2
        case Const():
            return 1
        case OneOf(operand=operand, values=values):
            return _weight(operand) + len(values) // 8  # a list is short to write and quick to read
        case IsA(tags=tags):
            return 1 + len(tags)
        case Compare(left=left, right=right, enum=enum):
            # Two members of which neither is a constant are compared by their numbers, each looked up among all.
            ranks = 2 * len(enum.members) if enum is not None and not isinstance(right, Const) else 0
            return _weight(left) + _weight(right) + ranks
    return sum(_weight(getattr(node, item.name)) for item in dataclasses.fields(node)) if dataclasses.is_dataclass(node) else 0


def _near(name: str, view: View) -> str:
    return meant(name, list(view.members))


def _unchanged(choose: Choose) -> Operand:
    """The stored field behind words that are its own, in the same order; else the choice itself."""
    of: Field | None = None
    ranks: dict[str, int] = {}
    for test, word in choose.branches:
        match test:
            case Compare(op="eq", left=Field() as left, right=Const(value=value), kind="enum") if of in {None, left}:
                of = left
                if not isinstance(word, Const) or word.value != value or choose.enum is None:
                    return choose
                ranks[value] = choose.enum.members[value]
    if of is None or of.enum is None or of.nullable or ranks.keys() != of.enum.members.keys():
        return choose
    in_order = sorted(ranks, key=lambda word: of.enum.members[word] if of.enum else 0)
    return of if in_order == sorted(ranks, key=lambda word: ranks[word]) else choose
