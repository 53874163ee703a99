"""Nodes + model → conditions: comparisons, lists, lambdas and the functions that are true or false."""

from __future__ import annotations

from typing import Any, cast

from secgraph.model.edm import EntitySet, Model
from secgraph.odata import match
from secgraph.odata.ast import Binary, Call, In, Items, Lambda, Literal, Node, Path, Unary
from secgraph.odata.constant import constant, own
from secgraph.odata.names import Seen, meant, read_as
from secgraph.odata.predicates import Predicates, plain
from secgraph.odata.query import (
    All,
    Apply,
    Compare,
    Const,
    Either,
    Every,
    Field,
    Kind,
    Not,
    OneOf,
    Operand,
    Ordering,
    Some,
    Test,
    TextMatch,
    Truth,
    enum_of,
    kind_of,
)
from secgraph.odata.values import SERVED

MOST_TERMS = 400
"""Most comparisons in one filter."""

MOST_VALUES = 2000
"""Most values in all `in` lists of one filter."""

_MIRROR: dict[str, Ordering] = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}


class Binder(Predicates):
    """Binds the texts of one request."""

    def __init__(self, of: EntitySet, model: Model, aliases: dict[str, str] | None = None) -> None:
        super().__init__(of, model, aliases)
        self.terms = 0
        self.values = 0

    def test(self, node: Node, text: str) -> Test:
        """The condition that a `$filter` stands for; `text` is what it was parsed from."""
        self.text = text
        return self.condition(node)

    def condition(self, node: Node) -> Test:
        """The condition that a node stands for."""
        match node:
            case Binary(word="and" | "or" as word):
                parts = tuple(self.condition(part) for part in _chain(node, word))
                return All(parts) if word == "and" else Either(parts)
            case Unary(word="not", operand=operand):
                return Not(self.condition(operand))
            case Lambda():
                return self._lambda(node)
            case Binary(word="eq" | "ne" | "lt" | "le" | "gt" | "ge"):
                return self._compare(node)
            case In():
                return self._in(node)
            case Binary(word="in"):
                return self._in_collection(node)
            case Binary(word="has"):
                return self._has(node)
            case Call(name=name) if name.lower() in _FUNCTIONS:
                self._count_term(node)
                return _FUNCTIONS[name.lower()](self, node)
            case Literal(kind="boolean", value=value):
                return All(()) if value == "true" else Either(())
        return self._truth(node)

    def _truth(self, node: Node) -> Test:
        """The condition that a value is true."""
        if isinstance(node, Literal):
            raise self.refuse("A condition is expected", node, "For example severity eq 'high'.")
        found = self.operand(node)
        if isinstance(found, Literal):
            found = own(self.refuse, found, self.model)
        if isinstance(found, Truth):
            return found.test
        kind = kind_of(found)
        if kind in {"boolean", "dynamic"} and not (isinstance(found, Field) and found.collection):
            found = read_as(found, "boolean")
            return match.settled(Compare("eq", found, Const(value=True, kind="boolean"), "boolean"))
        said = f"'{'/'.join(node.steps)}'" if isinstance(node, Path) else "This"
        raise self.refuse(f"{said} is not a condition", node, "Compare it: for example severity eq 'high'.")

    def _count_term(self, node: Node) -> None:
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise self.refuse(f"More than {MOST_TERMS} comparisons", node, "Use `in (...)` for a list of values.")

    # -- comparisons

    def _compare(self, node: Binary) -> Test:
        left, right = self._both_sides(node)
        return self._compared(cast("Ordering", node.word), left, right, node)

    def _compared(self, op: Ordering, left: Operand | Literal, right: Operand | Literal, node: Binary) -> Test:
        """The comparison of both operands of a node."""
        self._count_term(node)
        left, right = _null_word(left, right), _null_word(right, left)
        if isinstance(left, Literal) and isinstance(right, Literal):
            return self._constants(op, left, right, node)
        if isinstance(left, Literal):
            left, right, op = right, left, _MIRROR[op]
            at = node.right
        else:
            at = node.left
        assert not isinstance(left, Literal)  # noqa: S101 -- swapped above
        null = isinstance(right, Literal) and right.kind == "null"
        if null and op in {"eq", "ne"} and isinstance(left, Field) and left.kind == "complex" and not left.collection:
            return Compare(op, left, Const(None), "complex")  # an object is there or not
        self.single(left, at)
        left = plain(left)
        kind, enum = kind_of(left), enum_of(left)
        if isinstance(right, Literal) and right.kind == "moment" and kind == "date":
            right = own(self.refuse, right, self.model)
        if isinstance(right, Literal):
            value = constant(self.refuse, right, kind, enum, self.named(left))
            if value.value is None and op not in {"eq", "ne"}:
                return Either(())  # an order comparison with null is false
            return match.settled(Compare(op, read_as(left, value.kind), value, value.kind, enum))
        other = plain(self.single(right, node.right))
        if isinstance(left, Const) and not isinstance(other, Const):
            left, other, op = other, left, _MIRROR[op]
        return self._sides(op, left, other, node)

    def _both_sides(self, node: Binary) -> tuple[Operand | Literal, Operand | Literal]:
        """Both operands. Beside an enumeration a bare name that is no property is a member: clients leave the quotes out."""
        if isinstance(node.right, Literal):
            return self.operand(node.left), node.right
        if self._bare(node.right):
            left = self.operand(node.left)
            return left, self.operand(self._member_name(node.right, left))
        if self._bare(node.left):
            right = self.operand(node.right)
            return self.operand(self._member_name(node.left, right)), right
        return self.operand(node.left), self.operand(node.right)

    def _bare(self, node: Node) -> bool:
        """Whether a node is a single name that nothing here has."""
        if not isinstance(node, Path) or len(node.steps) > 1 or node.steps[0][0] in "$@":
            return False
        name = node.steps[0]
        kind = self.of.type if self.item is None else self.item.type
        return name.lower() not in self.variables and kind is not None and kind.member(name) is None

    def _member_name(self, node: Node, beside: Operand | Literal) -> Node:
        enum = None if isinstance(beside, Literal) else enum_of(beside)
        if enum is None or not isinstance(node, Path):
            return node
        name = node.steps[0]
        if name.casefold() not in enum.folded:
            raise self.refuse(f"'{name}' is neither a property nor a member of {enum.name}", node,
                              meant(name, list(enum.members)) or f"Members: {', '.join(enum.members)}.")  # fmt: skip
        return Literal("text", name, at=node.at)

    def _constants(self, op: Ordering, left: Literal, right: Literal, node: Binary) -> Test:
        one, other = own(self.refuse, left, self.model), own(self.refuse, right, self.model)
        if one.kind == other.kind or "null" in {left.kind, right.kind} or {one.kind, other.kind} == {"date", "moment"}:
            return self._sides(op, one, other, node)
        if left.kind == "text" and other.kind in {"enum", "moment", "date", "time", "duration"}:
            one = constant(self.refuse, left, other.kind, other.enum, "this value")
        else:
            other = constant(self.refuse, right, one.kind, one.enum, "this value")
        return self._sides(op, one, other, node)

    def _sides(self, op: Ordering, left: Operand, right: Operand, node: Node) -> Test:
        """Two operands of one kind. A date beside an instant is its midnight."""
        kind, other = kind_of(left), kind_of(right)
        enum, other_enum = enum_of(left), enum_of(right)
        for side, null in ((left, right), (right, left)):
            if isinstance(null, Const) and null.value is None:
                if op not in {"eq", "ne"}:
                    return Either(())  # an order comparison with null is false
                known = read_as(side, null.kind)
                return match.settled(Compare(op, known, null, kind_of(known), enum_of(known)))
        if kind == "dynamic":
            kind, enum = other, other_enum
            if kind == "dynamic":
                return _open_sides(op, left, right)
        elif {kind, other} == {"moment", "date"}:
            kind = other = "moment"
        if other not in {kind, "dynamic"} or (other_enum is not enum and other != "dynamic"):
            raise self.refuse("The two sides are of different types", node)
        return match.settled(Compare(op, read_as(left, kind), read_as(right, kind), kind, enum))

    def _in(self, node: In) -> Test:
        self._count_term(node)
        self.values += len(node.items)
        if self.values > MOST_VALUES:
            raise self.refuse(f"More than {MOST_VALUES} values in lists", node, "Ask in several requests.")
        found = self.operand(node.operand)
        found = _null_word(found, found)
        if not isinstance(found, Literal):
            self.single(found, node.operand)
        if not node.items:
            return Either(())
        items = tuple(self._member_name(item, found) if self._bare(item) else item for item in node.items)
        given = [item if isinstance(item, Literal) else self.operand(item) for item in items]
        if isinstance(found, Literal) or not all(isinstance(one, Literal) for one in given):
            # Not a property among constants: each item is compared by itself.
            return Either(tuple(self._compared("eq", found, one, Binary("eq", node.operand, item, item.at))
                                for one, item in zip(given, items, strict=True)))  # fmt: skip
        operand = plain(found)
        kind, enum = kind_of(operand), enum_of(operand)
        values: list[Any] = []
        for one in given:
            value = constant(self.refuse, cast("Literal", one), kind, enum, self.named(operand))
            kind = kind if value.value is None else value.kind
            values.append(value.value)
        typed = read_as(operand, kind)
        if typed is not operand and None in values:  # a value of another kind is no null here
            known = OneOf(typed, tuple(one for one in values if one is not None), kind)
            return Either((Compare("eq", operand, Const(None), "dynamic"), known))
        return match.settled(OneOf(typed, tuple(values), kind, enum))

    def _in_collection(self, node: Binary) -> Test:
        """`'x' in tags`: some item equals the value. A parameter may stand for a list."""
        among = self.listed(node.right)
        if isinstance(among, Items):
            return self._in(In(node.left, among.items, node.at))
        over, filters = self.collection(among)
        variable = f"{node.at}:in"  # no name of a client holds a colon
        return self._some(over, filters, variable, Binary("eq", node.left, Path((variable,), node.right.at), node.at))

    def _has(self, node: Binary) -> Test:
        """Flags: each of the right side's is set. An enumeration of single members has just the one."""
        self._count_term(node)
        left = self.single(self.typed(node.left), node.left)
        right = self.operand(self._member_name(node.right, left) if self._bare(node.right) else node.right)
        enum = enum_of(left)
        if enum is None or not isinstance(right, Literal):
            raise self.refuse("'has' takes an enumeration and one of its members", node)
        value = constant(self.refuse, right, "enum", enum, self.named(left)).value
        if value is None or not enum.flags:
            return match.settled(Compare("eq", left, Const(value, "enum", enum), "enum", enum))
        comma = Const(", ", "text")
        listed = Apply("concat", (Apply("concat", (comma, left), "text"), comma), "text")
        return All(tuple(TextMatch("contains", listed, Const(f", {flag}, ", "text")) for flag in value.split(", ")))

    # -- collections

    def _subset(self, node: Call) -> Test:
        """`hassubset(tags,['a','b'])`: the collection holds each of the values."""
        if len(node.arguments) != 2:
            raise self.refuse("hassubset takes a collection and a list", node, "For example hassubset(systemTags,['a','b']).")
        whole, part = (self.listed(argument) for argument in node.arguments)
        if isinstance(part, Items) and not isinstance(whole, Items):
            self.collection(whole)  # also where nothing is looked for in it
            return All(tuple(self._in_collection(Binary("in", item, whole, item.at)) for item in part.items))
        if isinstance(whole, Items) and not isinstance(part, Items):
            over, filters = self.collection(part)
            variable = f"{node.at}:in"
            self._count_term(node)
            return self._some(over, filters, variable, In(Path((variable,), part.at), whole.items, node.at), every=True)
        raise self.refuse("hassubset takes a collection of the object and a list of values", node)

    # -- lambdas

    def _lambda(self, node: Lambda) -> Test:
        over, filters = self.collection(node.path)
        if node.variable is None or node.body is None:
            if not filters:
                return Some(over, "", None)
            return self._some(over, filters, f"{node.at}:any", Literal("boolean", "true"))
        if node.variable.lower() in self.variables:
            raise self.refuse(f"The variable '{node.variable}' is taken by the lambda around", node)
        return self._some(over, filters, node.variable.lower(), node.body, every=node.word == "all")

    def _some(self, over: Field, filters: list[Node], name: str, body: Node, *, every: bool = False) -> Test:
        self.nested += 1
        unique, tests = self.items(over, filters)
        self.variables[name] = Seen(unique, over, self.struct(over))
        try:
            found = self.condition(body)
        finally:
            del self.variables[name]
            self.nested -= 1
        if every:
            return Every(over, unique, Either((*(_untrue(test) for test in tests), found)) if tests else found)
        return Some(over, unique, All((*tests, found)) if tests else found)


