"""The functions of the query language, each once: what it takes, what it gives, and how it is computed.

Both executors run these very functions (SQLite calls them from SQL). A null argument gives null, and so does a value
that cannot be computed. Text is taken as it is; where text is looked for, it is compared folded like everywhere else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date as calendar_date
from fractions import Fraction
from typing import Any

from secgraph import clock
from secgraph.odata.literal import MOST_TICKS, NUMBER, span, time_of_day
from secgraph.odata.pattern import matches
from secgraph.odata.query import Kind, fold

FIRST = clock.ticks("0001-01-01T00:00:00Z") or 0
LAST = clock.ticks("9999-12-31T23:59:59.9999999Z") or 0
_EPOCH_DAY = calendar_date(1970, 1, 1).toordinal()
_LONGEST = 1_000_000
"""Most characters that a function makes: joining in a loop of filters must not fill the memory."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `takes` lists the kinds each argument may have; the last `optional` ones may be left out."""

    takes: tuple[tuple[Kind, ...], ...]
    gives: Kind
    run: Callable[..., Any]
    optional: int = 0


def computed(function: str, arguments: tuple[Any, ...]) -> Any:
    """The value of a function, by name; None where an argument is null or nothing can be computed."""
    if None in arguments:
        return None
    try:
        return _held(RUN[function](*arguments))
    except (ArithmeticError, ValueError, TypeError, AttributeError):  # the last two: a value of another kind
        return None


