"""Times as a mapping says they are written: ISO 8601, numbers since 1970, or a pattern."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from secgraph import clock
from secgraph.extend import integer, moment
from secgraph.sources.generic_faults import Faults, Path

WORDS = ("iso", "seconds", "milliseconds", "microseconds", "nanoseconds")
_PER_SECOND = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_ZONE = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)
_LONGEST_TIME = 80
MOST_SECONDS = 10**11
"""Seconds since 1970 that are a time of this or the next millennium."""
DECIMAL = re.compile(r"\d{1,20}(\.\d{1,20})?", re.ASCII)

Read = Callable[[Any, Any], Any]


def time_reader(given: Mapping[str, Any], path: Path, faults: Faults) -> Read:
    """What reads a time by its `format`; `zone` is what a time without one means."""
    zone = _zone((*path, "zone"), given["zone"], faults) if "zone" in given else 0
    form = faults.text((*path, "format"), given["format"]) if "format" in given else ""
    if form in _PER_SECOND:
        return _counted(_PER_SECOND[form])
    if form in {"", "iso"}:
        return lambda value, _: moment(value, zone=zone) if form != "iso" or value.__class__ is str else None
    _expect_pattern((*path, "format"), form, faults)

    def by_pattern(value: Any, _: Any) -> Any:
        if value.__class__ is not str or len(value) > _LONGEST_TIME:
            return None
        try:
            found = datetime.strptime(value.strip(), form)  # noqa: DTZ007 -- its zone is added where it has none
        except ValueError:
            return None
        own = found.tzinfo is not None
        return moment(found.astimezone(UTC).isoformat() if own else found.isoformat(), zone=0 if own else zone)

    return by_pattern


def _expect_pattern(path: Path, form: str, faults: Faults) -> None:
    at = datetime(2026, 2, 7, 13, 4, 5, tzinfo=UTC)
    if "%" not in form:
        faults.tell(path, f"is neither one of {', '.join(WORDS)} nor a pattern such as %d/%b/%Y %H:%M:%S")
        return
    try:
        read = datetime.strptime(at.strftime(form), form)  # noqa: DTZ007 -- only its day is looked at
    except ValueError as fault:
        faults.tell(path, f"is no pattern of a time: {fault}")
        return
    if read.date() != at.date():
        faults.tell(path, "does not say year, month and day, so the day would be guessed")


def _zone(path: Path, given: Any, faults: Faults) -> int:
    found = _ZONE.fullmatch(given) if isinstance(given, str) else None
    if found is None or int(found[2]) > 14 or int(found[3]) > 59:
        faults.tell(path, "must be an offset such as +01:00")
        return 0
    return (-1 if found[1] == "-" else 1) * (int(found[2]) * 3600 + int(found[3]) * 60)


def _counted(per_second: int) -> Read:
    """Whole numbers exactly, to the last of the seven digits; others as far as a floating point number goes."""

    @lru_cache(64)  # the first and the last activity are often the same instant
    def whole(number: int) -> str | None:
        seconds, rest = divmod(number, per_second)
        return (
            clock.text(seconds * clock.SECOND + rest * clock.SECOND // per_second)
            if number > 0 and seconds < MOST_SECONDS
            else None
        )

    def read(value: Any, _: Any) -> Any:
        if value.__class__ is int:
            return whole(value)
        if value.__class__ is str:
            number = integer(value.strip())
            if number is not None:
                return whole(number)
            value = float(value) if DECIMAL.fullmatch(value.strip()) else None
        if value.__class__ is float and 0 < value < MOST_SECONDS * per_second:
            return moment(value / per_second)
        return None

    return read
