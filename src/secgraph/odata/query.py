"""A question about the model: names resolved, literals typed, meaning settled.

This is what `access` cuts down and the executors (SQL, Python) carry out. The meaning is the one written here, once:

- Text is compared folded: `fold` makes two spellings of one name, address, hash or Windows path equal. Functions see the
  text as it is, `matchesPattern` too; `tolower` and `toupper` change nothing that is compared.
- `eq`, `ne` and `in` know null and are true or false; an order comparison with null is false; a truth that stands alone
  is compared with true; a function or a text match of null is null, and so is what cannot be computed (a division by
  zero, a day outside the calendar). A row is in the answer only where the whole is true.
- Enumerations are ordered by their published numbers, instants by time; a day beside an instant is its midnight. Null
  sorts before everything.
- A member of an open type is what the other side makes of it: a value of another kind counts as null there. Two of them
  are compared like with like, text with text, number with number; no others are equal, lists and objects never.
- `any` holds where the body is true for an item, `all` where it is true for every item.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from secgraph.model.edm import EntitySet, EnumType, Type


def fold(text: str) -> str:
    """The form in which texts are compared and sorted (by code point)."""
    return text.casefold()


Kind = Literal["text", "moment", "date", "time", "duration", "enum", "number", "boolean", "dynamic", "complex"]
"""What a value is to a comparison. `dynamic` is a member of an open type: the other side decides. Instants are ticks of
100 ns, a date is its midnight, a time the ticks since midnight, a duration ticks.
"""

Ordering = Literal["eq", "ne", "lt", "le", "gt", "ge"]


@dataclass(frozen=True, slots=True)
class Cast:
    """A step that lets through only values of these types."""

    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A value reached from the row (`root` is empty) or from a lambda variable."""

    root: str
    steps: tuple[str | Cast, ...]
    kind: Kind
    enum: EnumType | None = None
    collection: bool = False
    nullable: bool = True
    column: str | None = None
    """The typed column that holds it, when there is one."""
    open: bool = False
    """Whether it is a member of an open type: a value of another kind than `kind` counts as null."""

    def spelled(self) -> str:
        """The path as a client writes it."""
        if self.column is not None:
            return self.column
        names = (step.tags[0].lstrip("#") if isinstance(step, Cast) else step for step in self.steps)
        return "/".join((*((self.root,) if self.root else ()), *names))


@dataclass(frozen=True, slots=True)
class Size:
    """How many items a collection has, or how many of them the body holds for; 0 for none."""

    of: Field
    variable: str = ""
    body: Test | None = None


@dataclass(frozen=True, slots=True)
class Const:
    """A value: text unfolded, an instant in ticks, an enum member by name, a number, a boolean, or None."""

    value: Any
    kind: Kind = "dynamic"
    enum: EnumType | None = None


@dataclass(frozen=True, slots=True)
class Present:
    """The instant at which the question is asked, so many ticks later."""

    later: int = 0


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of `functions.py` over values."""

    function: str
    arguments: tuple[Operand, ...]
    kind: Kind
    enum: EnumType | None = None


@dataclass(frozen=True, slots=True)
class Choose:
    """The value behind the first condition that is true; null when none is."""

    branches: tuple[tuple[Test, Operand], ...]
    kind: Kind
    enum: EnumType | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """A condition as a value: true, false, or null."""

    test: Test


Operand = Field | Size | Const | Present | Apply | Choose | Truth


def kind_of(operand: Operand) -> Kind:
    """How the values of an operand are compared."""
    if isinstance(operand, Field):
        return operand.kind
    match operand:
        case Size():
            return "number"
        case Present():
            return "moment"
        case Truth():
            return "boolean"
    return operand.kind


def enum_of(operand: Operand) -> EnumType | None:
    """The enumeration that an operand's values are members of."""
    if isinstance(operand, Field):
        return operand.enum
    return None if isinstance(operand, Size | Present | Truth) else operand.enum


@dataclass(frozen=True, slots=True)
class Compare:
    """Two operands of one kind."""

    op: Ordering
    left: Operand
    right: Operand
    kind: Kind
    enum: EnumType | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    """The operand equals one of the constants; None among them means null."""

    operand: Operand
    values: tuple[Any, ...]
    kind: Kind
    enum: EnumType | None = None


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A text function over two texts, compared folded."""

    op: Literal["contains", "startswith", "endswith"]
    operand: Operand
    needle: Operand


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression matches somewhere in the text as it is."""

    operand: Operand
    pattern: str


