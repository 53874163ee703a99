"""What a change of an older alert means for its row, member by member."""

from __future__ import annotations

from typing import Any

import pytest

from secgraph.errors import BadBody
from secgraph.ingest import older
from secgraph.model import check
from secgraph.model.choices import ALERTS, OLDER_ALERTS
from secgraph.model.edm import load
from secgraph.odata.view import view

NOW = "2026-11-02T00:00:00.0000000Z"
VIEW = view(OLDER_ALERTS)


def row(**members: Any) -> dict[str, Any]:
    record, notes = check.from_source(load().sets[ALERTS].type, {"id": "a", "serviceSource": "microsoftSentinel", **members}, NOW)
    assert not notes
    return {"@odata.etag": 'W/"1"', **record}


def changes(body: Any, **members: Any) -> dict[str, Any]:
    return older.changes(VIEW, body, row(**members), now=NOW, name="app")


@pytest.mark.parametrize(("members", "body", "found"), [
    ({}, {}, {}), ({"status": "new"}, {"status": "newAlert"}, {}), ({"status": "new"}, {"status": "resolved"}, {"status": "resolved"}),
    ({"status": "unknownFutureValue"}, {"status": "unknown"}, {}), ({}, {"feedback": "benignPositive"}, {"classification": "informationalExpectedActivity"}),
    ({"classification": "truePositive"}, {"feedback": None}, {"classification": "unknown"}),
    ({"classification": "unknownFutureValue"}, {"feedback": "unknown"}, {}), ({"assignedTo": "ana"}, {"assignedTo": None}, {"assignedTo": None}),
    ({}, {"closedDateTime": NOW}, {"resolvedDateTime": NOW}), ({"resolvedDateTime": NOW}, {"closedDateTime": None}, {"resolvedDateTime": None}),
    ({"resolvedDateTime": "2026-11-02T00:00:00.1234567Z"}, {"closedDateTime": "2026-11-02T00:00:00.123456Z"}, {}),
    ({"resolvedDateTime": "2026-11-02T00:00:00.1234567Z"}, {"closedDateTime": "2026-11-02T00:00:00.1234Z"}, {"resolvedDateTime": "2026-11-02T00:00:00.1234000Z"}),
    ({}, {"tags": ["a"]}, {"additionalData": {"userTags": ["a"]}}), ({"additionalData": {"x": 1}}, {"tags": ["a"]}, {"additionalData": {"x": 1, "userTags": ["a"]}}),
    ({"additionalData": {"x": 1, "userTags": ["a"]}}, {"tags": []}, {"additionalData": {"x": 1}}), ({"additionalData": {"userTags": ["a"]}}, {"tags": []}, {"additionalData": None}),
    ({"additionalData": {"userTags": ["a"]}}, {"tags": ["a"]}, {}),
    ({}, {"comments": ["closed in ipc"]}, {"comments": [{"comment": "Closed in IPC", "createdByDisplayName": "app", "createdDateTime": NOW}]}),
    ({}, {"VendorInformation": {"Provider": "azure sentinel", "@odata.type": "x"}}, {}),
    ({}, {"vendorInformation": {"subProvider": "nothing is known that it could differ from"}}, {}),
])  # fmt: skip
def test_a_body_as_members_of_the_row(members: dict[str, Any], body: dict[str, Any], found: dict[str, Any]) -> None:
    assert changes(body, **members) == found


@pytest.mark.parametrize(("body", "path"), [
    ("text", ""), ({"vendorInformation": {"vendor": 5}}, "vendorInformation/vendor"), ({"comments": ["x"]}, "comments"), ({"status": "x"}, "status"),
])  # fmt: skip
def test_what_does_not_fit_is_named(body: Any, path: str) -> None:
    with pytest.raises(BadBody) as refusal:
        changes(body)
    assert refusal.value.path == path


@pytest.mark.parametrize(("body", "good"), [
    ({}, False), ([], False), (None, False), ({"vendorInformation": {"provider": "p"}}, False), ({"vendorInformation": {"provider": "p", "vendor": None}}, False),
    ({"vendorInformation": {"provider": "p", "vendor": "v"}}, True), ({"VENDORINFORMATION": {"Provider": "p", "Vendor": "v"}}, True),
])  # fmt: skip
def test_who_must_name_the_vendor_names_both(body: Any, good: bool) -> None:
    if good:
        older.expect_vendor(body)
    else:
        with pytest.raises(BadBody, match="value/3/vendorInformation: is required"):
            older.expect_vendor(body, "value/3")
