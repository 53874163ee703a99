"""A CSV file in, rows of an inventory out: one at a time, whatever the size of the file.

A row that cannot be read is told with its line, and the next one is read.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from secgraph import clock
from secgraph.errors import BadBody, UsageError
from secgraph.ingest.assets.alias import SAYS
from secgraph.ingest.assets.register import chosen_id
from secgraph.model.check import Record, from_client
from secgraph.model.choices import ASSETS
from secgraph.model.edm import load

LONGEST = 65_536
"""Most bytes of a line."""

NOTHING = "-"
"""A cell that says: none. An empty one says nothing."""

PLAIN = ("displayName", "kind", "criticality", "owner", "description")
ALIASES = tuple(SAYS)
COLUMNS = ("id", *PLAIN, "tags", *ALIASES)

_CALLED = {
    **{name.casefold(): name for name in COLUMNS},
    "name": "displayName", "upn": "userPrincipalName", "mac": "macAddress", "hostname": "host", "ip": "address",
}  # fmt: skip
_VALID = re.compile(r"(?P<value>.*\S)\s+(?P<since>[^\s/]*)/(?P<until>[^\s/]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """What a row says of an asset."""

    line: int
    id: str | None
    plain: Record
    """Members to what they shall be; those of which it says nothing are not there."""
    aliases: dict[str, list[Record]]
    """Kinds of alias to all the aliases of that kind; those of which it says nothing are not there."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A row that is none, and why."""

    line: int
    reason: str


class _BadLine(Exception):
    """A line that cannot be read."""


class _Lines:
    """The lines of a stream as text, none longer than the bound. One that is no text is raised, and the next goes on."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.number = 0
        self._stream = stream

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        data = self._stream.readline(LONGEST + 1)
        if not data:
            raise StopIteration
        self.number += 1
        if len(data) > LONGEST:
            while data and not data.endswith(b"\n"):
                data = self._stream.readline(LONGEST)
            raise _BadLine(f"the line is longer than {LONGEST} bytes.")
        if self.number == 1 and data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UsageError("The file is UTF-16. Save it as CSV in UTF-8.")
        try:
            text = data.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise _BadLine("the line is not UTF-8.") from None
        if "\x00" in text:
            raise _BadLine("the line holds a NUL.")
        return text


def rows(stream: IO[bytes]) -> Iterator[Row | Unread]:
    """The rows behind the header. UsageError where the first line is no header."""
    lines = _Lines(stream)
    reader = csv.reader(lines, strict=True)
    columns = _columns(reader)
    while True:
        line = lines.number + 1
        try:
            cells = next(reader)
            if any(cell.strip() for cell in cells):
                yield _row(line, columns, cells)
        except StopIteration:
            return
        except (_BadLine, csv.Error, BadBody) as fault:
            yield Unread(line, str(fault))


def _columns(reader: Iterator[list[str]]) -> list[str]:
    try:
        header = next(reader)
    except StopIteration:
        raise UsageError("The file is empty. Its first line names the columns.") from None
    except (_BadLine, csv.Error) as fault:
        raise UsageError(f"The first line, which names the columns, cannot be read: {str(fault).rstrip('.')}.") from None
    given = [re.sub(r"[\s_-]", "", cell).casefold() for cell in header]
    known = f"Columns: {', '.join(COLUMNS)}; they are parted by commas."
    for shown, name in zip(header, given, strict=True):
        if name not in _CALLED:
            raise UsageError(f"The first line names a column {shown.strip()[:40]!r}, which no asset has. {known}")
    columns = [_CALLED[name] for name in given]
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise UsageError(f"The first line names a column twice: {', '.join(twice)}.")
    if not {"id", *ALIASES}.intersection(columns):
        raise UsageError(f"The first line names neither an id nor an alias to know an asset by. {known}")
    return columns


def _row(line: int, columns: list[str], cells: list[str]) -> Row:
    """BadBody where a cell is none that its column can have."""
    if len(cells) != len(columns):
        raise BadBody("", f"the row has {len(cells)} cells, and the first line {len(columns)}.")
    found = {name: cell.strip() for name, cell in zip(columns, cells, strict=True) if cell.strip()}
    members = load().sets[ASSETS].type.properties
    plain: Record = {}
    for name in PLAIN:
        if name in found:
            plain[name] = None if found[name] == NOTHING else from_client(members[name], found[name])
    for name in ("kind", "criticality"):
        if name in plain and plain[name] is None:
            raise BadBody(name, "cannot be none.")
    if "tags" in found:
        plain["tags"] = _parts(found["tags"])
    aliases = {name: [_alias(name, part) for part in _parts(found[name])] for name in ALIASES if name in found}
    key = found.get("id")
    return Row(line, None if key is None else chosen_id(key), plain, aliases)


def _parts(cell: str) -> list[str]:
    """The values of a cell, which are parted by semicolons."""
    return [] if cell == NOTHING else [part.strip() for part in cell.split(";") if part.strip()]


def _alias(kind: str, text: str) -> Record:
    """An alias, and behind a blank the time in which it was valid: `10.0.0.7 2026-01-01/2026-02-01`, either end left open."""
    since = until = None
    match = _VALID.fullmatch(text)
    if match is not None:
        text, since, until = match["value"], _instant(kind, match["since"]), _instant(kind, match["until"])
    return {"kind": kind, "value": text, "validFromDateTime": since, "validUntilDateTime": until}


def _instant(kind: str, text: str) -> str | None:
    if not text:
        return None
    found = clock.wire(text)
    if found is None:
        raise BadBody(kind, f"{text[:40]!r} is no time.", hint="Write it as 2026-01-31 or 2026-01-31T09:00:00Z.")
    return found
