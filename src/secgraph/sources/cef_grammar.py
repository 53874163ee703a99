"""The grammar of a CEF line: what may stand before it, its head, its extension, and the times in either."""

from __future__ import annotations

import re
from typing import NamedTuple

from secgraph.extend import NotAnAlert, Unusable, instant_of, moment


class Event(NamedTuple):
    """One line taken apart; every text is unescaped and stripped."""

    before: str
    """What stands before the CEF head: a syslog head, or nothing."""
    vendor: str
    product: str
    signature: str
    name: str
    severity: str
    fields: dict[str, str]
    """The extension. Keys without a value are left out."""


# --- the line -----------------------------------------------------------------------------------------------------

HEAD_FIELDS = 6
"""Fields between the version and the extension; the extension is the seventh."""

HEAD = re.compile(r"CEF:\s{0,4}\d{1,3}(?:\.\d{1,3})?\s?\|")
# The published samples of Defender for Identity lose the literal `CEF:0`: the APP-NAME of the syslog head is `CEF`,
# then come process and type, then `|Microsoft`, once `0|Microsoft`.
LOST_HEAD = re.compile(r"(?:\bCEF \S{1,64} \S{1,64} {1,4}(?:0 ?)?|^\s?0 ?|(?:^|(?<=\s))(?:0 ?)?(?=\|Microsoft\|))\|")
PIECE = re.compile(r"((?:[^\\|]++|\\.)*+)\|", re.DOTALL)
KEY = re.compile(r"(?:^|\s)([A-Za-z_][\w.\[\]-]{0,63})=", re.ASCII)
ESCAPE = re.compile(r"\\r\\n|\\.", re.DOTALL)
MEANINGS = {"\\\\": "\\", "\\=": "=", "\\|": "|", "\\:": ":"}
LINE_BREAKS = {"\\r\\n": "\n", "\\n": "\n", "\\r": "\n"}
# Only prose is searched for line breaks: senders leave the backslash of `CONTOSO\nina` and `C:\new` as it is.
PROSE = frozenset({"msg", "reason"})


def take_apart(line: str) -> Event:
    """The parts of the line. NotAnAlert for a line of another kind, Unusable for a broken CEF line."""
    head = HEAD.search(line) or LOST_HEAD.search(line)
    if head is None:
        if "LEEF:" in line:
            raise Unusable("a LEEF line: this source reads CEF, send it to the source leef")
        if "CEF:" in line:
            raise Unusable("CEF: is not followed by a version and a bar, as in CEF:0|")
        raise NotAnAlert("no CEF head in the line: not an alert")
    rest = line[head.end() :]
    parts = rest.split("|", HEAD_FIELDS)
    if any(part.endswith("\\") for part in parts[:HEAD_FIELDS]):
        parts = _split_escaped(rest)
    if len(parts) < HEAD_FIELDS:
        raise Unusable(f"the CEF head ends after {len(parts)} of its 7 fields")
    vendor, product, _, signature, name, severity = (_plain(part) for part in parts[:HEAD_FIELDS])
    fields = _fields(parts[HEAD_FIELDS]) if len(parts) > HEAD_FIELDS else {}
    return Event(line[: head.start()], vendor, product, signature, name, severity, fields)


def labelled(fields: dict[str, str]) -> dict[str, str]:
    """The values of the custom fields (cs1, cn2, c6a3 ...) under the names which their labels give them."""
    found: dict[str, str] = {}
    for key, label in fields.items():
        if key.endswith("Label") and (value := fields.get(key[:-5])) is not None:
            found[label.strip('" ')] = value
    return found


def _split_escaped(rest: str) -> list[str]:
    parts: list[str] = []
    place = 0
    while len(parts) < HEAD_FIELDS and (piece := PIECE.match(rest, place)) is not None:
        parts.append(piece[1])
        place = piece.end()
    return [*parts, rest[place:]]


