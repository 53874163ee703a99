"""Nodes + model → operands: functions, arithmetic, casts, case. What is constant is computed at once."""

from __future__ import annotations

from abc import abstractmethod

from secgraph.model.edm import EntitySet, Model
from secgraph.odata.ast import Binary, Call, Case, Filtered, In, Items, Lambda, Literal, Members, Node, Path, Unary, Within
from secgraph.odata.constant import constant, own
from secgraph.odata.functions import ARITHMETIC, CAST_KINDS, CASTS, FIRST, FUNCTIONS, LAST, Function, computed
from secgraph.odata.names import Seen, meant
from secgraph.odata.parameters import Parameters
from secgraph.odata.query import (
    All,
    Apply,
    Cast,
    Choose,
    Compare,
    Const,
    Field,
    Kind,
    Operand,
    Present,
    Size,
    Test,
    Truth,
    enum_of,
    kind_of,
)

_CONDITIONS = {"contains", "startswith", "endswith", "matchespattern", "isof", "hassubset"}
_MOMENTS = {"mindatetime": FIRST, "maxdatetime": LAST - LAST % 10_000_000}
SERVED = ", ".join(sorted([*FUNCTIONS, *_CONDITIONS, *_MOMENTS, "now", "cast", "case"]))
_COMPARED = {"eq", "ne", "lt", "le", "gt", "ge", "in", "has", "and", "or"}


