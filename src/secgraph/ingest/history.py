"""History: what a tenant's log tells of how its alerts were put together, read whole, for a replay.

An alert is judged once more when its evidence changes, and only how it is judged now is kept; the log has what each such change
replaced. A setting's event has the former word. So both are known as they were at every line, from what holds now backwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from secgraph.ingest.correlate.rarity import EMPTY, Snapshot
from secgraph.ingest.correlate.terms import Numbered
from secgraph.store.protocol import Note, Store

READ = 2_000
"""Rows that are read at a time."""

_counts = msgspec.msgpack.Decoder(dict[int, int])


@dataclass(slots=True)
class Line:
    """A line of the log, as far as it tells who is where."""

    stamp: int
    kind: str
    entity: str
    id: str
    changed: list[str]
    cause: str
    note: Note
    data: bytes | None = None
    """Of an alert that was judged: as it was judged from then on."""

    @property
    def action(self) -> str:
        """By what a person changed it: empty for a plain change, or for what is no person's."""
        words = self.cause.split(" ")
        return words[1] if self.by_person and len(words) > 1 else ""

    @property
    def by_person(self) -> bool:
        """Whether a person or an application changed it."""
        return self.cause.startswith("app:")


@dataclass(slots=True)
class Known:
    """An alert that is there now."""

    born: int
    incident: str
    data: bytes


@dataclass(slots=True)
class History:
    """All of it."""

    lines: list[Line] = field(default_factory=list)
    alerts: dict[str, Known] = field(default_factory=dict)
    snapshots: dict[int, Snapshot] = field(default_factory=dict)
    stamps: dict[int, int] = field(default_factory=dict)
    """When each of them was published."""
    said: dict[str, str] = field(default_factory=dict)
    """The settings before the first line, as JSON."""
    whole: bool = True
    """Whether the log begins at its beginning."""


async def history(store: Store, tenant: int) -> History:
    """The history of a tenant, up to now."""
    found = History()
    after = -(2**62)
    while rows := await store.fetch("subjects", tenant=tenant, after=after, most=READ):
        found.alerts.update((row["alert"], Known(row["born"], str(row["incident"]), bytes(row["data"]))) for row in rows)
        after = rows[-1]["born"]
    for row in await store.fetch("snapshots", tenant=tenant):
        counts = Numbered(_counts.decode(bytes(row["counts"])))
        found.snapshots[row["v"]] = Snapshot(row["v"], row["total"], counts)
        found.stamps[row["v"]] = row["stamp"]
    found.said = {row["name"]: row["value"] for row in await store.fetch("correlation", tenant=tenant)}
    seq = 0
    while rows := await store.fetch("events_noted", tenant=tenant, after=seq, most=READ):
        found.whole = found.whole and (seq > 0 or rows[0]["seq"] == 1)
        found.lines += map(_line, rows)
        seq = rows[-1]["seq"]
    _wind_back(found)
    return found


def snapshot_at(found: History, stamp: int) -> Snapshot:
    """The snapshot by which alerts were judged at an instant."""
    known = [v for v, at in found.stamps.items() if at <= stamp]
    return found.snapshots[max(known)] if known else EMPTY


def _line(row: dict[str, Any]) -> Line:
    note = row["note"]
    return Line(
        row["stamp"], row["kind"], row["entity"], row["id"], msgspec.json.decode(row["changed"], type=list[str]), row["cause"],
        {} if note is None else msgspec.msgpack.decode(bytes(note)),
    )  # fmt: skip


def _wind_back(found: History) -> None:
    """Tells of every line how its alert was judged behind it, and what was said before the first."""
    now = {key: known.data for key, known in found.alerts.items()}
    former: dict[str, bytes | None] = {}
    for line in reversed(found.lines):
        if line.entity == "correlation":
            was = said_in(line)["was"]
            found.said.pop(line.id, None)
            if was is not None:
                found.said[line.id] = was
        elif line.entity == "alerts_v2" and "was" in line.note:
            line.data = former[line.id] if line.id in former else now.get(line.id)
            former[line.id] = line.note["was"]
        elif line.entity == "alerts_v2" and line.kind == "created":
            line.data = former.pop(line.id) if line.id in former else now.get(line.id)
        elif line.entity == "alerts_v2" and line.kind == "deleted":
            former.pop(line.id, None)


def said_in(line: Line) -> dict[str, str | None]:
    """The former word and the new one of a setting that changed, as JSON."""
    found: dict[str, msgspec.Raw] = msgspec.json.decode(line.cause[line.cause.index("{") :], type=dict[str, msgspec.Raw])
    return {name: None if bytes(raw) == b"null" else bytes(raw).decode() for name, raw in found.items()}
