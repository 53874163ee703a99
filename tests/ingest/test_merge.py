"""Whose word counts, as a table: what stands, what the source said last, what it says now, and what stands then."""

from __future__ import annotations

from typing import Any

import pytest

from secgraph.ingest.merge import MOST_EVIDENCE, MOST_ORIGINAL, OURS, joined, joined_bytes, merged
from secgraph.model import check
from secgraph.model.choices import ALERTS, SETS
from secgraph.model.edm import load
from secgraph.store.facts import Row
from secgraph.store.turn import new_record

TRIAGE = SETS[ALERTS].triage
T1, T2, T3 = (f"2026-01-31T0{hour}:00:00.0000000Z" for hour in (1, 2, 3))


def record(**members: Any) -> dict[str, Any]:
    made, notes = check.from_source(load().sets[ALERTS].type, {"status": "new", "createdDateTime": T1, **members}, T1)
    assert not notes
    return made


def comment(text: str, at: str) -> dict[str, Any]:
    return {"comment": text, "createdByDisplayName": None, "createdDateTime": at}


def signed(entry: dict[str, Any], at: str) -> dict[str, Any]:
    return {**entry, "createdByDisplayName": "the application", "createdDateTime": at}


ONE, TWO, THREE = comment("one", T1), comment("two", T2), comment("three", T3)
USER = {"@odata.type": "#microsoft.graph.security.userEvidence"}
IP, OTHER_IP = ({"@odata.type": "#microsoft.graph.security.ipEvidence", "createdDateTime": T1, "ipAddress": at} for at in ("192.0.2.1", "192.0.2.2"))

