"""`$filter` as these APIs take it: comparisons, `in`, and/or/not and brackets over an item's own members."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from secgraph import clock
from secgraph.simulate.ask import Refused

Item = Mapping[str, Any]
Test = Callable[[Item], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<time>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_]\w*)|(?P<mark>[(),]))"
)
_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
}  # fmt: skip
_CONSTANTS = {"null": None, "true": True, "false": False}


def parse(text: str, members: frozenset[str], kind: str) -> Test:
    """A filter over items. Refused where it cannot be read, or names what this collection is not filtered by."""
    return _Reader(text, members, kind).read()


class _Reader:
    def __init__(self, text: str, members: frozenset[str], kind: str) -> None:
        self.text = text
        self.members = {name.lower(): name for name in members}
        self.kind = kind
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self.wrong(at)
            self.tokens.append((found.lastgroup or "", found[found.lastgroup or ""]))
            at = found.end()
        self.place = 0

    def wrong(self, at: int | None = None) -> Refused:
        place = self.place if at is None else at
        return Refused(400, "BadRequest", f"Invalid filter clause: Syntax error at position {place} in '{self.text}'.")

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.place] if self.place < len(self.tokens) else ("", "")

    def take(self) -> tuple[str, str]:
        token = self.peek()
        if not token[0]:
            raise self.wrong()
        self.place += 1
        return token

    def word(self, *wanted: str) -> bool:
        kind, text = self.peek()
        if kind in {"word", "mark"} and text.lower() in wanted:
            self.place += 1
            return True
        return False

    def read(self) -> Test:
        test = self.either()
        if self.peek()[0]:
            raise self.wrong()
        return test

    def either(self) -> Test:
        tests = [self.both()]
        while self.word("or"):
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda item: any(test(item) for test in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.word("and"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda item: all(test(item) for test in tests)

    def one(self) -> Test:
        if self.word("not"):
            inner = self.one()
            return lambda item: not inner(item)
        if self.word("("):
            inner = self.either()
            if not self.word(")"):
                raise self.wrong()
            return inner
        return self.comparison()

    def comparison(self) -> Test:
        kind, named = self.take()
        if kind != "word":
            raise self.wrong()
        member = self.members.get(named.lower())
        if member is None:
            raise Refused(
                400,
                "BadRequest",
                f"Could not find a property named '{named}' on type '{self.kind}', or it cannot be filtered by.",
            )
        operator = self.take()[1].lower()
        if operator == "in":
            if not self.word("("):
                raise self.wrong()
            values = [self.literal()]
            while self.word(","):
                values.append(self.literal())
            if not self.word(")"):
                raise self.wrong()
            return lambda item: any(_same(item.get(member), value) for value in values)
        value = self.literal()
        if operator == "eq":
            return lambda item: _same(item.get(member), value)
        if operator == "ne":
            return lambda item: not _same(item.get(member), value)
        if operator not in _ORDERED:
            raise self.wrong()
        compare = _ORDERED[operator]
        return lambda item: _ordered(item.get(member), value, compare)

    def literal(self) -> Any:
        kind, text = self.take()
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "time":
            instant = clock.ticks(text)
            if instant is None:
                raise self.wrong()
            return _Instant(instant)
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "word" and text.lower() in _CONSTANTS:
            return _CONSTANTS[text.lower()]
        raise self.wrong()


class _Instant(int):
    """A literal that is a time."""


def _told(value: Any, literal: Any) -> Any:
    """A member's value as the literal is: times as ticks, an id that is a number beside one that is a text."""
    if isinstance(literal, _Instant):
        return clock.ticks(value) if isinstance(value, str) else None
    if isinstance(literal, str) and isinstance(value, str):
        return value.lower()
    return str(value) if isinstance(literal, str) and isinstance(value, int) else value


def _same(value: Any, literal: Any) -> bool:
    return bool(_told(value, literal) == (literal.lower() if isinstance(literal, str) else literal))


def _ordered(value: Any, literal: Any, compare: Callable[[Any, Any], bool]) -> bool:
    told = _told(value, literal)
    if told is None or literal is None:
        return False
    other: Any = clock.ticks(literal) if isinstance(literal, str) else literal
    if isinstance(literal, str):  # a time in quotes, as older clients send it
        told = clock.ticks(told) if other is not None else told
        other = literal.lower() if other is None else other
    try:
        return told is not None and compare(told, other)
    except TypeError:
        return False
