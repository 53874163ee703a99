"""A delivery taken apart into records, each with its own bytes.

JSON comes as an array, one object, an object that wraps a list under `value`, or NDJSON; a log comes as lines; the report of
a scanner is one record. One record that cannot be read never stops the others: where a document does not parse as a whole, its
elements are found by their brackets and read one by one.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import IO, Any, Literal

import msgspec

from secgraph.extend import Connector, Raw, Unwraps
from secgraph.ingest.repair import Repaired, repaired
from secgraph.model.value import clean

LONGEST_LINE = 32 * 1024 * 1024
"""Most bytes of one line of a stream."""

LONGEST_REPORT = 64 * 1024 * 1024
"""Most bytes of a report that is one record. The XCCDF results of one host have some ten million."""

LONGEST_DOCUMENT = 512 * 1024 * 1024
"""Most bytes of one JSON document that spans lines; NDJSON has no such bound."""

SHOWN = 4096
"""Bytes kept of a record that is too long to be read."""

SMALL = 64 * 1024
"""Most bytes of a document that is read as one record before it is known to be one. A larger one is looked through first: a
list of many records is not held twice.
"""

BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no JSON value it can hold."""

_list_of_raw = msgspec.json.Decoder(list[msgspec.Raw])
_object_of_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])
_nul = re.compile(rb"\\u0000")  # this finds it in half the time that `in` takes
# Possessive, so that a text of millions of characters leaves no way back to remember.
_piece = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},:]', re.DOTALL)

Unwrap = Callable[[Any], Iterable[Any] | None]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that is no JSON."""

    line: int
    data: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A record and whether its text had to be repaired."""

    raw: Raw
    repaired: bool


class Unit(msgspec.Struct, array_like=True, gc=False):
    """A part of a delivery that can be read by itself, wherever that is done."""

    kind: Literal["line", "document", "record", "alone", "report", "unreadable"]
    """A line of a log; a JSON document; an element of a list; a document that is known to be none; the report of a scanner; or
    why there is none.
    """
    line: int
    data: bytes
    reason: str = ""


def unwrapper(source: Connector) -> Unwrap | None:
    """How the source unwraps a document."""
    return source.unwrap if _unwraps(type(source)) and isinstance(source, Unwraps) else None


@cache
def _unwraps(kind: type) -> bool:
    """Whether sources of a class do; a slow question, asked once."""
    return hasattr(kind, "unwrap")


def pieces(stream: IO[bytes], source: Connector, received: int) -> Iterator[Piece | Unreadable]:
    """The records of a delivery in order. Lines are read as they are needed, so a file of any length fits."""
    unwrap = unwrapper(source)
    for unit in units(stream, source):
        yield from read(unit, unwrap, received)


def read(unit: Unit, unwrap: Unwrap | None, received: int) -> Iterable[Piece | Unreadable]:
    """The records of a part of a delivery."""
    match unit.kind:
        case "document":
            return _document(unit.line, unit.data, unwrap, received)
        case "record":
            return (_record(unit.line, unit.data, received),)
        case "line":
            text = unit.data.decode("utf-8", "replace")
            fixed = clean(text)
            return (Piece(Raw(unit.line, unit.data, fixed, received), repaired=fixed.encode() != unit.data),)
        case "report":
            return (Piece(Raw(unit.line, unit.data, None, received), repaired=False),)
        case "alone":
            return _alone(_record(unit.line, unit.data, received), unwrap, received)
    return (Unreadable(unit.line, unit.data, unit.reason),)


def units(stream: IO[bytes], source: Connector) -> Iterator[Unit]:
    """The parts of a delivery in order."""
    if source.framing == "lines":
        yield from _lines("line", 0, b"", stream)
        return
    if source.framing == "whole":
        yield from _report(stream)
        return
    first = _first_line(stream)
    if first is None:
        return
    number, line = first
    if line.lstrip()[:1] != b"[" and _is_value(line):
        yield from _lines("document", number, line, stream)
        return
    whole = line + stream.read(LONGEST_DOCUMENT)
    if len(whole) > LONGEST_DOCUMENT:
        reason = f"a document larger than {LONGEST_DOCUMENT} bytes: hand it in as NDJSON"
        yield Unit("unreadable", number, whole[:SHOWN], reason)
        return
    if line.lstrip()[:1] != b"[" and not _is_value(whole) and any(map(_is_value, whole.splitlines()[1:])):
        # The first line is broken, but what follows are values of their own.
        stream = io.BytesIO(whole)
        yield from _lines("document", number, stream.readline(LONGEST_LINE + 1), stream)
    elif len(whole) <= SMALL:
        yield Unit("document", number, whole)
    elif (elements := _elements(whole)) is not None:
        yield from (Unit("record", place, item) for place, item in enumerate(elements, 1))
    else:
        yield Unit("alone", number, whole)


def _report(stream: IO[bytes]) -> Iterator[Unit]:
    whole = stream.read(LONGEST_REPORT + 1)
    if len(whole) > LONGEST_REPORT:
        yield Unit("unreadable", 1, whole[:SHOWN], f"a report larger than {LONGEST_REPORT} bytes")
    elif whole.strip():
        yield Unit("report", 1, whole)


def _first_line(stream: IO[bytes]) -> tuple[int, bytes] | None:
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if line.strip():
            return number, line
    return None


def _too_long(line: bytes, stream: IO[bytes]) -> bool:
    """Whether a line is longer than is read; what is left of it is passed over then."""
    if len(line) <= LONGEST_LINE or line.endswith(b"\n"):
        return False
    while (more := stream.readline(LONGEST_LINE)) and not more.endswith(b"\n"):
        pass
    return True


