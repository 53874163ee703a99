"""The stories of the examples, told by five products, come out as one incident each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from secgraph.extend import Connector, NotAnAlert
from secgraph.ingest.correlate.partition import Partition
from secgraph.ingest.correlate.replay import groups, replayed
from secgraph.ingest.split import Piece, pieces
from secgraph.model.check import from_source
from secgraph.model.edm import load
from secgraph.sources.cef import CommonEventFormat
from secgraph.sources.graph import Graph
from secgraph.sources.mde import DefenderForEndpoint
from secgraph.sources.suricata import Suricata

EXAMPLES = Path(__file__).parents[2] / "examples"
MANIFEST = json.loads((EXAMPLES / "manifest.json").read_text("utf-8"))
SOURCES: dict[str, Connector] = {"mde": DefenderForEndpoint(), "graph": Graph(), "suricata": Suricata(), "cef": CommonEventFormat()}


def told() -> tuple[list[dict[str, Any]], dict[str, int]]:
    """All alerts of the examples in the order of their creation, and which story each of them is of."""
    records, stories = {}, {}
    for one in MANIFEST["files"]:
        source = SOURCES[one["source"]]
        with (EXAMPLES / one["file"]).open("rb") as stream:
            for piece in pieces(stream, source, 0):
                assert isinstance(piece, Piece)
                try:
                    drafts = list(source.normalise(piece.raw))
                except NotAnAlert:
                    continue
                for draft in drafts:
                    record, _ = from_source(load().struct("microsoft.graph.security.alert"), draft.alert, None)
                    key = record["id"] = draft.native_id.partition(":")[0]
                    records[key] = record
                    for place, story in enumerate(MANIFEST["stories"]):
                        if {key, record["title"]} & set(story["alerts"]) or any(f"|{name}|".encode() in piece.raw.data for name in story["alerts"]):
                            stories[key] = place
    return sorted(records.values(), key=lambda record: record["createdDateTime"]), stories


def test_three_stories_come_out_as_three_incidents_and_noise() -> None:
    alerts, stories = told()
    assert len(alerts) == MANIFEST["alerts"]
    assert len(stories) == sum(len(story["alerts"]) for story in MANIFEST["stories"])
    incidents = [{stories.get(key) for key in one} for one in replayed(alerts).incidents() if any(key in stories for key in one)]
    assert sorted(incidents, key=str) == [{0}, {1}, {2}]


def test_what_comes_in_another_order_comes_out_the_same() -> None:
    alerts, _ = told()

    def parts(partition: Partition) -> set[frozenset[str]]:
        return {frozenset(one) for one in partition.incidents()}

    later = "2026-11-21T00:00:00.0000000Z"  # all on one day, so that no snapshot comes between them
    alerts = [{**one, "firstActivityDateTime": one["firstActivityDateTime"] or one["createdDateTime"], "createdDateTime": later} for one in alerts]
    assert parts(replayed(alerts)) == parts(replayed(alerts[::-1]))
    assert len(groups(alerts)) == len(alerts)
