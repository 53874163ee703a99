"""One workload measured: the answers compared, then runs that take turns between the sides, and what came of writes."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from bench import generate, load
from bench.processes import Failed
from bench.sides import ALERTS, Side
from bench.workload import SERVED, Workload

COMPARED = 20
"""Variants of a workload of which all sides' answers are compared before it is measured."""

CONNECTIONS = (1, 16)
NEWER = generate.instant(generate.FIRST.replace(year=generate.FIRST.year + 1))
"""All that is handed in one by one is created after this, and nothing else."""


@dataclass(slots=True)
class Measured:
    """All runs of one workload over that many connections, by what was asked: a side's name or `first`."""

    workload: Workload
    connections: int
    runs: dict[str, list[load.Run]] = field(default_factory=dict)
    scans: list[float] = field(default_factory=list)
    """Seconds of each full scan that went on beside it."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long is measured."""

    runs: int
    seconds: int
    connections: tuple[int, ...] = CONNECTIONS


def measure(
    workload: Workload,
    sides: dict[str, Side],
    folder: Path,
    length: Length,
    aside: dict[str, list[str]],
    *,
    scans: bool = False,
) -> list[Measured]:
    """The numbers for one and for sixteen connections. Failed when an answer was wrong or a write left nothing behind."""
    compare(workload, sides, aside)
    files = {label: folder / f"{workload.name}.{label}.lines" for label in workload.lines}
    for label, lines in workload.lines.items():
        files[label].write_text("".join(f"{line}\n" for line in lines), "utf-8")
    starts = dict.fromkeys(files, 0)
    before = {name: left(workload, sides[name]) for name in sides} if workload.writes else {}
    begun = datetime.now(UTC)
    answered = dict.fromkeys(files, 0)

    def one(label: str, seconds: int, connections: int, measured: Measured) -> load.Run:
        side = sides[SERVED.get(label, label)]
        with contextlib.ExitStack() as stack:
            if workload.beside and not workload.writes and not scans:
                stack.enter_context(load.writing(side, aside[side.name]))
            if scans:
                stack.enter_context(load.scanning(side, measured.scans))
                time.sleep(0.5)
            run = load.run(workload, side, files[label], start=starts[label], seconds=seconds, connections=connections)
        starts[label] += run.issued
        answered[label] += run.requests
        return run

    found = [Measured(workload, connections, {label: [] for label in files}) for connections in length.connections]
    for measured in found:
        if length.seconds > 1:
            for label in files:
                one(label, 1, measured.connections, measured)
        for _ in range(length.runs):
            for label, runs in measured.runs.items():
                runs.append(one(label, length.seconds, measured.connections, measured))
    if workload.writes:
        for name, side in sides.items():
            _stayed(workload, side, (starts[name], answered[name]), left(workload, side) - before[name], begun)
    return found


def compare(workload: Workload, sides: dict[str, Side], aside: dict[str, list[str]]) -> None:
    """Failed when an answer is no good one, or all sides do not hold the same. `small` holds something else."""
    seen: dict[int, tuple[str, object]] = {}
    for label, lines in workload.lines.items():
        side = sides[SERVED.get(label, label)]
        for number, path in enumerate(_asked(workload, side, lines, aside)):
            client = side.client()
            answer = workload.check(client.ask(workload.method, path, workload.body, workload.kind))
            client.close()
            if label not in sides or label == "small":
                continue
            other, before = seen.setdefault(number, (label, answer))
            if before != answer:
                raise Failed(f"{other} and {label} differ on {workload.name}: {path}")


def _asked(workload: Workload, side: Side, lines: list[str], aside: dict[str, list[str]]) -> list[str]:
    if workload.script == "patch":
        path = lines[0].partition("\t")[0].rpartition("/")[0]
        return [f"{path}/{key}" for key in aside[side.name][:COMPARED]]
    return lines[:1] if workload.script in {"post", "form"} else lines[:COMPARED]


def left(workload: Workload, side: Side) -> int:
    """How many alerts are there that only a POST can have made; 0 for other writes."""
    return _number(side, f"createdDateTime ge {NEWER}", f"since={NEWER}") if workload.script == "post" else 0


def _number(side: Side, condition: str, bare: str) -> int:
    client = side.client()
    path = f"/count?{bare}" if side.name == "bare" else f"{ALERTS}/$count?$filter={quote(condition)}"
    found = int(client.ask("GET", path))
    client.close()
    return found


def _stayed(workload: Workload, side: Side, asked: tuple[int, int], more: int, begun: datetime) -> None:
    """Failed when writes were answered well and are not there. Of the bare side's changes no column tells.

    `asked` are the requests sent and those answered: at the end of a run some are cut off, and their turn does not come again
    before all others had theirs.
    """
    issued, answered = asked
    if workload.script == "post":
        if more < answered:
            raise Failed(f"{side.name} answered {answered} POSTs and holds {more} alerts more.")
        return
    if side.name != "bare":
        changed = _number(side, f"lastUpdateDateTime ge {generate.instant(begun)}", "")
        if changed < min(issued, len(workload.lines[side.name])) - (issued - answered):
            raise Failed(f"{side.name} answered {answered} PATCHes, and {changed} alerts are changed.")