class Values(Parameters):
    """Binds the operands of one request."""

    def __init__(self, of: EntitySet, model: Model, aliases: dict[str, str] | None = None) -> None:
        super().__init__(of, model, aliases)
        self.nested = 0
        self.moves = False
        """Whether the present instant was asked for."""

    @abstractmethod
    def condition(self, node: Node) -> Test:
        """The condition that a node stands for."""

    # -- operands

    def operand(self, node: Node) -> Operand | Literal:
        """The value at a node; a literal stays one until it is known what it is compared with."""
        match node:
            case Literal():
                return node
            case Path(steps=(name,)) if name.startswith("@"):
                return self.parameter(name, node)
            case Path():
                return self.path(node)
            case Within():
                return self._within(node)
            case Call():
                return self._call(node)
            case Case():
                return self._case(node)
            case Unary(word="-", operand=inner):
                return self._minus(node, self.typed(inner))
            case Binary(word=word) if word not in _COMPARED:
                return self._arithmetic(node)
            case Binary() | In() | Lambda() | Unary():
                return Truth(self.condition(node))
            case Items() | Members():
                raise self.refuse("A list or an object is not compared here", node, "Compare single values.")
        raise self.refuse("A property or a constant is expected", node)

    def typed(self, node: Node, kinds: tuple[Kind, ...] = ()) -> Operand:
        """The value at a node, a literal as what it is by itself or as the first of the kinds asked for that it can be."""
        found = self.operand(node)
        if not isinstance(found, Literal):
            return found
        alone = own(self.refuse, found, self.model)
        if not kinds or alone.kind in kinds or alone.value is None:
            return alone
        if alone.kind != "text":
            raise self.refuse(f"{_EXPECTED.get(kinds[0], 'Another value')} is expected", found)
        return constant(self.refuse, found, kinds[0], None, found.value)

    def named(self, operand: Operand) -> str:
        """An operand in words, for a message."""
        match operand:
            case Field():
                return operand.spelled() or "the item"
            case Size(of=of):
                return f"{of.spelled()}/$count"
            case Apply(function=function):
                return f"{function}(...)"
        return "this value"

    def single(self, operand: Operand, node: Node) -> Operand:
        """The operand, unless it is a collection or an object."""
        if isinstance(operand, Field):
            if operand.collection:
                raise self.refuse(f"'{operand.spelled()}' is a collection", node,
                                  f"Use {operand.spelled()}/any(x: ...) or {operand.spelled()}/$count.")  # fmt: skip
            if operand.kind == "complex":
                raise self.refuse(f"'{self.named(operand)}' is an object", node, "Compare one of its members.")
        return operand

    # -- collections

    def collection(self, node: Node) -> tuple[Field, list[Node]]:
        """The collection at a node, and the conditions of the `$filter(...)` behind it."""
        filters: list[Node] = []
        while isinstance(node, Filtered):
            filters.insert(0, node.body)
            node = node.over
        if isinstance(node, Path):
            found = self.path(node)
            if isinstance(found, Field) and found.collection:
                return found, filters
            raise self.refuse(f"'{'/'.join(node.steps)}' is not a collection", node)
        raise self.refuse("A collection is expected here", node)

    def items(self, over: Field, filters: list[Node]) -> tuple[str, list[Test]]:
        """A variable for the items of a collection, and the conditions that a `$filter(...)` lays on them."""
        unique = f"v{self.nested}"
        outer = self.item
        self.item = Seen(unique, over, self.struct(over))
        try:
            return unique, [self.condition(body) for body in filters]
        finally:
            self.item = outer

    def _within(self, node: Within) -> Operand | Literal:
        base, steps = node.base, node.path.steps
        if isinstance(base, Filtered) and [step.lower() for step in steps] == ["$count"]:
            over, filters = self.collection(base)
            self.nested += 1
            variable, tests = self.items(over, filters)
            self.nested -= 1
            return Size(over, variable, _both(tests))
        if isinstance(base, Call) and base.name.lower() == "cast" and base.on is None and base.arguments:
            *before, kind = base.arguments
            of = before[0] if before else Path(("$this" if self.item is not None else "$it",), base.at)
            if isinstance(of, Path) and isinstance(kind, Path):
                return self.operand(Path((*of.steps, *kind.steps, *steps), base.at))
        raise self.refuse(f"'{'/'.join(steps)}' cannot stand behind this", node, "Only cast(...) and $filter(...) go on.")

    # -- functions

    def _call(self, node: Call) -> Operand | Literal:
        word = node.name.lower()
        if node.on is not None:
            raise self.refuse(f"'{node.name}(' is not served here", node, "Functions take the property as an argument.")
        if word in _CONDITIONS:
            return Truth(self.condition(node))
        if word == "now" and not node.arguments:
            self.moves = True
            return Present()
        if word in _MOMENTS and not node.arguments:
            return Const(_MOMENTS[word], "moment")
        if word == "cast":
            return self._cast(node)
        function = FUNCTIONS.get(word)
        if function is None:
            raise self.refuse(f"'{node.name}' is not a function served here", node,
                              meant(word, SERVED.split(", ")) or f"Served: {SERVED}.")  # fmt: skip
        return self._apply(word, function, node)

    def _apply(self, word: str, function: Function, node: Call) -> Operand:
        most, least = len(function.takes), len(function.takes) - function.optional
        if not least <= len(node.arguments) <= most:
            count = f"{least} to {most}" if least < most else str(most)
            raise self.refuse(f"{word} takes {count} argument{'s' if most > 1 else ''}", node)
        arguments = tuple(
            self._argument(word, argument, kinds)
            for argument, kinds in zip(node.arguments, function.takes, strict=False)
        )  # fmt: skip
        return folded(Apply(word, arguments, function.gives))

    def _argument(self, word: str, node: Node, kinds: tuple[Kind, ...]) -> Operand:
        found = self.single(self.typed(node, kinds), node)
        kind = kind_of(found)
        if kind == "dynamic" and isinstance(found, Field) and kinds[0] in {"text", "number"}:
            return Field(found.root, found.steps, kinds[0], open=True)  # an open member of that type, else null
        if kind not in kinds and not (isinstance(found, Const) and found.value is None):
            raise self.refuse(f"{word} takes {' or '.join(_WORDS[one] for one in kinds)}, and '{self.named(found)}' is"
                              f" {_WORDS.get(kind, kind)}", node)  # fmt: skip
        return found

    def _cast(self, node: Call) -> Operand:
        if not 1 <= len(node.arguments) <= 2 or not isinstance(node.arguments[-1], Path):
            raise self.refuse("cast takes a value and a type", node, "For example cast(title,Edm.String).")
        name = "/".join(node.arguments[-1].steps)
        primitive = next((known for known in CAST_KINDS if known.casefold() == name.casefold()), "")
        if not primitive and self.model.cast(name) is not None:
            return self._object(node)
        of = node.arguments[0] if len(node.arguments) == 2 else Path(("$this" if self.item is not None else "$it",), node.at)
        found = self.single(self.typed(of), of)
        kind = kind_of(found)
        enum = enum_of(found)
        if enum is not None and enum.name.casefold() == name.casefold():
            return found
        if primitive and is_null(found):
            return Const(None, CAST_KINDS[primitive])
        if kind == "dynamic" and primitive and isinstance(found, Field):
            return _whatever(found, primitive)
        function = CASTS.get((primitive, kind))
        if function is None:
            raise self.refuse(f"'{self.named(found)}' cannot be cast to {name}", node, f"Types: {', '.join(CAST_KINDS)}.")
        return _turned(found, function, CAST_KINDS[primitive])

    def _object(self, node: Call) -> Operand:
        """A cast to a structured type: the object itself where it is of that type."""
        *before, kind = node.arguments
        of = before[0] if before else Path(("$this" if self.item is not None else "$it",), node.at)
        if not isinstance(of, Path) or not isinstance(kind, Path):
            raise self.refuse("Only a property can be cast to a structured type", node)
        found = self.typed(of)
        if not isinstance(found, Field) or found.collection:
            raise self.refuse("Only a single object can be cast to a structured type", node)
        to = self.cast(kind.steps[-1], self.struct(found), node)

        return Field(found.root, (*found.steps, Cast(tuple(f"#{one.name}" for one in to.family()))), "complex")

    # -- arithmetic

    def _arithmetic(self, node: Binary) -> Operand:
        left, right = self.operand(node.left), self.operand(node.right)
        one = self._side(left, node.left, right)
        other = self._side(right, node.right, left)
        kinds = (kind_of(one), kind_of(other))
        if any(is_null(side) and kind_of(side) == "dynamic" for side in (one, other)):
            return self._with_null(node, one, other)
        found = ARITHMETIC.get((node.word, *kinds))
        if found is None and "dynamic" in kinds:
            one, other = (Field(side.root, side.steps, "number", open=True) if isinstance(side, Field)
                          and side.kind == "dynamic" else side for side in (one, other))  # fmt: skip
            found = ARITHMETIC.get((node.word, kind_of(one), kind_of(other)))
        if found is None:
            raise self.refuse(f"'{node.word}' is not possible between {_WORDS[kinds[0]]} and {_WORDS[kinds[1]]}", node)
        function, kind = found
        sides = (other, one) if function == "later" and kind_of(one) == "duration" else (one, other)
        return folded(Apply(function, sides, kind))

    def _with_null(self, node: Binary, one: Operand, other: Operand) -> Operand:
        """Arithmetic with the word null: that word again, beside whatever the other side may be."""
        kinds = (kind_of(one), kind_of(other))
        for word, *taken in ARITHMETIC:
            if word == node.word and all(given in {kind, "dynamic"} for given, kind in zip(kinds, taken, strict=True)):
                return Const(None)
        known = kinds[1] if kinds[0] == "dynamic" else kinds[0]
        raise self.refuse(f"'{node.word}' is not possible with {_WORDS[known]}", node)

    def _side(self, found: Operand | Literal, node: Node, other: Operand | Literal) -> Operand:
        """One side of arithmetic. A text beside an instant is a duration: the grammar lets the word before it be left out."""
        if isinstance(found, Literal):
            if found.kind == "text" and not isinstance(other, Literal) and kind_of(other) in {"moment", "date", "duration"}:
                return constant(self.refuse, found, "duration", None, found.value)
            found = own(self.refuse, found, self.model)
        return self.single(found, node)

    def _minus(self, node: Unary, of: Operand) -> Operand:
        kind = kind_of(self.single(of, node))
        if is_null(of):
            return of
        if kind == "dynamic" and isinstance(of, Field):
            of, kind = Field(of.root, of.steps, "number", open=True), "number"
        if kind not in {"number", "duration"}:
            raise self.refuse(f"'-' is not possible before {_WORDS[kind]}", node)
        return folded(Apply("minus", (of,), kind))

    # -- case

    def _case(self, node: Case) -> Operand:
        conditions = [self.condition(condition) for condition, _ in node.branches]
        found = [self.operand(value) for _, value in node.branches]
        known = next((one for one in found if not isinstance(one, Literal) and not is_null(one)), None)
        if known is None:
            first = next((one for one in found if isinstance(one, Literal) and one.kind != "null"), None)
            known = Const(None) if first is None else own(self.refuse, first, self.model)
        kind, enum = kind_of(known), enum_of(known)
        branches: list[tuple[Test, Operand]] = []
        for condition, one, (_, at) in zip(conditions, found, node.branches, strict=True):
            value = constant(self.refuse, one, kind, enum, self.named(known)) if isinstance(one, Literal) else one
            value = self.single(value, at)
            if is_null(value):
                value = Const(None, kind, enum)
            if kind_of(value) != kind or enum_of(value) is not enum:
                raise self.refuse("The values of case(...) are of different types", at)
            branches.append((condition, value))
        if all(is_null(value) for _, value in branches):
            return Const(None, kind, enum)
        return Choose(tuple(branches), kind, enum)


