"""What nearly every product needs that is asked again and again: how far back it is asked, and where it goes on.

A place is kept as JSON. `since` in it is a fresh begin at that instant, whoever put it there; what else is in it are marks,
one for each list that is read: the highest update time that was seen there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from secgraph import clock
from secgraph.errors import UsageError
from secgraph.extend.powers import Place

SINCE = "since"
UNITS = {"s": clock.SECOND, "m": 60 * clock.SECOND, "h": 3600 * clock.SECOND, "d": clock.DAY}
_SPAN = re.compile(r"(\d{1,5})([smhd])", re.ASCII)


def span(name: str, words: str) -> int:
    """A length of time such as `90s`, `15m`, `48h` or `7d`, in ticks; UsageError names the option that is none."""
    found = _SPAN.fullmatch(words.strip())
    if found is None:
        raise UsageError(f"{name}: '{words[:40]}' is no length of time. Write it like 90s, 15m, 48h or 7d.")
    return int(found[1]) * UNITS[found[2]]


@dataclass(slots=True)
class Mark:
    """How far a list has been read, on the update clock of its product."""

    begin: int
    """From which instant on it is asked for, in ticks."""
    highest: int
    """The highest update time that was seen; before any, the instant at which the first pull began to look."""
    now: int

    @classmethod
    def of(cls, place: Place, name: str, now: int, *, first: int, overlap: int) -> Mark:
        """Where the list of that name stands: an overlap before its mark, at a fresh begin, or `first` ticks ago."""
        known, since = _instant(place, name), _instant(place, SINCE)
        if known is not None:
            known = min(known, now)  # a clock that was ahead and was set back
            return cls(known - overlap, known, now)
        begin = min(since, now) if since is not None else now - first
        return cls(begin, begin, now)

    def see(self, updated: int | None) -> None:
        """A record of that update time was read."""
        if updated is not None and updated > self.highest:
            self.highest = updated

    @property
    def asked(self) -> str:
        """From which instant on, in wire form."""
        return clock.text(self.begin)

    def earlier(self, ticks: int) -> str:
        """So long before that, in wire form: for lists that cannot be asked by their update clock."""
        return clock.text(self.begin - ticks)

    @property
    def told(self) -> str:
        """What is kept, in wire form. It is never later than the begin of this pull: what changed while the list was read may
        have been missed in it, and is found by the next one.
        """
        return clock.text(min(self.highest, self.now))


def _instant(place: Place, name: str) -> int | None:
    value = place.get(name)
    return clock.ticks(value) if isinstance(value, str) else None
