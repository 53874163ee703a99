"""The older alert as it is shown, and what a question about it becomes: tables of rows, objects and conditions."""

from __future__ import annotations

from typing import Any

import pytest

from secgraph.errors import BadFilter, BadOption
from secgraph.model import check
from secgraph.model.choices import ALERTS, OLDER_ALERTS
from secgraph.model.edm import load
from secgraph.odata import bind
from secgraph.odata.query import All, Compare, Either, Every, Field, Found, OneOf, Query, Some, Test, fields
from secgraph.odata.translate import translated
from secgraph.odata.view import view

MODEL = load()
OLDER = MODEL.sets[OLDER_ALERTS]
VIEW = view(OLDER_ALERTS)
SPACE = "#microsoft.graph.security"
WHEN = "2026-11-01T00:00:00.0000000Z"


def shown(**members: Any) -> dict[str, Any]:
    """The older alert behind which a row with these members stands."""
    record, notes = check.from_source(MODEL.sets[ALERTS].type, {"id": "a", "createdDateTime": WHEN, **members}, WHEN)
    assert not notes
    return VIEW.project({"@odata.etag": 'W/"7"', **record})


def item(kind: str, **members: Any) -> dict[str, Any]:
    return {"@odata.type": f"{SPACE}.{kind}Evidence", "createdDateTime": WHEN, **members}


def known(state: Any) -> Any:
    """A state without the members of which nothing is known."""
    if isinstance(state, dict):
        return {name: known(value) for name, value in state.items() if value is not None}
    return [known(one) for one in state] if isinstance(state, list) else state


# --- rows to objects ----------------------------------------------------------------------------------------------------


def test_every_declared_member_is_there_and_nothing_else() -> None:
    found = shown()
    assert list(found) == ["@odata.etag", *OLDER.type.properties]
    assert found["@odata.etag"] == 'W/"7"'
    for name, member in OLDER.type.properties.items():
        assert (found[name] == []) if member.collection else name in found


@pytest.mark.parametrize(("row", "member", "value"), [
    ({"status": "new"}, "status", "newAlert"), ({"status": "inProgress"}, "status", "inProgress"),
    ({"status": "resolved"}, "status", "resolved"), ({"status": "unknownFutureValue"}, "status", "unknown"),
    ({"severity": "high"}, "severity", "high"), ({"severity": "unknownFutureValue"}, "severity", "unknownFutureValue"),
    ({"classification": "informationalExpectedActivity"}, "feedback", "benignPositive"), ({"classification": "truePositive"}, "feedback", "truePositive"),
    ({}, "feedback", "unknown"), ({"classification": "unknownFutureValue"}, "feedback", "unknown"),
    ({}, "eventDateTime", WHEN), ({"firstActivityDateTime": "2026-10-31T00:00:00Z"}, "eventDateTime", "2026-10-31T00:00:00.0000000Z"),
    ({"lastActivityDateTime": "2026-11-02T00:00:00Z"}, "lastEventDateTime", "2026-11-02T00:00:00.0000000Z"),
    ({"resolvedDateTime": "2026-11-03T00:00:00Z"}, "closedDateTime", "2026-11-03T00:00:00.0000000Z"),
    ({"tenantId": "t"}, "azureTenantId", "t"), ({"actorDisplayName": "X"}, "activityGroupName", "X"), ({"incidentId": "12"}, "incidentIds", ["12"]),
    ({"recommendedActions": "Do."}, "recommendedActions", ["Do."]), ({"alertWebUrl": "https://x"}, "sourceMaterials", ["https://x"]),
    ({"providerAlertId": "p"}, "detectionIds", ["p"]), ({"additionalData": {"userTags": ["a", "b"]}}, "tags", ["a", "b"]),
    ({"additionalData": {"userTags": "a"}}, "tags", []),
    ({"comments": [{"comment": "a", "createdDateTime": WHEN}, {"createdDateTime": WHEN}]}, "comments", ["a"]),
    ({"threatDisplayName": "N", "threatFamilyName": "F"}, "malwareStates", [{"family": "F", "name": "N"}]),
    ({"investigationState": "running"}, "investigationSecurityStates", [{"status": "running"}]),
    ({"detectorId": "d", "detectionSource": "antivirus"}, "alertDetections", [{"detectionType": "antivirus", "name": "d"}]),
])  # fmt: skip
def test_a_member_of_the_row_is_shown(row: dict[str, Any], member: str, value: Any) -> None:
    assert known(shown(**row)[member]) == value


