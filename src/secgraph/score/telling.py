"""What is said of a control in a sentence."""

from __future__ import annotations

from secgraph import clock
from secgraph.score.standing import Held, Profile

SUBJECTS = {
    "xccdf": ("host", "hosts"), "lynis": ("host", "hosts"), "prowler": ("resource", "resources"),
    "securityhub": ("resource", "resources"),
}  # fmt: skip
"""What a scanner looks at, one and several of them."""
THINGS = ("check", "checks")


def told(control: Profile, held: Held | None, state: str, at: int, *, stale: bool) -> str:
    """How a control stands, in a sentence or two."""
    if held is None:
        day = clock.text(at)[:10]
        return "Taken care of by a third party." if state == "ThirdParty" else f"Reviewed on {day}."
    said = passed(control, held)
    return f"{said} Not seen since {clock.text(at)[:10]}." if stale else said


def passed(control: Profile, held: Held) -> str:
    """What a scanner found."""
    if held.points is not None:
        return f"{number(held.points)} of {number(control.max_score)} points upstream."
    if not held.failing:
        return "Passed." if held.found == 1 else f"All {several(held.found, held.scanner)} pass."
    if held.found == 1:
        return "Failed." if held.passed == 0 else f"Passed by {number(100 * held.passed)} %."
    good = held.found - held.failing
    of = several(held.found, held.scanner)
    if held.passed > good:
        return f"{good} of {of} pass, others in part: {number(100 * held.passed / held.found)} % of all."
    if not good:
        return f"None of {of} passes."
    return f"{good} of {of} {'passes' if good == 1 else 'pass'}."


def several(count: int, scanner: str) -> str:
    """So many of what a scanner looks at."""
    one, many = SUBJECTS.get(scanner, THINGS)
    return f"{count} {one if count == 1 else many}"


def number(value: float) -> str:
    """A number with no more decimals than it needs, and at most two."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
