"""What a score is computed of: the findings of each control as the store groups them, and the controls with what people said
of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from secgraph import clock


@dataclass(frozen=True, slots=True)
class Held:
    """What one scanner found of one control, all of it together."""

    control: str
    """The key of the control: its id in small letters."""
    scanner: str
    found: int
    """Findings that have a share or points."""
    passed: float
    """The sum of their shares, each from 0 to 1."""
    failing: int
    """How many of them have a share of less than 1."""
    points: float | None
    """What its scanner gives on average, where it counts points; None where it tells shares."""
    oldest: int
    newest: int
    """When the findings were made, in ticks."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What somebody said of a control last."""

    state: str
    """Default, Ignored, ThirdParty or Reviewed."""
    at: int
    """In ticks; 0 where nobody knows."""
    by: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """A control."""

    id: str
    title: str
    category: str
    service: str
    max_score: float
    """0 where its profile has none: it cannot count then."""
    rank: int
    action_type: str
    implementation_cost: str
    user_impact: str
    remediation: str
    action_url: str
    state: Stated | None = None


class _Update(msgspec.Struct, rename="camel"):
    state: str | None = None
    comment: str | None = None
    updated_by: str | None = None
    updated_date_time: str | None = None


class _Document(msgspec.Struct, rename="camel"):
    id: str
    title: str | None = None
    control_category: str | None = None
    service: str | None = None
    max_score: float | None = None
    rank: int | None = None
    action_type: str | None = None
    implementation_cost: str | None = None
    user_impact: str | None = None
    remediation: str | None = None
    action_url: str | None = None
    control_state_updates: list[_Update] | None = None


LAST = 2**31 - 1
"""The rank of a control that has none."""

_decoder = msgspec.json.Decoder(_Document)


def profile_of(document: bytes | str) -> Profile:
    """The control of a stored profile, of which only a few members are read."""
    one = _decoder.decode(document)
    return Profile(
        one.id, one.title or one.id, one.control_category or "", one.service or "", one.max_score or 0.0,
        LAST if one.rank is None else one.rank, one.action_type or "", one.implementation_cost or "", one.user_impact or "",
        one.remediation or "", one.action_url or "", _last(one.control_state_updates or []),
    )  # fmt: skip


def _last(updates: list[_Update]) -> Stated | None:
    said = [Stated(one.state or "Default", _at(one), one.updated_by or "", one.comment or "") for one in updates]
    return max(said, key=lambda one: one.at, default=None)


def _at(one: _Update) -> int:
    return (clock.ticks(one.updated_date_time) or 0) if one.updated_date_time else 0
