"""Records sent to make a source fall: what leaves it may be NotAnAlert or Unusable, and nothing else."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from secgraph.extend import Connector, Draft, NotAnAlert, Raw, Unusable
from secgraph.testing.drafts import LONGEST_REASON, shape_faults
from secgraph.testing.swollen import DECLARED, swollen

RECEIVED = 17_707_248_000_000_000
MOST_RECORDS, MOST_PLACES, MOST_CUTS = 8, 150, 40


def nested(depth: int) -> Any:
    """A value that nests so deep."""
    value: Any = []
    for level in range(depth):
        value = [value] if level % 2 else {"a": value, "id": value}
    return value


ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**63, -(2**70), 10**40, 0.0, -1.5, 1e308, float("nan"), float("inf"),
    "", " ", "\x00", "\ud800", "0", "9" * 40, "\u0663", "\u00b2", "null", "T1059", "9999-99-99T99:99:99Z", "x" * 100_000,
    [], [None], [[]], ["T1059", 5, {}], [{}], {}, {"id": {}}, {"id": []}, nested(5_000),
)  # fmt: skip
"""Values that stand where others are expected."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to every value inside."""
    inner: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from places(one, (*path, key))


def changed(value: Any, path: tuple[Any, ...], to: Any) -> Any:
    """A copy with the value at that place replaced."""
    made = copy.deepcopy(value)
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = to
    return made


ODD_BYTES: tuple[bytes, ...] = (
    b"", b" \r\n", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"0", b"9" * 400, b"-1e999", b"NaN", b"null", b"true",
    b"{}", b"[]", b"[{}]", b"[null]", b'"', b"'", b"<", b"</a>", b"<a/>", b"]]>", b"&#0;", b"&#xD800;", b"&x;", b"{", b"}",
    b"\\", b"[" * 5_000, b'{"a":' * 5_000, b"[" * 5_000 + b"]" * 5_000, b"<a>" * 5_000, b"<a>" * 5_000 + b"</a>" * 5_000,
    b"x" * 100_000, "\u0663\u00b2".encode(),
)  # fmt: skip
"""Bytes that stand in a report, or in its place."""

BOMBS: tuple[bytes, ...] = (
    b"<!DOCTYPE a [<!ENTITY b '" + b"x" * 1000 + b"'>" + b"".join(
        b"<!ENTITY %c '%s'>" % (name, b"&%c;" % (name - 1) * 10) for name in range(99, 110)
    ) + b"]><a>&m;</a>",
    b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]><a>&b;</a>", b"<?xml version='1.0' encoding='utf-16'?><a/>",
    b"<?xml version='1.0' encoding='nobody-knows'?><a/>",
    b"<a " + b" ".join(b"b%d=''" % number for number in range(20_000)) + b"/>",
)  # fmt: skip

_written = re.compile(rb'(?<=>)[^<>]+(?=<)|(?<=")[^"]*(?=")')
_DEEP = "\ue000deep\ue000"


def hostile(records: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Odd records made of good ones, each with words that say what is odd about it. Of reports, which are bytes, odd bytes."""
    if any(isinstance(record, bytes) for record in records):
        for record in records[:MOST_RECORDS]:
            yield from _reports(record)
        return
    for odd in ODD:
        yield f"{_short(odd)} in its place", odd
        yield f"[{_short(odd)}] in its place", [odd]
    for record in records[:MOST_RECORDS]:
        if isinstance(record, str):
            yield from _lines(record)
            continue
        for path in list(places(record))[:MOST_PLACES]:
            for odd in ODD:
                yield f"{_short(odd)} at {'.'.join(map(str, path))}", changed(record, path, odd)
        if isinstance(record, dict):
            for name in record:
                yield f"without {name}", {key: value for key, value in record.items() if key != name}


def _lines(line: str) -> Iterator[tuple[str, Any]]:
    for cut in range(0, len(line), max(1, len(line) // 40)):
        yield f"cut off behind {cut} characters", line[:cut]
        for odd in ("\x00", "\ud800", "\\", '"', "|", "=", "9" * 400, " " * 50_000, "\\=" * 20_000):
            yield f"{_short(odd)} behind {cut} characters", line[:cut] + odd + line[cut:]


def _reports(report: bytes) -> Iterator[tuple[str, bytes]]:
    """A report cut off anywhere, with odd bytes anywhere, and with odd values where it has others."""
    for odd in (*ODD_BYTES, *BOMBS):
        yield f"{_short(odd)} in its place", odd
        yield f"{_short(odd)} before it", odd + report
        yield f"{_short(odd)} behind it", report + odd
    for name in ("utf-16", "utf-16-be", "utf-32", "utf-8-sig"):
        yield f"written in {name}", report.decode("utf-8", "replace").encode(name)
    for cut in range(0, len(report), max(1, len(report) // MOST_CUTS)):
        yield f"cut off behind {cut} bytes", report[:cut]
        for odd in ODD_BYTES:
            yield f"{_short(odd)} behind {cut} bytes", report[:cut] + odd + report[cut:]
    for spot in list(_written.finditer(report))[:MOST_PLACES]:
        for odd in ODD_BYTES:
            yield f"{_short(odd)} in place of {_short(spot[0])}", report[: spot.start()] + odd + report[spot.end() :]
    yield from swollen(report)
    try:
        value = json.loads(report.decode("utf-8-sig"))
    except ValueError:
        return
    for path in list(places(value))[:MOST_PLACES]:
        for odd in ODD:
            yield (
                f"{_short(odd)} at {'.'.join(map(str, path))}",
                _json(changed(value, path, odd if odd is not ODD[-1] else _DEEP)),
            )
    for name in value if isinstance(value, dict) else ():
        yield f"without {name}", _json({key: one for key, one in value.items() if key != name})


def _json(value: Any) -> bytes:
    """The value as JSON; what is too deep for a writer that calls itself is written by hand."""
    return json.dumps(value).encode().replace(json.dumps(_DEEP).encode(), b"[" * 5_000 + b"]" * 5_000)


def _short(value: Any) -> str:
    try:
        return repr(value)[:40]
    except RecursionError:
        return "something deep"


def raw_of(value: Any, line: int = 1, received: int = RECEIVED) -> Raw:
    """A record as a source is given it: a JSON value, a line, or the bytes of a report."""
    if isinstance(value, bytes):
        return Raw(line, value, None, received)
    return Raw(line, b"", value, received)


def outcome(connector: Connector, value: Any) -> tuple[list[Draft], str, str]:
    """The drafts of a record; or the reason why there is none; or what is wrong with how the source took it."""
    try:
        drafts = list(connector.normalise(raw_of(value)))
    except (NotAnAlert, Unusable) as reason:
        said = str(reason)
        return (
            [],
            said,
            "" if 0 < len(said) <= LONGEST_REASON else f"the reason has {len(said)} of 1 to {LONGEST_REASON} characters",
        )
    except Exception as broke:  # noqa: BLE001 -- whatever it is, it is what is looked for
        return [], "", f"{type(broke).__name__} leaves normalise: {str(broke)[:200]}"
    return drafts, "", ""


def hostile_faults(connector: Connector, records: Sequence[Any]) -> Iterator[str]:
    """What is wrong with how a source takes odd records."""
    for words, value in hostile(records):
        drafts, _, fault = outcome(connector, value)
        if fault:
            yield f"{words}: {fault}"
        for draft in drafts:
            yield from (f"{words}: {one}" for one in shape_faults(draft))
        if isinstance(value, bytes) and DECLARED in repr(drafts):
            yield f"{words}: an entity that the report declares is taken for its text"
