"""How urgent an incident is: a number from 0 to 100, and what it is made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from secgraph.ingest.assessment.cast import DEVICES, PEOPLE, RESOURCES, Cast, products
from secgraph.ingest.assessment.outline import CRITICALITY, Outline, Thing
from secgraph.ingest.correlate.tactics import STAGES, told

SEVERITY = {"unknown": 15, "informational": 2, "low": 10, "medium": 25, "high": 40}
REACH = (0, 3, 6, 10)
"""By the stage of an attack that was reached: entry, foothold, spreading, goal."""

TACTIC, MOST_TACTICS = 3, 12
"""What each further tactic counts, and all of them at most."""

PRODUCT, MOST_PRODUCTS = 4, 8
ASSET, MOST_ASSETS = 1, 8
KIND = 3
"""What each further kind of asset counts."""

CRITICAL = {CRITICALITY["critical"]: 10, CRITICALITY["high"]: 6}
"""By what its organisation says of the most critical asset."""

MARKS = {"breakGlass": 10, "domainController": 8, "vip": 6}
MOST_STANDING = 16
"""What criticality and a tag count together at most."""


class Factor(NamedTuple):
    """A part of the score, and why it counts."""

    name: str
    points: int
    why: str


def factors(one: Outline, named: Cast) -> list[Factor]:
    """What makes an incident urgent, in the order in which it is documented; what counts nothing is left out."""
    return [factor for factor in _factors(one, named) if factor.points > 0]


def score(found: Iterable[Factor]) -> int:
    """The sum of the factors, 0 to 100."""
    return min(100, sum(factor.points for factor in found))


def rescored(points: int, before: str, after: str) -> int:
    """The score of an incident whose severity is another by now."""
    return max(0, min(100, points - SEVERITY.get(before, SEVERITY["unknown"]) + SEVERITY.get(after, SEVERITY["unknown"])))


def _factors(one: Outline, named: Cast) -> Iterator[Factor]:
    yield Factor("severity", SEVERITY.get(one.severity, SEVERITY["unknown"]), f"The severity is {one.severity}.")
    if one.tactics:
        furthest = max(one.tactics, key=STAGES.__getitem__)
        yield Factor("reach", REACH[STAGES[furthest]], f"The attack came as far as {told(furthest)}.")
    tactics = len(set(map(told, one.tactics)))
    yield Factor("tactics", min(TACTIC * (tactics - 1), MOST_TACTICS), f"{tactics} tactics were seen.")
    reporting = len(products(one))
    yield Factor("products", min(PRODUCT * (reporting - 1), MOST_PRODUCTS), f"{reporting} products report it.")
    assets = named.assets
    yield Factor("assets", min(ASSET * (len(assets) - 1), MOST_ASSETS), f"{len(assets)} assets are concerned.")
    kinds = {DEVICES: named.devices, PEOPLE: named.people, RESOURCES: named.resources}
    spread = [kind for kind, found in kinds.items() if found]
    yield Factor("spread", KIND * (len(spread) - 1), f"It spreads over {' and '.join(spread)}.")
    yield from _standing(assets)


def _standing(assets: Sequence[Thing]) -> Iterator[Factor]:
    """What is known of the assets: how critical the most critical is, and the weightiest tag."""
    left = MOST_STANDING
    best = max(assets, key=lambda each: each.criticality, default=None)
    if best is not None and best.criticality in CRITICAL:
        points = CRITICAL[best.criticality]
        left -= points
        how = "critical" if best.criticality == CRITICALITY["critical"] else "of high criticality"
        yield Factor("criticality", points, f"{best.name} is {how}.")
    marked = [(MARKS[tag], tag, each) for each in assets for tag in each.tags]
    if marked:
        points, tag, each = max(marked, key=lambda found: found[0])
        yield Factor(tag, min(points, left), f"{each.name} is tagged {tag}.")
