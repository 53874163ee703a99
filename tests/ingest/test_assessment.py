"""What the machine writes of an incident: its name, its summary, how urgent it is, and where it keeps its hands off."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.test_outline import alerts as outlines
from tests.ingest.test_outline import all_of, entity, said

from secgraph import clock
from secgraph.ingest.assessment.cast import cast
from secgraph.ingest.assessment.members import members
from secgraph.ingest.assessment.outline import Outline
from secgraph.ingest.assessment.priority import CRITICAL, MARKS, REACH, SEVERITY, factors, rescored, score
from secgraph.ingest.assessment.words import LONGEST_NAME, display_name, summary

PAGE = (Path(__file__).parents[2] / "docs" / "correlation.md").read_text("utf-8")

WEB = entity("device.mde:1", "device.fqdn:web-07.contoso.com", "device.host:web-07", role="attacked", name="web-07.contoso.com")
DB = entity("device.mde:2", "device.host:db-02", name="db-02")
MIRJAM = entity("user.upn:mirjam@contoso.com", role="compromised", name="mirjam@contoso.com")
BO = entity("user.upn:bo@contoso.com", name="bo@contoso.com")
INNER = entity("ip.private:10.0.0.7", name="10.0.0.7")
OUTER = entity("ip.public:192.0.2.9", role="attacker", name="192.0.2.9")
VAULT = entity("azureResource.arm:/vault", name="vault")
FILE = entity("file.sha256:aa", name="run.exe")


def record(**said_already: Any) -> dict[str, Any]:
    return {"displayName": "as it was", "severity": "low", "summary": None, "priorityScore": None, "assignedTo": None, **said_already}


def named(*alerts: Outline) -> str:
    one = all_of(alerts)
    return display_name(one, cast(one), len(alerts))


# --- the name -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("alerts", "name"), [
    ([said(WEB, title="Odd sign-in", tactic="impact")], "Odd sign-in"),
    ([said(WEB, title="Odd"), said(WEB, title="Odd")], "Odd on host web-07 (2 alerts)"),
    ([said(WEB, MIRJAM, title="a", tactic="initialaccess"), said(DB, title="b", tactic="credentialaccess")],
     "Credential access and initial access on host web-07 and 1 other device involving mirjam@contoso.com (2 alerts)"),
    ([said(MIRJAM, BO, title="a", tactic="phishing"), said(title="b", tactic="execution"), said(title="c", tactic="ransomware")],
     "Ransomware and 2 other stages involving mirjam@contoso.com and 1 other user (3 alerts)"),
    ([said(title="a", tactic="credentialtheft"), said(title="b", tactic="credentialaccess")], "Credential access (2 alerts)"),
    ([said(VAULT, OUTER, title="a", tactic="collection"), said(title="b")], "Collection on vault from 192.0.2.9 (2 alerts)"),
    ([said(INNER, OUTER, title="a"), said(title="b"), said(title="a")], "a and 1 other detection on 10.0.0.7 from 192.0.2.9 (3 alerts)"),
    ([said(OUTER, title="Scan"), said(OUTER, title="Scan")], "Scan from 192.0.2.9 (2 alerts)"),
    ([said(FILE, title="a", tactic="execution"), said(FILE, title="b")], "Execution around run.exe (2 alerts)"),
    ([said(title="a", tactic="stealth")] * 1200, "a (1,200 alerts)"),
    ([said(title="a"), said(title="b"), said(title="c"), said(title="c")], "c and 2 other detections (4 alerts)"),
    ([said(entity("device.mde:9", role="loggedOn", name="beside"), title="a"), said(title="a")], "a around beside (2 alerts)"),
    ([said(title=""), said(title="")], ""),
])  # fmt: skip
def test_what_an_incident_is_called(alerts: list[Outline], name: str) -> None:
    assert named(*alerts) == name


def test_a_name_is_never_too_long() -> None:
    far = [said(entity(f"user.upn:{n}", name=f"{n}" * 100), entity(f"device.mde:{n}", name="ü" * 99), title=f"{n}" + "T" * 100) for n in range(3)]
    name = named(*far)
    assert len(name) <= LONGEST_NAME
    assert name.endswith("… (3 alerts)")


# --- the summary --------------------------------------------------------------------------------------------------------


def test_a_summary_says_what_when_where_who_and_who_says_so() -> None:
    day = (clock.ticks("2026-11-16T08:12:59Z") or 0, clock.ticks("2026-11-17T07:52:00Z") or 0)
    crown = SimpleNamespace(criticality="critical", tags=frozenset({"domainController"}))
    vip = SimpleNamespace(criticality="high", tags=frozenset({"vip"}))
    one = all_of([
        said(WEB, OUTER, title="Shell", tactic="execution", product="Acme", first=day[0], last=day[0], assets={"device.mde:1": crown}),
        said(WEB, DB, title="Shell", product="Woodgrove", first=day[0], last=day[1]),
        said(MIRJAM, *(entity(f"user.upn:{n}@x", name=f"{n}@x") for n in range(4)), title="Odd", tactic="initialaccess", product="Acme",
             first=day[1], last=day[1], assets={MIRJAM.key: vip}),
    ])  # fmt: skip
    assert summary(one, cast(one), 3) == (
        "3 alerts between 2026-11-16 08:12 and 2026-11-17 07:52 UTC tell of initial access and execution."
        " They concern the devices web-07.contoso.com (domain controller, critical) and db-02 and"
        " the users mirjam@contoso.com (VIP, of high criticality), 0@x, 1@x and 2 more."
        " From outside: 192.0.2.9. Reported by Acme and Woodgrove; most often “Shell” (2 times)."
    )


def test_a_summary_of_little() -> None:
    one = all_of([said(title="a", product=""), said(title="b", product="")])
    assert re.fullmatch(r"2 alerts at \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", summary(one, cast(one), 2))


# --- how urgent it is ---------------------------------------------------------------------------------------------------


def asset(criticality: str = "normal", *tags: str) -> Any:
    return SimpleNamespace(criticality=criticality, tags=frozenset(tags))


@pytest.mark.parametrize(("alerts", "points"), [
    ([said(title="a")], {"severity": 10}),
    ([said(severity="unknown")], {"severity": 15}),
    ([said(severity="high", tactic="phishing")], {"severity": 40}),
    ([said(tactic="execution")], {"severity": 10, "reach": 3}),
    ([said(tactic="discovery"), said(tactic="impact"), said(severity="medium")], {"severity": 25, "reach": 10, "tactics": 3}),
    ([said(tactic="credentialaccess"), said(tactic="credentialtheft")], {"severity": 10, "reach": 6}),
    ([said(tactic=word) for word in ("phishing", "initialaccess", "execution", "persistence", "discovery", "impact", "collection")],
     {"severity": 10, "reach": 10, "tactics": 12}),
    ([said(product=name) for name in "AABCD"], {"severity": 10, "products": 8}),
    ([said(WEB, DB)], {"severity": 10, "assets": 1}),
    ([said(WEB, MIRJAM, VAULT)], {"severity": 10, "assets": 2, "spread": 6}),
    ([said(*(entity(f"user.upn:{n}") for n in range(30)))], {"severity": 10, "assets": 8}),
    ([said(INNER, OUTER, FILE)], {"severity": 10}),
    ([said(entity("user.upn:a"), entity("user.upn:b", role="loggedOn"), assets={"user.upn:b": asset("critical", "vip")})], {"severity": 10}),
    ([said(WEB, assets={WEB.key: asset("high")})], {"severity": 10, "criticality": 6}),
    ([said(WEB, assets={WEB.key: asset("low", "scanner")})], {"severity": 10}),
    ([said(WEB, DB, assets={WEB.key: asset("critical"), DB.key: asset("normal", "domainController", "vip")})],
     {"severity": 10, "assets": 1, "criticality": 10, "domainController": 6}),
    ([said(MIRJAM, assets={MIRJAM.key: asset("normal", "breakGlass")})], {"severity": 10, "breakGlass": 10}),
])  # fmt: skip
def test_what_makes_an_incident_urgent(alerts: list[Outline], points: dict[str, int]) -> None:
    one = all_of(alerts)
    found = factors(one, cast(one))
    assert {factor.name: factor.points for factor in found} == points
    assert score(found) == sum(points.values())
    assert all(factor.why.endswith(".") for factor in found)


@given(st.lists(outlines(), min_size=1, max_size=4), *[st.sampled_from(sorted(SEVERITY))] * 2)
@settings(deadline=None)
def test_another_severity_is_another_score(found: list[Outline], before: str, after: str) -> None:
    """By the difference, so that who changes it need not know the rest."""
    one = all_of(found)
    points = {word: score(factors(msgspec.structs.replace(one, severity=word), cast(one))) for word in (before, after)}
    assert rescored(points[before], before, after) == points[after]


def test_a_person_s_severity_is_what_the_score_goes_by() -> None:
    one = said(title="as it was", severity="high")
    assert members(one, 1, record(severity="low"), {"severity": 1}) == {"priorityScore": 10}
    assert members(one, 1, record(severity="low"), {}) == {"severity": "high", "priorityScore": 40}


def test_what_counts_is_told_on_the_page() -> None:
    rows = {cells[0]: cells[1:] for line in PAGE.splitlines() if line.startswith("| ") for cells in [line.strip("| ").split(" | ")]}
    assert rows["severity"][0] == ", ".join(f"{word} {points}" for word, points in SEVERITY.items())
    assert rows["reach"][0] == ", ".join(map(str, REACH))
    assert rows["criticality"][0] == "high {}, critical {}".format(*sorted(CRITICAL.values()))
    assert rows[", ".join(MARKS)][0] == ", ".join(map(str, MARKS.values()))


def test_all_of_it_together_is_a_hundred() -> None:
    words = ("phishing", "initialaccess", "execution", "persistence", "impact")
    one = all_of([said(WEB, MIRJAM, VAULT, *(entity(f"user.upn:{n}") for n in range(9)), severity="high", tactic=word, product=word,
                       assets={WEB.key: asset("critical", "breakGlass")}) for word in words])  # fmt: skip
    assert score(factors(one, cast(one))) == 100


# --- whose word counts --------------------------------------------------------------------------------------------------

OURS = ("displayName", "priorityScore", "severity", "summary")


@given(st.lists(outlines(), min_size=1, max_size=5), st.sets(st.sampled_from([*OURS, "assignedTo", "status", "customTags"])), st.sampled_from([None, "", "ana"]))
@settings(deadline=None)
def test_nobody_s_word_is_overwritten(found: list[Outline], touched: set[str], owner: str | None) -> None:
    one, before = all_of(found), record(assignedTo=owner, severity="informational")
    changed = members(one, len(found), before, dict.fromkeys(touched, 1))
    assert set(changed) <= set(OURS)
    assert not set(changed) & (touched - {"priorityScore"}), "a client cannot write the score"
    if owner or "assignedTo" in touched:
        assert "displayName" not in changed
    after = {**before, **changed}
    assert 0 <= after["priorityScore"] <= 100
    assert len(after["displayName"]) <= LONGEST_NAME
    assert members(one, len(found), after, dict.fromkeys(touched, 1)) == {}, "said once it is not said again"
    assert members(all_of(found[::-1]), len(found), before, dict.fromkeys(touched, 1)) == changed


def test_an_incident_that_grows_and_one_that_shrinks() -> None:
    one = said(WEB, title="Odd", severity="medium", tactic="execution")
    shown = record(displayName="Odd", severity="medium")
    assert members(one, 1, shown, {}) == {"priorityScore": 28}
    grown = members(all_of([one, said(DB, title="Bad", severity="high", tactic="impact")]), 2, shown, {})
    assert grown["displayName"] == "Impact and execution on host web-07 and 1 other device (2 alerts)"
    assert (grown["severity"], grown["summary"][:8]) == ("high", "2 alerts")
    assert members(one, 1, {**shown, **grown}, {}) == {"displayName": "Odd", "severity": "medium", "summary": None, "priorityScore": 28}


def test_a_long_title_stays_whole() -> None:
    title = "T" * 150
    assert "displayName" not in members(said(title=title), 1, record(displayName=title), {})
    assert members(said(title=title), 1, record(), {})["displayName"] == "T" * 119 + "…"
    assert "displayName" not in members(said(title=""), 1, record(), {})