@pytest.mark.parametrize(("evidence", "member", "states"), [
    (item("device", deviceDnsName="w.x", hostName="w", osPlatform="Windows11", lastIpAddress="10.0.0.1", lastExternalIpAddress="8.8.8.8", riskScore="high"),
     "hostStates", [{"fqdn": "w.x", "netBiosName": "w", "os": "Windows11", "privateIpAddress": "10.0.0.1", "publicIpAddress": "8.8.8.8", "riskScore": "high"}]),
    (item("ioTDevice", deviceName="cam", ipAddress=item("ip", ipAddress="10.0.0.2")), "hostStates", [{"netBiosName": "cam", "privateIpAddress": "10.0.0.2"}]),
    (item("user", userAccount={"accountName": "ana", "userPrincipalName": "ana@x", "azureAdUserId": "1", "domainName": "X", "userSid": "S-1"}), "userStates",
     [{"aadUserId": "1", "accountName": "ana", "domainName": "X", "onPremisesSecurityIdentifier": "S-1", "userPrincipalName": "ana@x"}]),
    (item("mailbox", upn="bo@x"), "userStates", [{"userPrincipalName": "bo@x"}]),
    (item("analyzedMessage", recipientEmailAddress="bo@x", p2Sender={"emailAddress": "eve@y"}), "userStates",
     [{"emailRole": "sender", "userPrincipalName": "eve@y"}, {"emailRole": "recipient", "userPrincipalName": "bo@x"}]),
    (item("hostLogonSession", sessionId="9", startUtcDateTime=WHEN, account=item("user", userAccount={"accountName": "ana"})), "userStates",
     [{"accountName": "ana", "logonDateTime": WHEN, "logonId": "9"}]),
    (item("file", fileDetails={"fileName": "a.exe", "filePath": "C:\\", "sha1": "11", "sha256": "22"}), "fileStates",
     [{"fileHash": {"hashType": "sha256", "hashValue": "22"}, "name": "a.exe", "path": "C:\\"}]),
    (item("file", fileDetails={"fileName": "a.exe"}), "fileStates", [{"name": "a.exe"}]),
    (item("fileHash", algorithm="sha256ac", value="33"), "fileStates", [{"fileHash": {"hashType": "authenticodeHash256", "hashValue": "33"}}]),
    (item("process", processId=7, processCommandLine="a -b", imageFile={"fileName": "a.exe", "md5": "44"}, parentProcessId=2**40), "processes",
     [{"commandLine": "a -b", "fileHash": {"hashType": "md5", "hashValue": "44"}, "name": "a.exe", "processId": 7}]),
    (item("ip", ipAddress="1.1.1.1", countryLetterCode="SE"), "networkConnections", [{"destinationAddress": "1.1.1.1", "destinationLocation": "SE"}]),
    (item("ip", ipAddress="1.1.1.1", roles=["attacker"], location={"countryName": "Sweden"}), "networkConnections",
     [{"sourceAddress": "1.1.1.1", "sourceLocation": "Sweden"}]),
    (item("networkConnection", destinationAddress=item("ip", ipAddress="1.1.1.1"), destinationPort=443, protocol="tcp"), "networkConnections",
     [{"destinationAddress": "1.1.1.1", "destinationPort": "443", "protocol": "tcp"}]),
    (item("networkConnection", protocol="unknownFutureValue"), "networkConnections", [{"protocol": "unknown"}]),
    (item("url", url="https://x"), "networkConnections", [{"destinationUrl": "https://x"}]), (item("dns", domainName="x.y"), "networkConnections", [{"destinationDomain": "x.y"}]),
    (item("registryKey", registryHive="HKEY_LOCAL_MACHINE", registryKey="Software\\X"), "registryKeyStates", [{"hive": "localMachineSoftware", "key": "Software\\X"}]),
    (item("registryKey", registryHive="HKCU", registryKey="X"), "registryKeyStates", [{"hive": "currentUser", "key": "X"}]),
    (item("registryKey", registryHive="HKLM", registryKey="SOFTWAREX"), "registryKeyStates", [{"hive": "unknown", "key": "SOFTWAREX"}]),
    (item("registryValue", registryHive="HKU", registryKey=".DEFAULT\\X", registryValueType="REG_SZ", registryValueName="n", registryValue="v"),
     "registryKeyStates", [{"hive": "usersDefault", "key": ".DEFAULT\\X", "valueData": "v", "valueName": "n", "valueType": "sz"}]),
    (item("cloudApplication", displayName="Box"), "cloudAppStates", [{"destinationServiceName": "Box"}]),
    (item("analyzedMessage", subject="Hi", networkMessageId="n", senderIp="1.1.1.1", receivedDateTime=WHEN, antiSpamDirection="inbound"), "messageSecurityStates",
     [{"connectingIP": "1.1.1.1", "directionality": "inbound", "messageReceivedDateTime": WHEN, "messageSubject": "Hi", "networkMessageId": "n"}]),
    (item("malware", name="Emotet", category="Trojan"), "malwareStates", [{"category": "Trojan", "name": "Emotet"}]),
    (item("azureResource", resourceId="/r", roles=["attacked"]), "securityResources", [{"resource": "/r", "resourceType": "attacked"}]),
    (item("amazonResource", amazonResourceId="arn:x"), "securityResources", [{"resource": "arn:x", "resourceType": "related"}]),
])  # fmt: skip
def test_evidence_is_shown_as_states(evidence: dict[str, Any], member: str, states: list[Any]) -> None:
    found = shown(evidence=[item("aiAgent"), evidence, item("aiAgent")])
    assert known(found[member]) == states


