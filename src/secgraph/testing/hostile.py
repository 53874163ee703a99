"""Records sent to make a source fall: what leaves it may be NotAnAlert or Unusable, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from secgraph.extend import Connector, Draft, NotAnAlert, Raw, Unusable
from secgraph.testing.drafts import LONGEST_REASON, shape_faults

RECEIVED = 17_707_248_000_000_000
MOST_RECORDS, MOST_PLACES = 8, 150


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


def hostile(records: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Odd records made of good ones, each with words that say what is odd about it."""
    if any(isinstance(record, bytes) for record in records):
        yield from ((f"{_short(odd[:40])} in its place", odd) for odd in ODD_REPORTS)
    for odd in () if any(isinstance(record, bytes) for record in records) else ODD:
        yield f"{_short(odd)} in its place", odd
        yield f"[{_short(odd)}] in its place", [odd]
    for record in records[:MOST_RECORDS]:
        if isinstance(record, str):
            yield from _lines(record)
            continue
        if isinstance(record, bytes):
            yield from _reports(record)
            continue
        for path in list(places(record))[:MOST_PLACES]:
            for odd in ODD:
                yield f"{_short(odd)} at {'.'.join(map(str, path))}", changed(record, path, odd)
        if isinstance(record, dict):
            for name in record:
                yield f"without {name}", {key: value for key, value in record.items() if key != name}


ODD_REPORTS: tuple[bytes, ...] = (
    b"", b" ", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"[]", b"{}", b"null", b"1e999", b"=" * 1000, b"\n" * 1000,
    b"a=b\n" * 10_000, b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"Results":{"a":[{"Controls":[{"Control ID":5}]}]}}',
    b"<", b"<a>", b"<a/>", b"<a>" * 5_000 + b"</a>" * 5_000, b"<a b='" + b"x" * 1_000_000 + b"'/>",
    b'<?xml version="1.0" encoding="nonsense"?><a/>', b'<?xml version="1.0" encoding="utf-16"?><a/>',
    b'<!DOCTYPE a [<!ENTITY b "' + b"b" * 1000 + b'">]><a>' + b"&b;" * 1000 + b"</a>",
    b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]><a>&d;</a>',
    b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
)  # fmt: skip
"""Reports that are none, in the languages that scanners write."""


def _reports(report: bytes) -> Iterator[tuple[str, bytes]]:
    for cut in range(0, len(report), max(1, len(report) // 60)):
        yield f"cut off behind {cut} bytes", report[:cut]
        for odd in (b"\x00", b"\xff", b"<", b'"', b"&", b"]]>", b"9" * 400, b"{" * 2000):
            yield f"{_short(odd)} behind {cut} bytes", report[:cut] + odd + report[cut:]


def _lines(line: str) -> Iterator[tuple[str, Any]]:
    for cut in range(0, len(line), max(1, len(line) // 40)):
        yield f"cut off behind {cut} characters", line[:cut]
        for odd in ("\x00", "\ud800", "\\", '"', "|", "=", "9" * 400, " " * 50_000, "\\=" * 20_000):
            yield f"{_short(odd)} behind {cut} characters", line[:cut] + odd + line[cut:]


def _short(value: Any) -> str:
    try:
        return repr(value)[:40]
    except RecursionError:
        return "something deep"


def as_raw(value: Any, line: int = 1, received: int = RECEIVED) -> Raw:
    """A record as a source is handed it: the report of a scanner as the bytes that it is, any other as the value."""
    return Raw(line, value, None, received) if isinstance(value, bytes) else Raw(line, b"", value, received)


def outcome(connector: Connector, value: Any) -> tuple[list[Draft], str, str]:
    """The drafts of a record; or the reason why there is none; or what is wrong with how the source took it."""
    try:
        drafts = list(connector.normalise(as_raw(value)))
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
