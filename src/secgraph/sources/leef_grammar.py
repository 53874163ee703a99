"""The grammar of a LEEF line, and times by a pattern as Java writes it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from secgraph.extend import NotAnAlert, Unusable
from secgraph.sources.cef_grammar import MONTHS, ZONES


class Line(NamedTuple):
    """One line taken apart; every text is stripped."""

    before: str
    """What stands before the LEEF head: a syslog head, or nothing."""
    vendor: str
    product: str
    event: str
    fields: dict[str, str]
    """The attributes. Those without a value are left out."""


HEAD = re.compile(r"LEEF:\s{0,4}(\d{1,2}(?:\.\d{1,2})?)\s?\|")
HEX = re.compile(r"(?:\\x|0x|x)([0-9A-Fa-f]{1,4})", re.IGNORECASE | re.ASCII)
KEY = re.compile(r"(?:^|\s)([A-Za-z_][\w.\[\]-]{0,63})=", re.ASCII)
ESCAPED_TABS = ("#011", "\\t")
"""What relays make of a tab: rsyslog writes control characters as an octal number, others as two characters."""

HEAD_FIELDS = 4
LONGEST_DELIMITER = 6


def take_apart(line: str) -> Line:
    """The parts of the line. NotAnAlert for a line of another kind, Unusable for a broken LEEF line."""
    head = HEAD.search(line)
    if head is None:
        if "CEF:" in line:
            raise Unusable("a CEF line: this source reads LEEF, send it to the source cef")
        if "LEEF:" in line:
            raise Unusable("LEEF: is not followed by a version and a bar, as in LEEF:2.0|")
        raise NotAnAlert("no LEEF head in the line: not an alert")
    parts = line[head.end() :].split("|", HEAD_FIELDS)
    if len(parts) < HEAD_FIELDS:
        raise Unusable(f"the LEEF head ends after {len(parts) + 1} of its 5 fields")
    vendor, product, _, event = (part.strip() for part in parts[:HEAD_FIELDS])
    rest = parts[HEAD_FIELDS] if len(parts) > HEAD_FIELDS else ""
    delimiter = "\t"
    if not head[1].startswith("1"):
        delimiter, rest = _delimiter(rest)
    return Line(line[: head.start()], vendor, product, event, _fields(rest, delimiter))


def _delimiter(rest: str) -> tuple[str, str]:
    """The sixth field of version 2 and what follows it: one character, or its code; empty or left out it is a tab."""
    word, bar, after = rest.partition("|")
    if not bar or len(word) > LONGEST_DELIMITER or "=" in word.strip("="):
        return "\t", rest
    if code := HEX.fullmatch(word.strip()):
        return chr(int(code[1], 16)) or "\t", after
    if len(word) == 1:
        return word, after
    return ("\t", after) if not word.strip() else ("\t", rest)


def _fields(text: str, delimiter: str) -> dict[str, str]:
    if delimiter == "\t" and "\t" not in text:
        delimiter = next((mark for mark in ESCAPED_TABS if f"{mark}" in text), " ")
    if delimiter == " ":
        pieces = KEY.split(text)  # a relay made blanks of the tabs: values keep theirs
        pairs = zip(pieces[1::2], pieces[2::2], strict=True)
        return {key: found for key, value in pairs if (found := value.strip())}
    fields: dict[str, str] = {}
    for piece in text.split(delimiter):
        key, equals, value = piece.partition("=")
        if equals and (name := key.strip()) and (found := value.strip()):
            fields[name] = found
    return fields


# --- times by a pattern -----------------------------------------------------------------------------------------------

LONGEST_PATTERN = 60
LONGEST_TIME = 80
TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|.", re.DOTALL)
NUMBERS = {
    "y": "year",
    "M": "month",
    "d": "day",
    "H": "hour",
    "k": "hour",
    "h": "half",
    "K": "half",
    "m": "minute",
    "s": "second",
}
ZONE = re.compile(r"(?:UTC|GMT)?([+-])(\d\d):?(\d\d)", re.IGNORECASE | re.ASCII)


@lru_cache(64)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """An expression for the pattern; None for one that names no whole date, or that says something unknown."""
    found: list[str] = []
    named: set[str] = set()
    for token in TOKEN.finditer(pattern):
        letters = token[0]
        letter = token[2]
        if token[1] is not None:
            found.append(re.escape(token[1].replace("''", "'") or "'"))
        elif letter is None:
            found.append(r"\s+" if letters.isspace() else re.escape(letters))
        elif letter == "M" and len(letters) > 2:
            found.append(r"(?P<name>[A-Za-z]{3,9})\.?")
            named.add("month")
        elif letter in NUMBERS and NUMBERS[letter] not in named:
            digits = r"\d{4}" if letter == "y" and len(letters) != 2 else r"\d{2}" if letter == "y" else r"\d{1,2}"
            found.append(f"(?P<{NUMBERS[letter]}>{digits})")
            named.add(NUMBERS[letter])
        elif letter == "S":
            found.append(r"(?P<fraction>\d{1,9})")
        elif letter == "a":
            found.append(r"(?P<noon>[AaPp])\.?[Mm]\.?")
        elif letter in "zZXxO":
            found.append(r"(?P<zone>Z|(?:UTC|GMT)?[+-]\d\d:?\d\d|[A-Za-z]{1,5})")
        elif letter in "EGw":
            found.append(r"[A-Za-z0-9]{1,12}\.?")
        else:
            return None
    if not {"year", "month", "day"} <= named:
        return None
    try:
        return re.compile("".join(found), re.ASCII)
    except re.error:  # a part that stands twice
        return None


def by_pattern(text: str, pattern: str, local: str) -> str | None:
    """The time as ISO 8601, by a pattern of Java; None where either is not understood. `local` is the offset it has without
    a zone.
    """
    if len(pattern) > LONGEST_PATTERN or len(text) > LONGEST_TIME:
        return None
    compiled = _compiled(pattern)
    match = compiled.fullmatch(text.strip()) if compiled is not None else None
    if match is None:
        return None
    part = match.groupdict()
    month = part.get("month")
    if month is None:
        short = (part.get("name") or "")[:3].casefold()
        if short not in MONTHS:
            return None
        month = str(MONTHS.index(short) + 1)
    year = part["year"] if len(part["year"]) == 4 else f"20{part['year']}"
    hour = part.get("hour")
    if hour is None:
        half = int(part.get("half") or 0) % 12
        hour = str(half + 12 if (part.get("noon") or "").lower() == "p" else half)
    fraction = f".{part['fraction']}" if part.get("fraction") else ""
    clock = f"{int(hour) % 24:02}:{int(part.get('minute') or 0):02}:{int(part.get('second') or 0):02}{fraction}"
    offset = _offset(part.get("zone"), local)
    return None if offset is None else f"{year}-{int(month):02}-{int(part['day']):02}T{clock}{offset}"


def _offset(zone: str | None, local: str) -> str | None:
    if zone is None:
        return local
    if exact := ZONE.fullmatch(zone):
        return f"{exact[1]}{exact[2]}:{exact[3]}"
    hours = ZONES.get(zone.upper())
    return None if hours is None else f"{'-' if hours < 0 else '+'}{abs(hours):02}:00"