def test_a_state_has_every_member_that_is_declared() -> None:
    found = shown(evidence=[item("device"), item("user"), item("file"), item("process"), item("ip"), item("registryKey")])
    for name in ("hostStates", "userStates", "fileStates", "processes", "networkConnections", "registryKeyStates"):
        [state] = found[name]
        kind = OLDER.type.properties[name].type
        assert list(state) == list(MODEL.struct(kind.name).properties), name


@pytest.mark.parametrize(("row", "vendor", "provider"), [
    ({"serviceSource": "microsoftDefenderForIdentity"}, "Microsoft", "Azure Advanced Threat Protection"),
    ({"serviceSource": "microsoftDefenderForCloud"}, "Microsoft", "ASC"),
    ({"serviceSource": "microsoftDefenderForCloudApps", "productName": "Microsoft Defender for Cloud Apps"}, "Microsoft", "MCAS"),
    ({"serviceSource": "azureAdIdentityProtection"}, "Microsoft", "IPC"), ({"serviceSource": "microsoftSentinel"}, "Microsoft", "Azure Sentinel"),
    ({"serviceSource": "microsoftDefenderForEndpoint"}, "Microsoft", "Microsoft Defender ATP"),
    ({"serviceSource": "microsoft365Defender", "productName": "Microsoft Defender XDR"}, "Microsoft", "Microsoft Defender XDR"),
    ({"serviceSource": "microsoftInsiderRiskManagement"}, "Microsoft", "microsoftInsiderRiskManagement"),
    ({"productName": "Suricata"}, "Suricata", "Suricata"), ({"productName": "FortiGate", "additionalData": {"vendor": "Fortinet"}}, "Fortinet", "FortiGate"),
    ({"productName": "FortiGate", "additionalData": {"vendor": 5}}, "FortiGate", "FortiGate"), ({}, "unknown", "unknown"),
])  # fmt: skip
def test_the_vendor_and_the_published_keyword(row: dict[str, Any], vendor: str, provider: str) -> None:
    found = shown(**row)["vendorInformation"]
    assert (found["vendor"], found["provider"]) == (vendor, provider)


