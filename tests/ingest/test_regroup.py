"""Merging and moving as pure decisions: what is asked of the store, which rows change, and where it stops."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Generator
from typing import Any, TypeVar

import pytest

from secgraph.errors import BadBody, Fault, NotFound
from secgraph.ingest import regroup
from secgraph.ingest.correlate.pack import pack
from secgraph.ingest.correlate.subject import Subject
from secgraph.ingest.entities import Entity
from secgraph.ingest.incident import destination, graver, opened
from secgraph.ingest.regroup import Call
from secgraph.model.check import from_source
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import load
from secgraph.store.facts import HELD, Case, Facts, Judged, Needs, Row
from secgraph.store.protocol import Decision, Put, PutCase
from secgraph.store.turn import new_record

Told = TypeVar("Told")
CREATED = "2026-01-01T00:00:00.0000000Z"
CALL = Call("mergeIncidents", "app", "Ana")


def alert(key: str, incident: str, **members: Any) -> tuple[tuple[str, str], Row]:
    record, _ = from_source(load().sets[ALERTS].type, {"title": key, "severity": "low", "status": "new", "createdDateTime": CREATED, **members}, CREATED)
    record["id"], record["incidentId"] = key, incident
    return (ALERTS, key), Row(new_record(record), 1)


def incident(key: str, further: str | None = None, touched: tuple[str, ...] = (), **members: Any) -> tuple[tuple[str, str], Row]:
    record = opened(key, alert("x", key, **members)[1].record, "tenant")
    if further:
        record["status"], record["redirectIncidentId"] = "redirected", further
    return (INCIDENTS, key), Row(record, 1, dict.fromkeys(touched, 1))


def facts(*rows: tuple[tuple[str, str], Row], **held: list[str]) -> Facts:
    """Facts with these rows; `held` as `_2=["a"]`."""
    numbers = itertools.count(100)
    cases = {key: Case(key, 3, 10, 20, "s") for path, key in dict(rows) if path == INCIDENTS}
    return Facts(
        17_000_000_000_000_000, "tenant", dict(rows), {}, {}, lambda: str(next(numbers)), {key[1:]: ids for key, ids in held.items()},
        cases=cases, inside=defaultdict(list),
    )  # fmt: skip


def told(decision: Any) -> list[tuple[str, tuple[str, ...]]]:
    """Which rows a decision writes, and what changed in them."""
    assert all(isinstance(change, Put | PutCase) for change in decision.changes)
    return [(change.record["id"], change.changed) for change in rows_of(decision)]


def rows_of(decision: Any) -> list[Put]:
    return [change for change in decision.changes if isinstance(change, Put)]


def cases_of(decision: Any) -> dict[str, Case]:
    return {change.case.incident: change.case for change in decision.changes if isinstance(change, PutCase)}


# --- redirects ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "end"), [("1", "1"), ("2", "1"), ("3", "1"), ("4", "1"), ("9", "9"), ("5", "gone")])
def test_redirects_are_followed_to_their_end(start: str, end: str) -> None:
    rows = dict([incident("1"), incident("2", "1"), incident("3", "2"), incident("4", "3"), incident("5", "gone")])
    assert destination(rows, start) == end


def test_a_circle_is_a_fault_and_not_a_hang() -> None:
    rows = dict([incident("1", "2"), incident("2", "3"), incident("3", "1")])
    with pytest.raises(Fault, match="circle"):
        destination(rows, "1")


def test_severities_in_their_published_order() -> None:
    words = ["unknown", "informational", "low", "medium", "high"]
    for one, other in itertools.product(words, words):
        assert graver(one, other) == max(one, other, key=words.index)


# --- what is asked of the store -----------------------------------------------------------------------------------------


def merged(seen: Facts, incidents: list[str], call: Call = CALL) -> Decision[str]:
    return told_all(regroup.merge(seen, incidents, call))


def told_all(deciding: Generator[Needs, None, Told], asked: list[Needs] | None = None) -> Told:
    """What a decision comes to whose needs are in its facts; `asked` hears of them."""
    try:
        while True:
            needs = next(deciding)
            if asked is not None:
                asked.append(needs)
    except StopIteration as end:
        told: Told = end.value
        return told


def test_a_merge_asks_for_the_alerts_of_those_that_end_elsewhere() -> None:
    asked: list[Needs] = []
    seen = facts(incident("1"), incident("2", "1"), incident("3"), incident("4", "3"), incident("5"), _3=["a", "b"], _5=["c"])
    seen.rows.update([alert("a", "3"), alert("b", "3"), alert("c", "5")])
    assert regroup.merge_needs(["2", "4"]).rows == ((INCIDENTS, "2"), (INCIDENTS, "4"))
    told_all(regroup.merge(seen, ["2", "4", "5"], CALL), asked)
    held, alerts = asked
    assert alerts.cases == ("1", "3", "5")
    assert held.held == (("3", HELD + 1), ("5", HELD + 1)), "not for those of the target, which stay"
    assert alerts.rows == ((ALERTS, "a"), (ALERTS, "b"), (ALERTS, "c"))


def test_a_merge_of_too_many_reads_none_of_them() -> None:
    ids = [f"a{number}" for number in range(HELD + 1)]
    seen = facts(incident("1"), incident("2"), _2=ids)
    asked: list[Needs] = []
    with pytest.raises(BadBody, match=f"merged into 1 hold more than {HELD} alerts. Name the largest one first"):
        told_all(regroup.merge(seen, ["1", "2"], CALL), asked)
    assert [needs.rows for needs in asked] == [()]


def test_a_merge_of_just_as_many_as_allowed() -> None:
    asked: list[Needs] = []
    ids = [f"a{number}" for number in range(HELD)]
    seen = facts(incident("1"), incident("2"), *(alert(key, "2") for key in ids), _2=ids)
    assert len(rows_of(told_all(regroup.merge(seen, ["1", "2"], CALL), asked))) == HELD + 2
    assert len(asked[-1].rows) == HELD


def test_a_move_asks_whether_an_incident_keeps_an_alert() -> None:
    asked: list[Needs] = []
    seen = facts(alert("a", "1"), alert("b", "1"), alert("c", "2"), incident("1"), incident("2"), incident("3"))
    seen.held.update({"1": ["a", "b"], "2": ["c"]})
    first = regroup.move_needs(["a", "b", "c", "nope"], "3")
    assert first.around
    told_all(regroup.move(seen, ["a", "b", "c"], "3", CALL), asked)
    held, inside = asked
    assert inside.inside == inside.cases == ("1", "2", "3")
    assert first.rows == ((ALERTS, "a"), (ALERTS, "b"), (ALERTS, "c"), (ALERTS, "nope"), (INCIDENTS, "3"))
    assert held.held == (("1", 3), ("2", 2))


# --- merging ------------------------------------------------------------------------------------------------------------


def test_a_merge_writes_each_row_once_the_target_last() -> None:
    seen = facts(incident("1"), incident("2", severity="high"), incident("3"), alert("a", "2"), alert("b", "3"), _2=["a"], _3=["b"])
    decision = merged(seen, ["1", "2", "3"], Call("mergeIncidents", "app", "Ana", "why", "sameActor"))
    assert decision.answer == "1"
    assert told(decision) == [
        ("a", ("incidentId",)), ("b", ("incidentId",)), ("2", ("status", "redirectIncidentId", "lastModifiedBy", "alerts")),
        ("3", ("status", "redirectIncidentId", "lastModifiedBy", "alerts")), ("1", ("lastModifiedBy", "alerts", "severity", "comments")),
    ]  # fmt: skip
    assert {change.cause for change in decision.changes if isinstance(change, Put)} == {"app:app mergeIncidents sameActor"}


def test_an_incident_without_alerts_is_merged_too() -> None:
    decision = merged(facts(incident("1"), incident("2"), _2=[]), ["1", "2"])
    assert told(decision) == [("2", ("status", "redirectIncidentId", "lastModifiedBy")), ("1", ("lastModifiedBy",))]


def test_severity_goes_on_following_the_alerts_after_a_merge() -> None:
    """What a merge decides is no person's word: only that stops the door from raising it."""
    seen = facts(incident("1"), incident("2", severity="medium"), _2=[])
    put = rows_of(merged(seen, ["1", "2"], Call("mergeIncidents", "app", "Ana", "c")))[-1]
    assert isinstance(put, Put)
    assert "severity" in put.changed
    assert set(put.touched) == {"comments"}


