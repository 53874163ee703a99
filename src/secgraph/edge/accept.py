"""Accept and `$format`: which of the served formats a client takes, and how much control information it wants."""

from __future__ import annotations

from dataclasses import dataclass

from secgraph.edge.exchange import Level
from secgraph.errors import BadOption, NotAcceptable

LEVELS: dict[str, Level] = {"": "minimal", "none": "none", "minimal": "minimal", "full": "full"}
JSON = "application/json"

_LEVEL = {"odata.metadata", "metadata"}


@dataclass(frozen=True, slots=True)
class _Range:
    """A media range: what it names, how much it is wanted, and the level it asks for (empty when none)."""

    kind: str
    weight: float
    level: str


def level(accept: str, served: str = JSON) -> Level:
    """The level that an Accept header asks for. NotAcceptable when neither JSON nor what is served there is taken."""
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    for kind in (JSON, served) if ranges else ():
        best = min((one for one in ranges if _fits(one, kind)), key=lambda one: _rank(one, kind), default=None)
        if best is not None and best.weight > 0:
            return LEVELS[best.level] if best.kind == JSON else "minimal"
    if ranges:
        raise NotAcceptable("None of the formats in Accept is served here.",
                            hint="Send Accept: application/json; its odata.metadata is none, minimal or full.")  # fmt: skip
    return "minimal"


def format_level(text: str) -> Level | None:
    """The level that `$format` asks for; None when it names another format than JSON. BadOption for an unknown level."""
    found = _range(text)
    if found.kind not in {JSON, "json"}:
        return None
    if found.level not in LEVELS:
        raise BadOption("$format", f"there is no metadata level '{found.level[:40]}'.", hint="Levels: none, minimal, full.")
    return LEVELS[found.level]


def _range(text: str) -> _Range:
    kind, *parameters = (part.strip().lower() for part in text.split(";"))
    weight, wanted = 1.0, ""
    for parameter in parameters:
        name, _, value = (part.strip().strip('"') for part in parameter.partition("="))
        if name == "q":
            try:
                weight = float(value)
            except ValueError:
                weight = 0.0
        elif name in _LEVEL:
            wanted = value
    return _Range(kind, weight, wanted)


def _fits(one: _Range, kind: str) -> bool:
    """Whether a range means that format; one at a level that does not exist means nothing."""
    return one.kind in {"*/*", "*", f"{kind.partition('/')[0]}/*"} or (one.kind == kind and one.level in LEVELS)


def _rank(one: _Range, kind: str) -> tuple[bool, bool, float]:
    """Which of two ranges speaks for a format: the closer one, then the one that is wanted more, then the first."""
    return one.kind != kind, one.kind in {"*/*", "*"}, -one.weight