# --- questions ----------------------------------------------------------------------------------------------------------


def asked(**options: str) -> Query:
    return translated(bind.query(OLDER, {f"${name}": text for name, text in options.items()}, MODEL), VIEW)


def stored(**options: str) -> Query:
    return bind.query(MODEL.sets[ALERTS], {f"${name}": text for name, text in options.items()}, MODEL)


@pytest.mark.parametrize(("older", "row"), [
    ("status eq 'newAlert'", "status eq 'new'"), ("status in ('newAlert','resolved')", "status in ('new','resolved')"),
    ("severity eq 'high'", "severity eq 'high'"), ("feedback eq 'benignPositive'", "classification eq 'informationalExpectedActivity'"),
    ("title eq 'x'", "title eq 'x'"), ("lastModifiedDateTime ge 2026-11-01T00:00:00Z", "lastUpdateDateTime ge 2026-11-01T00:00:00Z"),
    ("closedDateTime ne null", "resolvedDateTime ne null"), ("id eq 'a'", "id eq 'a'"), ("incidentIds/any(i:i eq '12')", "incidentId eq '12'"),
    ("incidentIds/any()", "incidentId ne null"), ("comments/any(c:c eq 'x')", "comments/any(c:c/comment eq 'x')"),
    ("contains(title,'x') and not (assignedTo eq null)", "contains(title,'x') and assignedTo ne null"),
    (f"eventDateTime gt {WHEN}", f"firstActivityDateTime gt {WHEN} or (firstActivityDateTime eq null and createdDateTime gt {WHEN})"),
])  # fmt: skip
def test_an_older_condition_becomes_the_plainest_one_of_the_row(older: str, row: str) -> None:
    assert asked(filter=older).where == stored(filter=row).where


@pytest.mark.parametrize("text", [
    "confidence gt 3", "status eq 'dismissed'", "triggers/any()", "historyStates/any(h:h/user eq 'x')", "hostStates/any(h:h/isAzureAdJoined)",
    "azureSubscriptionId eq 'x'", "vendorInformation eq null", "vendorInformation/providerVersion eq '1'", "vulnerabilityStates/$count gt 0",
])  # fmt: skip
def test_what_no_alert_shows_is_known_to_be_false(text: str) -> None:
    assert asked(filter=text).where == Either(())


@pytest.mark.parametrize("text", [
    "confidence eq null", "status ne 'dismissed'", "triggers/all(t:t/name eq 'x')", "vendorInformation ne null", "vulnerabilityStates/$count eq 0", "true",
    "severity ne null",
])  # fmt: skip
def test_what_every_alert_shows_needs_no_condition(text: str) -> None:
    assert asked(filter=text).where is None


def test_a_state_becomes_its_evidence() -> None:
    found = asked(filter="hostStates/any(h: h/fqdn eq 'x')").where
    assert isinstance(found, Some)
    assert found.over.steps == ("evidence",)
    assert isinstance(found.body, All)
    [kind, name] = found.body.parts
    assert getattr(kind, "tags", None) == (f"{SPACE}.deviceEvidence",)
    assert isinstance(name, Compare)
    assert isinstance(name.left, Field)
    assert name.left.steps == ("deviceDnsName",)


