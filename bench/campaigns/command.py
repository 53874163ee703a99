"""`scripts/bench correlate`: judges how well alerts are put into groups.

Made-up campaigns in the noise of a month, told by five products, are given to a correlator, to two baselines, and to somebody
who knows the labels. Even seeds are for tuning, odd ones for judging. docs/campaigns.md says how to read the tables.

With --cost it measures what that costs instead, with options of its own: scripts/bench correlate --cost --help.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.campaigns import labelled, report
from bench.campaigns.generate import Labelled, made
from bench.campaigns.judge import BASELINES, NoCorrelator, judged, named
from bench.costs import command as costs

OURS: str | None = "secgraph.ingest.correlate.replay:groups"
"""The product's own correlator, as module:function."""


def seeds(text: str) -> list[int]:
    """`1,3,5` or `1-9` or one number."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not (first.isdigit() and (last or first).isdigit()):
            raise argparse.ArgumentTypeError(f"{text!r} names no seeds: give 1, or 1,3,5, or 1-9")
        found += range(int(first), int(last or first) + 1)
    return found


def noise(text: str) -> int:
    """How many alerts of noise there are for each of a campaign."""
    if not text.isdigit() or int(text) > 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no ratio: give a whole number up to 1000")
    return int(text)


def options(words: Sequence[str]) -> argparse.Namespace:
    """What was asked for."""
    plain = argparse.RawDescriptionHelpFormatter
    found = argparse.ArgumentParser(prog="scripts/bench correlate", description=__doc__, formatter_class=plain)
    found.add_argument("--seed", type=seeds, default=[1], help="of what is made up: 1 (default), or several as 1,3,5 or 1-9")
    found.add_argument("--noise", type=noise, default=20, help="alerts of noise for each alert of a campaign (default 20)")
    found.add_argument("--labelled", type=Path, metavar="FILE",
                       help="judge these instead: an alerts_v2 a line with `label` beside its members")  # fmt: skip
    found.add_argument("--correlator", metavar="MODULE:FUNCTION", default=OURS, help="judge this one beside the baselines")
    found.add_argument("--campaigns", action="store_true", help="show the recall of every campaign too")
    found.add_argument("--write", type=Path, metavar="FILE",
                       help="write the alerts of the seed with their labels, as --labelled reads them, and end")  # fmt: skip
    found.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there too")
    given = found.parse_args(words)
    if given.write is not None and (len(given.seed) > 1 or given.labelled is not None):
        found.error("--write takes one --seed and no --labelled")
    return given


def main(words: Sequence[str]) -> int:
    """Judges and prints; 2 when what was given cannot be used."""
    if "--cost" in words:
        return costs.main([word for word in words if word != "--cost"])
    given = options(words)
    try:
        own = {} if given.correlator is None else {given.correlator: named(given.correlator)}
        sets = _sets(given)
    except (labelled.Unusable, NoCorrelator) as fault:
        print(fault, file=sys.stderr)
        return 2
    if given.write is not None:
        labelled.write(given.write, *sets.values())
        return 0
    found = judged(sets, {**own, **BASELINES})
    judged_one = found[0] if own else None
    print("\n\n".join(filter(None, (
        report.about(sets), report.table(found), report.campaigns(found) if given.campaigns else "",
        "" if judged_one is None else report.goals(judged_one, found),
    ))))  # fmt: skip
    if given.json is not None:
        written = {"seeds": given.seed, "noise": given.noise} if given.labelled is None else {"labelled": given.labelled.name}
        encoded = msgspec.json.encode({**written, **report.data(found, judged_one)})
        given.json.write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")
    return 0


def _sets(given: argparse.Namespace) -> dict[str, Labelled]:
    if given.labelled is not None:
        return {given.labelled.name: labelled.read(given.labelled)}
    return {f"seed {seed}": made(seed, given.noise) for seed in given.seed}
