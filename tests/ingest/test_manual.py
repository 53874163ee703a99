"""Alerts made by hand: each kind of entity becomes evidence of its kind, and what cannot be meant is refused with its place."""

from __future__ import annotations

from typing import Any

import pytest

from secgraph.errors import BadBody
from secgraph.ingest import manual
from secgraph.model.call import arguments
from secgraph.model.check import from_source
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load

GUID = "2c5e5341-c60a-42fc-953f-3da427c85e2d"
ZEROS = "00000000-0000-0000-0000-000000000000"


def given(*entities: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Checked input with these entities."""
    body = {"title": "T", "severity": "low", "description": "D", "category": "C", "entityDefinitions": list(entities), **members}
    found: dict[str, Any] = arguments(load().actions["alerts_v2_create_action"], {"createAlertInput": body})["createAlertInput"]
    return found


def entity(kind: str, identifier: str, value: str, **members: Any) -> dict[str, Any]:
    return {"entityType": kind, "entityIdentifier": identifier, "identifierValue": value, **members}


def told(item: Any) -> Any:
    """What an evidence item says, without the members that say nothing."""
    if not isinstance(item, dict):
        return item
    idle = {"createdDateTime", "verdict", "remediationStatus"}
    return {name: told(value) for name, value in item.items() if value not in (None, []) and name not in idle}


@pytest.mark.parametrize(("kind", "identifier", "value", "evidence", "members"), [
    ("user", "userPrincipalName", "ana@contoso.com", "user", {"userAccount": {"userPrincipalName": "ana@contoso.com"}}),
    ("user", "aadUserId", ZEROS, "user", {"userAccount": {"azureAdUserId": ZEROS}}),
    ("user", "sid", "S-1-5", "user", {"userAccount": {"userSid": "S-1-5"}}),
    ("device", "deviceId", "d1", "device", {"mdeDeviceId": "d1"}),
    ("device", "deviceName", "ws1.contoso.com", "device", {"deviceDnsName": "ws1.contoso.com"}),
    ("file", "sha256", "ab" * 32, "file", {"fileDetails": {"sha256": "ab" * 32}}),
    ("file", "sha1", "ab" * 20, "file", {"fileDetails": {"sha1": "ab" * 20}}),
    ("ip", "address", "198.51.100.42", "ip", {"ipAddress": "198.51.100.42"}),
    ("url", "url", "https://contoso.com/x", "url", {"url": "https://contoso.com/x"}),
    ("cloudApplication", "appId", "11161", "cloudApplication", {"appId": 11161}),
    ("cloudApplication", "name", "Box", "cloudApplication", {"displayName": "Box"}),
    ("mailbox", "mailboxPrimaryAddress", "ana@contoso.com", "mailbox", {"primaryAddress": "ana@contoso.com"}),
    ("securityGroup", "distinguishedName", "CN=x", "securityGroup", {"distinguishedName": "CN=x"}),
    ("securityGroup", "objectGuid", ZEROS, "securityGroup", {"activeDirectoryObjectGuid": ZEROS}),
    ("securityGroup", "sid", "S-1-5", "securityGroup", {"sid": "S-1-5"}),
    ("azureResource", "resourceId", "/subscriptions/x", "azureResource", {"resourceId": "/subscriptions/x"}),
    ("amazonResource", "amazonResourceId", "arn:x", "amazonResource", {"amazonResourceId": "arn:x"}),
    ("googleCloudResource", "fullResourceName", "//x", "googleCloudResource", {"fullResourceName": "//x"}),
    ("oAuthApplication", "oAuthAppId", ZEROS, "oauthApplication", {"appId": ZEROS}),
    ("emailMessage", "networkMessageId", ZEROS, "analyzedMessage", {"networkMessageId": ZEROS}),
    ("emailCluster", "networkMessageId", ZEROS, "mailCluster", {"networkMessageIds": [ZEROS]}),
    ("process", "sha1", "ab" * 20, "process", {"imageFile": {"sha1": "ab" * 20}}),
    ("process", "sha256", "ab" * 32, "process", {"imageFile": {"sha256": "ab" * 32}}),
    ("registryKey", "key", "SOFTWARE\\x", "registryKey", {"registryKey": "SOFTWARE\\x"}),
    ("registryValue", "key", "SOFTWARE\\x", "registryValue", {"registryKey": "SOFTWARE\\x"}),
    ("registryValue", "valueName", "Run", "registryValue", {"registryValueName": "Run"}),
    # Members of the evidence by their own names, and any letter case and blanks.
    ("device", "hostName", "WS1", "device", {"hostName": "WS1"}),
    ("user", "accountName", "ana", "user", {"userAccount": {"accountName": "ana"}}),
    ("file", "fileName", "evil.exe", "file", {"fileDetails": {"fileName": "evil.exe"}}),
    ("process", "processCommandLine", "cmd /c x", "process", {"processCommandLine": "cmd /c x"}),
    ("USER", " USERprincipalNAME ", " ana@contoso.com ", "user", {"userAccount": {"userPrincipalName": "ana@contoso.com"}}),
])  # fmt: skip
def test_an_entity_becomes_evidence(kind: str, identifier: str, value: str, evidence: str, members: dict[str, Any]) -> None:
    draft = manual.draft(given(entity(kind, identifier, value)), GUID)
    record, notes = from_source(load().sets[ALERTS].type, draft.alert, "2026-01-01T00:00:00.0000000Z")
    assert not notes
    [item] = record["evidence"]
    assert told(item) == {"@odata.type": f"#microsoft.graph.security.{evidence}Evidence", **members}


def test_every_published_kind_of_entity_has_its_evidence() -> None:
    kind = load().struct("microsoft.graph.security.entityDefinition").properties["entityType"].type
    for word in getattr(kind, "members", ()):
        if word != "unknownFutureValue":
            with pytest.raises(BadBody, match=f"is not an identifier of a {word}. Published identifiers: "):
                manual.draft(given(entity(word, "shoe size", "44")), GUID)


@pytest.mark.parametrize(("role", "roles", "detailed"), [
    ("impacted", ["attacked"], ["impacted"]), ("RELATED", ["contextual"], ["related"]), (None, None, None),
])  # fmt: skip
def test_the_role_is_kept_in_both_words(role: str | None, roles: list[str] | None, detailed: list[str] | None) -> None:
    [item] = manual.draft(given(entity("ip", "address", "x", role=role)), GUID).alert["evidence"]
    assert (item.get("roles"), item.get("detailedRoles")) == (roles, detailed)


@pytest.mark.parametrize(("entities", "place"), [
    ([entity("ip", "tags", "x")], "0/entityIdentifier"),
    ([entity("ip", "remediationStatusDetails", "x")], "0/entityIdentifier"),
    ([entity("ip", "address", "x"), entity("cloudApplication", "appId", "many")], "1/identifierValue"),
    ([entity("securityGroup", "objectGuid", "no guid")], "0/identifierValue"),
    ([entity("url", "url", "x" * 1001)], "0/identifierValue"),
    ([entity("url", "url", " ")], "0/identifierValue"),
    ([entity("url", "", "x")], "0/entityIdentifier"),
    ([{"entityType": "url", "identifierValue": "x"}], "0/entityIdentifier"),
    ([{"entityIdentifier": "url", "identifierValue": "x"}], "0/entityType"),
    ([entity("spaceship", "url", "x")], "0/entityType"),
    ([entity("unknownFutureValue", "url", "x")], "0/entityType"),
    ([entity("url", "url", "x", role="bystander")], "0/role"),
    ([entity("url", "url", "x", colour="red")], "0/colour"),
    (["x"], "0"),
])  # fmt: skip
def test_what_an_entity_may_not_be(entities: list[Any], place: str) -> None:
    with pytest.raises(BadBody) as refused:
        manual.draft(given(*entities), GUID)
    assert refused.value.path == f"createAlertInput/entityDefinitions/{place}"


def test_the_ids_are_as_published() -> None:
    draft = manual.draft(given(entity("url", "url", "x")), GUID)
    assert (draft.native_id, draft.alert["providerAlertId"]) == (f"ea{GUID}_aml", f"manual_ea{GUID}")


@pytest.mark.parametrize(("number", "incident"), [(None, None), (0, None), (1, "1"), (2**62, str(2**62))])
def test_the_incident_that_is_named(number: int | None, incident: str | None) -> None:
    assert manual.incident({"linkToIncident": number}) == incident