# (what stands, said before, says now, touched at, told at) -> what changed
CASES: list[tuple[str, dict[str, Any], dict[str, Any] | None, dict[str, Any], dict[str, int], int, dict[str, Any]]] = [
    ("nothing new", {"title": "t"}, {"title": "t"}, {"title": "t"}, {}, 5, {}),
    ("the source changed its word", {"title": "t"}, {"title": "t"}, {"title": "u"}, {}, 5, {"title": "u"}),
    ("the source takes its word back", {"title": "t"}, {"title": "t"}, {}, {}, 5, {"title": None}),
    ("what the source did not change stays as another made it", {"title": "x"}, {"title": "t"}, {"title": "t"}, {}, 5, {}),
    ("what the source changed wins over another source", {"title": "x"}, {"title": "t"}, {"title": "u"}, {}, 5, {"title": "u"}),
    ("lists are replaced whole", {"systemTags": ["a"]}, {"systemTags": ["a"]}, {"systemTags": ["b"]}, {}, 5, {"systemTags": ["b"]}),
    ("evidence is the source's", {"evidence": [USER]}, {"evidence": [USER]}, {"evidence": []}, {}, 5, {"evidence": []}),
    # triage: a person's word stands until the source changes that very member afterwards
    ("a person's word against an old one", {"assignedTo": "bob"}, {}, {"assignedTo": "eve"}, {"assignedTo": 7}, 5, {}),
    ("at the same instant the person's stands", {"assignedTo": "bob"}, {}, {"assignedTo": "eve"}, {"assignedTo": 5}, 5, {}),
    ("a later change of the source wins", {"assignedTo": "bob"}, {}, {"assignedTo": "eve"}, {"assignedTo": 4}, 5, {"assignedTo": "eve"}),
    ("no change of the source, however late", {"assignedTo": "bob"}, {"assignedTo": "a"}, {"assignedTo": "a"}, {"assignedTo": 4}, 5, {}),
    ("untouched triage follows the source", {"status": "new"}, {"status": "new"}, {"status": "inProgress"}, {}, 5, {"status": "inProgress"}),
    ("another member's touch does not hold it", {"status": "new"}, {"status": "new"}, {"status": "inProgress"}, {"assignedTo": 9}, 5,
     {"status": "inProgress"}),
    ("the product's word is never a person's", {"severity": "low"}, {"severity": "low"}, {"severity": "high"}, {"severity": 9}, 5,
     {"severity": "high"}),
    # a second source fills what the first left empty
    ("fills what is null", {}, None, {"category": "c"}, {}, 5, {"category": "c"}),
    ("fills an empty list", {"systemTags": []}, None, {"systemTags": ["a"]}, {}, 5, {"systemTags": ["a"]}),
    ("fills unknown", {"severity": "unknown"}, None, {"severity": "high"}, {}, 5, {"severity": "high"}),
    ("fills empty text", {"category": ""}, None, {"category": "c"}, {}, 5, {"category": "c"}),
    ("does not contradict", {"category": "x"}, None, {"category": "c"}, {}, 5, {}),
    ("does not empty", {"category": "x", "systemTags": ["a"]}, None, {}, {}, 5, {}),
    ("does not fill what a person emptied", {}, None, {"assignedTo": "eve"}, {"assignedTo": 1}, 5, {}),
    # comments are only ever added, in order of time
    ("a new comment joins", {"comments": [ONE]}, {"comments": [ONE]}, {"comments": [ONE, TWO]}, {}, 5, {"comments": [ONE, TWO]}),
    ("a comment taken back stays", {"comments": [ONE]}, {"comments": [ONE]}, {"comments": []}, {}, 5, {}),
    ("a person's comment stays", {"comments": [ONE, TWO]}, {"comments": [ONE]}, {"comments": [ONE]}, {"comments": 9}, 5, {}),
    ("an earlier comment goes before", {"comments": [TWO]}, {"comments": []}, {"comments": [ONE, THREE]}, {}, 5, {"comments": [ONE, TWO, THREE]}),
    ("the same comment by two roads", {"comments": [ONE]}, None, {"comments": [ONE]}, {}, 5, {}),
    # those of ours come back from the product, signed by whoever carried them
    ("our own comment comes back", {"comments": [TWO]}, {"comments": []}, {"comments": [signed(TWO, T2)]}, {"comments": 1}, 5, {}),
    ("it came back before", {"comments": [TWO]}, {"comments": [signed(TWO, T2)]}, {"comments": [signed(TWO, T2), THREE]}, {"comments": 1}, 5,
     {"comments": [TWO, THREE]}),
    ("it came back before, and somebody says the same", {"comments": [TWO]}, {"comments": [signed(TWO, T2)]},
     {"comments": [signed(TWO, T2), signed(TWO, T3)]}, {"comments": 1}, 5, {"comments": [TWO, signed(TWO, T3)]}),
    ("the same words were said there before", {"comments": [TWO]}, {"comments": []}, {"comments": [signed(TWO, T1)]}, {"comments": 1}, 5,
     {"comments": [signed(TWO, T1), TWO]}),
    ("several came back as one", {"comments": [ONE, TWO]}, {"comments": []}, {"comments": [comment("one\ntwo", T3)]}, {"comments": 1}, 5, {}),
    ("one of several, and more", {"comments": [ONE, TWO]}, {"comments": []}, {"comments": [comment("two\nx", T3)]}, {"comments": 1}, 5,
     {"comments": [ONE, TWO, comment("two\nx", T3)]}),
    ("nobody here said anything", {"comments": [TWO]}, None, {"comments": [signed(TWO, T3)]}, {}, 5, {"comments": [TWO, signed(TWO, T3)]}),
    ("the first comments of a second source", {"comments": [TWO]}, None, {"comments": [ONE]}, {}, 5, {"comments": [ONE, TWO]}),
    # the span of activity only grows
    ("an earlier first", {"firstActivityDateTime": T2}, {"firstActivityDateTime": T2}, {"firstActivityDateTime": T1}, {}, 5,
     {"firstActivityDateTime": T1}),
    ("a later first", {"firstActivityDateTime": T2}, {"firstActivityDateTime": T2}, {"firstActivityDateTime": T3}, {}, 5, {}),
    ("a later last", {"lastActivityDateTime": T2}, {"lastActivityDateTime": T2}, {"lastActivityDateTime": T3}, {}, 5, {"lastActivityDateTime": T3}),
    ("an earlier last", {"lastActivityDateTime": T2}, {"lastActivityDateTime": T2}, {"lastActivityDateTime": T1}, {}, 5, {}),
    ("no last any more", {"lastActivityDateTime": T2}, {"lastActivityDateTime": T2}, {}, {}, 5, {}),
    ("a second source knows the span", {}, None, {"firstActivityDateTime": T1, "lastActivityDateTime": T2}, {}, 5,
     {"firstActivityDateTime": T1, "lastActivityDateTime": T2}),
]  # fmt: skip


