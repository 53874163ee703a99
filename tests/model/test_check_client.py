"""A client is held to the model: a value fits, or the refusal says where it does not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from secgraph.errors import BadBody
from secgraph.model import change, check
from secgraph.model.edm import Model, Property

USER = "#microsoft.graph.security.userEvidence"


def member(model: Model, kind: str, name: str) -> Property:
    return model.struct(f"microsoft.graph.security.{kind}").properties[name]


def nested(depth: int) -> Any:
    value: Any = "deepest"
    for _ in range(depth):
        value = {"in": value}
    return value


FITS = [
    ("alert", "assignedTo", "Zoë", "Zoë"),
    ("alert", "assignedTo", "", ""),
    ("alert", "status", "resolved", "resolved"),
    ("alert", "status", "RESOLVED", "resolved"),
    ("alert", "serviceSource", "microsoftSentinel", "microsoftSentinel"),
    ("alert", "determination", "compromisedUser", "compromisedAccount"),
    ("alert", "determination", "clean", "notMalicious"),
    ("alert", "createdDateTime", "2026-01-31T09:00:00Z", "2026-01-31T09:00:00.0000000Z"),
    ("alert", "createdDateTime", "2026-01-31T09:00:00.1Z", "2026-01-31T09:00:00.1000000Z"),
    ("alert", "createdDateTime", "2026-01-31T09:00:00.123456789Z", "2026-01-31T09:00:00.1234567Z"),
    ("alert", "createdDateTime", "2026-01-31T00:30:00+02:00", "2026-01-30T22:30:00.0000000Z"),
    ("alert", "systemTags", [], []),
    ("alert", "systemTags", ["b", "a", "b"], ["b", "a", "b"]),
    ("processEvidence", "processId", 2**63 - 1, 2**63 - 1),
    ("processEvidence", "processId", -(2**63), -(2**63)),
    ("networkConnectionEvidence", "sourcePort", 2**31 - 1, 2**31 - 1),
    ("geoLocation", "latitude", 1, 1.0),
    ("teamsMessageEvidence", "isOwned", False, False),
    ("teamsMessageEvidence", "owningTenantId", "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
    ("alert", "additionalData", {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "given", "stored"), FITS)
def test_a_value_that_fits(model: Model, kind: str, name: str, given: Any, stored: Any) -> None:
    found = check.from_client(member(model, kind, name), given)
    assert found == stored
    assert type(found) is type(stored)


REFUSED = [
    ("alert", "assignedTo", 5, "assignedTo"),
    ("alert", "assignedTo", True, "assignedTo"),
    ("alert", "assignedTo", ["a"], "assignedTo"),
    ("alert", "assignedTo", "a\x00b", "assignedTo"),
    ("alert", "assignedTo", "a\ud800b", "assignedTo"),
    ("alert", "status", "nope", "status"),
    ("alert", "status", "", "status"),
    ("alert", "status", 3, "status"),
    ("alert", "status", ["new"], "status"),
    ("alert", "status", "unknownFutureValue", "status"),
    ("alert", "status", None, "status"),
    ("alert", "createdDateTime", "2026-01-31T09:00:00", "createdDateTime"),
    ("alert", "createdDateTime", "2026-01-31", "createdDateTime"),
    ("alert", "createdDateTime", "2026-02-30T09:00:00Z", "createdDateTime"),
    ("alert", "createdDateTime", "0001-01-01T00:00:00+14:00", "createdDateTime"),
    ("alert", "createdDateTime", 1_700_000_000, "createdDateTime"),
    ("alert", "createdDateTime", "", "createdDateTime"),
    ("processEvidence", "processId", 2**63, "processId"),
    ("processEvidence", "processId", 1.0, "processId"),
    ("processEvidence", "processId", "1", "processId"),
    ("processEvidence", "processId", True, "processId"),
    ("networkConnectionEvidence", "sourcePort", 2**31, "sourcePort"),
    ("geoLocation", "latitude", math.nan, "latitude"),
    ("geoLocation", "latitude", math.inf, "latitude"),
    ("geoLocation", "latitude", "1.5", "latitude"),
    ("geoLocation", "latitude", True, "latitude"),
    ("teamsMessageEvidence", "isOwned", 1, "isOwned"),
    ("teamsMessageEvidence", "isOwned", "true", "isOwned"),
    ("teamsMessageEvidence", "owningTenantId", "{aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee}", "owningTenantId"),
    ("teamsMessageEvidence", "owningTenantId", "aaaaaaaa", "owningTenantId"),
    ("alert", "systemTags", "a", "systemTags"),
    ("alert", "systemTags", {"0": "a"}, "systemTags"),
    ("alert", "systemTags", ["a", 5], "systemTags/1"),
    ("alert", "systemTags", ["a", None], "systemTags/1"),
    ("alert", "evidence", [5], "evidence/0"),
    ("alert", "evidence", [{}], "evidence/0/@odata.type"),
    ("alert", "evidence", [{"@odata.type": "#microsoft.graph.security.alert"}], "evidence/0/@odata.type"),
    ("alert", "evidence", [{"@odata.type": 5}], "evidence/0/@odata.type"),
    ("alert", "evidence", [{"@odata.type": USER, "hostName": "x"}], "evidence/0/hostName"),
    ("alert", "evidence", [{"@odata.type": USER, "userAccount": {"accountName": 5}}], "evidence/0/userAccount/accountName"),
    ("alert", "evidence", [{"@odata.type": USER}, {"@odata.type": USER, "roles": ["nope"]}], "evidence/1/roles/0"),
    ("alert", "additionalData", nested(40), "additionalData/in"),
    ("alert", "additionalData", [5], "additionalData"),
    ("alert", "additionalData", {"a": "\x00"}, "additionalData/a"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "given", "path"), REFUSED)
def test_a_refusal_names_the_path(model: Model, kind: str, name: str, given: Any, path: str) -> None:
    with pytest.raises(BadBody) as refusal:
        check.from_client(member(model, kind, name), given)
    assert refusal.value.path == path
    assert str(refusal.value).startswith(f"{path}: ")


def test_a_refused_word_lists_the_members_without_the_sentinel(model: Model) -> None:
    with pytest.raises(BadBody) as refusal:
        check.from_client(member(model, "alert", "severity"), "critical")
    assert "'critical'" in refusal.value.message
    assert refusal.value.hint == "Members: unknown, informational, low, medium, high."


@pytest.mark.parametrize(("body", "text"), [
    ({"comment": "Seen."}, "Seen."), ({"Comment": "  kept as it is "}, "  kept as it is "),
    ({"@odata.type": "x", "comment": "Seen."}, "Seen."),
])  # fmt: skip
def test_the_text_of_a_new_comment(body: Any, text: str) -> None:
    assert change.new_comments(body) == [text]


@pytest.mark.parametrize("body", [
    None, [], "Seen.", {}, {"comment": None}, {"comment": ""}, {"comment": " \n"}, {"comment": 5}, {"text": "Seen."},
    {"comment": "a\x00"}, {"comment": "\udfff"},
])  # fmt: skip
def test_no_comment(body: Any) -> None:
    with pytest.raises(BadBody):
        change.new_comments(body)