def _is_value(line: bytes) -> bool:
    """Whether a line is one JSON object by itself, as far as its ends tell: what is inside may be broken."""
    text = line.strip()
    if len(text) < 2 or not text.startswith(b"{") or not text.endswith(b"}"):
        return False
    try:
        _object_of_raw.decode(text)  # finds the end in a tenth of the time, where nothing is broken
    except BROKEN:
        return _end(text, 0) == len(text)
    return True


def _lines(kind: Literal["line", "document"], number: int, line: bytes, stream: IO[bytes]) -> Iterator[Unit]:
    """The lines of a stream that are not blank; its first one, of that number, was read already unless that is 0."""
    if number == 0:
        number, line = 1, stream.readline(LONGEST_LINE + 1)
    while line:
        if _too_long(line, stream):
            yield Unit("unreadable", number, line[:SHOWN], f"a line longer than {LONGEST_LINE} bytes")
        elif line.strip():
            yield Unit(kind, number, line.rstrip(b"\r\n"))
        line = stream.readline(LONGEST_LINE + 1)
        number += 1


def _document(number: int, data: bytes, unwrap: Unwrap | None, received: int) -> Iterable[Piece | Unreadable]:
    """The records of one JSON document. In an array they are numbered by their place, else by their line."""
    made = _record(number, data, received) if len(data) <= SMALL else None
    if not _is_one(made):
        elements = _elements(data)
        if elements is not None:
            return (_record(place, item, received) for place, item in enumerate(elements, 1))
    return _alone(made or _record(number, data, received), unwrap, received)


def _alone(made: Piece | Unreadable, unwrap: Unwrap | None, received: int) -> Iterable[Piece | Unreadable]:
    """The records of a document that is no list: itself, or what its source knows to be in it."""
    inside = unwrap(made.raw.value) if unwrap is not None and isinstance(made, Piece) else None
    if inside is None or isinstance(made, Unreadable):
        return (made,)
    mended = made.repaired
    return (Piece(Raw(place, json.dumps(value).encode(), value, received), mended) for place, value in enumerate(inside, 1))


def _is_one(made: Piece | Unreadable | None) -> bool:
    """Whether a document read as a record is plainly one, and neither a list nor an object that may wrap one."""
    if not isinstance(made, Piece) or made.repaired:
        return False
    value = made.raw.value
    return isinstance(value, dict) and not isinstance(value.get("value"), list)


def _elements(data: bytes) -> Iterable[bytes] | None:
    """The elements of an array, or of the list that an object wraps under `value`; None where there is no list."""
    head = data.lstrip()[:1]
    try:
        if head == b"[":
            return [bytes(item) for item in _list_of_raw.decode(data)]
        if head == b"{" and b'"value"' in data:
            wrapped = _object_of_raw.decode(data).get("value")
            if wrapped is None or bytes(wrapped).lstrip()[:1] != b"[":
                return None
            return [bytes(item) for item in _list_of_raw.decode(wrapped)]
    except BROKEN:
        start = data.find(b"[") if head == b"[" else _wrapped_list(data)
        # A list that does not close was cut off on its way: the sender still has it, whole.
        return None if start is None or _end(data, start) < 0 else list(_bracketed(data, start))
    return None


def _wrapped_list(data: bytes) -> int | None:
    """Where the list under `value` starts in an object that does not parse as a whole."""
    depth, named, last = 0, False, b""
    for match in _piece.finditer(data):
        mark = match[0]
        if mark == b"[" and depth == 1 and named:
            return match.start()
        if mark in {b"{", b"["}:
            depth += 1
        elif mark in {b"}", b"]"}:
            depth -= 1
        named = mark == b":" and last == b'"value"' if mark != b"[" else False
        last = mark
    return None


def _bracketed(data: bytes, start: int) -> Iterator[bytes]:
    """The elements of the list that opens at `start`, told apart by brackets and quotes alone."""
    depth, begins = 0, start + 1
    for match in _piece.finditer(data, start):
        mark = match[0]
        if mark in {b"[", b"{"}:
            depth += 1
        elif mark in {b"]", b"}"}:
            depth -= 1
        if depth == 0 or (mark == b"," and depth == 1):
            item = data[begins : match.start()].strip()
            if item:
                yield item
            begins = match.end()
        if depth == 0:
            return


def _end(data: bytes, start: int) -> int:
    """Behind the bracket that closes the one at `start`; -1 when none does."""
    depth = 0
    for match in _piece.finditer(data, start):
        if match[0] in {b"[", b"{"}:
            depth += 1
        elif match[0] in {b"]", b"}"}:
            depth -= 1
            if depth == 0:
                return match.end()
    return -1


def _record(line: int, data: bytes, received: int) -> Piece | Unreadable:
    try:
        value = msgspec.json.decode(data)
    except RecursionError:
        return Unreadable(line, data, "nested too deep to be read")
    except (msgspec.DecodeError, UnicodeDecodeError) as reason:
        return _mended(line, data, received, str(reason))
    if _nul.search(data):
        found = repaired(value)
        return Piece(Raw(line, data, found.value, received), found.changed)
    return Piece(Raw(line, data, value, received), repaired=False)


def _mended(line: int, data: bytes, received: int, reason: str) -> Piece | Unreadable:
    """The same by a reader that lets lone surrogates and wrong UTF-8 through, so that they can be replaced."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no JSON value")

    text = data.decode("utf-8", "replace").replace("\x00", "\ufffd")
    try:
        found: Repaired = repaired(json.loads(text, parse_constant=refuse))
    except RecursionError:
        return Unreadable(line, data, "nested too deep to be read")
    except ValueError:
        return Unreadable(line, data, f"not JSON: {reason}")
    return Piece(Raw(line, data, found.value, received), repaired=True)
