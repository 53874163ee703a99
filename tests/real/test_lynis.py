"""Lynis really audits a part of this host: what it executed is in the score, passed where it had nothing to say.

What the score has to hold is read out of the report by another way than the source's.
"""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from tests.packages import needed

from secgraph import clock
from secgraph.extend import source
from secgraph.score.catalogue import control_of
from secgraph.testing import Clock, running

GROUPS = "authentication ssh"
"""Groups of tests; the whole audit takes minutes."""


@pytest.fixture(scope="module", autouse=True)
def _with_lynis() -> None:
    needed("Lynis audits this host", "lynis")


def audited(report: Path) -> str:
    """Has Lynis audit; its report."""
    done = subprocess.run(  # noqa: S603 -- a program of the system
        ["/usr/sbin/lynis", "audit", "system", "--quick", "--no-colors", "--quiet", "--logfile", report.with_suffix(".log"),
         "--report-file", report, "--tests-from-group", GROUPS],
        capture_output=True, text=True, timeout=180, check=False, cwd=report.parent, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert report.is_file(), done.stdout + done.stderr
    return report.read_text("utf-8", "replace")


async def test_tests_that_were_executed_are_in_the_score(tmp_path: Path, on: dict[str, str]) -> None:
    report = audited(tmp_path / "report.dat")
    (listed,) = re.findall(r"^tests_executed=(.*)$", report, re.MULTILINE)
    said = set(re.findall(r"^(?:warning|suggestion)\[\]=([^|]+)\|", report, re.MULTILINE))
    executed = set(filter(None, listed.split("|")))
    (not_run,) = re.findall(r"^tests_skipped=(.*)$", report, re.MULTILINE) or [""]
    assert len(executed) > 5
    shares: dict[str, list[float]] = defaultdict(list)
    for test in executed:
        control = control_of("lynis", test)
        shares[f"lynis_{test}" if control is None else control.id].append(float(test not in said))
    async with running(tmp_path / "data", Clock(clock.now()), **on) as graph:
        with (tmp_path / "report.dat").open("rb") as stream:
            taken = await graph.core.door.take(graph.tenant.number, source("lynis"), stream)
        assert not taken.rejected, taken.problems
        (score,) = (await graph.get("security/secureScores", top="1"))["value"]
    found = {one["controlName"]: one["scoreInPercentage"] for one in score["controlScores"]}
    assert found == {control: round(100 * sum(each) / len(each), 2) for control, each in shares.items()}
    skipped = set(filter(None, not_run.split("|"))) - executed
    assert not {f"lynis_{test}" for test in skipped} & found.keys()
