"""Each source beside decoding the same records in the same run: a table of ratios, and the goals that are met or missed."""

from __future__ import annotations

import argparse
import gc
import io
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bench.sources.records import MAKERS
from secgraph.extend import Connector, Raw, Told, source
from secgraph.ingest.split import pieces

RECEIVED = 17_707_248_000_000_000
GOAL_JSON, GOAL_LINES = 0.15, 0.05
"""The speed of a source where decoding its records, or splitting its lines as the server does, has 1."""

MAPPING = Path(__file__).parents[2] / "examples" / "mappings" / "gatehouse.toml"

MANY, RUNS = 500, 31  # many short runs: some of them fall between what else the machine does


@dataclass(frozen=True, slots=True)
class Row:
    """What a source does in a microsecond, beside what it is held against."""

    name: str
    beside: float
    reading: float
    goal: float

    @property
    def ratio(self) -> float:
        """The speed of the source where that of the other is 1."""
        return self.beside / self.reading


def connector_of(name: str) -> Connector:
    """The source of that name; the generic one with the mapping of an example."""
    found = source(name)
    if name == "generic" and isinstance(found, Told):
        return found.told({"mapping": MAPPING.read_text("utf-8")})
    return found


@dataclass(frozen=True, slots=True)
class Lot:
    """Records of one run, that no other run reads: what a source remembers of texts and instants is of other records."""

    data: Sequence[bytes]
    """Each as it comes."""
    raws: Sequence[Raw]


def lot(name: str, many: int, chance: random.Random) -> Lot:
    """So many new records."""
    made = [MAKERS[name](chance) for _ in range(many)]
    data = [one.encode() if isinstance(one, str) else msgspec.json.encode(one) for one in made]
    return Lot(data, [Raw(number, one, value, RECEIVED) for number, (one, value) in enumerate(zip(data, made, strict=True), 1)])


def measured(name: str, many: int, runs: int, seed: int = 1) -> Row:
    """Microseconds a record, of the run that was disturbed least; both sides take turns, and no record is read twice."""
    chance = random.Random(seed)  # noqa: S311 -- the same records every time
    connector = connector_of(name)
    lines = connector.framing == "lines"
    beside: list[float] = []
    reading: list[float] = []
    for _ in range(runs):
        some = lot(name, many, chance)
        whole = b"\n".join(some.data)
        gc.collect()
        gc.freeze()  # the records that wait here to be read are no part of reading
        beside.append(_timed(partial(_split, connector, whole) if lines else partial(_decode, some.data)) / many)
        reading.append(_timed(partial(_read, connector, some.raws)) / many)
        gc.unfreeze()
    return Row(name, min(beside) * 1e6, min(reading) * 1e6, GOAL_LINES if lines else GOAL_JSON)


def _decode(data: Sequence[bytes]) -> None:
    for one in data:
        msgspec.json.decode(one)


def _split(connector: Connector, whole: bytes) -> None:
    for _ in pieces(io.BytesIO(whole), connector, RECEIVED):
        pass


def _read(connector: Connector, raws: Sequence[Raw]) -> None:
    for raw in raws:
        for _ in connector.normalise(raw):
            pass


def _timed(work: Callable[[], Any]) -> float:
    begun = time.process_time()  # what other processes do beside is not counted
    work()
    return time.process_time() - begun


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| source | decoding or splitting, µs | reading, µs | ratio | goal | |", "|---|---:|---:|---:|---:|---|"]
    for row in rows:
        word = "met" if row.ratio >= row.goal else "missed"
        lines.append(f"| {row.name} | {row.beside:.2f} | {row.reading:.2f} | {row.ratio:.3f} | {row.goal} | {word} |")
    return "\n".join(lines)


def main(words: Sequence[str]) -> int:
    """Measures and prints; 0 whatever the ratios are."""
    found = argparse.ArgumentParser(prog="scripts/bench sources", description=__doc__)
    found.add_argument("--only", metavar="NAME[,NAME]", help=f"measure only these: {', '.join(MAKERS)}")
    found.add_argument("--short", action="store_true", help="few records, one run: whether it works")
    given = found.parse_args(words)
    names = given.only.split(",") if given.only else list(MAKERS)
    if unknown := sorted(set(names) - MAKERS.keys()):
        found.error(f"there is no {', '.join(unknown)}; known: {', '.join(MAKERS)}")
    many, runs = (50, 1) if given.short else (MANY, RUNS)
    print(table([measured(name, many, runs) for name in names]))
    return 0
