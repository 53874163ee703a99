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


def _short(value: Any) -> str:
    try:
        return repr(value)[:40]
    except RecursionError:
        return "something deep"


def outcome(connector: Connector, value: Any) -> tuple[list[Draft], str, str]:
    """The drafts of a record; or the reason why there is none; or what is wrong with how the source took it."""
    try:
        drafts = list(connector.normalise(Raw(line=1, data=b"", value=value, received=RECEIVED)))
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