def test_what_a_person_touched_stays_touched() -> None:
    seen = facts(incident("1", touched=("severity",)), incident("2", severity="high"), _2=[])
    put = rows_of(merged(seen, ["1", "2"]))[-1]
    assert isinstance(put, Put)
    assert (put.record["severity"], set(put.touched)) == ("high", {"severity"})


def test_the_same_comment_is_carried_over_once() -> None:
    said = {"comment": "x", "createdByDisplayName": "Bo", "createdDateTime": CREATED}
    one, two = incident("1"), incident("2")
    for _, row in (one, two):
        row.record["comments"] = [dict(said)]
    one[1].record["comments"].append(dict(said))
    two[1].record["comments"].append({**said, "comment": "y"})
    seen = facts(one, two, _2=[])
    merged(seen, ["1", "2"])
    assert [comment["comment"] for comment in seen.rows[INCIDENTS, "1"].record["comments"]] == ["x", "x", "y"]


@pytest.mark.parametrize("ids", [["9", "1"], ["1", "9"]])
def test_a_merge_of_what_is_not_there_is_refused(ids: list[str]) -> None:
    seen = facts(incident("1"))
    with pytest.raises(NotFound, match="There is no incident '9' in this tenant"):
        merged(seen, ids)


# --- moving -------------------------------------------------------------------------------------------------------------


