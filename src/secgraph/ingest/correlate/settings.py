"""What a tenant can say about correlation."""

from __future__ import annotations

from dataclasses import dataclass, field

from secgraph import clock


@dataclass(frozen=True, slots=True)
class Settings:
    """How alerts are put together. The defaults are what was measured."""

    off: bool = False
    """Whether nothing is put together: each alert has an incident of its own, or the one its source names."""
    window: int = 5 * clock.DAY
    """How far apart in time the activity of two alerts may be, in ticks, to be put together."""
    threshold: float = 1.0
    """What the things that two alerts share have to weigh together."""
    few: int = 12
    """How many alerts may name a thing before it counts as less than rare."""
    crowd: int = 400
    """The number of alerts from which on a thing that they name weighs nothing."""
    seldom: float = 0.011
    """The share of all alerts up to which a detection is seldom, and its alerts count whole."""
    always: float = 0.08
    """The share from which on that a person or device is named by its alerts too means nothing."""
    most_worth: float = 1.6
    """What an alert of a very seldom detection counts at most."""
    fresh: float = 1.35
    """What it counts that the same person or device is concerned, where that is so at the same time."""
    stale: float = 0.4
    """What part of that is left at the end of the window."""
    bonus: float = 0.35
    """By which part more it weighs when one alert's tactic follows the other's in the order of an attack."""
    ignored: frozenset[str] = field(default_factory=frozenset)
    """Keys of things that never count: the address of a proxy, the account of a scanner."""
    most_alerts: int = 1_000
    """Most alerts of an incident that the machine puts together."""
    most_span: int = 14 * clock.DAY
    """How long the activity of such an incident may last, in ticks."""
    most_series: int = 150
    """Most alerts of an incident that is nothing but one detection repeating itself."""
    most_postings: int = 256
    """The number of alerts, of the days looked at, from which on what they name is passed over."""
