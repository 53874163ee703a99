"""What the reader of the catalogue refuses, and what holds of the catalogue that is served."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from secgraph.errors import Fault
from secgraph.score import catalogue as told
from secgraph.score.catalogue import Control, catalogue, control_of, read_catalogue

CONTROLS = Path(told.__file__).parent / "controls"
GOOD = {
    "id": "aad-one",
    "title": "Require a second factor",
    "service": "AAD",
    "category": "Identity",
    "tier": "Core",
    "max_score": 8,
    "implementation_cost": "Low",
    "user_impact": "Moderate",
    "threats": ["Account Breach"],
    "remediation": "Turn it on. Then look at who is left out.",
    "remediation_impact": "People are asked once a day.",
    "action_type": "Config",
    "action_url": "https://entra.microsoft.com/",
    "cis": ["CIS Microsoft 365 Foundations 5.2.2.1"],
    "nist": ["IA-2(1)"],
    "checks": {"scubagear": ["MS.AAD.3.2v2"]},
}


def written(entry: dict[str, Any]) -> str:
    """An entry as TOML, which writes these values as Python does but for its quotes."""
    lines = ["[[control]]"]
    lines += [f"{name} = {value!r}" for name, value in entry.items() if name != "checks" or not isinstance(value, dict)]
    if isinstance(entry.get("checks"), dict):
        lines += ["[control.checks]", *(f"{name} = {value!r}" for name, value in entry["checks"].items())]
    return "\n".join(lines) + "\n"


def read(folder: Path, *files: str) -> list[Control]:
    for number, text in enumerate(files, 1):
        (folder / f"{number}.toml").write_text(text, "utf-8")
    return read_catalogue(folder)


def test_a_good_entry_is_read_whole(tmp_path: Path) -> None:
    [one] = read(tmp_path, written(GOOD))
    assert (one.id, one.rank, one.max_score, one.checks) == ("aad-one", 1, 8.0, {"scubagear": ("MS.AAD.3.2v2",)})
    assert isinstance(one.max_score, float)
    assert (one.threats, one.nist) == (("Account Breach",), ("IA-2(1)",))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"category": "Identitty"}, "category has the unknown word 'Identitty'. Choose one of Identity, Data, Device"),
        ({"tier": "core"}, "tier has the unknown word 'core'"),
        ({"service": "Azur"}, "service has the unknown word 'Azur'"),
        ({"implementation_cost": "Medium"}, "implementation_cost has the unknown word 'Medium'. Choose one of Low, Moderate, High"),
        ({"user_impact": "None"}, "user_impact has the unknown word"),
        ({"action_type": "Fix"}, "action_type has the unknown word 'Fix'"),
        ({"threats": ["Breach"]}, "threats has the unknown word 'Breach'"),
        ({"threats": []}, "threats is empty"),
        ({"threats": ["Spoofing", "Spoofing"]}, "threats is no list of texts, each once"),
        ({"title": None}, "title is missing"),
        ({"checks": None}, "checks is missing"),
        ({"weight": 3}, "weight is no member of a control"),
        ({"title": ""}, "the title is empty"),
        ({"title": "Require it."}, "the title is empty, too long or a sentence"),
        ({"title": "x" * 101}, "the title is empty, too long"),
        ({"title": 5}, "title is no text"),
        ({"remediation": ""}, "remediation is empty. Say it in one to three sentences"),
        ({"remediation": "Turn it on"}, "remediation is not one to three sentences"),
        ({"remediation": "A. B. C. D."}, "remediation is not one to three sentences"),
        ({"remediation_impact": " "}, "remediation_impact is empty. Say it in one sentence"),
        ({"remediation_impact": "One. Two."}, "remediation_impact is not one sentence"),
        ({"max_score": 0}, "max_score is no whole number from 1 to 10"),
        ({"max_score": 11}, "max_score is no whole number from 1 to 10"),
        ({"max_score": 2.5}, "max_score is no whole number from 1 to 10"),
        ({"id": "AAD-one"}, "the id is not kebab-case"),
        ({"id": "exo-one"}, "does not begin with 'aad-'"),
        ({"id": "aadx-one"}, "does not begin with 'aad-'"),
        ({"action_url": "http://entra.microsoft.com/"}, "action_url does not begin with https://"),
        ({"cis": ["Microsoft 365 5.2"]}, "cis has 'Microsoft 365 5.2'"),
        ({"cis": ["CIS Microsoft 365 Foundations v6.0.0 5.2"]}, "cis has 'CIS Microsoft 365 Foundations v6.0.0 5.2'"),
        ({"nist": ["IA-2.1"]}, "nist has 'IA-2.1'"),
        ({"nist": ["XX-2"]}, "nist has 'XX-2'"),
        ({"nist": "IA-2"}, "nist is no list of texts"),
        ({"checks": {}}, "checks is empty"),
        ({"checks": {"nessus": ["1"]}}, "checks names the unknown scanner 'nessus'"),
        ({"checks": {"prowler": []}}, "checks has nothing for prowler"),
        ({"checks": {"prowler": "one"}}, "checks does not map scanners to lists of ids"),
    ],
)
def test_a_bad_entry_is_refused(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    entry = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
    with pytest.raises(Fault, match=re.escape(reason)) as refused:
        read(tmp_path, written(entry))
    assert str(refused.value).startswith(f"1.toml, {entry['id']}: ")


def test_an_entry_without_id_is_named_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"1\.toml, control 2: id is missing"):
        read(tmp_path, written(GOOD) + written({name: value for name, value in GOOD.items() if name != "id"}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "the id aad-one is taken by 1.toml, aad-one"),
        ({"id": "aad-two"}, "the title require a second factor is taken by 1.toml, aad-one"),
        ({"id": "aad-two", "title": "Another"}, "the check MS.AAD.3.2v2 of scubagear is taken by 1.toml, aad-one"),
    ],
)
def test_what_two_entries_cannot_both_have(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Fault, match=re.escape(f"2.toml, {changes.get('id', 'aad-one')}: {reason}")):
        read(tmp_path, written(GOOD), written({**GOOD, **changes}))


@pytest.mark.parametrize("text", ["[[control]", "version = 1\n", "[control]\nid = 'aad-one'\n"])
def test_a_file_of_another_shape_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(Fault, match=r"^1\.toml"):
        read(tmp_path, text)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(Fault) as refused:
        read(tmp_path, written({**GOOD, "tier": "x", "category": "y"}), "[")
    assert len(str(refused.value).splitlines()) == 3


def test_rank_goes_by_points_then_cost_then_impact_then_id(tmp_path: Path) -> None:
    cases = [("aad-c", 5, "Low", "Low"), ("aad-d", 9, "High", "High"), ("aad-b", 5, "Low", "High"), ("aad-e", 5, "High", "Low")]
    cases += [("aad-a", 5, "Low", "High")]
    files = [
        written({**GOOD, "id": id_, "title": f"Do {id_}", "max_score": points, "implementation_cost": cost, "user_impact": impact,
                 "checks": {"prowler": [id_]}})
        for id_, points, cost, impact in cases
    ]  # fmt: skip
    assert [one.id for one in read(tmp_path, *files)] == ["aad-d", "aad-c", "aad-a", "aad-b", "aad-e"]


def test_what_is_served_is_what_the_files_say() -> None:
    assert list(catalogue().values()) == read_catalogue(CONTROLS)
    assert [one.rank for one in catalogue().values()] == [*range(1, len(catalogue()) + 1)]
    assert all(name == one.id for name, one in catalogue().items())


def test_the_catalogue_is_whole() -> None:
    controls = list(catalogue().values())
    assert len(controls) >= 400
    assert {one.category for one in controls} == set(told.CATEGORIES)
    assert {one.tier for one in controls} == set(told.TIERS)
    assert {scanner for one in controls for scanner in one.checks} >= {"scubagear", "prowler", "graph"}


@pytest.mark.parametrize(
    ("holds", "pattern"),
    [
        (lambda one: [one.id], r"[a-z0-9]+(-[a-z0-9]+)+"),
        (lambda one: [one.remediation, one.remediation_impact], r"[A-Z][^\n]{10,}\."),
        (lambda one: one.cis, r"CIS [A-Z][A-Za-z0-9 ]+ \d+(\.\d+)+"),
        (lambda one: one.nist, r"[A-Z]{2}-\d+(\(\d+\))?"),
        (lambda one: [one.action_url] if one.action_url else [], r"https://[a-z0-9.-]+/\S*"),
        (lambda one: one.checks.get("scubagear", ()), r"MS\.[A-Z]+\.\d+\.\d+v\d+"),
        (lambda one: one.checks.get("prowler", ()), r"[a-z0-9]+(_[A-Za-z0-9]+)+"),
        (lambda one: one.checks.get("graph", ()), r"[A-Za-z][A-Za-z0-9_]+"),
    ],
)
def test_every_control_is_well_formed(holds: Callable[[Control], Sequence[str]], pattern: str) -> None:
    wrong = [f"{one.id}: {found}" for one in catalogue().values() for found in holds(one) if not re.fullmatch(pattern, found)]
    assert wrong == []


@pytest.mark.parametrize("file", ["scubagear/ScubaResults_aad_defender_exo.json", "scubagear/TestResults_aad_defender_exo.json"])
def test_every_policy_of_a_real_report_leads_to_a_control(shared: Path, file: str) -> None:
    found = set(re.findall(r"MS\.[A-Z]+\.\d+\.\d+v\d+", (shared / "samples" / file).read_text("utf-8-sig")))
    assert found
    assert [check for check in sorted(found) if control_of("scubagear", check) is None] == []


def test_every_azure_check_of_a_real_report_leads_to_a_control(shared: Path) -> None:
    findings = json.loads((shared / "samples" / "prowler" / "findings_azure.ocsf.json").read_text("utf-8"))
    assert findings
    assert all(control_of("prowler", one["metadata"]["event_code"]) for one in findings)


def test_every_control_of_a_real_score_leads_to_a_control(shared: Path) -> None:
    [score] = json.loads((shared / "samples" / "graph" / "secureScores_list.json").read_text("utf-8"))["value"]
    assert all(control_of("graph", one["controlName"]) for one in score["controlScores"])


def test_a_check_leads_to_its_control() -> None:
    for one in catalogue().values():
        for scanner, checks in one.checks.items():
            assert all(control_of(scanner, check) is one for check in checks)


@pytest.mark.parametrize(("scanner", "check"), [("scubagear", "MS.AAD.99.1v1"), ("nessus", "MS.AAD.1.1v1"), ("", "")])
def test_an_unknown_check_leads_nowhere(scanner: str, check: str) -> None:
    assert control_of(scanner, check) is None
