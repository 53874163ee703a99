"""What nearly every product needs when it speaks of time, techniques and evidence."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from secgraph import clock
from secgraph.extend.draft import Record

MOST_DIGITS = 18
SHORT = 32
"""Most characters of a text whose techniques are remembered. Products list them one by one, and there are some hundreds."""
MILLISECONDS, MICROSECONDS = 10**11, 10**14
"""From which size on a number is one of these; a smaller one is of seconds."""
TECHNIQUE = re.compile(r"\bT\d{4}(?:\.\d{3})?\b", re.IGNORECASE | re.ASCII)


def text(value: Any) -> str | None:
    """The text, or a whole number as text; None for anything else and for text without content."""
    if value.__class__ is str:
        return value if value and not value.isspace() else None
    if value.__class__ is int and -(10**19) < value < 10**19:
        return str(value)
    return None


def integer(value: Any) -> int | None:
    """A whole number of 64 bits, also when it comes as text; None for anything else."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS else None
    return value if value.__class__ is int and -(2**63) <= value < 2**63 else None


def moment(value: Any, *, zone: int = 0) -> str | None:
    """A time in wire form (UTC, seven digits), or None. Text is ISO 8601; `zone` is what a text without one means,
    in seconds east of UTC. Numbers are Unix seconds, milliseconds, microseconds or nanoseconds by their size.
    """
    if isinstance(value, str):
        return clock.wire(value, zone=zone)
    instant = instant_of(value)
    return None if instant is None else clock.text(instant)


def instant_of(value: Any, *, zone: int = 0) -> int | None:
    """The same in ticks of 100 ns since 1970."""
    if isinstance(value, str):
        return clock.ticks(value, zone=zone)
    if value.__class__ is int and 0 < value < MICROSECONDS:  # whole seconds or milliseconds are whole ticks
        return int(value) * (clock.SECOND if value < MILLISECONDS else clock.SECOND // 1000)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    if value >= 1e20:
        return None
    seconds = float(value)
    for _ in range(3):
        if seconds < MILLISECONDS:
            break
        seconds /= 1000
    return clock.from_seconds(seconds)


def techniques(*texts: Any) -> list[str]:
    """The ATT&CK technique ids named in texts or lists of texts: upper case, each once, in order."""
    found: dict[str, None] = {}
    for text in texts:
        for item in text if isinstance(text, list | tuple) else (text,):
            if isinstance(item, str):
                for name in _in_short(item) if len(item) <= SHORT else _in_text(item):
                    found[name] = None
    return list(found)


def _in_text(text: str) -> tuple[str, ...]:
    return tuple(match.upper() for match in TECHNIQUE.findall(text))


_in_short = lru_cache(1024)(_in_text)


def evidence(kind: str, created: str | None, **members: Any) -> Record:
    """One evidence item: `kind` is the short type name (`device`, `user`, `ip` ...); members that are None are left out."""
    item: Record = {"@odata.type": f"#microsoft.graph.security.{kind}Evidence", "createdDateTime": created}
    for name, value in members.items():
        if value is not None:
            item[name] = value
    return item
