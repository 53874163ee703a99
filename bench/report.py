"""The numbers as an aligned table and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from statistics import median
from typing import Any

import apsw

from bench.data import Rates
from bench.load import CONNECTIONS, WRITES_A_SECOND, Measured

HEADS = ("work", "ours/s", "bare/s", "ratio", "of pairs", "ours p50, p99 ms", "bare p50, p99 ms", "cpu us", "bytes")


def summary(measured: Measured) -> dict[str, Any]:
    """One workload's numbers, each run's among them."""
    ours, bare = ([run.rate for run in runs] for runs in measured.runs)
    latency = [[median(getattr(run, name) / 1000 for run in runs) for name in ("p50", "p99")] for runs in measured.runs]
    return {
        "name": measured.workload.name, "says": measured.workload.says, **_ratios(ours, bare),
        "oursMilliseconds": latency[0], "bareMilliseconds": latency[1], "bytes": list(measured.sizes),
        "processorMicroseconds": [median(run.cost for run in runs) for runs in measured.runs],
    }  # fmt: skip


def bulk(rates: list[Rates], size: int) -> dict[str, Any]:
    """The fillings' numbers."""
    says = f"{size} alerts of a file through `secgraph ingest`, beside raw inserts of the stored documents"
    return {"name": "bulk", "says": says, **_ratios([one.ours for one in rates], [one.bare for one in rates])}


def _ratios(ours: list[float], bare: list[float]) -> dict[str, Any]:
    pairs = [one / other for one, other in zip(ours, bare, strict=True)]
    return {
        "ours": median(ours), "bare": median(bare), "ratio": median(ours) / median(bare),
        "ratios": [min(pairs), max(pairs)], "oursRuns": ours, "bareRuns": bare,
    }  # fmt: skip


def conditions(*, size: int, seed: int, runs: int, seconds: int) -> dict[str, Any]:
    """Under which the numbers came about."""
    return {
        "alerts": size, "seed": seed, "runs": runs, "seconds": seconds, "connections": CONNECTIONS, "workers": 1,
        "writesBesideReads": WRITES_A_SECOND, "cores": os.cpu_count(), "machine": platform.machine(),
        "python": platform.python_version(), "sqlite": apsw.sqlite_lib_version(), "uvicorn": version("uvicorn"),
    }  # fmt: skip


def table(found: Iterable[dict[str, Any]]) -> str:
    """The rows under their heads, then what each of them is."""
    found = list(found)
    rows = [HEADS, *(_cells(one) for one in found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADS))]
    lines = [_line(row, widths) for row in rows]
    says = [f"{one['name'].ljust(widths[0])}  {one['says']}" for one in found]
    notes = "cpu us: the server's processor time a request, ours and bare. bytes: of an answer's body, ours and bare."
    return "\n".join([*lines, "", *says, "", notes])


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()


def _cells(one: dict[str, Any]) -> tuple[str, ...]:
    low, high = one["ratios"]
    latency = [", ".join(f"{value:.2f}" for value in one.get(f"{side}Milliseconds", ())) for side in ("ours", "bare")]
    others = [", ".join(f"{value:,.0f}" for value in one.get(name, ())) for name in ("processorMicroseconds", "bytes")]
    rates = f"{one['ours']:,.0f}", f"{one['bare']:,.0f}", f"{one['ratio']:.2f}", f"{low:.2f}-{high:.2f}"
    return one["name"], *rates, *latency, *others
