"""How constants are written: one pattern for each kind of the OData 4.01 URL grammar.

The reader of expressions is made of these patterns, so that a constant is understood alike wherever it stands.
"""

from __future__ import annotations

import re
from typing import Literal as Choice

LiteralKind = Choice["text", "number", "boolean", "null", "moment", "date", "time", "guid", "duration", "typed"]

_YEAR = r"-?(?:0\d{3}|[1-9]\d{3,8})"
_DATE = rf"{_YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"
_SECONDS = r":(?:[0-5]\d|60)(?:\.\d{1,12})?"

LIKE_A_DATE = r"-?\d{4,9}-\d{2}-\d{2}"
LIKE_A_TIME = r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,12})?)?"
LIKE_A_MOMENT = rf"{LIKE_A_DATE}T{LIKE_A_TIME}(?:Z|[+\-\s]\d{{2}}:?\d{{2}})?"
"""What can only be meant as a day, a time, an instant: whether there is such a day is said later, in words."""

DATE = _DATE
TIME = rf"{_CLOCK}(?:{_SECONDS})?"
# The blank is a plus that was not percent-encoded. Without an offset it is no moment in the grammar; it is read all the
# same, so that the refusal can say what is missing.
MOMENT = rf"{_DATE}T{_CLOCK}(?:{_SECONDS})?(?:Z|[+\-\s](?:0\d|1[0-4]):?[0-5]\d)?"
DURATION = r"-?P(?=\d|T\d)(?:\d{1,12}D)?(?:T(?=\d)(?:\d{1,12}H)?(?:\d{1,12}M)?(?:\d{1,12}(?:\.\d{1,12})?S)?)?"
GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
NOT_FINITE = ("INF", "NaN")
TEXT = r"'(?:[^']|'')*'"
JSON_TEXT = r'"(?:[^"\\]|\\.)*+"'
NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"


def is_a(pattern: str, text: str) -> bool:
    """Whether the whole text is of that form, in any letter case."""
    return re.fullmatch(pattern, text, re.IGNORECASE) is not None


_DURATION = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?", re.IGNORECASE)

MOST_TICKS = 2**62
"""Longest span, in ticks, that is computed with (some 14,000 years)."""


def span(text: str) -> int | None:
    """A duration such as `P1DT2H` in ticks of 100 ns, or None where the text names none."""
    text = text.strip()
    if not is_a(DURATION, text):
        return None
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    sign, days, hours, minutes, seconds, fraction = match.groups()
    total = ((int(days or 0) * 24 + int(hours or 0)) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    ticks = total * 10_000_000 + int(((fraction or "") + "0000000")[:7])
    if ticks > MOST_TICKS:
        return None
    return -ticks if sign else ticks


def time_of_day(text: str) -> int | None:
    """A time of day in ticks since midnight, or None where the text names none."""
    text = text.strip()
    if not is_a(TIME, text):
        return None
    whole, _, fraction = text.partition(".")
    hours, minutes, *rest = whole.split(":")
    seconds = min(int(rest[0]) if rest else 0, 59)
    return ((int(hours) * 60 + int(minutes)) * 60 + seconds) * 10_000_000 + int((fraction + "0000000")[:7])
