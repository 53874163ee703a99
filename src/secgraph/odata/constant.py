"""A literal as a value of the kind it is compared with; what does not fit is refused at its place."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, cast

from secgraph import clock
from secgraph.errors import BadFilter
from secgraph.model.edm import EnumType, Model
from secgraph.odata.ast import Literal
from secgraph.odata.literal import span, time_of_day
from secgraph.odata.query import Const, Kind

Refuse = Callable[..., BadFilter]
"""Makes the refusal of (reason, node, hint)."""

_OWN: dict[str, Kind] = {
    "text": "text", "guid": "text", "number": "number", "boolean": "boolean", "moment": "moment", "date": "date",
    "time": "time", "duration": "duration",
}  # fmt: skip


def constant(refuse: Refuse, literal: Literal, kind: Kind, enum: EnumType | None, name: str) -> Const:
    """The constant as a value of that kind; a dynamic kind takes the literal's own. `name` is what it is compared with,
    for the message. A null is a constant of any kind.
    """
    if literal.kind == "null":
        return Const(None, kind, enum)
    if kind == "dynamic":
        return _dynamic(refuse, literal)
    return Const(_value(refuse, literal, kind, enum, name), kind, enum)


def _value(refuse: Refuse, literal: Literal, kind: Kind, enum: EnumType | None, name: str) -> Any:
    match kind:
        case "enum":
            return _enum(refuse, literal, cast("EnumType", enum), name)
        case "text":
            if literal.kind not in {"text", "guid"}:
                raise refuse(f"'{name}' is text", literal, f"Put quotes around it: '{literal.value}'.")
            return literal.value
        case "moment":
            return _moment(refuse, literal, name)
        case "date":
            return _date(refuse, literal, name)
        case "time":
            found = time_of_day(literal.value) if literal.kind in {"time", "text"} else None
            if found is None:
                raise refuse(f"'{name}' is a time of day", literal, "Write it as 09:30:00 without quotes.")
            return found
        case "duration":
            found = span(literal.value) if literal.kind in {"duration", "text"} else None
            if found is None:
                raise refuse(f"'{name}' is a duration", literal, "Write it as duration'P1DT2H30M'.")
            return found
        case "number":
            if literal.kind != "number":
                raise refuse(f"'{name}' is a number", literal, "Write it without quotes.")
            return _number(literal.value)
        case "boolean":
            if literal.kind != "boolean":
                raise refuse(f"'{name}' is true or false", literal, "Write true or false without quotes.")
            return literal.value == "true"
    raise refuse(f"'{name}' is an object", literal, "Compare one of its members.")


def own(refuse: Refuse, literal: Literal, model: Model) -> Const:
    """The constant as what it is by itself."""
    if literal.kind == "null":
        return Const(None)
    if literal.kind == "typed":
        wanted = literal.type.casefold()
        enum = next((one for name, one in model.types.items() if name.casefold() == wanted and isinstance(one, EnumType)), None)
        if enum is None:
            raise refuse(f"'{literal.type}' is no type of which values are held here", literal)
        return Const(_enum(refuse, literal, enum, literal.type), "enum", enum)
    kind = _OWN[literal.kind]
    return Const(_value(refuse, literal, kind, None, literal.value), kind)


def _dynamic(refuse: Refuse, literal: Literal) -> Const:
    match literal.kind:
        case "number":
            return Const(_number(literal.value), "number")
        case "boolean":
            return Const(literal.value == "true", "boolean")
        case "text" | "guid" | "moment" | "date" | "time":
            return Const(literal.value, "text")
    raise refuse("This constant cannot be compared here", literal)


def _enum(refuse: Refuse, literal: Literal, enum: EnumType, name: str) -> str:
    if literal.kind not in {"text", "typed"}:
        raise refuse(f"'{name}' is one of {', '.join(enum.members)}", literal, "Write the member in quotes.")
    if literal.kind == "typed" and literal.type.casefold() != enum.name.casefold():
        raise refuse(f"'{name}' is of type {enum.name}, not {literal.type}", literal)
    words = [part.strip().casefold() for part in literal.value.split(",")] if enum.flags else [literal.value.strip().casefold()]
    found = [enum.folded.get(word) or _numbered(enum, word) for word in words]
    if all(found):
        return ", ".join(cast("list[str]", found))
    raise refuse(f"'{literal.value}' is not a member of {enum.name}", literal, f"Members: {', '.join(enum.members)}.")


def _numbered(enum: EnumType, word: str) -> str | None:
    """The member of that number."""
    return next((member for member, number in enum.members.items() if str(number) == word.removeprefix("+")), None)


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


def _date(refuse: Refuse, literal: Literal, name: str) -> int:
    instant = clock.ticks(literal.value) if literal.kind in {"date", "text"} and len(literal.value.strip()) == 10 else None
    if instant is None:
        raise refuse(f"'{name}' is a date", literal, "Write it as 2026-01-31 without quotes.")
    return instant


def _number(text: str) -> int | float:
    text = text.removeprefix("+")
    if text.lstrip("-").isdigit() and len(text) < 21 and -(2**63) <= int(text) < 2**63:
        return int(text)
    number = float(text)  # beyond 64 bits no database holds it exactly
    return number if not math.isnan(number) else math.nan