@dataclass(frozen=True, slots=True)
class IsA:
    """The item that a variable stands for, or an object, is of one of these types; false for null."""

    field: Field
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Some searchable text of the row holds these words, one behind the other (`search.py` says what a word is)."""

    words: tuple[str, ...]
    of: str
    """The set whose texts are meant."""


@dataclass(frozen=True, slots=True)
class Some:
    """At least one item of the collection for which the body holds; without a body, at least one item."""

    over: Field
    variable: str
    body: Test | None


@dataclass(frozen=True, slots=True)
class Every:
    """The body holds for every item of the collection; true for none."""

    over: Field
    variable: str
    body: Test


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds. No parts: true."""

    parts: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Some part holds. No parts: false."""

    parts: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is false (a null stays null)."""

    part: Test


Test = Compare | OneOf | TextMatch | Pattern | IsA | Found | Some | Every | All | Either | Not


@dataclass(frozen=True, slots=True)
class Order:
    """One key of the order."""

    by: Operand
    descending: bool


@dataclass(frozen=True, slots=True)
class Naming:
    """A thing, by its number, that rows are to name. `few` says that not many do, so that it is best to begin with those."""

    thing: int
    few: bool


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """One question about one set. `order` always ends in the key, so that it is total.

    Equal only to itself: a query is kept and asked again, and its plan is kept with it.
    """

    of: EntitySet
    where: Test | None
    order: tuple[Order, ...]
    select: tuple[Chosen, ...] | None = None
    """Members to send, in the order of the contract; None sends all."""
    expand: tuple[Expanded, ...] = ()
    top: int = 0
    """Rows of a page."""
    clamped: bool = False
    """Whether the client asked for more rows than a page may hold."""
    skip: int = 0
    count: bool = False
    unknown_members: bool = False
    """Whether enum members past the sentinel are sent as they are."""
    passing: bool = False
    """Whether it was made for one answer only: its plan is not kept, and pushes out none that will be asked for again."""
    naming: Naming | None = None
    """Only alerts that name this thing: a condition beside `where` that the database alone can judge, and always does."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A member to send; with `inner`, only those members of its value, and of a list's items. With `tags`, only of a value
    that is of one of these types.
    """

    name: str
    inner: tuple[Chosen, ...] = ()
    tags: tuple[str, ...] = ()

    def spelled(self) -> tuple[str, ...]:
        """The paths as the context of an answer lists them."""
        name = f"{self.tags[0].lstrip('#')}/{self.name}" if self.tags else self.name
        return tuple(f"{name}/{path}" for one in self.inner for path in one.spelled()) or (name,)


Form = Literal["items", "references", "count"]
"""How an expanded relationship is sent: whole, as addresses, or only how many there are."""


@dataclass(frozen=True, slots=True)
class Expanded:
    """A relationship to send with each object, and the question asked of what it holds."""

    name: str
    query: Query
    options: tuple[tuple[str, str], ...] = ()
    """The options as they came, for the links that go on."""
    form: Form = "items"


def narrowed(test: Test | None, more: Test) -> Test:
    """Both conditions."""
    return more if test is None else All((more, test))


def value_kind(kind: Type) -> Kind:
    """How values of a type are compared."""
    if isinstance(kind, EnumType):
        return "enum"
    match kind.name:
        case "Edm.String" | "Edm.Guid":
            return "text"
        case "Edm.DateTimeOffset":
            return "moment"
        case "Edm.Int32" | "Edm.Int64" | "Edm.Double":
            return "number"
        case "Edm.Boolean":
            return "boolean"
    return "complex"


def fields(test: Test | None) -> Iterator[Field]:
    """Every field a condition reads, collections that lambdas run over included."""
    match test:
        case Compare(left=left, right=right) | TextMatch(operand=left, needle=right):
            for side in (left, right):
                if isinstance(side, Field):
                    yield side
                elif not isinstance(side, Const):
                    yield from fields_of(side)
        case OneOf(operand=operand) | Pattern(operand=operand):
            yield from fields_of(operand)
        case IsA(field=field):
            yield field
        case Some(over=over, body=body) | Every(over=over, body=body):
            yield over
            yield from fields(body)
        case All(parts=parts) | Either(parts=parts):
            for part in parts:
                yield from fields(part)
        case Not(part=part):
            yield from fields(part)


def fields_of(operand: Operand) -> Iterator[Field]:
    """Every field an operand reads."""
    match operand:
        case Field():
            yield operand
        case Size(of=of, body=body):
            yield of
            yield from fields(body)
        case Apply(arguments=arguments):
            for argument in arguments:
                yield from fields_of(argument)
        case Choose(branches=branches):
            for condition, value in branches:
                yield from fields(condition)
                yield from fields_of(value)
        case Truth(test=test):
            yield from fields(test)
