"""Time and identity, handed in as arguments so that a decision can be tested with the clock in hand.

Instants are whole ticks of 100 ns since 1970-01-01T00:00:00Z, the resolution of Edm.DateTimeOffset in the published
model. On the wire an instant is UTC with exactly seven fractional digits, so that the order of the text is the order of
time.
"""

from __future__ import annotations

import random
import re
import time
import uuid
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache

Now = Callable[[], int]

SECOND = 10_000_000
MICROSECOND = 10
DAY = 86_400 * SECOND
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_FIRST = (date(1, 1, 1).toordinal() - _EPOCH_DAY) * DAY
_LAST = (date(9999, 12, 31).toordinal() - _EPOCH_DAY + 1) * DAY - 1

_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})"
    r"(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?"
    r"\s?([Zz]|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)

# The clock is held to its range here: newer versions of Python read 24:00:00 as the day after.
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
_WIRE = re.compile(rf"\d{{4}}-\d\d-\d\dT{_CLOCK}\.\d{{7}}Z", re.ASCII)
_USUAL = re.compile(rf"\d{{4}}-\d\d-\d\dT{_CLOCK}(?:\.(\d{{1,12}}))?(Z|[+-]00:?00)?", re.ASCII)
_ZEROS = "0000000"
_parsed = datetime.fromisoformat
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- what it is taken from is UTC already

MOST_KNOWN = 4096
"""Most texts, and most days, that are remembered as good."""

# Texts of the usual form that passed lately, and their wire form: an alert names the same few instants over and over, in each
# of its evidence and then in the columns of its row.
_known: dict[str, str] = {}


def now() -> int:
    """The present instant in ticks, in whole microseconds."""
    return time.time_ns() // 1000 * MICROSECOND


def new_id() -> str:
    """A random GUID in its usual text form."""
    return str(uuid.uuid4())


def request_id() -> str:
    """A random GUID to tell requests apart. It is no secret, so it comes from a generator in this process: asking the
    system lets go of the interpreter's lock, and getting it back beside a busy writer takes longer than a whole request.
    """
    bits = f"{random.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-{'89ab'[int(bits[16], 16) & 3]}{bits[17:20]}-{bits[20:]}"


def ticks(text: str, *, zone: int | None = 0) -> int | None:
    """The instant a text names, or None where it names none.

    Takes ISO 8601 dates and date-times with up to twelve fractional digits (cut to seven), `T` or a blank between date
    and time, `Z` or an offset with or without a colon. `zone` is the offset in seconds that a text without one means;
    None refuses such a text. A leap second becomes the last tick of its minute.
    """
    text = _known.get(text, text)
    if text in _known or _WIRE.fullmatch(text):  # as every stored one is
        try:
            since = _parsed(text[:19]) - _EPOCH
        except ValueError:
            return None
        return since.days * DAY + since.seconds * SECOND + int(text[20:27])
    quick = _quick(text, zone)
    if quick is not None:
        return quick
    match = _INSTANT.fullmatch(text.strip())
    if match is None:
        return None
    day, hour, minute, second, fraction, offset = match.groups()
    try:
        days = date.fromisoformat(day).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    if hour is None:
        return days * DAY if zone is not None else None
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    part = int(((fraction or "") + "0000000")[:7])
    if seconds == 60:
        seconds, part = 59, SECOND - 1
    if offset is None:
        if zone is None:
            return None
        shift = zone
    elif offset in "Zz":
        shift = 0
    else:
        digits = offset[1:].replace(":", "")
        shift = int(digits[:2]) * 3600 + int(digits[2:]) * 60
        if int(digits[:2]) > 14 or int(digits[2:]) > 59:
            return None
        if offset[0] == "-":
            shift = -shift
    instant = days * DAY + (hours * 3600 + minutes * 60 + seconds - shift) * SECOND + part
    return instant if _FIRST <= instant <= _LAST else None


def _quick(text: str, zone: int | None) -> int | None:
    """The same for the usual form, at a fifth of the cost: `YYYY-MM-DDTHH:MM:SS`, a fraction, and Z, a zero offset or none."""
    usual = _USUAL.fullmatch(text)
    if usual is None or (zone != 0 and usual[2] is None):
        return None
    try:
        since = _parsed(text[:19]) - _EPOCH
    except ValueError:
        return None
    part = usual[1]
    return since.days * DAY + since.seconds * SECOND + (int((part + _ZEROS)[:7]) if part else 0)


@lru_cache(MOST_KNOWN)
def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def wire(written: str, *, zone: int = 0) -> str | None:
    """The wire form of the instant that a text names, or None where it names none; a text in wire form comes back itself.
    `zone` is the offset in seconds that a text without one means.
    """
    known = _known.get(written)
    if known is not None:
        return known
    usual = _USUAL.fullmatch(written)
    if usual is None or (zone != 0 and usual[2] is None) or not _is_day(written[:10]):
        instant = ticks(written, zone=zone)
        return None if instant is None else text(instant)
    part = usual[1]
    found = f"{written[:19]}.{(part + _ZEROS)[:7] if part else _ZEROS}Z"
    if usual[2] is None:  # the same text is another instant in another zone
        return found
    if found == written:
        found = written
    if len(_known) >= MOST_KNOWN - 1:
        _known.clear()
    _known[written] = _known[found] = found
    return found


@lru_cache(MOST_KNOWN)  # records name the same few instants over and over
def text(instant: int) -> str:
    """The wire form of an instant: UTC, seven digits, `Z`. The instant must lie in the years 1 to 9999."""
    days, rest = divmod(instant, DAY)
    seconds, part = divmod(rest, SECOND)
    return f"{_day(days)}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{part:07d}Z"


@lru_cache(MOST_KNOWN)
def _day(days: int) -> str:
    return date.fromordinal(_EPOCH_DAY + days).isoformat()


def from_seconds(seconds: float) -> int | None:
    """Ticks of a Unix time in seconds; None outside the years 1 to 9999."""
    try:
        instant = round(seconds * 1_000_000) * MICROSECOND
    except (ValueError, OverflowError):
        return None
    return instant if _FIRST <= instant <= _LAST else None
