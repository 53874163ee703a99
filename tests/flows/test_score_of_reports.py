"""The score of real reports: its numbers are computed once more, from the raw files by another way, and must be the same.

What is read here of the catalogue are its source files; of the reports, their own words. Nothing of the scoring is used.
"""

from __future__ import annotations

import io
import json
import os
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from secgraph.clock import ticks
from secgraph.extend import source
from secgraph.testing import Clock, Graph, running

ROOT = Path(__file__).resolve().parents[2]
SHARED = os.environ.get("SECGRAPH_SHARED", "")
SAMPLES = Path(SHARED) / "samples"
EXAMPLES = ROOT / "examples"

REPORTS = {
    "examples": ([("scubagear", EXAMPLES / "scuba-results.json"), ("prowler", EXAMPLES / "prowler-aws.ndjson")], "2026-11-20T12:00:00Z"),
    "samples of ScubaGear": ([("scubagear", SAMPLES / "scubagear" / "ScubaResults_aad_defender_exo.json")], "2026-05-05T12:00:00Z"),
    "samples of Prowler": ([
        ("prowler", SAMPLES / "prowler" / "findings_aws.ocsf.json"),
        ("prowler", SAMPLES / "prowler" / "findings_azure.ocsf.json"),
    ], "2025-03-01T12:00:00Z"),
}  # fmt: skip
SEVERITY = {"Critical": 10.0, "High": 8.0, "Medium": 5.0, "Low": 2.0, "Informational": 1.0}

def catalogue() -> dict[tuple[str, str], tuple[str, float]]:
    """(scanner, check) → (control, points), out of the catalogue's own source."""
    found: dict[tuple[str, str], tuple[str, float]] = {}
    for file in (ROOT / "src" / "secgraph" / "score" / "controls").glob("*.toml"):
        for control in tomllib.loads(file.read_text("utf-8"))["control"]:
            for scanner, checks in control.get("checks", {}).items():
                found.update({(scanner, check): (control["id"], float(control["max_score"])) for check in checks})
    return found


def scuba(data: bytes) -> list[tuple[str, str, float, float]]:
    """(check, subject, passed, points it has by itself) of everything that was checked."""
    document, found = json.loads(data.decode("utf-8-sig")), []
    for groups in document["Results"].values():
        for control in (one for group in groups for one in group["Controls"]):
            shall, _, more = control["Criticality"].partition("/")
            result = control["Result"]
            if result not in {"Pass", "Fail", "Warning"} or more:
                continue
            if result == "Warning":
                result = control["OriginalResult"] if control["OriginalResult"] in {"Pass", "Fail"} else "Fail"
            found.append((control["Control ID"], "", float(result == "Pass"), 10.0 if shall == "Shall" else 5.0))
    return found


def prowler(data: bytes) -> list[tuple[str, str, float, float]]:
    text = data.decode()
    findings = json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines()]
    return [
        (one["metadata"]["event_code"], resource["uid"], float(one["status_code"] == "PASS"), SEVERITY[one["severity"]])
        for one in findings
        for resource in one["resources"]
        if one["status_code"] in {"PASS", "FAIL"} and one["status_id"] != 3
    ]


def by_hand(reports: list[tuple[str, Path]]) -> tuple[dict[str, float], dict[str, float]]:
    """Control → points that it can have, and points that it has."""
    listed, words = catalogue(), {"scubagear": scuba, "prowler": prowler}
    most: dict[str, float] = {}
    passed: dict[tuple[str, str], dict[tuple[str, str], float]] = defaultdict(dict)
    for scanner, file in reports:
        for check, subject, share, points in words[scanner](file.read_bytes()):
            control, known = listed.get((scanner, check), (f"{scanner}_{check}", points))
            most.setdefault(control, known)
            passed[control, scanner][check, subject] = share
    has: dict[str, float] = {}
    for (control, _), each in passed.items():
        share = sum(each.values()) / len(each)
        has[control] = min(has.get(control, most[control]), share * most[control])
    return most, has


@pytest.mark.parametrize("which", REPORTS)
async def test_a_score_is_what_its_reports_say(tmp_path: Path, on: dict[str, str], which: str) -> None:
    reports, at = REPORTS[which]
    if which.startswith("samples") and not SHARED:
        pytest.skip("SECGRAPH_SHARED is not set: there are no samples")
    then = ticks(at)
    assert then is not None
    async with running(tmp_path / "data", Clock(then), **on) as graph:
        await judged(graph, reports)


async def judged(graph: Graph, reports: list[tuple[str, Path]]) -> None:
    for scanner, file in reports:
        report = await graph.core.door.take(graph.tenant.number, source(scanner), io.BytesIO(file.read_bytes()))
        assert report.taken, (scanner, report.problems)
        assert not report.rejected, report.problems
    most, has = by_hand(reports)
    assert len(most) > 3
    (score,) = (await graph.get("security/secureScores", top="1"))["value"]
    entries: dict[str, dict[str, Any]] = {one["controlName"]: one for one in score["controlScores"]}
    assert entries.keys() == most.keys()
    for control, one in entries.items():
        assert one["score"] == pytest.approx(has[control], abs=0.006), control
        assert one["scoreInPercentage"] == pytest.approx(100 * has[control] / most[control], abs=0.006), control
    assert score["maxScore"] == pytest.approx(sum(most.values()), abs=0.006)
    assert score["currentScore"] == pytest.approx(sum(has.values()), abs=0.01 * len(has))
    assert 0 <= score["currentScore"] < score["maxScore"]
    profiles = {one["id"]: one for one in (await graph.get("security/secureScoreControlProfiles", top="999"))["value"]}
    for control in [name for name in entries if name in profiles]:
        assert profiles[control]["maxScore"] == most[control], control
