"""A literal as a value of the kind it is compared with; what does not fit is refused at its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from secgraph import clock
from secgraph.errors import BadFilter
from secgraph.model.edm import EnumType
from secgraph.odata.ast import Literal
from secgraph.odata.query import Field, Kind, Operand

Refuse = Callable[..., BadFilter]
"""Makes the refusal of (reason, node, hint)."""


def value(refuse: Refuse, literal: Literal, kind: Kind, enum: EnumType | None, against: Operand) -> tuple[Any, Kind]:
    """The constant as a value of that kind; a dynamic kind takes the literal's own."""
    if literal.kind == "null":
        return None, kind
    name = against.spelled() if isinstance(against, Field) else "$count"
    match kind:
        case "enum":
            return _enum(refuse, literal, cast("EnumType", enum), name), kind
        case "text":
            if literal.kind not in {"text", "guid"}:
                raise refuse(f"'{name}' is text", literal, f"Put quotes around it: '{literal.value}'.")
            return literal.value, kind
        case "moment":
            return _moment(refuse, literal, name), kind
        case "number":
            if literal.kind != "number":
                raise refuse(f"'{name}' is a number", literal, "Write it without quotes.")
            return _number(literal.value), kind
        case "boolean":
            if literal.kind != "boolean":
                raise refuse(f"'{name}' is true or false", literal, "Write true or false without quotes.")
            return literal.value == "true", kind
    return _dynamic(refuse, literal)


def _dynamic(refuse: Refuse, literal: Literal) -> tuple[Any, Kind]:
    match literal.kind:
        case "number":
            return _number(literal.value), "number"
        case "boolean":
            return literal.value == "true", "boolean"
        case "text" | "guid" | "moment" | "date":
            return literal.value, "text"
    raise refuse("This constant cannot be compared here", literal)


def _enum(refuse: Refuse, literal: Literal, enum: EnumType, name: str) -> str:
    if literal.kind not in {"text", "typed"}:
        raise refuse(f"'{name}' is one of {', '.join(enum.members)}", literal, "Write the member in quotes.")
    if literal.kind == "typed" and literal.type.casefold() != enum.name.casefold():
        raise refuse(f"'{name}' is of type {enum.name}, not {literal.type}", literal)
    word = literal.value.strip().casefold()
    if enum.flags:
        found = [enum.folded.get(part.strip()) for part in word.split(",")]
        if all(found):
            return ", ".join(cast("list[str]", found))
    elif word in enum.folded:
        return enum.folded[word]
    raise refuse(f"'{literal.value}' is not a member of {enum.name}", literal, f"Members: {', '.join(enum.members)}.")


def _moment(refuse: Refuse, literal: Literal, name: str) -> int:
    if literal.kind not in {"moment", "date", "text"}:
        raise refuse(f"'{name}' is a date-time", literal, "Write it as 2026-01-31T09:00:00Z without quotes.")
    text = literal.value
    if " " in text[-6:]:
        text = "+".join(text.rsplit(" ", 1))
    instant = clock.ticks(text, zone=0 if len(text) == len("2026-01-31") else None)
    if instant is None:
        naive = clock.ticks(text) is not None
        raise refuse(f"'{text}' has no time zone" if naive else f"'{text}' is not a date-time", literal,
                          "End it with Z or an offset: 2026-01-31T09:00:00Z.")  # fmt: skip
    return instant


def _number(text: str) -> int | float:
    if text.lstrip("-").isdigit() and len(text) < 21 and -(2**63) <= int(text) < 2**63:
        return int(text)
    return float(text)  # beyond 64 bits no database holds it exactly
