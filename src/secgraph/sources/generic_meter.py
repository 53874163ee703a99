"""Steps counted over a record, and what is gone through as a whole: values compared, searched, written as text."""

from __future__ import annotations

from typing import Any

import msgspec

STEPS = 50_000
"""Most steps over one record, of all expressions together."""

TEXT_STEP = 16
"""Characters that are made in a step."""


class TooMuch(Exception):
    """A record takes more steps than it may."""


class Meter:
    """What is left of the steps over one record. Whoever walks over deep ones minds RecursionError."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = STEPS

    def spend(self, steps: int) -> None:
        """Counts; TooMuch where nothing is left."""
        self.left -= steps
        if self.left < 0:
            raise TooMuch


def number(value: Any) -> bool:
    """Whether it is a number; true and false are none."""
    return value.__class__ is int or value.__class__ is float


def same(one: Any, other: Any, meter: Meter) -> bool:
    """Whether two values are equal; true is no number."""
    kind = one.__class__
    if kind is str or other is None:
        return bool(one == other)
    if number(one):
        return number(other) and bool(one == other)
    if kind is not other.__class__:
        return False
    if kind is list:
        meter.spend(len(one) + 1)
        return len(one) == len(other) and all(same(left, right, meter) for left, right in zip(one, other, strict=True))
    if kind is dict:
        meter.spend(len(one) + 1)
        return one.keys() == other.keys() and all(same(value, other[name], meter) for name, value in one.items())
    return bool(one == other)


def contains(subject: Any, search: Any, meter: Meter) -> bool:
    """Whether a text is in a text, or a value in a list; TypeError for anything else."""
    if subject.__class__ is str:
        meter.spend(len(subject) // TEXT_STEP)
        if search.__class__ is not str:
            raise TypeError("only a text is contained in a text")
        return search in subject
    if subject.__class__ is not list:
        raise TypeError("nothing is contained in it")
    meter.spend(len(subject))
    return any(same(one, search, meter) for one in subject)


def rendered(value: Any, meter: Meter) -> str:
    """A value as text: a text itself, anything else as JSON."""
    if value.__class__ is str:
        return str(value)
    _spend_on(value, meter)
    return msgspec.json.encode(value).decode()


def _spend_on(value: Any, meter: Meter) -> None:
    meter.spend(1)
    if value.__class__ is list:
        for one in value:
            _spend_on(one, meter)
    elif value.__class__ is dict:
        for name, one in value.items():
            meter.spend(len(name) // TEXT_STEP)
            _spend_on(one, meter)
    elif value.__class__ is str:
        meter.spend(len(value) // TEXT_STEP)
