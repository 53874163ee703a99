"""Nodes + model → query: names resolved, literals typed. What cannot be meant is refused here, with the place.

Nothing is ignored: an option or expression is obeyed or refused with a reason and a way out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, cast

from secgraph import clock
from secgraph.errors import BadFilter, BadOption
from secgraph.model.edm import EntitySet, EnumType, Model, Property, StructType
from secgraph.odata import parse
from secgraph.odata.ast import Binary, Call, In, Lambda, Literal, Node, Path, Unary
from secgraph.odata.options import truth, whole
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
    Operand,
    Order,
    Ordering,
    Query,
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


def query(of: EntitySet, options: Mapping[str, str], model: Model, *, unknown_members: bool = False) -> Query:
    """The question that a collection's query options ask. Raises BadOption or BadFilter."""
    binder = _Binder(of, model)
    found = dict(options)
    text = found.get("$filter", "").strip()
    top = whole(found, "$top")
    if "json" not in found.get("$format", "json").lower():
        raise BadOption("$format", "only JSON is served.", hint="Leave $format out.")
    return Query(
        of=of,
        where=binder.test(parse.expression(text), text) if text else None,
        order=binder.order(found.get("$orderby", "")),
        select=binder.select(found.get("$select", "")),
        expand=binder.expand(found.get("$expand", "")),
        top=min(of.choices.page if top is None else top, of.choices.page_most),
        clamped=top is not None and top > of.choices.page_most,
        skip=whole(found, "$skip") or 0,
        count=truth(found, "$count"),
        unknown_members=unknown_members,
    )


def item(of: EntitySet, options: Mapping[str, str], model: Model, *, unknown_members: bool = False) -> Query:
    """The same for one object: `$select` and `$expand` are all that can be asked of it."""
    binder = _Binder(of, model)
    for name in options:
        if name not in {"$select", "$expand", "$format"}:
            raise BadOption(name, "cannot be asked of a single object.", hint="Use $select or $expand here.")
    return Query(
        of=of,
        where=None,
        order=binder.order(""),
        select=binder.select(options.get("$select", "")),
        expand=binder.expand(options.get("$expand", "")),
        top=1,
        unknown_members=unknown_members,
    )


def equals(of: EntitySet, name: str, value: Any) -> Test:
    """The condition that a property of the set has a value."""
    field = _field(of, "", [], of.type.properties[name], of.type.properties[name].name)
    return Compare("eq", field, Const(value), field.kind, field.enum)


def _field(of: EntitySet, root: str, before: list[str | Cast], member: Property, name: str) -> Field:
    column = name if not root and not before and (name in of.choices.columns or name == "id") else None
    return Field(
        root=root,
        steps=(*before, name),
        kind=value_kind(member.type),
        enum=member.type if isinstance(member.type, EnumType) else None,
        collection=member.collection,
        nullable=member.nullable or bool(before) or bool(root),
        column=column,
    )


