"""What the judgement sees of an alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from secgraph import clock
from secgraph.ingest.correlate.strength import PARTS, Part
from secgraph.ingest.correlate.tactics import tactic
from secgraph.ingest.entities import Entity
from secgraph.ingest.entities.entity import ASIDE, GRADES
from secgraph.ingest.entities.normal import digest, shown, text


@dataclass(slots=True, eq=False)
class Subject:
    """An alert as it is judged. `first` and `last` are the span of its activity, in ticks."""

    id: str
    first: int
    last: int
    entities: Sequence[Entity]
    tactic: str = ""
    product: str = ""
    detector: str = ""
    """What of that product raised it."""
    title: str = ""
    native: str = ""
    """The id that its product gave it."""
    gravity: float = 1.0
    """How grave its product says that it is, as a factor of what it is worth."""
    v: int = 0
    """The number of the snapshot it was judged under."""
    alone: bool = False
    """Whether somebody said that it belongs to no other."""
    severity: str = "unknown"
    label: str = ""
    """What people call its product."""
    name: str = ""
    """The title as people read it."""
    places: dict[str, tuple[int, Part]] = field(init=False)
    """Each key to the entity it is of, and what it says."""
    about: frozenset[int] = field(init=False)
    """Which of the entities it is about: a device, a person, an address outside, or another thing where there are none."""
    main: str = field(init=False)
    """The strongest keys of these."""

    def __post_init__(self) -> None:
        places: dict[str, tuple[int, Part]] = {}
        for place, (_, keys, role, _) in enumerate(self.entities):
            for key in keys:
                if key not in places:
                    places[key] = place, PARTS[key[: key.index(":")], role]
        self.places = places
        about = main(self.entities)
        self.about = frozenset(about)
        self.main = " ".join(self.entities[place].keys[0] for place in about)


EXCLUDED = "isExcludedFromCorrelation"
"""The member of the additional data by which an alert that was made by hand stays alone."""

GRAVITY = {"informational": 0.6, "low": 0.8, "medium": 1.0, "high": 1.0}
"""What severity says of an alert's worth. Products see one and the same thing as medium and as high."""

_MAIN = ("devices", "people", "network")


def main(entities: Sequence[Entity]) -> list[int]:
    """Which entities an alert is about: of devices, people and addresses outside the one of most part in it each. Where it
    names none of them but as bystanders, the thing of most part.
    """
    best: dict[str, tuple[float, str, int]] = {}
    for place, one in enumerate(entities):
        key = one.keys[0]
        found = PARTS[key[: key.index(":")], one.role]
        if found.strength > 0:
            family = found.family if GRADES[one.role] != ASIDE and found.family in _MAIN else ""
            order = (-found.strength, key, place)
            if family not in best or order < best[family]:
                best[family] = order
    return [best[family][2] for family in _MAIN if family in best] or [place for *_, place in best.values()]


def subject(key: str, record: dict[str, Any], entities: Sequence[Entity], v: int = 0) -> Subject:
    """An alert of the store as it is judged."""
    created = clock.ticks(record["createdDateTime"] or "") or 0
    first = clock.ticks(record["firstActivityDateTime"] or "")
    last = clock.ticks(record["lastActivityDateTime"] or "")
    first = first if first is not None else last if last is not None else created
    product = text(record["serviceSource"]) or ""
    if product in {"", "unknownfuturevalue"}:
        product = text(record["productName"]) or ""
    title = text(record["title"]) or ""
    return Subject(
        key, first, max(first, last if last is not None else first), entities,
        tactic(record["category"], record["mitreTechniques"] or ()), product,
        digest(product, text(record["detectorId"]) or title), title, text(record["providerAlertId"]) or "",
        GRAVITY.get(record["severity"], 1.0), v, bool((record["additionalData"] or {}).get(EXCLUDED)),
        record["severity"] or "unknown", shown(record["productName"]) or spelled(record["serviceSource"] or ""),
        shown(record["title"]),
    )  # fmt: skip


def spelled(word: str) -> str:
    """A word of the contract in words: `microsoftDefenderForEndpoint` is Microsoft Defender for Endpoint."""
    if word in {"", "unknown", "unknownFutureValue"}:
        return ""
    parted = "".join(f" {one}" if one.isupper() else one for one in word).split()
    return " ".join(one.lower() if one in _SMALL else one[:1].upper() + one[1:] for one in parted)


_SMALL = frozenset({"For", "And", "Of"})
