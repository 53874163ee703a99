"""Nodes + model → conditions and fields: names resolved, kinds settled, each refusal at its place."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, cast

from secgraph.errors import BadFilter
from secgraph.model.edm import EntitySet, EnumType, Model, Property, StructType
from secgraph.odata.ast import Binary, Call, In, Lambda, Literal, Node, Path, Unary
from secgraph.odata.constant import value
from secgraph.odata.query import (
    All,
    Cast,
    Compare,
    Const,
    Either,
    Field,
    Kind,
    Not,
    OneOf,
    Ordering,
    Size,
    Some,
    Test,
    TextMatch,
    value_kind,
)

MOST_TERMS = 400
"""Most comparisons in one filter."""

MOST_VALUES = 2000
"""Most values in all `in` lists of one filter."""

_MIRROR: dict[str, Ordering] = {"eq": "eq", "ne": "ne", "lt": "gt", "gt": "lt", "le": "ge", "ge": "le"}
_PARAMETER = "$it"


def field_of(of: EntitySet, root: str, before: list[str | Cast], member: Property, name: str) -> Field:
    """The field of a member reached by the steps before it."""
    column = name if not root and not before and (name in of.choices.columns or name == "id") else None
    return Field(
        root=root,
        steps=(*before, name),
        kind=value_kind(member.type),
        enum=member.type if isinstance(member.type, EnumType) else None,
        collection=member.collection,
        nullable=(member.nullable and name not in of.choices.filled) or bool(before) or bool(root),
        column=column,
    )


class Binder:
    """Binds the texts of one request; `variables` holds the lambdas around the present place."""

    def __init__(self, of: EntitySet, model: Model) -> None:
        self.of = of
        self.model = model
        self.text = ""
        self.terms = 0
        self.values = 0
        self.variables: dict[str, tuple[str, Field, StructType | None]] = {}

    def refuse(self, reason: str, node: Node, hint: str = "") -> BadFilter:
        """The refusal that points at a node."""
        return BadFilter(reason, at=node.at, text=self.text, hint=hint)

    # -- conditions

    def test(self, node: Node, text: str) -> Test:
        """The condition that a `$filter` stands for; `text` is what it was parsed from."""
        self.text = text
        return self._test(node)

    def _test(self, node: Node) -> Test:
        match node:
            case Binary(word="and" | "or" as word):
                parts = tuple(self._test(part) for part in _chain(node, word))
                return All(parts) if word == "and" else Either(parts)
            case Unary(word="not", operand=operand):
                return Not(self._test(operand))
            case Lambda():
                return self._lambda(node)
            case Binary(word="eq" | "ne" | "lt" | "le" | "gt" | "ge"):
                return self._compare(node)
            case In():
                return self._in(node)
            case Call():
                return self._function(node)
            case Literal(kind="boolean", value=value):
                return All(()) if value == "true" else Either(())
            case Path():
                field = self._operand(node)
                if isinstance(field, Field) and field.kind in {"boolean", "dynamic"} and not field.collection:
                    return Compare("eq", field, Const(value=True), "boolean")
                raise self.refuse(f"'{'/'.join(node.steps)}' is not a condition", node,
                                  "Compare it: for example severity eq 'high'.")  # fmt: skip
            case Binary(word=word):
                raise self.refuse(f"'{word}' is not served here", node, "Served: eq ne lt le gt ge in and or not.")
        raise self.refuse("A condition is expected", node, "For example severity eq 'high'.")

    def _count_term(self, node: Node) -> None:
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise self.refuse(f"More than {MOST_TERMS} comparisons", node, "Use `in (...)` for a list of values.")

    def _compare(self, node: Binary) -> Test:
        self._count_term(node)
        op = cast("Ordering", node.word)
        left, right = self._operand(node.left), self._operand(node.right)
        if isinstance(left, Literal) and isinstance(right, Literal):
            raise self.refuse("Two constants are compared", node, "Compare a property with a constant.")
        if isinstance(left, Literal):
            left, right, op = right, left, _MIRROR[op]
        assert not isinstance(left, Literal)  # noqa: S101 -- swapped above
        null = isinstance(right, Literal) and right.kind == "null"
        if null and op in {"eq", "ne"} and isinstance(left, Field) and left.kind == "complex" and not left.collection:
            return Compare(op, left, Const(None), "complex")  # an object is there or not
        kind, enum = self._kind(left, node.left)
        if isinstance(right, Literal):
            constant, kind = value(self.refuse, right, kind, enum, left)
            if constant is None and op not in {"eq", "ne"}:
                return Either(())  # an order comparison with null is false
            return Compare(op, left, Const(constant), kind, enum)
        other, other_enum = self._kind(right, node.right)
        if kind == "dynamic":
            kind = other
        if other not in {kind, "dynamic"} or enum is not other_enum:
            raise self.refuse("The two sides are of different types", node)
        return Compare(op, left, right, kind, enum)

    def _kind(self, operand: Field | Size, node: Node) -> tuple[Kind, EnumType | None]:
        if isinstance(operand, Size):
            return "number", None
        if operand.collection:
            raise self.refuse(f"'{operand.spelled()}' is a collection", node,
                              f"Use {operand.spelled()}/any(x: ...) or {operand.spelled()}/$count.")  # fmt: skip
        if operand.kind == "complex":
            raise self.refuse(f"'{operand.spelled()}' is an object", node, "Compare one of its members.")
        return operand.kind, operand.enum

    def _in(self, node: In) -> Test:
        self._count_term(node)
        self.values += len(node.items)
        if self.values > MOST_VALUES:
            raise self.refuse(f"More than {MOST_VALUES} values in lists", node, "Ask in several requests.")
        operand = self._operand(node.operand)
        if isinstance(operand, Literal):
            raise self.refuse("A constant before `in`", node.operand, "Put a property there.")
        kind, enum = self._kind(operand, node.operand)
        values = []
        for one in node.items:
            if not isinstance(one, Literal):
                raise self.refuse("A constant is expected in the list", one)
            constant, kind = value(self.refuse, one, kind, enum, operand)
            values.append(constant)
        return OneOf(operand, tuple(values), kind, enum)

    def _function(self, node: Call) -> Test:
        self._count_term(node)
        word = node.name.lower()
        if word not in {"contains", "startswith", "endswith"}:
            served = "Served: contains, startswith, endswith, tolower, toupper."
            raise self.refuse(f"'{node.name}' is not a condition served here", node, served)
        if len(node.arguments) != 2:
            raise self.refuse(f"{word} takes a property and a text", node, f"For example {word}(title, 'ransom').")
        operand, needle = (self._operand(argument) for argument in node.arguments)
        if not isinstance(operand, Field) or not isinstance(needle, Literal):
            raise self.refuse(f"{word} takes a property and a text", node, f"For example {word}(title, 'ransom').")
        kind, _ = self._kind(operand, node.arguments[0])
        if kind not in {"text", "dynamic"}:
            raise self.refuse(f"'{operand.spelled()}' is not text", node.arguments[0], "Compare it with eq, lt or gt.")
        if needle.kind != "text":
            raise self.refuse("A text in quotes is expected", needle)
        return TextMatch(cast("Any", word), operand, needle.value)

    def _lambda(self, node: Lambda) -> Test:
        if node.word == "all":
            raise self.refuse("'all' is not served here", node, "Write not path/any(x: not (...)).")
        over = self.path(node.path)
        if isinstance(over, Size) or not over.collection:
            raise self.refuse(f"'{'/'.join(node.path.steps)}' is not a collection", node.path)
        if node.variable is None or node.body is None:
            return Some(over, "", None)
        name = node.variable.lower()
        if name in self.variables:
            raise self.refuse(f"The variable '{node.variable}' is taken by the lambda around", node)
        unique = f"v{len(self.variables) + 1}"
        self.variables[name] = (unique, over, self._struct(over))
        body = self._test(node.body)
        del self.variables[name]
        return Some(over, unique, body)

    def _struct(self, field: Field) -> StructType | None:
        """The structured type of a field's items, walked again from the model."""
        kind: Any = self.of.type
        if field.root:
            kind = next(struct for unique, _, struct in self.variables.values() if unique == field.root)
        for step in field.steps:
            if kind is None:
                return None
            if isinstance(step, Cast):
                kind = self.model.cast(step.tags[0])
            else:
                member = kind.member(step)
                kind = member.type if member is not None and isinstance(member.type, StructType) else None
        return cast("StructType | None", kind)

    # -- operands

    def _operand(self, node: Node) -> Field | Size | Literal:
        if isinstance(node, Literal):
            return node
        if isinstance(node, Path):
            return self.path(node)
        if isinstance(node, Call) and node.name.lower() in {"tolower", "toupper"} and len(node.arguments) == 1:
            inner = self._operand(node.arguments[0])
            if isinstance(inner, Field):
                kind, _ = self._kind(inner, node.arguments[0])
                if kind not in {"text", "dynamic"}:
                    raise self.refuse(f"'{inner.spelled()}' is not text", node.arguments[0])
            return inner  # texts are compared folded: the case is gone already
        if isinstance(node, Call):
            raise self.refuse(f"'{node.name}' is not a function served here", node,
                              "Served: contains, startswith, endswith, tolower, toupper.")  # fmt: skip
        raise self.refuse("A property or a constant is expected", node)

    def path(self, node: Path) -> Field | Size:
        """The field, or the size of a collection, at a path."""
        steps = list(node.steps)
        root, before, kind = "", cast("list[str | Cast]", []), cast("StructType | None", self.of.type)
        first = steps[0].lower()
        if first in self.variables:
            root, over, kind = self.variables[first]
            steps.pop(0)
            if not steps:
                return Field(root, (), over.kind, over.enum)
            if kind is None:
                raise self.refuse(f"'{node.steps[0]}' has no members", node)
        elif first == _PARAMETER and len(steps) > 1:
            steps.pop(0)
        field: Field | None = None
        for place, name in enumerate(steps):
            if field is not None and field.collection and name.lower() != "$count":
                raise self.refuse(f"'{field.spelled()}' is a collection", node, f"Use {field.spelled()}/any(x: x/{name} ...).")
            if name.lower() == "$count":
                if field is None or not field.collection or place < len(steps) - 1:
                    raise self.refuse("'$count' is not possible here", node, "Put it behind a collection: evidence/$count.")
                return Size(field)
            if "." in name:
                cast_to = self._cast(name, kind, node)
                if cast_to is kind:
                    continue  # to the type it has anyway
                before.append(Cast(tuple(f"#{child.name}" for child in cast_to.family())))
                kind = cast_to
                continue
            if kind is None:  # inside an open type
                if name.startswith(("$", "@")):
                    raise self.refuse(f"'{name}' is not possible here", node)
                before.append(name)
                field = Field(root, tuple(before), "dynamic")
                continue
            member = self._member(kind, name, node)
            if member is None:
                before.append(name)
                field, kind = Field(root, tuple(before), "dynamic"), None
                continue
            field = field_of(self.of, root, before, member, member.name)
            before.append(member.name)
            kind = member.type if isinstance(member.type, StructType) else None
            if kind is None and place < len(steps) - 1 and steps[place + 1].lower() != "$count":
                raise self.refuse(f"'{field.spelled()}' has no members", node)
        if field is None:
            raise self.refuse(f"'{'/'.join(node.steps)}' names no property", node)
        return field

    def _cast(self, name: str, kind: StructType | None, node: Path) -> StructType:
        found = self.model.cast(name)
        if found is None or kind is None or found not in set(kind.family()):
            among = [child.name for child in kind.family()] if kind is not None else []
            raise self.refuse(f"'{name}' is not a type that can stand here", node, meant(name, among))
        return found

    def _member(self, kind: StructType, name: str, node: Path) -> Property | None:
        """The member of that name; None inside an open type, where any name may be."""
        member = kind.member(name)
        if member is not None:
            if member.navigation:
                raise self.refuse(f"'{name}' is a relationship and cannot be filtered or sorted by", node)
            return member
        if kind.open and not name.startswith(("$", "@")):
            return None
        hint = meant(name, list(kind.properties))
        owners = sorted(child.name for child in kind.family() if child.member(name) is not None)
        if owners:
            hint = f"It is a member of {owners[0]}: write {owners[0]}/{name}."
        raise self.refuse(f"'{name}' is not a property of {kind.name}", node, hint)


def _chain(node: Node, word: str) -> list[Node]:
    """The terms of `a and b and c`, which lean left, without recursion."""
    parts: list[Node] = []
    while isinstance(node, Binary) and node.word == word:
        parts.append(node.right)
        node = node.left
    parts.append(node)
    return parts[::-1]


def meant(name: str, among: list[str]) -> str:
    """A hint for a name that is nearly one of those; empty when none is near."""
    close = get_close_matches(name.casefold(), [one.casefold() for one in among], n=1, cutoff=0.6)
    return next((f"Did you mean {one}?" for one in among if close and one.casefold() == close[0]), "")
