"""Why an alert is where it is, as a client reads it: one item for each link that was followed or refused. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from secgraph import clock
from secgraph.ingest.correlate.link import Link, Reason
from secgraph.ingest.correlate.pack import from_data, number
from secgraph.ingest.correlate.place import Placement, Why
from secgraph.ingest.correlate.sentence import flags, sentence
from secgraph.ingest.correlate.tactics import told
from secgraph.store.facts import NEAR

WORDS: dict[Why, str] = {
    "resolved": "A resolved incident is neither opened again nor joined.",
    "apart": "A person keeps the two incidents apart.",
    "touched": "People worked on both incidents, so a person is to say whether they are one.",
    "alerts": "Together the incidents would hold more alerts than one may.",
    "span": "Together the incidents would last longer than one may.",
    "series": "Together the incidents would hold more alerts of one series than one may.",
}
"""What is said of a link that was refused."""

DIGITS = 16
"""Of the id of a thing."""

Item = dict[str, Any]


def explained(alert: str, stamp: int, data: bytes) -> list[Item]:
    """What became of each link of an alert when it was placed at that instant, the one it followed first. One item without a
    link where there was none and some alerts were not looked at.
    """
    incident, placement, crowded = from_data(data)
    found = [*_followed(alert, incident, placement), *_refused(alert, incident, placement)]
    if not found:
        found = [{**_item(alert, "notLinked", incident), "sentence": _crowd(crowded)}]
    return [{"createdDateTime": clock.text(stamp), **one, "truncated": crowded} for one in found]


def thing(key: int) -> str:
    """The id of a thing, by its number."""
    return f"{key % (1 << 4 * DIGITS):0{DIGITS}x}"


def _followed(alert: str, incident: str, placement: Placement) -> Iterator[Item]:
    for link, reached in zip(placement.links, placement.reached, strict=True):
        if reached in placement.merged:
            said = f"{sentence(link)} So incident {reached} was merged into incident {incident}."
            yield {**_item(alert, "merged", incident, reached, link), "sentence": said}
        else:
            yield {**_item(alert, "joined", incident, None, link), "sentence": sentence(link)}


def _refused(alert: str, incident: str, placement: Placement) -> Iterator[Item]:
    for one in placement.refused:
        said = f"{sentence(one.link)} {WORDS[one.why]}"
        continues = one.incident == placement.continues
        if continues:
            said += f" Incident {incident} was opened, and goes on from incident {one.incident}."
        outcome = "mergeSuggested" if one.why == "touched" else "refused"
        yield {
            **_item(alert, outcome, incident, one.incident, one.link), "continues": continues, "why": one.why,
            "whyInWords": WORDS[one.why], "sentence": said,
        }  # fmt: skip


def _item(alert: str, outcome: str, incident: str, other: str | None = None, link: Link | None = None) -> Item:
    """All members in their order, but for the sentence."""
    tactics = None if link is None or link.tactics is None else [told(one) for one in link.tactics]
    return {
        "alertId": alert,
        "withAlertId": None if link is None else link.other if link.one == alert else link.one,
        "outcome": outcome,
        "incidentId": incident,
        "otherIncidentId": other,
        "continues": False,
        "why": None,
        "whyInWords": None,
        "kind": None if link is None else link.kind,
        "score": None if link is None else round(link.score, 4),
        "entities": [] if link is None else [_entity(one) for one in link.reasons],
        "correlationReason": None if link is None else ", ".join(flags(link)),
        "tactics": tactics,
        "gapSeconds": None if link is None else link.gap // clock.SECOND,
        "snapshot": None if link is None else link.v,
        "sentence": "",
    }


def _entity(reason: Reason) -> Item:
    counted = {name: round(getattr(reason, name), 4) for name in ("strength", "rarity", "weight")}
    named = {"id": thing(number(reason.key)), "type": reason.type, "key": reason.key, "name": reason.name}
    return {**named, "roles": list(reason.roles), **counted}


def _crowd(crowded: list[str]) -> str:
    what = "one thing" if len(crowded) == 1 else f"{len(crowded)} things"
    return f"Nothing was found that it belongs to. Of the alerts that name {what} as it does, the latest {NEAR} were looked at."
