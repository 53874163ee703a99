"""A delivery taken apart into records, each with its own bytes.

JSON comes as an array, one object, an object that wraps a list under `value`, or NDJSON; a log comes as lines. One
record that cannot be read never stops the others. NUL and lone surrogates, which no store can hold, become U+FFFD in
the decoded value; the bytes stay as they came.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import msgspec

from secgraph.extend import Connector, Raw, Unwraps
from secgraph.model.check import clean

LONGEST_LINE = 32 * 1024 * 1024
"""Most bytes of one line or one JSON document read from a stream."""

_list_of_raw = msgspec.json.Decoder(list[msgspec.Raw])
_object_of_raw = msgspec.json.Decoder(dict[str, msgspec.Raw])


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


def pieces(stream: IO[bytes], source: Connector, received: int) -> Iterator[Piece | Unreadable]:
    """The records of a delivery in order. Lines are read as they are needed, so a file of any length fits."""
    if source.framing == "lines":
        yield from _log_lines(stream, received)
        return
    first = _first_line(stream)
    if first is None:
        return
    number, line = first
    rest = stream if line.lstrip()[:1] in b"[" or not _whole(line) else None
    if rest is None:
        yield from _json_lines(number, line, stream, source, received)
    else:
        yield from _document(number, line + stream.read(), source, received)


def _first_line(stream: IO[bytes]) -> tuple[int, bytes] | None:
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if line.strip():
            return number, line
    return None


def _whole(line: bytes) -> bool:
    """Whether a line is one JSON value by itself: then the lines after it are too."""
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        # A first line that is broken inside, but begins and ends as an object does, is still NDJSON.
        return line.strip().startswith(b"{") and line.strip().endswith(b"}") and len(line.strip()) > 2
    return True


def _json_lines(number: int, line: bytes, stream: IO[bytes], source: Connector, received: int) -> Iterator[Piece | Unreadable]:
    while line:
        if line.strip():
            yield from _document(number, line.rstrip(b"\r\n"), source, received)
        line = stream.readline(LONGEST_LINE)
        number += 1


def _document(number: int, data: bytes, source: Connector, received: int) -> Iterator[Piece | Unreadable]:
    """The records of one JSON document. In an array they are numbered by their place, else by their line."""
    head = data.lstrip()[:1]
    try:
        if head == b"[":
            for place, item in enumerate(_list_of_raw.decode(data), 1):
                yield _record(place, bytes(item), received)
            return
        if head == b"{" and b'"value"' in data:
            wrapped = _object_of_raw.decode(data).get("value")
            if wrapped is not None and bytes(wrapped).lstrip()[:1] == b"[":
                for place, item in enumerate(_list_of_raw.decode(wrapped), 1):
                    yield _record(place, bytes(item), received)
                return
    except (msgspec.DecodeError, RecursionError):
        pass  # the slower reader below repairs it or says what is wrong
    made = _record(number, data.strip(), received)
    if isinstance(made, Unreadable):
        yield made
        return
    for value in _unwrapped(made.raw.value, source):
        if value is made.raw.value:
            yield made
        else:
            place = value[0]
            yield Piece(Raw(place, _dump(value[1]), value[1], received), made.repaired)


def _unwrapped(value: Any, source: Connector) -> Iterable[Any]:
    """The value itself, or (place, item) of each item inside it when it is a list or a wrapper."""
    inside: Iterable[Any] | None = value if isinstance(value, list) else None
    if inside is None and isinstance(value, dict) and isinstance(value.get("value"), list):
        inside = value["value"]
    if inside is None and isinstance(source, Unwraps):
        inside = source.unwrap(value)
    return [value] if inside is None else list(enumerate(inside, 1))


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


def _record(line: int, data: bytes, received: int) -> Piece | Unreadable:
    try:
        value = msgspec.json.decode(data)
    except RecursionError:
        return Unreadable(line, data, "nested too deep to be read")
    except msgspec.DecodeError as first:
        return _repaired(line, data, received, str(first))
    if b"\\u0000" in data:
        return Piece(Raw(line, data, _clean(value), received), repaired=True)
    return Piece(Raw(line, data, value, received), repaired=False)


def _repaired(line: int, data: bytes, received: int, reason: str) -> Piece | Unreadable:
    """The same by a reader that lets lone surrogates and wrong UTF-8 through, so that they can be replaced."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no JSON value")

    text = data.decode("utf-8", "replace").replace("\x00", "\ufffd")
    try:
        value = json.loads(text, parse_constant=refuse)
        return Piece(Raw(line, data, _clean(value), received), repaired=True)
    except RecursionError:
        return Unreadable(line, data, "nested too deep to be read")
    except ValueError:
        return Unreadable(line, data, f"not JSON: {reason}")


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(name): _clean(item) for name, item in value.items()}
    return value


def _log_lines(stream: IO[bytes], received: int) -> Iterator[Piece | Unreadable]:
    number = 0
    while line := stream.readline(LONGEST_LINE):
        number += 1
        data = line.rstrip(b"\r\n")
        if not data.strip():
            continue
        text = data.decode("utf-8", "replace")
        fixed = clean(text)
        yield Piece(Raw(number, data, fixed, received), repaired="\ufffd" in fixed and "\ufffd".encode() not in data)
