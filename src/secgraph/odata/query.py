"""A question about the model: names resolved, literals typed, meaning settled.

This is what `access` cuts down and the executors (SQL, Python) carry out. The meaning is the one written here, once:

- Text is compared folded: `fold` makes two spellings of one name, address, hash or Windows path equal.
- `eq` and `ne` know null and are true or false; an order comparison with null is false; a text function of null is
  null. A row is in the answer only where the whole is true.
- Enumerations are ordered by their published numbers, instants by time. Null sorts before everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from secgraph.model.edm import EntitySet, EnumType, Type


def fold(text: str) -> str:
    """The form in which texts are compared and sorted (by code point)."""
    return text.casefold()


Kind = Literal["text", "moment", "enum", "number", "boolean", "dynamic", "complex"]
"""What a value is to a comparison. `dynamic` is a member of an open type: the other side decides."""

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

    def spelled(self) -> str:
        """The path as a client writes it."""
        names = (step.tags[0].lstrip("#") if isinstance(step, Cast) else step for step in self.steps)
        return "/".join((*((self.root,) if self.root else ()), *names))


@dataclass(frozen=True, slots=True)
class Size:
    """How many items a collection has; 0 for none."""

    of: Field


@dataclass(frozen=True, slots=True)
class Const:
    """A value: text unfolded, an instant in ticks, an enum member by name, a number, a boolean, or None."""

    value: Any


Operand = Field | Size | Const


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

    operand: Field | Size
    values: tuple[Any, ...]
    kind: Kind
    enum: EnumType | None = None


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A text function over a text and a constant."""

    op: Literal["contains", "startswith", "endswith"]
    operand: Field
    needle: str


@dataclass(frozen=True, slots=True)
class Some:
    """At least one item of the collection for which the body holds; without a body, at least one item."""

    over: Field
    variable: str
    body: Test | None


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


Test = Compare | OneOf | TextMatch | Some | All | Either | Not


@dataclass(frozen=True, slots=True)
class Order:
    """One key of the order."""

    field: Field
    descending: bool


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """One question about one set. `order` always ends in the key, so that it is total.

    Equal only to itself: a query is kept and asked again, and its plan is kept with it.
    """

    of: EntitySet
    where: Test | None
    order: tuple[Order, ...]
    select: tuple[str, ...] | None = None
    """Members to send, in the order of the contract; None sends all."""
    expand: tuple[str, ...] = ()
    top: int = 0
    """Rows of a page."""
    clamped: bool = False
    """Whether the client asked for more rows than a page may hold."""
    skip: int = 0
    count: bool = False
    unknown_members: bool = False
    """Whether enum members past the sentinel are sent as they are."""


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
