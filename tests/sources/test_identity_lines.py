"""What is odd about the lines of Defender for Identity, and of the agent of Cloud Apps, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from secgraph import clock
from secgraph.extend import AlertDraft, Raw
from secgraph.sources.cef import CommonEventFormat

RECEIVED = clock.ticks("2026-02-10T12:00:00Z") or 0
REST = "|Microsoft|Azure ATP|2.240|BruteForceSecurityAlert|Many failures|{severity}|start=2026-02-10T09:59:02.6045416Z {more}externalId=2023 "
URL = r"cs1Label=url cs1=https\://security.microsoft.com/alerts/aa1f2e3d4c-aaaa-4bbb-8ccc-ddddeeeeffff"


def read(line: str) -> AlertDraft:
    [found] = CommonEventFormat().normalise(Raw(1, line.encode(), line, RECEIVED))
    assert isinstance(found, AlertDraft)
    return found


def line(head: str = "CEF:0", more: str = "", severity: str = "5", tail: str = "") -> str:
    return head + REST.format(severity=severity, more=more) + URL + tail


def kinds(draft: AlertDraft) -> list[tuple[str, Any]]:
    """Kind of each item of evidence, and what it names."""
    named = ("hostName", "url", "ipAddress", "displayName")
    return [
        (item["@odata.type"].rpartition(".")[2].removesuffix("Evidence"), next((item[name] for name in named if name in item), item.get("userAccount")))
        for item in draft.alert["evidence"]
    ]  # fmt: skip


@pytest.mark.parametrize("head", [
    "CEF:0", "CEF: 0", "0", "<36>1 2026-02-10T10:00:01.5Z DC1 CEF 6076 BruteForceSecurityAlert CEF:0",
    "02-10-2026 12:00:05 Auth.Warning 192.0.2.1 1 2026-02-10T10:00:01.5+00:00 DC1 CEF 6076 BruteForceSecurityAlert ",
    "2026-02-10T10:00:01.5+00:00 DC1 CEF 6076 BruteForceSecurityAlert 0", "002-10-2026 12:00:05 Auth.Warning x 1 2026-02-10T10:00:01.5Z DC1 CEF 1 B ",
])  # fmt: skip
def test_every_head_is_read(head: str) -> None:
    found = read(line(head))
    assert found.alert["title"] == "Many failures"
    assert found.alert["category"] == "CredentialAccess"
    assert found.alert["providerAlertId"] == "aa1f2e3d4c-aaaa-4bbb-8ccc-ddddeeeeffff"
    if "T10:00:01" in head:
        assert found.alert["createdDateTime"] == "2026-02-10T10:00:01.5000000Z"
    assert found.alert["firstActivityDateTime"] == "2026-02-10T09:59:02.6045416Z"


def test_a_head_without_a_zone_tells_no_time_that_is_hours_off() -> None:
    found = read(line("Feb 10 12:30:00 DC1 CEF:0"))  # local time, two hours ahead
    assert found.alert["createdDateTime"] == "2026-02-10T09:59:02.6045416Z"
    assert found.updated == RECEIVED, "it cannot have been sent later than it came"


@pytest.mark.parametrize(("native", "severity"), [("3", "low"), ("5", "medium"), ("10", "high"), ("0", "informational"), ("x", "unknown")])
def test_severities(native: str, severity: str) -> None:
    assert read(line(severity=native)).alert["severity"] == severity


def test_an_update_is_a_version_of_the_same_alert_and_another_type_is_another_one() -> None:
    new, update = (read(line(tail=f" cs2Label=trigger cs2={trigger}")) for trigger in ("new", "update"))
    assert new.native_id == update.native_id
    assert new.native_id != read(line().replace("BruteForce", "GoldenTicket")).native_id


@pytest.mark.parametrize(("more", "found"), [
    ("suser=Kim Akers ", [("user", {"displayName": "Kim Akers"})]),
    (r"suser=CONTOSO\kim ", [("user", {"domainName": "CONTOSO", "accountName": "kim"})]),
    ("suser=kim ", [("user", {"accountName": "kim"})]),
    ("shost=CLIENT1 ", [("device", "CLIENT1")]),
    ("dhost=DC1 ", [("device", "DC1")]),
    ("dhost=files.contoso.com ", [("url", "files.contoso.com")]),
    ("dhost=192.0.2.9 ", [("ip", "192.0.2.9")]),
    ("dhost=192.0.2.9 dst=192.0.2.9 ", [("ip", "192.0.2.9")]),
    ("src=192.0.2.1 dst=192.0.2.2 ", [("ip", "192.0.2.1"), ("ip", "192.0.2.2")]),
])  # fmt: skip
def test_what_a_line_names(more: str, found: list[tuple[str, Any]]) -> None:
    assert kinds(read(line(more=more))) == found


def test_the_full_name_goes_with_the_source() -> None:
    found = read(line(more="shost=CLIENT1 dhost=DC1 ", tail=" cs3Label=shostfqdn cs3=client1.contoso.com"))
    assert [item.get("deviceDnsName") for item in found.alert["evidence"]] == ["client1.contoso.com", None]


@pytest.mark.parametrize(("policies", "detector", "policy"), [
    ("59f0ab82f797fa0681e9b1c7,60aa", "59f0ab82f797fa0681e9b1c7", "59f0ab82f797fa0681e9b1c7"), ("", "ALERT_CABINET_EVENT_MATCH_AUDIT", None),
])  # fmt: skip
def test_the_agent_of_cloud_apps(policies: str, detector: str, policy: str | None) -> None:
    head = "2026-02-10T10:00:00.531Z CEF:0|MCAS|SIEM_Agent|0.102.17|ALERT_CABINET_EVENT_MATCH_AUDIT|Mass download|3|"
    found = read(
        f"{head}externalId=596a7e360c204203a335a3fb start=1770361080475 end=1770361080475 msg=By ''kim'' suser=kim@contoso.com "
        "destinationServiceName=Box cn1Label=riskScore cn1= cs1Label=portalURL cs1=https://cloud-app-security.com/#/alerts/596a7e360c204203a335a3fb "
        f"cs2Label=uniqueServiceAppIds cs2=APPID_BOX cs4Label=policyIDs cs4={policies}"
    )
    assert (found.product, found.native_id) == ("microsoftDefenderForCloudApps", "596a7e360c204203a335a3fb")
    assert (found.alert["detectorId"], found.alert.get("alertPolicyId")) == (detector, policy)
    assert found.alert["alertWebUrl"].endswith("596a7e360c204203a335a3fb")
    assert kinds(found) == [("user", {"userPrincipalName": "kim@contoso.com"}), ("cloudApplication", "Box")]