def _held(value: Any) -> Any:
    """What a database can hold: whole numbers past 64 bits are held as real ones, no number at all is null."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value)
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, str) and len(value) > _LONGEST:
        return None
    return value


# -- text


def index_of(text: str, needle: str) -> int:
    """The place, from 0, where a text holds another, in any letter case; -1 where it does not."""
    folded, wanted = fold(text), fold(needle)
    found = folded.find(wanted)
    if found <= 0 or len(folded) == len(text):
        return found
    at = 0
    for place, letter in enumerate(text):  # letters that fold to several push the place on
        at += len(fold(letter))
        if at > found:
            return place
    return len(text)


def capitals(text: str) -> str:
    """The text in capitals. A dotless i stays: as a capital it would be compared as an i with a dot."""
    return "\u0131".join(part.upper() for part in text.split("\u0131"))


def substring(text: str, start: float, length: float | None = None) -> str:
    """A part of a text; a start before it counts from its beginning, what is past its end is left out."""
    first = max(_whole(start), 0)
    return text[first:] if length is None else text[first : first + max(_whole(length), 0)]


def _whole(number: float) -> int:
    if number != int(number):
        raise ValueError(number)
    return int(number)


# -- numbers


def divided(left: float, right: float) -> float:
    """`div`: whole numbers give a whole number, cut towards zero."""
    if isinstance(left, int) and isinstance(right, int):
        return (abs(left) // abs(right)) * (1 if (left < 0) == (right < 0) else -1)
    return left / right


def remainder(left: float, right: float) -> float:
    """`mod`: what `div` leaves, with the sign of the left side."""
    if isinstance(left, int) and isinstance(right, int):
        return left - divided(left, right) * right
    return math.fmod(left, right)


def rounded(number: float) -> float:
    """The nearest whole number; halves go away from zero."""
    if isinstance(number, int):
        return number
    whole = math.floor(abs(number))
    if abs(number) - whole >= 0.5:  # added to the number just below it, a half would give one
        whole += 1
    return whole if number >= 0 else -whole


# -- instants


def _instant(ticks: int) -> int:
    if not FIRST <= ticks <= LAST:
        raise ValueError(ticks)
    return ticks


def _span(ticks: Fraction | int) -> int:
    whole = round(ticks)
    if abs(whole) > MOST_TICKS:
        raise ValueError(ticks)
    return whole


def _day(ticks: int) -> calendar_date:
    return calendar_date.fromordinal(ticks // clock.DAY + _EPOCH_DAY)


def midnight(ticks: int) -> int:
    """The start of the day of an instant (UTC)."""
    return ticks - ticks % clock.DAY


def seconds(ticks: int) -> float:
    """A duration in seconds, a whole number where it is one."""
    return ticks / clock.SECOND if ticks % clock.SECOND else ticks // clock.SECOND


# -- casts to primitive types


def number_text(number: float) -> str:
    """A number as a client would write it."""
    return str(int(number)) if number == int(number) and abs(number) < 2**63 else repr(float(number))


def span_text(ticks: int) -> str:
    """A duration in its text form."""
    seconds, part = divmod(abs(ticks), clock.SECOND)
    fraction = f".{part:07d}".rstrip("0") if part else ""
    return f"{'-' if ticks < 0 else ''}PT{seconds}{fraction}S"


def time_text(ticks: int) -> str:
    """A time of day in its text form."""
    return clock.text(ticks)[11:-1]


_NUMERAL = re.compile(rf"[+-]?(?:{NUMBER}|INF)", re.ASCII | re.IGNORECASE)


def _number_of(text: str) -> float:
    """A number as it is written in a query; what Python would read beyond that is none."""
    text = text.strip()
    if _NUMERAL.fullmatch(text) is None:
        raise ValueError(text)
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _truth_of(text: str) -> bool:
    return {"true": True, "false": False}[text.strip().lower()] if text.strip().lower() in {"true", "false"} else _nothing()


def _nothing() -> bool:
    raise ValueError


def _narrow_int(number: float, bits: int) -> int:
    whole = int(number)
    if not -(2 ** (bits - 1)) <= whole < 2 ** (bits - 1):
        raise ValueError(number)
    return whole


_TEXT: tuple[Kind, ...] = ("text",)
_NUMBER: tuple[Kind, ...] = ("number",)
_DAY: tuple[Kind, ...] = ("moment", "date")
_HOUR: tuple[Kind, ...] = ("moment", "time")

FUNCTIONS: dict[str, Function] = {
    "concat": Function((_TEXT, _TEXT), "text", lambda left, right: left + right),
    "indexof": Function((_TEXT, _TEXT), "number", index_of),
    "length": Function((_TEXT,), "number", len),
    "substring": Function((_TEXT, _NUMBER, _NUMBER), "text", substring, optional=1),
    "tolower": Function((_TEXT,), "text", str.lower),
    "toupper": Function((_TEXT,), "text", capitals),
    "trim": Function((_TEXT,), "text", str.strip),
    "year": Function((_DAY,), "number", lambda ticks: _day(ticks).year),
    "month": Function((_DAY,), "number", lambda ticks: _day(ticks).month),
    "day": Function((_DAY,), "number", lambda ticks: _day(ticks).day),
    "hour": Function((_HOUR,), "number", lambda ticks: ticks % clock.DAY // (3600 * clock.SECOND)),
    "minute": Function((_HOUR,), "number", lambda ticks: ticks // (60 * clock.SECOND) % 60),
    "second": Function((_HOUR,), "number", lambda ticks: ticks // clock.SECOND % 60),
    "fractionalseconds": Function((_HOUR,), "number", lambda ticks: ticks % clock.SECOND / clock.SECOND),
    "date": Function((("moment",),), "date", midnight),
    "time": Function((("moment",),), "time", lambda ticks: ticks % clock.DAY),
    # Every instant is kept in UTC: the offset that a source wrote is not.
    "totaloffsetminutes": Function((("moment",),), "number", lambda _: 0),
    "totalseconds": Function((("duration",),), "number", seconds),
    "round": Function((_NUMBER,), "number", rounded),
    "floor": Function((_NUMBER,), "number", math.floor),
    "ceiling": Function((_NUMBER,), "number", math.ceil),
}
"""What a client can call, by its name in lower case."""

ARITHMETIC: dict[tuple[str, Kind, Kind], tuple[str, Kind]] = {
    **{(word, "number", "number"): (word, "number") for word in ("add", "sub", "mul", "div", "divby", "mod")},
    ("add", "moment", "duration"): ("later", "moment"),
    ("add", "duration", "moment"): ("later", "moment"),
    ("sub", "moment", "duration"): ("earlier", "moment"),
    ("sub", "moment", "moment"): ("between", "duration"),
    ("add", "date", "duration"): ("later_day", "date"),
    ("sub", "date", "duration"): ("earlier_day", "date"),
    ("sub", "date", "date"): ("between", "duration"),
    ("add", "duration", "duration"): ("longer", "duration"),
    ("sub", "duration", "duration"): ("between", "duration"),
    ("mul", "duration", "number"): ("times", "duration"),
    ("mul", "number", "duration"): ("times", "duration"),
    ("div", "duration", "number"): ("parted", "duration"),
    ("divby", "duration", "number"): ("parted", "duration"),
    ("div", "duration", "duration"): ("divby", "number"),
    ("divby", "duration", "duration"): ("divby", "number"),
}
"""Word and kinds of both sides to the function that computes it and the kind it gives."""

_NUMBERS = {"Int16": "int16", "Int32": "int32", "Int64": "int64", "Double": "double", "Single": "double", "Decimal": "number"}

CASTS: dict[tuple[str, Kind], str] = {
    ("Edm.String", "number"): "text_of_number", ("Edm.String", "boolean"): "text_of_boolean",
    ("Edm.String", "moment"): "text_of_moment", ("Edm.String", "date"): "text_of_date",
    ("Edm.String", "time"): "text_of_time", ("Edm.String", "duration"): "text_of_duration",
    ("Edm.String", "text"): "same", ("Edm.String", "enum"): "same", ("Edm.Guid", "text"): "same",
    ("Edm.Boolean", "text"): "boolean_of_text", ("Edm.Boolean", "boolean"): "same",
    ("Edm.DateTimeOffset", "text"): "moment_of_text", ("Edm.DateTimeOffset", "moment"): "same",
    ("Edm.DateTimeOffset", "date"): "same", ("Edm.Date", "date"): "same", ("Edm.Date", "moment"): "date",
    ("Edm.Date", "text"): "date_of_text", ("Edm.TimeOfDay", "time"): "same", ("Edm.TimeOfDay", "moment"): "time",
    ("Edm.TimeOfDay", "text"): "time_of_text", ("Edm.Duration", "duration"): "same",
    ("Edm.Duration", "text"): "duration_of_text",
    **{(f"Edm.{name}", "text"): f"{word}_of_text" for name, word in _NUMBERS.items()},
    **{(f"Edm.{name}", "number"): f"{word}_of_number" for name, word in _NUMBERS.items()},
}  # fmt: skip
"""Target type and kind of the value to the function that turns one into the other."""

CAST_KINDS: dict[str, Kind] = {
    "Edm.String": "text", "Edm.Guid": "text", "Edm.Boolean": "boolean", "Edm.DateTimeOffset": "moment", "Edm.Date": "date",
    "Edm.TimeOfDay": "time", "Edm.Duration": "duration", "Edm.Int16": "number", "Edm.Int32": "number", "Edm.Int64": "number",
    "Edm.Double": "number", "Edm.Single": "number", "Edm.Decimal": "number",
}  # fmt: skip
"""The kind of the values of each primitive type that a value can be cast to."""


def _known(value: Any) -> Any:
    if value is None:
        raise ValueError
    return value


RUN: dict[str, Callable[..., Any]] = {
    **{name: function.run for name, function in FUNCTIONS.items()},
    "add": lambda left, right: left + right, "sub": lambda left, right: left - right, "mul": lambda left, right: left * right,
    "div": divided, "divby": lambda left, right: left / right, "mod": remainder, "minus": lambda number: -number,
    "later": lambda left, right: _instant(left + right), "earlier": lambda left, right: _instant(left - right),
    "later_day": lambda left, right: midnight(_instant(left + right)),
    "earlier_day": lambda left, right: midnight(_instant(left - right)),
    "between": lambda left, right: _span(left - right), "longer": lambda left, right: _span(left + right),
    # A real number would lose ticks of a long duration.
    "times": lambda left, right: _span(Fraction(left) * Fraction(right)),
    "parted": lambda left, right: _span(Fraction(left) / Fraction(right)),
    "same": lambda value: value,
    "text_of_number": number_text, "text_of_boolean": lambda value: "true" if value else "false",
    "text_of_moment": clock.text, "text_of_date": lambda ticks: clock.text(ticks)[:10], "text_of_time": time_text,
    "text_of_duration": span_text, "boolean_of_text": _truth_of,
    "moment_of_text": lambda text: _known(clock.ticks(text, zone=None)),
    "date_of_text": lambda text: midnight(_known(clock.ticks(text))),
    "time_of_text": lambda text: _known(time_of_day(text)), "duration_of_text": lambda text: _known(span(text)),
    "number_of_text": _number_of, "number_of_number": lambda number: number,
    "double_of_text": lambda text: float(_number_of(text)), "double_of_number": float,
    "int16_of_text": lambda text: _narrow_int(_number_of(text), 16), "int16_of_number": lambda number: _narrow_int(number, 16),
    "int32_of_text": lambda text: _narrow_int(_number_of(text), 32), "int32_of_number": lambda number: _narrow_int(number, 32),
    "int64_of_text": lambda text: _narrow_int(_number_of(text), 64), "int64_of_number": lambda number: _narrow_int(number, 64),
    "moment_ticks": lambda text: _known(clock.ticks(text)), "matches": matches,
}  # fmt: skip
