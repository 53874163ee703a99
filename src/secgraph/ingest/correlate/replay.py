"""Runs alerts through the partition as they would have come, a snapshot each day."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from secgraph import clock
from secgraph.ingest.correlate.census import Census
from secgraph.ingest.correlate.partition import Partition
from secgraph.ingest.correlate.settings import Settings
from secgraph.ingest.correlate.subject import subject
from secgraph.ingest.entities import entities


def replayed(alerts: Iterable[dict[str, Any]], settings: Settings | None = None) -> Partition:
    """The partition that alerts in the order of their arrival come to. The days are those of their creation."""
    partition, census = Partition(settings), Census()
    day, v = None, 0
    for record in alerts:
        at = clock.ticks(record["createdDateTime"]) or 0
        if day is None:
            day = at // clock.DAY
        elif at // clock.DAY > day:
            day, v = at // clock.DAY, v + 1
            partition.publish(census.snapshot(v, at))
        seen = subject(record["id"], record, entities(record), v)
        if seen.id not in partition.subjects:
            census.add(seen, at)
        partition.take(seen)
    return partition


def groups(alerts: Iterable[dict[str, Any]]) -> list[str]:
    """The incident that each alert is in after the last of them: what `scripts/bench correlate --correlator` asks for."""
    known = list(alerts)
    partition = replayed(known)
    return [partition.of[record["id"]] for record in known]
