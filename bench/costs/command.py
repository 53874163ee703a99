"""`scripts/bench correlate --cost`: what it costs to put alerts into incidents.

Prints ratios that were made in one run, the two sides taking turns: bulk ingest with correlation beside without; an alert where
much is stored beside where little is; one that names what a great many name; and two large incidents that become one, with
those who wait meanwhile. docs/correlation.md says how to read them. Wrong answers end it with status 1; time is never a fault.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import msgspec

from bench.conditions import file_system, processor, synced
from bench.costs import bulk, merging, past
from bench.costs.row import Row, data, table
from bench.data import databases
from bench.processes import Failed
from bench.sides import Place

LEAST = 300
SHORT = {"size": LEAST, "rounds": 1, "noise": 1, "cap": 61, "single": 5}


@dataclass(frozen=True, slots=True)
class Given:
    """How much is measured."""

    size: int
    rounds: int
    seed: int = 1
    noise: int = 20
    cap: int = merging.CAP
    single: int = past.SINGLE


PARTS: dict[str, Callable[[Place, Given], Iterator[Row]]] = {
    "bulk": lambda place, given: bulk.rows(place, min(given.size, bulk.MOST), given.rounds, given.seed, given.noise),
    "past": lambda place, given: past.rows(place, given.size, given.seed, given.single),
    "merging": lambda place, given: merging.rows(place, given.rounds, given.cap),
}
"""Each by itself, on stores of its own."""


def number(text: str) -> int:
    """`100k`, `1m` or digits."""
    many = {"k": 1000, "m": 1_000_000}.get(text[-1:].lower(), 1)
    digits = text[:-1] if many > 1 else text
    if not digits.isdigit() or int(digits) * many < LEAST:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: give 100k, 1m or a number from {LEAST} on")
    return int(digits) * many


def options(words: Sequence[str]) -> argparse.Namespace:
    """What was asked for."""
    plain = argparse.RawDescriptionHelpFormatter
    found = argparse.ArgumentParser(prog="scripts/bench correlate --cost", description=__doc__, formatter_class=plain)
    found.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite",
                       help="sqlite (default), or a real PostgreSQL that is started for it")  # fmt: skip
    found.add_argument("--size", type=number, default=100_000,
                       help="alerts of the store with a long past: 100k (default), 1m or a number")  # fmt: skip
    found.add_argument("--rounds", type=int, default=3, help="how often the sides of a pair take turns (default 3)")
    found.add_argument("--seed", type=int, default=1, help="of what is made up (default 1)")
    found.add_argument("--only", choices=(*PARTS,), help="measure only this")
    found.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there too")
    found.add_argument("--short", action="store_true", help=f"{LEAST} alerts and one round of all: whether it works")
    given = found.parse_args(words)
    if given.rounds < 1:
        found.error("--rounds is at least 1")
    return given


def main(words: Sequence[str]) -> int:
    """Measures and prints; 1 when an answer was wrong."""
    asked = options(words)
    given = Given(**SHORT, seed=asked.seed) if asked.short else Given(asked.size, asked.rounds, asked.seed)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="secgraph-bench-") as name,
            databases(Path(name), asked.database) as (place, version),
        ):
            about = {"size": given.size, "rounds": given.rounds, "seed": given.seed, **_conditions(place.folder, version)}
            found = measured(place, given, (asked.only,) if asked.only else (*PARTS,))
    except Failed as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    print(table(found))
    print("\n" + "\n".join(f"{name}: {value}" for name, value in about.items()))
    if asked.json is not None:
        encoded = msgspec.json.encode({**about, "costs": data(found)})
        asked.json.write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")
    return 0


def _conditions(folder: Path, version: str) -> dict[str, Any]:
    """The machine as it is before anything is measured."""
    return {
        "database": f"PostgreSQL {version}" if version else f"SQLite {apsw.sqlite_lib_version()}",
        "fsyncMilliseconds": round(synced(folder), 3), "fileSystem": file_system(folder), "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2), "processor": processor(), "python": platform.python_version(),
    }  # fmt: skip


def measured(place: Place, given: Given, parts: Sequence[str] = (*PARTS,)) -> list[Row]:
    """The rows of these parts. Failed when an answer is wrong."""
    found: list[Row] = []
    for name in parts:
        for row in PARTS[name](place, given):
            print(f"{row.says}: {row.value:.3g}", file=sys.stderr, flush=True)
            found.append(row)
    return found
