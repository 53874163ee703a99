"""What a tenant can say about how alerts are put together, and when incidents are due and settled: names and bounds. Pure.

Inside, times are ticks and names are those of the fields; outside, a time is `5d`, `36h` or `1d12h`, and names are written as
the contract writes its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from secgraph import clock
from secgraph.errors import BadBody

Kind = Literal["switch", "time", "whole", "number", "keys"]

MINUTE, HOUR = 60 * clock.SECOND, 3600 * clock.SECOND

MOST_KEYS, LONGEST_KEY = 500, 200
"""Most keys that can be ignored, and most characters of one."""


@dataclass(frozen=True, slots=True)
class Word:
    """One setting."""

    kind: Kind
    says: str
    least: float = 0
    most: float = 0


WORDS: dict[str, Word] = {
    "off": Word(
        "switch",
        "Whether nothing is put together: each alert has an incident of its own, or the one its source names.",
    ),
    "window": Word(
        "time", "How far apart in time the activity of two alerts may be to be put together.", 10 * MINUTE, 30 * clock.DAY
    ),
    "threshold": Word("number", "What the things that two alerts share have to weigh together.", 0.1, 10),
    "few": Word("whole", "How many alerts may name a thing before it counts as less than rare.", 5, 100_000),
    "crowd": Word("whole", "The number of alerts from which on a thing that they name weighs nothing.", 6, 1_000_000),
    "seldom": Word(
        "number", "The share of all alerts up to which a detection is seldom, and its alerts count whole.", 0.0001, 0.5
    ),
    "always": Word(
        "number", "The share from which on that a person or device is named by its alerts too means nothing.", 0.0002, 1
    ),
    "most_worth": Word("number", "What an alert of a very seldom detection counts at most.", 1, 5),
    "fresh": Word(
        "number", "What it counts that the same person or device is concerned, where that is so at the same time.", 1, 5
    ),
    "stale": Word("number", "What part of that is left at the end of the window.", 0, 1),
    "bonus": Word(
        "number", "By which part more it weighs when one alert's tactic follows the other's in the order of an attack.", 0, 2
    ),
    "ignored": Word("keys", "Keys of things that never count: the address of a proxy, the account of a scanner."),
    "most_alerts": Word("whole", "Most alerts of an incident that the machine puts together.", 2, 5_000),
    "most_span": Word("time", "How long the activity of such an incident may last.", HOUR, 90 * clock.DAY),
    "most_series": Word("whole", "Most alerts of an incident that is nothing but one detection repeating itself.", 2, 5_000),
    "most_postings": Word(
        "whole",
        "The number of alerts, of the days looked at, from which on what they name is passed over.",
        16,
        256,
    ),
    "due_high": Word("whole", "Hours after which a high incident is due; 0 for never, as for those that follow.", 0, 10_000),
    "due_medium": Word("whole", "The same of a medium one, and of one whose severity nobody said.", 0, 10_000),
    "due_low": Word("whole", "The same of a low one.", 0, 10_000),
    "due_informational": Word("whole", "The same of an informational one.", 0, 10_000),
    "quiet": Word("whole", "Minutes without another alert after which an incident has settled.", 1, 10_000),
}
"""Every setting, by the name of its field."""

BELOW = (("few", "crowd"), ("seldom", "always"))
"""Of each pair the first must be less than the second."""

_TIME = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?", re.ASCII)
_KEY = re.compile(r"[A-Za-z]+\.[a-z0-9]+:\S.*", re.DOTALL)
_SWITCH = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def outward(name: str) -> str:
    """A setting's name as it is shown."""
    first, *more = name.split("_")
    return first + "".join(word.capitalize() for word in more)


_NAMES = {outward(name).casefold(): name for name in WORDS}


def named(given: str) -> str:
    """The setting of that name, in whatever case, with or without dashes. BadBody where there is none."""
    found = _NAMES.get(re.sub(r"[-_]", "", given).casefold())
    if found is None:
        raise BadBody(given[:80], "is no setting of correlation.", hint=f"Settings: {', '.join(map(outward, WORDS))}.")
    return found


def chosen(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as people wrote them, by field; None for what is to be as nobody had said it. BadBody for what none can be."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        if "@" not in name:
            field = named(name)
            if field in found:
                raise BadBody(outward(field), "is said twice.")
            found[field] = None if value is None else _value(field, value)
    return found


def expect_in_order(values: Mapping[str, Any]) -> None:
    """BadBody where settings that hold together contradict each other."""
    for less, more in BELOW:
        if not values[less] < values[more]:
            raise BadBody(
                outward(less), f"is {values[less]:g}, which is not less than {outward(more)}, {values[more]:g}.",
                hint=f"Set both so that {outward(less)} is the smaller one.",
            )  # fmt: skip


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as people write them."""
    return {outward(name): _shown(WORDS[name].kind, values[name]) for name in WORDS}


def bounds(name: str) -> str:
    """What a setting may be, in words."""
    word = WORDS[name]
    if word.kind == "switch":
        return "true or false"
    if word.kind == "keys":
        return f"up to {MOST_KEYS} keys"
    return f"{_shown(word.kind, word.least)} to {_shown(word.kind, word.most)}"


def _shown(kind: Kind, value: Any) -> Any:
    if kind == "time":
        return next(f"{value // unit}{letter}" for letter, unit in _UNITS.items() if value % unit == 0)
    return sorted(value) if kind == "keys" else value


_UNITS = {"d": clock.DAY, "h": HOUR, "m": MINUTE}


def _value(name: str, given: Any) -> Any:
    word = WORDS[name]
    if word.kind == "switch":
        value = given if isinstance(given, bool) else _SWITCH.get(str(given).strip().lower())
        if value is None:
            raise BadBody(outward(name), "is true or false.")
        return value
    if word.kind == "keys":
        return _keys(name, given)
    number = {"time": _time, "whole": _whole, "number": _number}[word.kind](given)
    if number is None:
        like = {"time": "a time such as 5d, 36h, 90m or 1d12h", "whole": "a whole number", "number": "a number"}[word.kind]
        raise BadBody(outward(name), f"is {like}.", hint=f"It may be {bounds(name)}.")
    if not word.least <= number <= word.most:
        raise BadBody(outward(name), f"cannot be {_told(given)}.", hint=f"It may be {bounds(name)}.")
    return number


def _told(given: Any) -> str:
    return str(given)[:40]


def _time(given: Any) -> int | None:
    found = _TIME.fullmatch(given.strip().lower().replace(" ", "")) if isinstance(given, str) else None
    if found is None or not found[0]:
        return None
    return sum(int(many or 0) * unit for many, unit in zip(found.groups(), _UNITS.values(), strict=True))


def _whole(given: Any) -> int | None:
    if isinstance(given, str) and re.fullmatch(r"[0-9]{1,15}", given.strip(), re.ASCII):
        return int(given)
    return given if isinstance(given, int) and not isinstance(given, bool) else None


def _number(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        return float(given)
    except (ValueError, OverflowError):
        return None


def _keys(name: str, given: Any) -> list[str]:
    keys: Iterable[Any] = [given] if isinstance(given, str) else given
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise BadBody(outward(name), f"is a list of up to {MOST_KEYS} keys.")
    for place, key in enumerate(keys):
        if not isinstance(key, str) or len(key) > LONGEST_KEY or not _KEY.fullmatch(key):
            raise BadBody(
                f"{outward(name)}/{place}", "is not the key of a thing.",
                hint="A key is written as type.kind:value, such as ip.public:198.51.100.7 or user.upn:scanner@contoso.com.",
            )  # fmt: skip
    return sorted(set(keys))