_WORDS: dict[str, str] = {
    "text": "text", "moment": "a date-time", "date": "a date", "time": "a time of day", "duration": "a duration",
    "enum": "an enum member", "number": "a number", "boolean": "true or false", "dynamic": "a member of an open type",
    "complex": "an object",
}  # fmt: skip


_EXPECTED: dict[str, str] = {"text": "A text in quotes", "number": "A number"}


def is_null(operand: Operand) -> bool:
    """Whether an operand is null for every row."""
    return isinstance(operand, Const) and operand.value is None


def _both(tests: list[Test]) -> Test:
    return tests[0] if len(tests) == 1 else All(tuple(tests))


def _turned(operand: Operand, function: str, to: Kind) -> Operand:
    return operand if function == "same" and kind_of(operand) == to else folded(Apply(function, (operand,), to))


def _whatever(field: Field, primitive: str) -> Operand:
    """A member of an open type, cast from whichever type it has."""
    to = CAST_KINDS[primitive]
    branches: list[tuple[Test, Operand]] = []
    for kind in ("text", "number", "boolean"):
        function = CASTS.get((primitive, kind))
        if function is not None:
            one = Field(field.root, field.steps, kind, open=True)
            branches.append((Compare("ne", one, Const(None), kind), _turned(one, function, to)))
    return Choose(tuple(branches), to)


def folded(operand: Apply) -> Operand:
    """The same, computed already where every argument is a constant or where the present instant only moves."""
    values = operand.arguments
    if all(isinstance(value, Const) for value in values):
        value = computed(operand.function, tuple(value.value for value in values if isinstance(value, Const)))
        return Const(value, operand.kind, operand.enum)
    if operand.function in {"later", "earlier"} and isinstance(values[0], Present) and isinstance(values[1], Const):
        step = values[1].value
        if step is not None and abs(values[0].later + step) < LAST - FIRST:
            return Present(values[0].later + (step if operand.function == "later" else -step))
    return operand