def test_states_of_several_kinds_of_evidence_are_looked_for_in_each() -> None:
    some, every = asked(filter="userStates/any(u:u/userPrincipalName eq 'x')").where, asked(filter="userStates/all(u:u/userPrincipalName eq 'x')").where
    assert isinstance(some, Either)
    assert len(some.parts) == 6
    assert isinstance(every, All)
    assert {type(part) for part in every.parts} == {Every}


def test_a_keyword_is_first_of_all_a_service() -> None:
    found = asked(filter="vendorInformation/provider eq 'ASC'").where
    assert isinstance(found, Either)
    first = found.parts[0]
    assert isinstance(first, Compare)
    assert isinstance(first.left, Field)
    assert (first.left.column, getattr(first.right, "value", None)) == ("serviceSource", "microsoftDefenderForCloud")


def test_an_order_comparison_of_words_lists_the_members() -> None:
    found = asked(filter="severity ge 'medium'").where
    assert isinstance(found, OneOf)
    assert found.values == ("medium", "high", "unknownFutureValue")


@pytest.mark.parametrize(("older", "row"), [
    ("createdDateTime", "createdDateTime"), ("severity desc", "severity desc"), ("lastModifiedDateTime", "lastUpdateDateTime"), ("", ""),
    ("confidence,title desc", "title desc"), ("id desc", "id desc"),
])  # fmt: skip
def test_an_older_order_becomes_that_of_the_rows(older: str, row: str) -> None:
    assert asked(orderby=older).order == stored(orderby=row).order


def test_whole_rows_are_read_whatever_is_chosen() -> None:
    found = asked(select="id,title", top="7", skip="3", count="true")
    assert (found.of.path, found.select, found.unknown_members) == (ALERTS, None, True)
    assert (found.top, found.skip, found.count) == (7, 3, True)


def test_words_are_searched_in_the_rows() -> None:
    assert asked(search="ransom").where == Found(("ransom",), ALERTS)


@pytest.mark.parametrize(("text", "said"), [
    ("severty eq 'high'", "Did you mean severity?"), ("hostState/any(h:h/fqdn eq 'x')", "not a collection"), ("status eq 'new'", "newAlert"),
    ("hostStates/any(h:h/deviceDnsName eq 'x')", "hostSecurityState"), ("classification eq 'x'", "'classification' is not a property"),
    ("lastUpdateDateTime gt 2026-11-01T00:00:00Z", "'lastUpdateDateTime' is not a property"), ("not (foo/bar eq 1)", "'foo' is not a property"),
])  # fmt: skip
def test_a_refusal_speaks_the_older_words(text: str, said: str) -> None:
    with pytest.raises(BadFilter) as refusal:
        asked(filter=text)
    assert said in str(refusal.value)


def test_an_order_by_what_is_not_there_is_refused() -> None:
    with pytest.raises(BadOption, match="foo"):
        asked(orderby="cast(foo,Edm.String)")


def every(test: Test | None) -> list[Field]:
    return list(fields(test))


@pytest.mark.parametrize("text", ["networkConnections/any(a:networkConnections/any(b:a/sourceAddress eq b/sourceAddress))",
                                  "hostStates/any(h:userStates/any(u:u/accountName eq h/fqdn and tags/any()))"])  # fmt: skip
def test_variables_do_not_meet(text: str) -> None:
    """What the table asks of an item is asked of that item, wherever it stands."""
    roots = {field.root for field in every(asked(filter=text).where)} - {""}
    assert "item" not in roots
    assert roots


@pytest.mark.parametrize("text", [
    "".join(f"userStates/any(x{level}:" for level in range(6)) + "x0/accountName eq x5/accountName" + ")" * 6,
    " or ".join(f"userStates/any(u:u/accountName eq '{number}')" for number in range(300)),
])  # fmt: skip
def test_what_would_grow_beyond_every_bound_is_refused(text: str) -> None:
    with pytest.raises(BadFilter, match="too much"):
        asked(filter=text)