def moved(seen: Facts, alerts: list[str], target: str | None) -> Any:
    return told_all(regroup.move(seen, alerts, target, Call("moveAlerts", "app", "Ana")))


def test_a_move_into_a_new_incident_writes_that_first() -> None:
    seen = facts(alert("a", "1"), alert("b", "2"), incident("1"), incident("2"), _1=["a", "z"], _2=["b"])
    decision = moved(seen, ["a", "b"], None)
    assert decision.answer == "100"
    assert told(decision) == [
        ("100", ()), ("a", ("incidentId",)), ("b", ("incidentId",)), ("1", ("lastModifiedBy", "alerts")),
        ("2", ("status", "redirectIncidentId", "lastModifiedBy", "alerts")),
    ]  # fmt: skip
    assert decision.changes[0].created
    assert seen.rows[INCIDENTS, "2"].record["redirectIncidentId"] == "100"


def test_a_move_leaves_alone_what_is_there_already() -> None:
    seen = facts(alert("a", "1"), alert("b", "2"), incident("1"), incident("2"), _1=["a"], _2=["b"])
    assert told(moved(seen, ["a", "b"], "1")) == [
        ("b", ("incidentId",)), ("2", ("status", "redirectIncidentId", "lastModifiedBy", "alerts")), ("1", ("lastModifiedBy", "alerts")),
    ]  # fmt: skip
    assert told(moved(seen, ["a", "b"], "1")) == []


def test_a_move_to_a_redirect_ends_where_it_leads() -> None:
    seen = facts(alert("a", "4"), incident("1"), incident("2", "1"), incident("3", "2"), incident("4"), _4=["a", "z"])
    assert moved(seen, ["a"], "3").answer == "1"
    assert seen.rows[INCIDENTS, "3"].record["status"] == "redirected"