class _Binder:
    """Binds the texts of one request; `variables` holds the lambdas around the present place."""

    def __init__(self, of: EntitySet, model: Model) -> None:
        self.of = of
        self.model = model
        self.text = ""
        self.terms = 0
        self.values = 0
        self.variables: dict[str, tuple[str, Field, StructType | None]] = {}

    def refuse(self, reason: str, node: Node, hint: str = "") -> BadFilter:
        return BadFilter(reason, at=node.at, text=self.text, hint=hint)

    # -- conditions

    def test(self, node: Node, text: str) -> Test:
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
        kind, enum = self._kind(left, node.left)
        if isinstance(right, Literal):
            value, kind = self._value(right, kind, enum, left)
            if value is None and op in {"le", "ge"}:
                op = "eq"  # nothing but null is as small or as large as null
            if value is None and op in {"lt", "gt"}:
                return Either(())
            return Compare(op, left, Const(value), kind, enum)
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
            value, kind = self._value(one, kind, enum, operand)
            values.append(value)
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
        over = self._path(node.path)
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
            return self._path(node)
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

    def _path(self, node: Path) -> Field | Size:
        steps = list(node.steps)
        root, before, kind = "", cast("list[str | Cast]", []), cast("StructType | None", self.of.type)
        first = steps[0].lower()
        if first in self.variables:
            root, over, kind = self.variables[first]
            steps.pop(0)
            if not steps:
                return Field(root, (), over.kind, over.enum)
        elif first == _PARAMETER and len(steps) > 1:
            steps.pop(0)
        field: Field | None = None
        for place, name in enumerate(steps):
            if field is not None and field.collection and name.lower() != "$count":
                raise self.refuse(f"'{field.spelled()}' is a collection", node, f"Use {field.spelled()}/any(x: x/{name} ...).")
            if name.lower() == "$count" and field is not None and field.collection and place == len(steps) - 1:
                return Size(field)
            if "." in name:
                cast_to = self._cast(name, kind, node)
                before.append(Cast(tuple(f"#{child.name}" for child in cast_to.family())))
                kind = cast_to
                continue
            if kind is None:  # inside an open type
                before.append(name)
                field = Field(root, tuple(before), "dynamic")
                continue
            member = self._member(kind, name, node)
            if member is None:
                before.append(name)
                field, kind = Field(root, tuple(before), "dynamic"), None
                continue
            field = _field(self.of, root, before, member, member.name)
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
            raise self.refuse(f"'{name}' is not a type that can stand here", node, _meant(name, among))
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
        hint = _meant(name, list(kind.properties))
        owners = sorted(child.name for child in kind.family() if child.member(name) is not None)
        if owners:
            hint = f"It is a member of {owners[0]}: write {owners[0]}/{name}."
        raise self.refuse(f"'{name}' is not a property of {kind.name}", node, hint)

    # -- constants

    def _value(self, literal: Literal, kind: Kind, enum: EnumType | None, against: Operand) -> tuple[Any, Kind]:
        """The constant as a value of that kind; a dynamic kind takes the literal's own."""
        if literal.kind == "null":
            return None, kind
        name = against.spelled() if isinstance(against, Field) else "$count"
        match kind:
            case "enum":
                return self._enum(literal, cast("EnumType", enum), name), kind
            case "text":
                if literal.kind not in {"text", "guid"}:
                    raise self.refuse(f"'{name}' is text", literal, f"Put quotes around it: '{literal.value}'.")
                return literal.value, kind
            case "moment":
                return self._moment(literal, name), kind
            case "number":
                if literal.kind != "number":
                    raise self.refuse(f"'{name}' is a number", literal, "Write it without quotes.")
                return _number(literal.value), kind
            case "boolean":
                if literal.kind != "boolean":
                    raise self.refuse(f"'{name}' is true or false", literal, "Write true or false without quotes.")
                return literal.value == "true", kind
        return self._dynamic(literal)

    def _dynamic(self, literal: Literal) -> tuple[Any, Kind]:
        match literal.kind:
            case "number":
                return _number(literal.value), "number"
            case "boolean":
                return literal.value == "true", "boolean"
            case "text" | "guid" | "moment" | "date":
                return literal.value, "text"
        raise self.refuse("This constant cannot be compared here", literal)

    def _enum(self, literal: Literal, enum: EnumType, name: str) -> str:
        if literal.kind not in {"text", "typed"}:
            raise self.refuse(f"'{name}' is one of {', '.join(enum.members)}", literal, "Write the member in quotes.")
        if literal.kind == "typed" and literal.type.casefold() != enum.name.casefold():
            raise self.refuse(f"'{name}' is of type {enum.name}, not {literal.type}", literal)
        word = literal.value.strip().casefold()
        if enum.flags:
            found = [enum.folded.get(part.strip()) for part in word.split(",")]
            if all(found):
                return ", ".join(cast("list[str]", found))
        elif word in enum.folded:
            return enum.folded[word]
        raise self.refuse(f"'{literal.value}' is not a member of {enum.name}", literal, f"Members: {', '.join(enum.members)}.")

    def _moment(self, literal: Literal, name: str) -> int:
        if literal.kind not in {"moment", "date", "text"}:
            raise self.refuse(f"'{name}' is a date-time", literal, "Write it as 2026-01-31T09:00:00Z without quotes.")
        text = literal.value
        if len(text) > 6 and text[-6] == " ":
            text = f"{text[:-6]}+{text[-5:]}"
        instant = clock.ticks(text, zone=0 if len(text) == len("2026-01-31") else None)
        if instant is None:
            naive = clock.ticks(text) is not None
            raise self.refuse(f"'{text}' has no time zone" if naive else f"'{text}' is not a date-time", literal,
                              "End it with Z or an offset: 2026-01-31T09:00:00Z.")  # fmt: skip
        return instant

    # -- the other options

    def order(self, text: str) -> tuple[Order, ...]:
        """The order, ended by the key in the direction of the last one named; none named means newest first."""
        keys: list[Order] = []
        self.text = text
        for item_text in filter(None, (part.strip() for part in text.split(","))):
            words = item_text.split()
            if len(words) > 2 or (len(words) == 2 and words[1].lower() not in {"asc", "desc"}):
                raise BadOption("$orderby", f"'{item_text[:60]}' is not understood.",
                                hint="Write a property and asc or desc: createdDateTime desc.")  # fmt: skip
            self.text = words[0]
            field = self._path(parse.path(words[0]))
            if isinstance(field, Size) or field.collection or field.kind == "complex":
                raise BadOption("$orderby", f"'{words[0]}' has no order.", hint="Sort by a single value.")
            if all(key.field != field for key in keys):
                keys.append(Order(field, len(words) == 2 and words[1].lower() == "desc"))
        if len(keys) > 8:
            raise BadOption("$orderby", "takes at most 8 keys.")
        if not keys:
            newest = self.of.type.properties[self.of.choices.newest]
            keys.append(Order(_field(self.of, "", [], newest, newest.name), descending=True))
        key = _field(self.of, "", [], self.of.type.properties["id"], "id")
        if all(one.field != key for one in keys):
            keys.append(Order(key, keys[-1].descending))
        return tuple(keys)

    def select(self, text: str) -> tuple[str, ...] | None:
        """The members to send, or None for all."""
        chosen = set()
        for name in filter(None, (part.strip() for part in text.split(","))):
            if name == "*":
                return None
            member = self.of.type.member(name)
            if member is None:
                raise BadOption("$select", f"'{name[:60]}' is not a property of {self.of.type.name}.",
                                hint=_meant(name, list(self.of.type.properties)))  # fmt: skip
            chosen.add(member.name)
        if not chosen:
            return None
        return tuple(name for name in self.of.type.properties if name in chosen)

    def expand(self, text: str) -> tuple[str, ...]:
        """The relationships to expand."""
        found: list[str] = []
        for name in filter(None, (part.strip() for part in text.split(","))):
            known = {link.casefold(): link for link in self.of.choices.expand}
            if name.casefold() not in known:
                hint = f"What can be expanded: {', '.join(self.of.choices.expand)}." if known else "Leave $expand out."
                raise BadOption("$expand", f"'{name[:60]}' cannot be expanded here.", hint=hint)
            if known[name.casefold()] not in found:
                found.append(known[name.casefold()])
        return tuple(found)


