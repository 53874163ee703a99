"""What a query text says, as frozen nodes; nothing here knows the model.

`at` is the place in the text, for messages; it takes no part in comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as Choice

LiteralKind = Choice["text", "number", "boolean", "null", "moment", "date", "guid", "duration", "typed"]
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
    """A function by name, as typed."""

    name: str
    arguments: tuple[Node, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Lambda:
    """`path/any(variable: body)` or `path/all(...)`; `any()` has no variable and no body."""

    path: Path
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
    """`operand in (item, item)`."""

    operand: Node
    items: tuple[Node, ...]
    at: int = field(default=0, compare=False)


Node = Literal | Path | Call | Lambda | Unary | Binary | In
