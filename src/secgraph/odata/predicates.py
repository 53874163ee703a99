"""Nodes + model → conditions: the functions that are true or false."""

from __future__ import annotations

from typing import Any, cast

from secgraph.model.edm import EntitySet, Model
from secgraph.odata import match
from secgraph.odata.ast import Call, Items, Literal, Path
from secgraph.odata.functions import CAST_KINDS
from secgraph.odata.names import read_as
from secgraph.odata.pattern import refused
from secgraph.odata.query import (
    All,
    Apply,
    Compare,
    Const,
    Either,
    Field,
    IsA,
    Operand,
    Pattern,
    Test,
    TextMatch,
    enum_of,
    kind_of,
)
from secgraph.odata.values import Values, is_null

MOST_PATTERNS = 10
"""Most regular expressions in one filter: to read one takes a millisecond or two."""


class Predicates(Values):
    """Binds the calls of one request that are conditions."""

    def __init__(self, of: EntitySet, model: Model, aliases: dict[str, str] | None = None) -> None:
        super().__init__(of, model, aliases)
        self.patterns = 0

    def text_match(self, node: Call) -> Test:
        """`contains`, `startswith`, `endswith`."""
        word = node.name.lower()
        operand, needle = self._two_texts(node)
        return match.settled(TextMatch(cast("Any", word), operand, needle))

    def _two_texts(self, node: Call) -> tuple[Operand, Operand]:
        word = node.name.lower()
        example = f"For example {word}(title, 'ransom')."
        if len(node.arguments) != 2:
            raise self.refuse(f"{word} takes a property and a text", node, example)
        if isinstance(node.arguments[0], Items):
            raise self.refuse(f"{word} takes texts here, not lists", node, example)
        first, second = (self.single(self.typed(argument, ("text",)), argument) for argument in node.arguments)
        for operand, at in ((first, node.arguments[0]), (second, node.arguments[1])):
            if kind_of(operand) not in {"text", "dynamic"}:
                constant_given = isinstance(operand, Const)
                what = "A text in quotes is expected" if constant_given else f"'{self.named(operand)}' is not text"
                raise self.refuse(what, at, "Compare it with eq, lt or gt.")
        return plain(read_as(first, "text")), plain(read_as(second, "text"))

    def matched(self, node: Call) -> Test:
        """`matchesPattern`."""
        if len(node.arguments) != 2:
            raise self.refuse("matchesPattern takes a property and a pattern", node,
                              "For example matchesPattern(title,'^Suspicious').")  # fmt: skip
        operand = self._argument("matchesPattern", node.arguments[0], ("text",))
        literal = self.operand(node.arguments[1])
        if not isinstance(literal, Literal) or literal.kind != "text":
            raise self.refuse("A pattern in quotes is expected", node.arguments[1])
        self.patterns += 1
        if self.patterns > MOST_PATTERNS:
            raise self.refuse(f"More than {MOST_PATTERNS} patterns", literal, "Join them in one: 'one|other'.")
        why = refused(literal.value)
        if why:
            raise self.refuse(why, literal, "Use characters, ., [...], (...), |, * + ? {m,n}, ^, $, \\d, \\w and \\s.")
        return match.settled(Pattern(operand, literal.value))

    def is_of(self, node: Call) -> Test:
        """`isof(value,type)`, and `isof(type)` for the object itself."""
        if not 1 <= len(node.arguments) <= 2 or not isinstance(node.arguments[-1], Path):
            raise self.refuse("isof takes a value and a type", node,
                              "For example isof(e,microsoft.graph.security.userEvidence).")  # fmt: skip
        name = "/".join(node.arguments[-1].steps)
        if len(node.arguments) == 1:
            kind = self.model.cast(name)
            if self.item is None:
                if kind is None:
                    raise self.refuse(f"'{name}' is not a type", node.arguments[-1])
                return All(()) if self.of.type in set(kind.family()) or kind is self.of.type else Either(())
            return self._item_is(Field(self.item.root, (), self.item.over.kind, self.item.over.enum), name, node)
        at = node.arguments[0]
        return self._item_is(self.typed(at), name, node)

    def _item_is(self, value: Operand, name: str, node: Call) -> Test:
        struct = self.struct(value) if isinstance(value, Field) and value.kind == "complex" else None
        if struct is None:
            return self._value_is(value, name, node)
        assert isinstance(value, Field)  # noqa: S101 -- only a field has a structured type
        if value.collection:
            raise self.refuse(f"'{value.spelled()}' is a collection", node,
                              f"Ask of its items: {value.spelled()}/any(x: isof(x,...)).")  # fmt: skip
        to = self.cast(name, struct, node.arguments[-1])
        if to is struct:
            return Compare("ne", value, Const(None), "complex")
        return IsA(value, tuple(f"#{child.name}" for child in to.family()))

    def _value_is(self, value: Operand, name: str, node: Call) -> Test:
        """Whether a single value is there and of that primitive type or enumeration."""
        kind, enum = kind_of(self.single(value, node)), enum_of(value)
        primitive = next((known for known in CAST_KINDS if known.casefold() == name.casefold()), "")
        if kind == "dynamic" and primitive and not is_null(value):
            to = CAST_KINDS[primitive]  # in JSON there are texts, numbers and truths
            return Compare("ne", read_as(value, to), Const(None), to) if to in {"text", "number", "boolean"} else Either(())
        if not primitive and (enum is None or enum.name.casefold() != name.casefold()):
            raise self.refuse(f"'{self.named(value)}' is never of the type {name}", node.arguments[-1])
        if primitive and CAST_KINDS[primitive] != kind:
            return Either(())
        return Compare("ne", value, Const(None), kind, enum)


def plain(operand: Operand) -> Operand:
    """What is compared folded anyway needs no change of case."""
    while isinstance(operand, Apply) and operand.function in {"tolower", "toupper"}:
        operand = operand.arguments[0]
    return operand
