"""docs/correlation.md tells what the code does: its table, its settings, its example."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from secgraph.ingest.adjust import values_of
from secgraph.ingest.correlate.link import judge
from secgraph.ingest.correlate.rarity import EMPTY
from secgraph.ingest.correlate.sentence import sentence
from secgraph.ingest.correlate.settings import Settings
from secgraph.ingest.correlate.strength import TABLE
from secgraph.ingest.correlate.subject import Subject, subject
from secgraph.ingest.entities import entities
from secgraph.model.check import from_source
from secgraph.model.correlation import WORDS, bounds, outward, shown
from secgraph.model.edm import load

PAGE = (Path(__file__).parents[2] / "docs" / "correlation.md").read_text("utf-8")
ROWS = {cells[0]: cells[1:] for line in PAGE.splitlines() if line.startswith("| ") for cells in [line.strip("| ").split(" | ")]}


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_line_of_the_table_is_told(name: str) -> None:
    line = TABLE[name]
    numbers = [f"{number:g}" for number in (line.central, line.involved, line.aside)]
    assert ROWS[name] == [*numbers, line.family, line.alone, line.reason]


def told(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value == [] else f"{value:g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize("one", fields(Settings), ids=lambda one: str(one.name))
def test_every_setting_is_told(one: object) -> None:
    name = getattr(one, "name", "")
    assert ROWS[outward(name)] == [told(shown(values_of({}))[outward(name)]), bounds(name), WORDS[name].says]


def test_the_example_is_what_happens() -> None:
    def told(key: str, category: str, first: str, last: str) -> Subject:
        things = [
            {"@odata.type": "#microsoft.graph.security.userEvidence", "roles": ["compromised"],
             "userAccount": {"userPrincipalName": "mirjam.hofstede@contoso.com"}},
            {"@odata.type": "#microsoft.graph.security.ipEvidence", "roles": ["attacker"], "ipAddress": "198.51.100.77"},
        ]  # fmt: skip
        record, _ = from_source(load().struct("microsoft.graph.security.alert"), {
            "title": key, "category": category, "severity": "high", "evidence": things,
            "firstActivityDateTime": f"2026-11-16T{first}:00Z", "lastActivityDateTime": f"2026-11-16T{last}:00Z",
        }, None)  # fmt: skip
        return subject(key, record, entities(record))

    one, other = told("Anomalous token", "CredentialAccess", "08:46", "09:21"), told("Mass download", "Exfiltration", "12:58", "13:22")
    link = judge(one, other, EMPTY, Settings())
    assert link is not None
    assert sentence(link) in re.sub(r"\s+", " ", PAGE)
    for reason in link.reasons:
        assert f" {reason.weight:.2f}\n" in PAGE
