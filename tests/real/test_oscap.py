"""OpenSCAP really looks at this host: what it says passed and failed is in the score, and what does not apply here is not.

What the score has to hold is read out of OpenSCAP's own results by another way than the source's.
"""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.packages import needed

from secgraph import clock
from secgraph.extend import source
from secgraph.score.catalogue import control_of
from secgraph.testing import Clock, Graph, running

SMALL = Path(__file__).parent / "oscap" / "small-xccdf.xml"
STREAMS = Path("/usr/share/xml/scap/ssg/content")
STANDARD = "xccdf_org.ssgproject.content_profile_standard"
XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
PREFIX = "xccdf_org.ssgproject.content_rule_"


@pytest.fixture(scope="module", autouse=True)
def _with_oscap() -> None:
    needed("OpenSCAP looks at this host", "openscap-scanner", "ssg-debian")


def evaluated(results: Path, *words: str | Path) -> dict[str, list[str]]:
    """Has OpenSCAP look; rule → its results, in its own words."""
    done = subprocess.run(  # noqa: S603 -- a program of the system
        ["/usr/bin/oscap", "xccdf", "eval", "--results", results, *words],
        capture_output=True, text=True, timeout=120, check=False, cwd=SMALL.parent,
    )  # fmt: skip
    assert done.returncode in {0, 2}, done.stderr  # 2: some rule failed
    found: dict[str, list[str]] = defaultdict(list)
    for one in ET.parse(results).iter(f"{XCCDF}rule-result"):  # noqa: S314 -- it was just written here
        found[one.attrib["idref"]].append(one.findtext(f"{XCCDF}result") or "")
    return dict(found)


async def scores(graph: Graph, results: Path) -> dict[str, float]:
    """Hands the results in; control → how much of it is passed, in percent."""
    with results.open("rb") as file:
        report = await graph.core.door.take(graph.tenant.number, source("xccdf"), file)
    assert not report.rejected, report.problems
    found = (await graph.get("security/secureScores", top="1"))["value"]
    return {one["controlName"]: one["scoreInPercentage"] for score in found for one in score["controlScores"]}


def wanted(found: dict[str, list[str]]) -> dict[str, float]:
    """What the score has to hold of these results."""
    shares: dict[str, list[float]] = defaultdict(list)
    for rule, results in found.items():
        checked = [float(one in {"pass", "fixed"}) for one in results if one in {"pass", "fixed", "fail"}]
        if checked:
            check = rule.removeprefix(PREFIX)
            listed = control_of("xccdf", check)
            shares[listed.id if listed is not None else f"xccdf_{check}"].append(sum(checked) / len(checked))
    return {control: round(100 * sum(each) / len(each), 2) for control, each in shares.items()}


async def test_rules_that_pass_fail_and_do_not_apply(tmp_path: Path, on: dict[str, str]) -> None:
    found = evaluated(tmp_path / "results.xml", SMALL)
    assert {rule.rpartition("_")[2]: results for rule, results in found.items()} == {
        "passes": ["pass"], "fails": ["fail"], "elsewhere": ["notapplicable"],
    }  # fmt: skip
    async with running(tmp_path / "data", today(), **on) as graph:
        assert await scores(graph, tmp_path / "results.xml") == {
            "xccdf_xccdf_secgraph.test_rule_passes": 100.0, "xccdf_xccdf_secgraph.test_rule_fails": 0.0,
        }  # fmt: skip
        (score,) = (await graph.get("security/secureScores", top="1"))["value"]
        assert (score["currentScore"], score["maxScore"]) == (8.0, 13.0), "high is worth 8, medium 5"


async def test_what_does_not_apply_leaves_the_score_alone(tmp_path: Path, on: dict[str, str]) -> None:
    found = evaluated(tmp_path / "results.xml", "--profile", STANDARD, stream())
    assert sum(result == "notapplicable" for results in found.values() for result in results) > 3
    evaluated(tmp_path / "small.xml", SMALL)
    async with running(tmp_path / "data", today(), **on) as graph:
        before = await scores(graph, tmp_path / "small.xml")
        after = await scores(graph, tmp_path / "results.xml")
        assert len(before) == 2
        assert after == {**before, **wanted(found)}


async def test_rules_of_a_published_stream_are_in_the_score(tmp_path: Path, on: dict[str, str]) -> None:
    text = stream().read_text("utf-8")
    anywhere, releases = re.subn(r'<(?:[\w.-]+:)?platform idref="cpe:/o:debian[^"]*"/>', "", text)
    assert releases, "the stream no longer says which release it is of"
    (tmp_path / "anywhere-ds.xml").write_text(anywhere, "utf-8")
    found = evaluated(tmp_path / "results.xml", "--profile", STANDARD, tmp_path / "anywhere-ds.xml")
    expected = wanted(found)
    assert sum(result in {"pass", "fixed", "fail"} for results in found.values() for result in results) > 5
    assert any(not control.startswith("xccdf_") for control in expected), "none of them is in the catalogue"
    async with running(tmp_path / "data", today(), **on) as graph:
        assert await scores(graph, tmp_path / "results.xml") == expected


def stream() -> Path:
    """The newest data stream of Debian's package: most of its rules are of a release that this host may not be."""
    return max(STREAMS.glob("ssg-debian*-ds.xml"))


def today() -> Clock:
    """A clock that stands where this machine's does."""
    return Clock(clock.now())
