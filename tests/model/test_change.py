"""PATCH: what a body changes, what it may repeat, and what it may not touch."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from secgraph.errors import BadBody
from secgraph.model import change, check, wire
from secgraph.model.choices import ALERTS, INCIDENTS
from secgraph.model.edm import Model, StructType

SPACE = "microsoft.graph.security"
CREATED = "2026-01-31T09:00:00.1234560Z"
Filled = Callable[[StructType], dict[str, Any]]


def stored(model: Model, path: str, **members: Any) -> dict[str, Any]:
    record, notes = check.from_source(model.sets[path].type, {"id": "da1", "createdDateTime": CREATED, **members}, CREATED)
    assert not notes
    return {"@odata.etag": 'W/"1"', **record}


@pytest.mark.parametrize(("path", "body", "found"), [
    (ALERTS, {"status": "resolved"}, {"status": "resolved"}),
    (ALERTS, {"Status": "RESOLVED"}, {"status": "resolved"}),
    (ALERTS, {"assignedTo": None}, {"assignedTo": None}),
    (ALERTS, {"assignedTo": ""}, {"assignedTo": ""}),
    (ALERTS, {"classification": None, "determination": None}, {"classification": "unknown", "determination": "unknown"}),
    (ALERTS, {"@odata.type": "#x", "status@odata.type": "#y"}, {}),
    (ALERTS, {"id": "da1", "severity": "medium", "createdDateTime": CREATED}, {}),
    (ALERTS, {}, {}),
    (INCIDENTS, {"customTags": ["a", "b"]}, {"customTags": ["a", "b"]}),
    (INCIDENTS, {"customTags": None}, {"customTags": []}),
    (INCIDENTS, {"severity": "high", "status": "inProgress"}, {"severity": "high", "status": "inProgress"}),
    (INCIDENTS, {"displayName": "New", "summary": None}, {"displayName": "New", "summary": None}),
])  # fmt: skip
def test_what_a_body_changes(model: Model, path: str, body: Any, found: Any) -> None:
    assert change.changes(model.sets[path], body, stored(model, path, severity="medium")) == found


@pytest.mark.parametrize(("path", "body", "where", "says"), [
    (ALERTS, {"severity": "high"}, "severity", "read-only"),
    (ALERTS, {"id": "da2"}, "id", "read-only"),
    (ALERTS, {"title": "new"}, "title", "read-only"),
    (ALERTS, {"title": 5}, "title", "read-only"),
    (ALERTS, {"evidence": [{}]}, "evidence", "read-only"),
    (ALERTS, {"comments": [{"comment": "x"}]}, "comments", "read-only"),
    (ALERTS, {"createdDateTime": "2026-01-31T09:00:00.123457Z"}, "createdDateTime", "read-only"),
    (ALERTS, {"createdDateTime": None}, "createdDateTime", "read-only"),
    (ALERTS, {"status": None}, "status", "null"),
    (ALERTS, {"nope": 1}, "nope", "not a member"),
    (ALERTS, {"status": "resolved", "nope": None}, "nope", "not a member"),
    (ALERTS, [], "", "object"),
    (ALERTS, None, "", "object"),
    (ALERTS, "status", "", "object"),
    (INCIDENTS, {"status": "redirected"}, "status", "cannot be set"),
    (INCIDENTS, {"severity": None}, "severity", "null"),
    (INCIDENTS, {"customTags": "a"}, "customTags", "list"),
    (INCIDENTS, {"alerts": [{"id": "da1"}]}, "alerts", "read-only"),
])  # fmt: skip
def test_what_a_body_may_not_touch(model: Model, path: str, body: Any, where: str, says: str) -> None:
    with pytest.raises(BadBody, match=says) as refusal:
        change.changes(model.sets[path], body, stored(model, path, title="old") if path == ALERTS else stored(model, path))
    assert refusal.value.path == where


def test_a_refusal_says_what_can_be_changed(model: Model) -> None:
    with pytest.raises(BadBody) as refusal:
        change.changes(model.sets[ALERTS], {"severity": "high"}, stored(model, ALERTS))
    assert refusal.value.hint == "Members that can be changed: status, classification, determination, assignedTo."


@pytest.mark.parametrize("sent", [
    "2026-01-31T09:00:00.1234560Z", "2026-01-31T09:00:00.123456Z", "2026-01-31T10:00:00.123456+01:00",
    "2026-01-31T09:00:00.123456+00:00", "2026-01-31T09:00:00.1234567Z", "2026-01-31T09:00:00.123456",
])  # fmt: skip
def test_a_time_cut_to_six_digits_is_unchanged(model: Model, sent: str) -> None:
    present = stored(model, ALERTS, comments=[{"comment": "c", "createdDateTime": CREATED}])
    body = {"createdDateTime": sent, "comments": [{"comment": "c", "createdDateTime": sent, "createdByDisplayName": None}]}
    assert change.changes(model.sets[ALERTS], body, present) == {}


def test_the_stand_in_for_a_hidden_member_is_unchanged(model: Model) -> None:
    evidence = [{"@odata.type": f"#{SPACE}.userEvidence", "remediationStatus": "running", "roles": ["created"]}]
    present = stored(model, ALERTS, serviceSource="microsoftSentinel", evidence=evidence)
    hide = wire.hider(model.sets[ALERTS].type)
    assert hide is not None
    shown = hide(present)
    assert shown["serviceSource"] == shown["evidence"][0]["remediationStatus"] == "unknownFutureValue"
    assert change.changes(model.sets[ALERTS], {name: shown[name] for name in ("serviceSource", "evidence")}, present) == {}


def test_the_stand_in_is_no_word_for_another_member(model: Model) -> None:
    with pytest.raises(BadBody):
        change.changes(model.sets[ALERTS], {"serviceSource": "unknownFutureValue"},
                      stored(model, ALERTS, serviceSource="microsoftDefenderForEndpoint"))  # fmt: skip


@pytest.mark.parametrize(("path", "name"), [
    (ALERTS, "status"), (ALERTS, "classification"), (ALERTS, "determination"),
    (INCIDENTS, "status"), (INCIDENTS, "severity"), (INCIDENTS, "classification"), (INCIDENTS, "determination"),
])  # fmt: skip
def test_a_stored_sentinel_comes_back_unchanged(model: Model, path: str, name: str) -> None:
    """A product that hides its own new members sends `unknownFutureValue`; that is then what stands here."""
    present = stored(model, path, **{name: "unknownFutureValue"})
    assert change.changes(model.sets[path], {name: "unknownFutureValue"}, present) in ({}, {name: "unknownFutureValue"})


@pytest.mark.parametrize("path", [ALERTS, INCIDENTS])
def test_a_fetched_object_sent_back_changes_nothing(model: Model, path: str, filled: Filled) -> None:
    one = model.sets[path]
    present = stored(model, path, **{**filled(one.type), "evidence": []} if path == ALERTS else filled(one.type))
    found = change.changes(one, json.loads(json.dumps(present)), present)
    assert {name: value for name, value in found.items() if value != present[name]} == {}


def test_fetched_evidence_of_every_type_sent_back_changes_nothing(model: Model, filled: Filled) -> None:
    failed = []
    for kind in model.struct(f"{SPACE}.alertEvidence").family():
        evidence = [{"@odata.type": f"#{kind.name}", **filled(kind)}]
        present = stored(model, ALERTS, evidence=evidence)
        try:
            assert change.changes(model.sets[ALERTS], {"evidence": json.loads(json.dumps(present["evidence"]))}, present) == {}
        except BadBody:
            failed.append(kind.name.rpartition(".")[2])
    assert failed == []


def test_fetched_evidence_in_its_default_form_sent_back_changes_nothing(model: Model, filled: Filled) -> None:
    hide = wire.hider(model.sets[ALERTS].type)
    assert hide is not None
    failed = []
    for kind in model.struct(f"{SPACE}.alertEvidence").family():
        evidence = [{"@odata.type": f"#{kind.name}", **filled(kind)}]
        present = stored(model, ALERTS, evidence=evidence)
        try:
            assert change.changes(model.sets[ALERTS], {"evidence": hide(present)["evidence"]}, present) == {}
        except BadBody:
            failed.append(kind.name.rpartition(".")[2])
    assert failed == []


@pytest.mark.parametrize("item", [
    {"userAccount": {"accountName": "eve"}}, {"tags": []}, {"tags": ["a", "b"]}, {"verdict": "benign"}, {"nope": 1},
    {"userAccount": None},
])  # fmt: skip
def test_evidence_that_differs_in_depth_is_refused(model: Model, item: Any) -> None:
    user = {"@odata.type": f"#{SPACE}.userEvidence", "tags": ["a"], "userAccount": {"accountName": "bob"}}
    present = stored(model, ALERTS, evidence=[user])
    with pytest.raises(BadBody):
        change.changes(model.sets[ALERTS], {"evidence": [{**present["evidence"][0], **item}]}, present)


def test_open_data_sent_back_changes_nothing_and_changed_is_refused(model: Model) -> None:
    present = stored(model, ALERTS, additionalData={"a": {"b": [1, None, "x"]}})
    same = {"additionalData": {"a": {"b": [1, None, "x"]}}}
    assert change.changes(model.sets[ALERTS], same, present) == {}
    with pytest.raises(BadBody):
        change.changes(model.sets[ALERTS], {"additionalData": {"a": {"b": [1, None, "y"]}}}, present)
