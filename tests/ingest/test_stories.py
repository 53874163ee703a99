"""The stories of the examples, told by five products, come out as one incident each: judged by themselves, and at a first start."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from secgraph import clock as real_clock
from secgraph import quickstart
from secgraph.app import core
from secgraph.extend import AlertDraft, Connector, NotAnAlert
from secgraph.ingest.correlate.partition import Partition
from secgraph.ingest.correlate.replay import groups, replayed
from secgraph.ingest.ready import identity
from secgraph.ingest.split import Piece, pieces
from secgraph.model.check import from_source
from secgraph.model.edm import load
from secgraph.settings import gather
from secgraph.sources.cef import CommonEventFormat
from secgraph.sources.graph import Graph
from secgraph.sources.mde import DefenderForEndpoint
from secgraph.sources.suricata import Suricata
from secgraph.testing import Clock, running

EXAMPLES = Path(__file__).parents[2] / "examples"
MANIFEST = json.loads((EXAMPLES / "manifest.json").read_text("utf-8"))
SOURCES: dict[str, Connector] = {"mde": DefenderForEndpoint(), "graph": Graph(), "suricata": Suricata(), "cef": CommonEventFormat()}


def told() -> tuple[list[dict[str, Any]], dict[str, int]]:
    """All alerts of the examples in the order of their creation, and which story each of them is of."""
    records, stories = {}, {}
    for one in [file for file in MANIFEST["files"] if file["source"] in SOURCES]:  # the others are of scanners
        source = SOURCES[one["source"]]
        with (EXAMPLES / one["file"]).open("rb") as stream:
            for piece in pieces(stream, source, 0):
                assert isinstance(piece, Piece)
                try:
                    drafts = list(source.normalise(piece.raw))
                except NotAnAlert:
                    continue
                for draft in drafts:
                    assert isinstance(draft, AlertDraft)
                    record, _ = from_source(load().struct("microsoft.graph.security.alert"), draft.alert, None)
                    native = draft.native_id.partition(":")[0]
                    key = record["id"] = identity(draft.product, draft.native_id, draft.prefixes)
                    records[key] = record
                    for place, story in enumerate(MANIFEST["stories"]):
                        if {native, record["title"]} & set(story["alerts"]) or any(f"|{name}|".encode() in piece.raw.data for name in story["alerts"]):
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


async def test_a_first_start_shows_three_stories_as_three_incidents_and_noise(tmp_path: Path, on: dict[str, str]) -> None:
    anchor = datetime.fromisoformat(MANIFEST["anchor"])
    clock = Clock(int(anchor.timestamp()) * real_clock.SECOND)
    async with core(gather({"data": tmp_path / "data", **on}, {}), clock) as inner:
        await quickstart.first_start(inner, tmp_path, "https://localhost", authority_file=None, empty=False, tick=lambda _: None)
    _, stories = told()
    async with running(tmp_path / "data", clock, **on) as graph:
        found = (await graph.get("security/incidents", expand="alerts", filter="status ne 'redirected'", top="999"))["value"]
        merged = await graph.get("security/incidents", filter="status eq 'redirected'", top="999")
    held = [{alert["id"] for alert in one["alerts"]} for one in found]
    assert sum(map(len, held)) == MANIFEST["alerts"]
    assert {key for ids in held for key in ids} >= stories.keys()
    incidents = [{stories.get(key) for key in ids} for ids in held if ids & stories.keys()]
    assert sorted(incidents, key=str) == [{0}, {1}, {2}]
    assert all(one["redirectIncidentId"] in {kept["id"] for kept in found} for one in merged["value"])