def _chain(node: Node, word: str) -> list[Node]:
    """The terms of `a and b and c`, which lean left, without recursion."""
    parts: list[Node] = []
    while isinstance(node, Binary) and node.word == word:
        parts.append(node.right)
        node = node.left
    parts.append(node)
    return parts[::-1]


def _number(text: str) -> int | float:
    if text.lstrip("-").isdigit() and len(text) < 19:
        return int(text)
    return float(text)


def _meant(name: str, among: list[str]) -> str:
    close = get_close_matches(name.casefold(), [one.casefold() for one in among], n=1, cutoff=0.6)
    return next((f"Did you mean {one}?" for one in among if close and one.casefold() == close[0]), "")


def fields(test: Test | None) -> Iterator[Field]:
    """Every field a condition reads, collections that lambdas run over included."""
    match test:
        case Compare(left=left, right=right):
            for side in (left, right):
                if not isinstance(side, Const):
                    yield side.of if isinstance(side, Size) else side
        case OneOf(operand=operand):
            yield operand.of if isinstance(operand, Size) else operand
        case TextMatch(operand=operand):
            yield operand
        case Some(over=over, body=body):
            yield over
            yield from fields(body)
        case All(parts=parts) | Either(parts=parts):
            for part in parts:
                yield from fields(part)
        case Not(part=part):
            yield from fields(part)
