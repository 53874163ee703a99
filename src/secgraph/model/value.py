"""Single values, read with two tempers: a client's, which must fit the model, and a source's, which is believed as far
as it can be. `model.check` puts them together into records.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from secgraph import clock
from secgraph.errors import BadBody
from secgraph.model.edm import SENTINEL, EnumType

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(slots=True)
class Context:
    """What one record's check knows and finds out."""

    created: str | None = None
    """Fills a required time which the source left out."""
    notes: Counter[str] = field(default_factory=Counter)
    """What had to be changed or left out, counted by member."""
    depth: int = 0


Check = Callable[[Any, Context], Any]


def clean(text: str) -> str:
    """The text with NUL and lone surrogates, which no store and no UTF-8 can hold, replaced by U+FFFD."""
    return UNSTORABLE.sub("\ufffd", text)


def instant(value: str) -> str | None:
    """A date-time in wire form, or None. A text that is in wire form already costs next to nothing."""
    return clock.wire(value)


# --- a client's value -------------------------------------------------------------------------------------------


def told(kind: str, value: Any) -> BadBody:
    """The refusal of a value that is not of that kind."""
    shown = type(value).__name__ if isinstance(value, dict | list) else repr(value)[:60]
    return BadBody("", f"must be {kind}, not {shown}.")


def strict_primitive(name: str) -> Check:
    """A client's value of an Edm type; BadBody when it is none."""

    def text(value: Any, _: Context) -> str:
        if not isinstance(value, str):
            raise told("text", value)
        if UNSTORABLE.search(value):
            raise BadBody("", "holds a NUL or a lone surrogate, which cannot be stored.", hint="Leave it out.")
        return value

    def moment(value: Any, _: Context) -> str:
        ticks = clock.ticks(value, zone=None) if isinstance(value, str) else None
        if ticks is None:
            raise told("a date-time with an offset, such as 2026-01-31T09:00:00Z", value)
        return clock.text(ticks)

    def whole(low: int, high: int) -> Check:
        def check(value: Any, _: Context) -> int:
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise told(f"a whole number from {low} to {high}", value)
            return value

        return check

    def number(value: Any, _: Context) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise told("a number", value)
        return float(value)

    def truth(value: Any, _: Context) -> bool:
        if not isinstance(value, bool):
            raise told("true or false", value)
        return value

    def guid(value: Any, _: Context) -> str:
        if not isinstance(value, str) or not _GUID.fullmatch(value):
            raise told("a GUID", value)
        return value.lower()

    return {
        "Edm.String": text, "Edm.DateTimeOffset": moment, "Edm.Int32": whole(-(2**31), 2**31 - 1),
        "Edm.Int64": whole(-(2**63), 2**63 - 1), "Edm.Double": number, "Edm.Boolean": truth, "Edm.Guid": guid,
    }[name]  # fmt: skip


def strict_enum(kind: EnumType) -> Check:
    """A client's enum member in any letter case; BadBody that lists the members."""

    def member(word: Any) -> str:
        found = kind.folded.get(word.strip().casefold()) if isinstance(word, str) else None
        if found is None or found == SENTINEL:
            known = ", ".join(name for name in kind.members if name != SENTINEL)
            raise BadBody("", f"{word!r} is not a member of {kind.name}.", hint=f"Members: {known}.")
        return found

    if kind.flags:

        def several(value: Any, _: Context) -> str:
            if not isinstance(value, str):
                raise told("member names in one text, separated by commas", value)
            named = {member(word) for word in value.split(",")}
            return ", ".join(name for name in kind.members if name in named)

        return several
    return lambda value, _: member(value)


# --- a source's value -------------------------------------------------------------------------------------------


def loose_primitive(name: str) -> Check:
    """A source's value of an Edm type, converted where that is possible, else None and a note."""

    def text(value: Any, context: Context) -> str | None:
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        context.notes["not text"] += 1
        return None

    def moment(value: Any, context: Context) -> str | None:
        found = instant(value) if isinstance(value, str) else None
        if found is None:
            context.notes["not a time"] += 1
        return found

    def whole(low: int, high: int) -> Check:
        def check(value: Any, context: Context) -> int | None:
            try:
                number = int(value)
            except (TypeError, ValueError, OverflowError):
                number = high + 1
            if not low <= number <= high:
                context.notes["not a whole number"] += 1
                return None
            return number

        return check

    def number(value: Any, context: Context) -> float | None:
        try:
            found = float(value)
        except (TypeError, ValueError, OverflowError):
            found = math.nan
        if not math.isfinite(found):
            context.notes["not a number"] += 1
            return None
        return found

    def truth(value: Any, context: Context) -> bool | None:
        if isinstance(value, bool):
            return value
        found = {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())
        if found is None:
            context.notes["not true or false"] += 1
        return found

    def guid(value: Any, context: Context) -> str | None:
        if isinstance(value, str) and _GUID.fullmatch(value.strip("{}")):
            return value.strip("{}").lower()
        context.notes["not a GUID"] += 1
        return None

    return {
        "Edm.String": text, "Edm.DateTimeOffset": moment, "Edm.Int32": whole(-(2**31), 2**31 - 1),
        "Edm.Int64": whole(-(2**63), 2**63 - 1), "Edm.Double": number, "Edm.Boolean": truth, "Edm.Guid": guid,
    }[name]  # fmt: skip


def loose_enum(kind: EnumType) -> Check:
    """A source's enum member; a word that is none becomes `unknown` or the sentinel, with a note."""
    exact = {name: name for name in kind.members}

    def member(word: Any, context: Context) -> str | None:
        found = kind.folded.get(word.strip().casefold()) if isinstance(word, str) else None
        if found is None:
            shown = repr(word[:40]) if isinstance(word, str) else f"of type {type(word).__name__}"
            context.notes[f"{kind.name.rpartition('.')[2]} has no member {shown}"] += 1
            return kind.undeclared
        return found

    if kind.flags:

        def several(value: Any, context: Context) -> str:
            words = (member(word, context) for word in str(value).split(","))
            return ", ".join(word for word in words if word)

        return several

    def one(value: Any, context: Context) -> str | None:
        # Nearly every word comes spelled as published; the rest takes the longer way.
        if isinstance(value, str) and value in exact:
            return value
        return member(value, context)

    return one