@pytest.mark.parametrize(("stands", "before", "now", "touched", "told", "changed"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_whose_word_counts(
    stands: dict[str, Any], before: dict[str, Any] | None, now: dict[str, Any], touched: dict[str, int], told: int, changed: dict[str, Any]
) -> None:
    row = Row(new_record({**record(**stands), "id": "da1", "tenantId": "t", "incidentId": "1"}), 3, touched)
    kept = dict(row.record)
    updated, members = merged(row, None if before is None else record(**before), record(**now), told=told, triage=TRIAGE)
    assert {name: updated[name] for name in members} == changed
    assert updated == {**kept, **changed}
    assert row.record == kept, "the row was changed in place"
    assert list(updated) == list(kept)


def test_what_a_second_source_adds_takes_no_evidence_away() -> None:
    row = Row(new_record({**record(evidence=[USER]), "id": "da1"}), 3)
    first, both = record(evidence=[IP]), record(evidence=[IP, OTHER_IP])
    for before, said, stands in [(None, first, [USER, IP]), (first, both, [USER, IP, OTHER_IP]), (both, first, [USER, IP, OTHER_IP])]:
        row.record, _ = merged(row, before, said, told=5, triage=TRIAGE, adds=True)
        assert row.record["evidence"] == record(evidence=stands)["evidence"]


@pytest.mark.parametrize(("before", "new", "late", "together"), [
    ({"evidence": [IP]}, {"evidence": [OTHER_IP]}, False, {"evidence": [IP, OTHER_IP]}),
    ({"evidence": [IP]}, {"evidence": [OTHER_IP]}, True, {"evidence": [IP, OTHER_IP]}),
    ({"evidence": [IP]}, {"evidence": [{**IP, "createdDateTime": T3}]}, False, {"evidence": [IP]}),
    ({"title": "t", "severity": "low"}, {"title": "u"}, False, {"title": "u", "severity": "low"}),
    ({"title": "t"}, {"title": "u", "category": "c"}, True, {"title": "t", "category": "c"}),
    ({"status": "resolved"}, {"status": "new"}, True, {"status": "resolved"}),
    ({"createdDateTime": T2, "lastActivityDateTime": T2}, {"createdDateTime": T1, "lastActivityDateTime": T3}, True,
     {"createdDateTime": T1, "lastActivityDateTime": T3}),
    ({"additionalData": {"a": "1", "b": "1"}}, {"additionalData": {"b": "2"}}, False, {"additionalData": {"a": "1", "b": "2"}}),
    ({"comments": [ONE, TWO]}, {"comments": [TWO, THREE]}, False, {"comments": [ONE, TWO, THREE]}),
])  # fmt: skip
def test_an_alert_that_is_told_in_several_records(before: dict[str, Any], new: dict[str, Any], late: bool, together: dict[str, Any]) -> None:
    found = joined(record(**before), record(**new), late=late)
    assert found == record(**together)
    assert joined(found, record(**new), late=late) == found, "the same record once more says nothing new"


def test_evidence_and_original_records_are_gathered_up_to_a_bound() -> None:
    many = [{**IP, "ipAddress": f"192.0.2.{last}", "countryLetterCode": f"{more:03}"} for last in range(250) for more in range(3)]
    assert len(joined(record(evidence=[USER]), record(evidence=many), late=False)["evidence"]) == MOST_EVIDENCE
    assert joined_bytes(b"", b"{}") == b"{}"
    assert joined_bytes(b"{}", b"[]") == b"{}\n[]"
    assert joined_bytes(b"{}\n[]", b"[]") == b"{}\n[]"
    assert joined_bytes(b"x" * MOST_ORIGINAL, b"[]") == b"[]"


def test_what_is_ours_is_no_source_s() -> None:
    row = Row(new_record({**record(), "id": "da1", "tenantId": "t", "incidentId": "1", "lastUpdateDateTime": T1}), 3)
    said = {**record(), "id": "x", "tenantId": "x", "incidentId": "9", "lastUpdateDateTime": T3}
    for before in (None, record()):
        updated, members = merged(row, before, said, told=5, triage=TRIAGE)
        assert members == ()
        assert {name: updated[name] for name in OURS} == {name: row.record[name] for name in OURS}


def test_a_resolution_stands_or_falls_with_the_status() -> None:
    row = Row(new_record({**record(status="inProgress"), "id": "da1"}), 3, {"status": 9})
    before, now = record(status="new"), record(status="resolved", resolvedDateTime=T2)
    updated, members = merged(row, before, now, told=5, triage=TRIAGE)
    assert (updated["status"], updated["resolvedDateTime"], members) == ("inProgress", None, ())
    updated, members = merged(row, before, now, told=10, triage=TRIAGE)
    assert (updated["status"], updated["resolvedDateTime"]) == ("resolved", T2)
    assert set(members) == {"status", "resolvedDateTime"}


def test_a_member_that_is_newer_than_the_stored_versions() -> None:
    """After an upgrade the contract has a member that neither the row nor the source's last version knew."""
    row = Row(new_record({**record(), "id": "da1"}), 3)
    before, now = record(), record(productName="new")
    del row.record["productName"]
    del before["productName"]
    updated, members = merged(row, before, now, told=5, triage=TRIAGE)
    assert updated["productName"] == "new"
    assert members == ("productName",)
