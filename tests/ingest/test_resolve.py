"""What goes down from an incident to its alerts, as a pure decision: what is asked of the store, which alerts follow, where it stops."""

from __future__ import annotations

from typing import Any

import pytest
from tests.ingest.test_regroup import alert, facts, incident, told_all

from secgraph.errors import BadBody
from secgraph.ingest import resolve
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.store.facts import HELD, Facts, Needs
from secgraph.store.protocol import Put

UNKNOWN: dict[str, Any] = {"classification": "unknown", "determination": "unknown"}
MALWARE: dict[str, Any] = {"classification": "truePositive", "determination": "malware"}
PHISHING: dict[str, Any] = {"classification": "truePositive", "determination": "phishing"}
HARMLESS: dict[str, Any] = {"classification": "falsePositive", "determination": "notMalicious"}
TRUE: dict[str, Any] = {"classification": "truePositive", "determination": "unknown"}


def puts(seen: Facts, asked: list[Needs] | None = None, **given: Any) -> list[Put]:
    """What follows for the alerts when incident 1 is changed so; `asked` hears what had to be seen."""
    before = seen.rows[INCIDENTS, "1"].record
    return told_all(resolve.handed_down(seen, before, {**before, **given}, "app:x"), asked)


def down(seen: Facts, asked: list[Needs] | None = None, **given: Any) -> list[tuple[str, dict[str, Any]]]:
    """The same as the alerts that follow, and what becomes of them."""
    found = puts(seen, asked, **given)
    assert {put.cause for put in found} <= {"app:x incident 1"}
    assert all(put.record[name] != seen.rows[ALERTS, put.record["id"]].record[name] for put in found for name in put.changed)
    return [(put.record["id"], {name: put.record[name] for name in put.changed}) for put in found]


def holding(said: dict[str, Any], *alerts: dict[str, Any]) -> Facts:
    """An incident 1 that says so, with alerts a, b, ... of it."""
    known: dict[str, Any] = {**UNKNOWN, **said}
    ids = [chr(97 + place) for place in range(len(alerts))]
    return facts(incident("1", **known), *(alert(key, "1", **{**UNKNOWN, **one}) for key, one in zip(ids, alerts, strict=True)), _1=ids)


# --- what is asked of the store -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "asked"), [
    ({"status": "resolved"}, True), ({"classification": "truePositive"}, True), ({"determination": "malware"}, True),
    ({"status": "active"}, False), ({"status": "inProgress"}, False), ({"severity": "high", "assignedTo": "ana"}, False), ({}, False),
    ({"classification": "unknown", "status": "active", "summary": "s"}, False), ({"status": "inProgress", **MALWARE}, True),
])  # fmt: skip
def test_alerts_are_read_only_where_they_may_follow(given: dict[str, Any], *, asked: bool) -> None:
    found: list[Needs] = []
    down(holding({}, UNKNOWN, UNKNOWN), found, **given)
    assert found == ([Needs(held=(("1", HELD + 1),)), Needs(rows=((ALERTS, "a"), (ALERTS, "b")))] if asked else [])


def test_of_too_many_none_is_read_and_the_change_is_refused() -> None:
    seen = facts(incident("1"), _1=[f"a{number}" for number in range(HELD + 1)])
    found: list[Needs] = []
    with pytest.raises(BadBody, match=rf"^status: would be handed down .* incident 1, and it holds more than {HELD}. Move some of them"):
        down(seen, found, status="resolved")
    assert [needs.rows for needs in found] == [()]
    with pytest.raises(BadBody, match=r"^classification: would be"):
        down(seen, **MALWARE)
    assert down(seen, severity="high", status="inProgress") == []


# --- the status ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["new", "inProgress", "unknown"])
def test_what_is_open_is_resolved_now(status: str) -> None:
    seen = holding({}, {"status": status})
    [(key, after)] = down(seen, status="resolved")
    assert (key, set(after), after["status"]) == ("a", {"status", "resolvedDateTime"}, "resolved")
    assert after["resolvedDateTime"] > "2023"


def test_what_is_resolved_keeps_its_time() -> None:
    assert down(holding({}, {"status": "resolved"}), status="resolved") == []
    assert down(holding({}, {"status": "resolved"}), status="resolved", **MALWARE) == [("a", MALWARE)]


@pytest.mark.parametrize("status", ["active", "inProgress"])
def test_opening_again_opens_no_alert(status: str) -> None:
    assert down(holding({"status": "resolved"}, {"status": "resolved"}, {"status": "new"}), status=status) == []


def test_an_alert_that_is_open_in_a_resolved_incident_stays_so_until_that_is_resolved_again() -> None:
    seen = holding({"status": "resolved"}, {"status": "new"})
    assert down(seen, **MALWARE) == [("a", MALWARE)]
    assert down(seen, status="resolved", severity="low") == []


# --- the judgement ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after", "alone", "becomes"), [
    (UNKNOWN, MALWARE, UNKNOWN, MALWARE),
    (UNKNOWN, TRUE, UNKNOWN, TRUE),
    (MALWARE, HARMLESS, MALWARE, HARMLESS),  # what followed once follows again
    (MALWARE, PHISHING, MALWARE, PHISHING),
    (MALWARE, UNKNOWN, MALWARE, UNKNOWN),
    (MALWARE, HARMLESS, UNKNOWN, HARMLESS),  # joined since
    (UNKNOWN, MALWARE, HARMLESS, HARMLESS),  # judged by itself
    (MALWARE, UNKNOWN, HARMLESS, HARMLESS),
    (UNKNOWN, TRUE, PHISHING, PHISHING),
    (UNKNOWN, MALWARE, PHISHING, PHISHING),
    (MALWARE, HARMLESS, PHISHING, HARMLESS),  # a determination belongs to its classification
    (UNKNOWN, MALWARE, TRUE, MALWARE),
    (UNKNOWN, MALWARE, {"classification": "unknown", "determination": "phishing"}, PHISHING),
    (TRUE, MALWARE, PHISHING, PHISHING),
])  # fmt: skip
@pytest.mark.parametrize("resolved", [False, True])
def test_who_follows(before: dict[str, Any], after: dict[str, Any], alone: dict[str, Any], becomes: dict[str, Any], *, resolved: bool) -> None:
    status = "resolved" if resolved else "active"
    found = down(holding({**before, "status": "active"}, alone), **after, status=status)
    changed = dict(found).get("a", {})
    assert ("resolvedDateTime" in changed) == resolved == (changed.pop("status", None) == "resolved")
    changed.pop("resolvedDateTime", None)
    assert {**alone, **changed} == becomes
    assert all(alone[name] != value for name, value in changed.items())


def test_who_joined_since_is_told_with_the_resolution() -> None:
    seen = holding(MALWARE, UNKNOWN, MALWARE, HARMLESS)
    assert [(key, {name: after.get(name) for name in MALWARE}) for key, after in down(seen, status="resolved")] == [
        ("a", MALWARE), ("b", dict.fromkeys(MALWARE)), ("c", dict.fromkeys(MALWARE)),
    ]  # fmt: skip


def test_what_went_down_is_a_person_s_word() -> None:
    seen = holding({}, UNKNOWN)
    seen.rows[ALERTS, "a"].touched["assignedTo"] = 7
    [put] = puts(seen, status="resolved", **TRUE)
    assert put.touched == {"assignedTo": 7, "status": seen.now, "classification": seen.now}