def _plain(part: str) -> str:
    part = part.strip()
    return ESCAPE.sub(_meaning, part) if "\\" in part else part


def _fields(extension: str) -> dict[str, str]:
    pieces = KEY.split(extension)
    fields: dict[str, str] = {}
    for key, value in zip(pieces[1::2], pieces[2::2], strict=True):
        found = value.strip()
        if found:
            if "\\" in found:
                found = ESCAPE.sub(_prose_meaning if key in PROSE else _meaning, found)
            fields[key] = found
    return fields


def _meaning(escape: re.Match[str]) -> str:
    return MEANINGS.get(escape[0], escape[0])


def _prose_meaning(escape: re.Match[str]) -> str:
    return LINE_BREAKS.get(escape[0]) or _meaning(escape)


# --- times --------------------------------------------------------------------------------------------------------

DAY = 86_400 * 10_000_000
NO_ZONE = "a time without a zone is taken as UTC"
OFFSET = re.compile(r"Z|[+-](?:0\d|1[0-4]):[0-5]\d", re.IGNORECASE | re.ASCII)
ZONES = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "SGT": 8,
    "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6,
    "PST": -8, "PDT": -7,
}  # fmt: skip
"""Hours east of UTC of the zone names that are read; the others mean too many places."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
EPOCH = re.compile(r"\d{9,19}", re.ASCII)
ISO = re.compile(
    r"(?<![\d-])\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,12})?(?: ?(Z|[+-]\d\d:?\d\d)(?!\w))?",
    re.IGNORECASE | re.ASCII,
)
NAMED = re.compile(
    rf"\b({'|'.join(MONTHS)})[a-z]{{0,6}} {{1,4}}(\d{{1,2}}),?(?: {{1,4}}(\d{{4}}))? {{1,4}}"
    r"(\d\d:\d\d:\d\d)([.,]\d{1,9})?"
    rf"(?: ?(?:UTC|GMT)?([+-]\d\d:?\d\d)| ?({'|'.join(ZONES)})(?![\w-]))?",
    re.IGNORECASE | re.ASCII,
)


class Time(NamedTuple):
    """A time as `moment` reads it, the same in ticks, and whether its zone had to be guessed."""

    value: str | int
    instant: int
    guessed: bool

    def wire(self) -> str | None:
        """The time in wire form."""
        return moment(self.value)


def read_time(text: str, received: int, local: str = "Z") -> Time | None:
    """The first time in a text: a Unix time, ISO 8601, or the month by name, with or without year and zone.

    A time without a year means the year that puts it not more than a day after its reception; `local` is the offset of one
    without a zone.
    """
    if EPOCH.fullmatch(text):
        instant = instant_of(int(text))
        return None if instant is None else Time(int(text), instant, guessed=False)
    found = ISO.search(text)
    if found is not None:
        value = found[0] if found[1] is not None else f"{found[0]}{local}"
        instant = instant_of(value)
        return None if instant is None else Time(value, instant, guessed=found[1] is None)
    found = NAMED.search(text)
    if found is None:
        return None
    month, day, year, clock, fraction, offset, zone = found.groups(default="")
    if zone:
        hours = ZONES[zone.upper()]
        offset = f"{'-' if hours < 0 else '+'}{abs(hours):02}:00"
    rest = f"-{MONTHS.index(month.lower()) + 1:02}-{int(day):02}T{clock}{fraction}{offset or local}"
    for candidate in [int(year)] if year else _years(received):
        value = f"{candidate:04}{rest}"
        instant = instant_of(value)
        if instant is not None and (year or instant <= received + DAY):
            return Time(value, instant, guessed=not offset)
    return None


def _years(received: int) -> list[int]:
    """The years to try, latest first; more than two because of 29 February."""
    now = moment(received / 1e7)
    return [] if now is None else list(range(int(now[:4]) + 1, int(now[:4]) - 8, -1))
