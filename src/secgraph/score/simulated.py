"""What a change would bring: a score with some controls taken as if they stood otherwise. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from secgraph.errors import UsageError
from secgraph.score.explained import named
from secgraph.score.scoring import Limits, Score, scored
from secgraph.score.standing import Held, Profile, Stated

SCANNER = "simulated"
WORDS = {"pass": 1.0, "fail": 0.0}
STATES = {"ignored": "Ignored", "thirdparty": "ThirdParty", "default": "Default"}
HOW = "Write CONTROL=pass, fail, a share such as 50%, ignored, thirdparty or default."
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s*%", re.ASCII)


@dataclass(frozen=True, slots=True)
class Change:
    """A control, and how it is taken to stand."""

    control: Profile
    share: float | None
    state: str
    """Where it is a state and no share."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What changes bring, together and one by one."""

    before: Score
    after: Score
    changes: tuple[tuple[Change, float, float], ...]
    """Each with what its control has then, and what it could have: less what both were before."""


def changes(profiles: Mapping[str, Profile], given: Sequence[str]) -> list[Change]:
    """The changes that are written like `CONTROL=pass`. UsageError for what cannot be read, or no control."""
    found: dict[str, Change] = {}
    for text in given:
        name, sign, what = text.rpartition("=")
        if not sign:
            raise UsageError(f"{text[:100]!r} says nothing of a control. {HOW}")
        control = named(profiles, name)
        if control.id in found:
            raise UsageError(f"{control.id} is given twice.")
        found[control.id] = _change(control, what.strip().casefold())
    return [*found.values()]


def _change(control: Profile, what: str) -> Change:
    if what in WORDS:
        return Change(control, WORDS[what], "Default")
    if what in STATES:
        return Change(control, None, STATES[what])
    share = _SHARE.fullmatch(what)
    if share is None or float(share[1]) > 100:
        raise UsageError(f"{what[:40]!r} is nothing that a control can be. {HOW}")
    return Change(control, float(share[1]) / 100, "Default")


def simulated(
    profiles: Mapping[str, Profile], held: Iterable[Held], given: Sequence[Change], now: int, limits: Limits
) -> Brought:  # fmt: skip
    """The score before and after."""
    known = [*held]
    before = scored(profiles.values(), known, now, limits)
    after_profiles, after_held = {**profiles}, known
    for one in given:
        key = one.control.id.casefold()
        after_profiles[key] = replace(one.control, state=Stated(one.state, now))
        if one.share is not None:
            share = one.share
            after_held = [
                *(found for found in after_held if found.control != key),
                Held(key, SCANNER, 1, share, int(share < 1), None, now, now),
            ]
    after = scored(after_profiles.values(), after_held, now, limits)
    return Brought(before, after, tuple((one, *_brings(before, after, one.control.id)) for one in given))


def _brings(before: Score, after: Score, control: str) -> tuple[float, float]:
    was, will = _has(before, control), _has(after, control)
    return will[0] - was[0], will[1] - was[1]


def _has(score: Score, control: str) -> tuple[float, float]:
    return next(((one.score, one.control.max_score) for one in score.entries if one.control.id == control), (0.0, 0.0))