@pytest.mark.parametrize(("status", "again"), [("new", "active"), ("resolved", "resolved")])
def test_a_move_out_of_where_a_redirect_leads_opens_it_again(status: str, again: str) -> None:
    seen = facts(alert("a", "1", status=status), incident("1"), incident("2", "1"), incident("3", "2"), _1=["a", "z"])
    decision = moved(seen, ["a"], "3")
    assert decision.answer == "3"
    assert told(decision) == [
        ("a", ("incidentId",)), ("1", ("lastModifiedBy", "alerts")), ("3", ("status", "redirectIncidentId", "lastModifiedBy", "alerts")),
    ]  # fmt: skip
    found = seen.rows[INCIDENTS, "3"].record
    assert (found["status"], found["redirectIncidentId"]) == (again, None)
    assert seen.rows[INCIDENTS, "2"].record["redirectIncidentId"] == "1"


# --- what is kept of the incidents ---------------------------------------------------------------------------------------


def judged(key: str, incident: str, at: int, detector: str = "d") -> Judged:
    return Judged(key, incident, 0, at, at + 5, b"", pack(Subject(key, at, at + 5, [Entity("ip", ("ip.public:1",), "unknown", "")], detector=detector)))


def test_a_merge_counts_together_and_keeps_apart_whom_the_merged_was_kept_from() -> None:
    seen = facts(incident("1"), incident("2"), incident("3"), _2=[])
    seen.cases["2"] = Case("2", 4, 5, 30, "s", apart=frozenset({"1", "3"}))
    found = cases_of(merged(seen, ["1", "2"]))
    assert found["1"] == Case("1", 7, 5, 30, "s", joined=seen.now, apart=frozenset({"3"}))
    assert found["2"] == Case("2", 0, 5, 30, "s", apart=frozenset())


def test_series_that_differ_are_none() -> None:
    seen = facts(incident("1"), incident("2"), _2=[])
    seen.cases["2"] = Case("2", 4, 5, 30, "t")
    assert cases_of(merged(seen, ["1", "2"]))["1"].series == ""


def test_a_move_counts_anew_and_keeps_the_two_apart() -> None:
    seen = facts(alert("a", "1"), alert("b", "1"), incident("1"), incident("2"), _1=["a", "b"])
    seen.inside.update({"1": [judged("a", "1", 10), judged("b", "1", 40)], "2": [judged("c", "2", 100, "e")]})
    found = cases_of(moved(seen, ["a"], "2"))
    assert (found["1"].alerts, found["1"].first, found["1"].last, found["1"].apart) == (1, 40, 45, frozenset({"2"}))
    assert (found["2"].alerts, found["2"].first, found["2"].last, found["2"].apart, found["2"].series) == (2, 10, 105, frozenset({"1"}), "")


def test_a_move_of_all_that_an_incident_holds_keeps_nothing_apart() -> None:
    seen = facts(alert("a", "1"), incident("1"), incident("2"), _1=["a"])
    seen.inside.update({"1": [judged("a", "1", 10)]})
    found = cases_of(moved(seen, ["a"], "2"))
    assert (found["1"].alerts, found["2"].alerts, found["1"].apart, found["2"].apart) == (0, 1, frozenset(), frozenset())


def test_a_move_to_a_new_incident_has_a_case_of_its_own() -> None:
    seen = facts(alert("a", "1"), alert("b", "1"), incident("1"), _1=["a", "b"])
    seen.inside.update({"1": [judged("a", "1", 10), judged("b", "1", 40)]})
    found = cases_of(moved(seen, ["a"], None))
    assert (found["100"].alerts, found["100"].apart, found["1"].apart) == (1, frozenset({"1"}), frozenset({"100"}))
    assert "alerts" in next(change for change in rows_of(moved(facts(alert("a", "1"), incident("1"), _1=["a", "z"]), ["a"], None)) if change.created).touched
