"""What the judgement sees of an alert."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from secgraph import clock
from secgraph.ingest.correlate.strength import of, sort_of
from secgraph.ingest.correlate.tactics import tactic
from secgraph.ingest.entities import Entity
from secgraph.ingest.entities.entity import ASIDE, GRADES
from secgraph.ingest.entities.normal import digest, text


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
    v: int = 0
    """The number of the snapshot it was judged under."""
    places: dict[str, int] = field(init=False)
    """Each key to the entity it is of."""
    main: str = field(init=False)
    """The strongest key of the entity that it is about; empty when it names nothing that counts."""

    def __post_init__(self) -> None:
        places: dict[str, int] = {}
        for place, entity in enumerate(self.entities):
            for key in entity.keys:
                places.setdefault(key, place)
        self.places = places
        about = main(self.entities)
        self.main = about.keys[0] if about is not None else ""


_MAIN = {sort: place for place, sort in enumerate((
    "device", "hostName", "user", "accountName", "application", "azureResource", "amazonResource", "googleResource",
    "kubernetesCluster", "kubernetesObject", "container", "gitHubRepo", "gitHubUser", "blobContainer", "privateAddress",
    "ip", "mail", "domain", "file",
))}  # fmt: skip


def main(entities: Sequence[Entity]) -> Entity | None:
    """The entity that an alert is about: no bystander where there is another, the device before the user and so on."""
    best, least = None, None
    for one in entities:
        sort = sort_of(one.keys[0])
        weight = of(sort, one.role)
        if weight > 0:
            order = (GRADES[one.role] == ASIDE, _MAIN.get(sort, len(_MAIN)), -weight, one.keys[0])
            if least is None or order < least:
                best, least = one, order
    return best


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
        digest(product, text(record["detectorId"]) or title), title, text(record["providerAlertId"]) or "", v,
    )  # fmt: skip