_FUNCTIONS = {
    "contains": Binder.text_match, "startswith": Binder.text_match, "endswith": Binder.text_match,
    "matchespattern": Binder.matched, "isof": Binder.is_of, "hassubset": Binder._subset,  # noqa: SLF001
}  # fmt: skip
__all__ = ["SERVED", "Binder", "meant"]


def _null_word(found: Operand | Literal, beside: Operand | Literal) -> Operand | Literal:
    """What is null for every row is the word null, which can stand beside any kind. Only beside what may be anything does it
    keep its own.
    """
    if not isinstance(found, Const) or found.value is not None:
        return found
    decides = found.kind != "dynamic" and not isinstance(beside, Literal) and kind_of(beside) == "dynamic"
    return found if decides else Literal("null", "null")


def _open_sides(op: Ordering, left: Operand, right: Operand) -> Test:
    """Two values that may be anything: texts, numbers and truths are compared with their like; no other two are equal."""
    kinds: tuple[Kind, ...] = ("text", "number", "boolean")
    sides = [(kind, read_as(left, kind), read_as(right, kind)) for kind in kinds]
    if op not in {"eq", "ne"}:
        return Either(tuple(Compare(op, one, other, kind) for kind, one, other in sides))
    null = Const(None)
    both_null = All((Compare("eq", left, null, "dynamic"), Compare("eq", right, null, "dynamic")))
    alike = (All((Compare("ne", one, null, kind), Compare("eq", one, other, kind))) for kind, one, other in sides)
    equal = Either((both_null, *alike))
    return equal if op == "eq" else Not(equal)


def _untrue(test: Test) -> Test:
    """The test is false or null."""
    return Compare("ne", Truth(test), Const(value=True, kind="boolean"), "boolean")


def _chain(node: Node, word: str) -> list[Node]:
    """The terms of `a and b and c`, which lean left, without recursion."""
    parts: list[Node] = []
    while isinstance(node, Binary) and node.word == word:
        parts.append(node.right)
        node = node.left
    parts.append(node)
    return parts[::-1]
