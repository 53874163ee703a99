"""What a query text says, as frozen nodes; nothing here knows the model.

`at` is the place in the text, for messages; it takes no part in comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as Choice

from secgraph.odata.literal import LiteralKind

Quantifier = Choice["any", "all"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. `value` is its text without quotes; for `typed` it is `Type'member'` split at the quote."""

    kind: LiteralKind
    value: str
    type: str = ""
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Path:
    """Names joined by `/`, casts and `$count` among them."""

    steps: tuple[str, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function by name, as typed. `on` is the path it is called on (`a/f()`); a key in brackets reads as a call too."""

    name: str
    arguments: tuple[Node, ...]
    at: int = field(default=0, compare=False)
    on: Node | None = None


@dataclass(frozen=True, slots=True)
class Within:
    """A path that goes on behind something that is no path: `cast(e,T)/name`, `a/$filter(...)/$count`."""

    base: Node
    path: Path
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Filtered:
    """`path/$filter(body)`: the items for which the body holds; names in it are the item's own."""

    over: Node
    body: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Lambda:
    """`path/any(variable: body)` or `path/all(...)`; `any()` has no variable and no body."""

    path: Node
    word: Quantifier
    variable: str | None
    body: Node | None
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`not` or `-`."""

    word: Choice["not", "-"]
    operand: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and the word between them, in lower case."""

    word: str
    left: Node
    right: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class In:
    """`operand in (item, item)`. Where a collection follows instead of a list, it is a Binary."""

    operand: Node
    items: tuple[Node, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Items:
    """`[a, b]`, a collection written out."""

    items: tuple[Node, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Members:
    """`{"name": value}`, an object written out; `named` when they are the arguments of a call, as in `f(name=value)`."""

    members: tuple[tuple[str, Node], ...]
    at: int = field(default=0, compare=False)
    named: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """`case(condition: value, ...)`: the value behind the first condition that holds; null when none does."""

    branches: tuple[tuple[Node, Node], ...]
    at: int = field(default=0, compare=False)


Node = Literal | Path | Call | Within | Filtered | Lambda | Unary | Binary | In | Items | Members | Case
