"""The numbers as data, and as tables for a person."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from bench.data import Filling
from bench.load import Run
from bench.measure import Measured
from bench.run import Start

Numbers = dict[str, Any]
"""One row: its name, what it is, over how many connections, and under `asked` the numbers by side or kind of question."""


def rows(name: str, found: Any, size: int) -> list[Numbers]:
    """What was found of one name."""
    if isinstance(found, Start):
        return [started(found)]
    if name == "bulk":
        return [bulk(found, size)]
    return [summary(one) for one in found]


def summary(measured: Measured) -> Numbers:
    """One workload's numbers, each run's among them."""
    scans = {"scans": len(measured.scans), "scanSeconds": median(measured.scans)} if measured.scans else {}
    return {"name": measured.workload.name, "says": measured.workload.says, "connections": measured.connections,
            "asked": {label: _asked(runs) for label, runs in measured.runs.items()}, **scans}  # fmt: skip


def _asked(runs: Sequence[Run]) -> Numbers:
    return {
        "rate": median(run.rate for run in runs), "rates": [run.rate for run in runs],
        "p50": median(run.p50 / 1000 for run in runs), "p99": median(run.p99 / 1000 for run in runs),
        "processor": median(run.cost for run in runs), "bytes": median(run.size for run in runs),
        "process": max(run.memory.process for run in runs), "family": max(run.memory.family for run in runs),
    }  # fmt: skip


def bulk(fillings: Sequence[Filling], size: int) -> Numbers:
    """The fillings' numbers."""
    rates = {name: [float(getattr(one, name)) for one in fillings] for name in ("ours", "bare", "peer")}
    asked: Numbers = {name: {"rate": median(values), "rates": values} for name, values in rates.items()}
    asked["ours"] |= {
        "process": max(one.memory.process for one in fillings),
        "family": max(one.memory.family for one in fillings),
        "growth": median(one.growth for one in fillings),
    }
    says = (
        f"{size} alerts of a file through `secgraph ingest`; bare: raw inserts of the stored documents; peer: its own command"
    )
    return {"name": "bulk", "says": says, "connections": 1, "asked": asked}


def started(found: Start) -> Numbers:
    """How soon the server answered."""
    says = "seconds from `secgraph serve` to its first page, and its private memory when nobody asks"
    return {"name": "start", "says": says, "connections": 1, "seconds": median(found.seconds), "times": found.seconds,
            "asked": {"ours": {"process": found.idle.process, "family": found.idle.family}}}  # fmt: skip


def ratio(row: Numbers, label: str, other: str) -> tuple[float, float, float] | None:
    """The one's median rate as a part of the other's, and the least and most of the pairs of runs."""
    asked = row["asked"]
    if "rates" not in asked.get(label, {}) or "rates" not in asked.get(other, {}):
        return None
    pairs = [one / two for one, two in zip(asked[label]["rates"], asked[other]["rates"], strict=True)]
    return asked[label]["rate"] / asked[other]["rate"], min(pairs), max(pairs)


RATES = ("work", "conns", "ours/s", "bare/s", "peer/s", "of bare", "pairs", "x peer", "pairs", "beside")
COSTS = ("work", "conns", "p50, p99 ms: ours", "bare", "peer", "cpu us: ours", "bare", "peer", "bytes: ours", "bare", "peer",
         "MiB of a process: ours", "bare", "peer")  # fmt: skip


def tables(found: Sequence[Numbers]) -> str:
    """Rates and ratios, what a request costs, and what each row is."""
    shown = [row for row in found if row["name"] != "start"]
    says = {row["name"]: row["says"] for row in found}
    width = max(map(len, says), default=0)
    parts = [
        aligned([RATES, *map(_rates, shown)]), aligned([COSTS, *map(_costs, shown)]),
        "\n".join(f"{name.ljust(width)}  {text}" for name, text in says.items()),
    ]  # fmt: skip
    for row in found:
        if row["name"] == "start":
            idle = row["asked"]["ours"]
            parts.insert(2, f"First page {row['seconds']:.2f} s after `secgraph serve`. Idle: {idle['process']:.0f} MiB private"
                            f" in the largest process, {idle['family']:.0f} in all.")  # fmt: skip
    return "\n\n".join(parts)


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns under their heads: the first to the left, the others to the right."""
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    made = []
    for first, *others in lines:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        made.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(made)


def _rates(row: Numbers) -> tuple[str, ...]:
    rates = [_cell(row, name, "rate", ",.0f") for name in ("ours", "bare", "peer")]
    bare, peer = ratio(row, "ours", "bare"), ratio(row, "ours", "peer")
    pairs = [cell for one, form in ((bare, ".2f"), (peer, ".1f")) for cell in _pairs(one, form)]
    beside = [f"{value[0]:.2f} of {words}" for label, words in (("first", "the first page"), ("small", "100k alerts"))
              if (value := ratio(row, "ours", label)) is not None]  # fmt: skip
    if "scans" in row:
        beside.append(f"{row['scans']} scans of {row['scanSeconds']:.1f} s")
    if "growth" in row["asked"]["ours"]:
        beside.append(f"memory {row['asked']['ours']['growth']:.2f} in the second half")
    return (row["name"], str(row["connections"]), *rates, *pairs, ", ".join(beside))


def _pairs(value: tuple[float, float, float] | None, form: str) -> tuple[str, str]:
    return ("", "") if value is None else (f"{value[0]:{form}}", f"{value[1]:{form}}-{value[2]:{form}}")


def _costs(row: Numbers) -> tuple[str, ...]:
    names = ("ours", "bare", "peer")
    latency = [", ".join(filter(None, (_cell(row, name, "p50", ".2f"), _cell(row, name, "p99", ".2f")))) for name in names]
    others = [_cell(row, name, what, ",.0f") for what in ("processor", "bytes", "process") for name in names]
    return (row["name"], str(row["connections"]), *latency, *others)


def _cell(row: Numbers, label: str, what: str, form: str) -> str:
    value = row["asked"].get(label, {}).get(what)
    return "" if value is None else f"{value:{form}}"
