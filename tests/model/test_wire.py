"""The default form: members past the sentinel are hidden at every depth, and what hides nothing is not copied."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from secgraph.model import check, wire
from secgraph.model.edm import SENTINEL, EnumType, Model, StructType

SPACE = "microsoft.graph.security"
CREATED = "2026-01-31T09:00:00.0000000Z"
Filled = Callable[[StructType], dict[str, Any]]


def words(kind: StructType, value: dict[str, Any]) -> Iterator[tuple[EnumType, str]]:
    """Every enum member in a record, with its type, found by the declared types and `@odata.type`."""
    tag = value.get("@odata.type", "")
    kind = next((child for child in kind.family() if f"#{child.name}" == tag), kind)
    for name, item in kind.properties.items():
        found = value.get(name)
        for one in found if isinstance(found, list) else [found]:
            if isinstance(item.type, EnumType) and isinstance(one, str):
                yield item.type, one
            elif isinstance(item.type, StructType) and isinstance(one, dict):
                yield from words(item.type, one)


def test_nothing_hidden_leaves_at_any_depth_and_all_else_stays(model: Model, filled: Filled) -> None:
    alert = model.struct(f"{SPACE}.alert")
    hide = wire.hider(alert)
    assert hide is not None
    seen = 0
    for kind in model.struct(f"{SPACE}.alertEvidence").family():
        evidence = [{"@odata.type": f"#{kind.name}", **filled(kind)}]
        record, _ = check.from_source(alert, {**filled(alert), "evidence": evidence}, CREATED)
        before = copy.deepcopy(record)
        shown = hide(record)
        assert record == before, "the full form was changed in place"
        full, default = list(words(alert, record)), list(words(alert, shown))
        assert len(full) == len(default)
        for (enum, word), (_, sent) in zip(full, default, strict=True):
            assert sent == (SENTINEL if enum.hidden(word) else word)
            seen += enum.hidden(word)
        assert hide(shown) is shown
        assert list(shown) == list(record)
    assert seen > 100


@pytest.mark.parametrize("members", [
    {}, {"evidence": []}, {"serviceSource": "microsoftDefenderForEndpoint"}, {"serviceSource": SENTINEL},
    {"evidence": [{"@odata.type": f"#{SPACE}.userEvidence", "remediationStatus": "blocked", "roles": ["attacked"]}]},
])  # fmt: skip
def test_the_same_object_where_nothing_is_hidden(model: Model, members: dict[str, Any]) -> None:
    alert = model.struct(f"{SPACE}.alert")
    record, _ = check.from_source(alert, members, CREATED)
    hide = wire.hider(alert)
    assert hide is not None
    assert hide(record) is record


def test_only_what_changes_is_copied(model: Model) -> None:
    alert = model.struct(f"{SPACE}.alert")
    user = {"@odata.type": f"#{SPACE}.userEvidence"}
    record, _ = check.from_source(alert, {"evidence": [user, {**user, "remediationStatus": "running"}]}, CREATED)
    hide = wire.hider(alert)
    assert hide is not None
    shown = hide(record)
    assert shown is not record
    assert shown["evidence"][0] is record["evidence"][0]
    assert shown["evidence"][1]["remediationStatus"] == SENTINEL
    assert shown["comments"] is record["comments"]
    assert record["evidence"][1]["remediationStatus"] == "running"


def test_evidence_inside_evidence_is_hidden_too(model: Model) -> None:
    inner: dict[str, Any] = {"@odata.type": f"#{SPACE}.userEvidence", "remediationStatus": "running"}
    for _ in range(5):
        inner = {"@odata.type": f"#{SPACE}.kubernetesClusterEvidence", "cloudResource": inner}
    alert = model.struct(f"{SPACE}.alert")
    record, _ = check.from_source(alert, {"evidence": [inner]}, CREATED)
    hide = wire.hider(alert)
    assert hide is not None
    found = hide(record)["evidence"][0]
    while found["@odata.type"].endswith("kubernetesClusterEvidence"):
        found = found["cloudResource"]
    assert found["remediationStatus"] == SENTINEL


def test_incidents_hide_their_status(model: Model) -> None:
    incident = model.struct(f"{SPACE}.incident")
    hide = wire.hider(incident)
    assert hide is not None
    record, _ = check.from_source(incident, {"status": "awaitingAction"}, CREATED)
    assert hide(record)["status"] == SENTINEL


def test_a_type_without_growing_enumerations_needs_no_hiding(model: Model) -> None:
    assert wire.hider(model.struct(f"{SPACE}.alertComment")) is None
    assert wire.hider(model.struct(f"{SPACE}.dictionary")) is None
