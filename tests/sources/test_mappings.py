"""Each native payload beside its drafts: `<case>.json` or `<case>.log`, and `<case>.expected.json`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from secgraph.errors import UsageError
from secgraph.extend import Connector, NotAnAlert, Told, Unusable, Unwraps
from secgraph.model.edm import EnumType, Primitive, StructType, load
from secgraph.score.catalogue import CATEGORIES
from secgraph.sources import graph_identities, graph_objects
from secgraph.sources.cef import CommonEventFormat
from secgraph.sources.crowdstrike import CrowdStrike
from secgraph.sources.entra import EntraIdProtection
from secgraph.sources.falco import Falco
from secgraph.sources.graph import Graph
from secgraph.sources.guardduty import GuardDuty
from secgraph.sources.leef import LogEventExtended
from secgraph.sources.leef_grammar import by_pattern
from secgraph.sources.lynis import Lynis
from secgraph.sources.mcas import DefenderForCloudApps
from secgraph.sources.mde import DefenderForEndpoint
from secgraph.sources.mdo import DefenderForOffice
from secgraph.sources.ocsf import Ocsf
from secgraph.sources.prowler import Prowler
from secgraph.sources.scubagear import ScubaGear
from secgraph.sources.securityhub import SecurityHub
from secgraph.sources.suricata import Suricata
from secgraph.sources.wazuh import Wazuh
from secgraph.sources.xccdf import Xccdf
from secgraph.sources.xdr import DefenderXdr
from secgraph.testing.hostile import raw_of

HERE = Path(__file__).parent
SOURCES: dict[str, Connector] = {
    source.name: source
    for source in (
        Graph(),
        DefenderForEndpoint(),
        EntraIdProtection(),
        DefenderXdr(),
        DefenderForOffice(),
        DefenderForCloudApps(),
        Suricata(),
        CommonEventFormat(),
        LogEventExtended(),
        Falco(),
        Wazuh(),
        Ocsf(),
        CrowdStrike(),
        GuardDuty(),
        ScubaGear(),
        Prowler(),
        SecurityHub(),
        Xccdf(),
        Lynis(),
    )
}
TYPES = graph_objects.TYPES | graph_identities.TYPES
RECEIVED = 17_707_248_000_000_000  # 2026-02-10T12:00:00Z
CASES = sorted(path for name in SOURCES for path in (HERE / name).iterdir() if ".expected." not in path.name)


def drafts(source: Connector, value: Any) -> list[dict[str, Any]]:
    """The drafts as plain JSON values."""
    found = source.normalise(raw_of(value, received=RECEIVED))
    kept = [{name: value for name, value in asdict(draft).items() if name != "adds" or value} for draft in found]
    plain: list[dict[str, Any]] = json.loads(json.dumps(kept))
    return plain


def records(path: Path) -> list[Any]:
    """The records of a file as its source is given them."""
    framing = SOURCES[path.parent.name].framing
    if framing == "whole":
        return [path.read_bytes()]
    text = path.read_text("utf-8")
    return list(text.splitlines()) if framing == "lines" else [json.loads(text)]


def drafts_of_file(path: Path) -> list[dict[str, Any]]:
    return [draft for value in records(path) for draft in drafts(SOURCES[path.parent.name], value)]


def undeclared(kind: StructType, record: dict[str, Any], path: str = "alert") -> list[str]:
    """Paths to members and enum words which the published model does not have."""
    tag = record.get("@odata.type")
    kind = load().struct(tag.lstrip("#")) if isinstance(tag, str) else kind
    faults: list[str] = []
    for name, value in record.items():
        item = kind.properties.get(name)
        if item is None:
            if name != "@odata.type" and not kind.open:
                faults.append(f"{path}/{name}")
            continue
        for one in value if isinstance(value, list) else [value]:
            if one is None or isinstance(item.type, Primitive):
                continue
            if isinstance(item.type, EnumType):
                if one.casefold() not in item.type.folded:
                    faults.append(f"{path}/{name} = {one}")
            else:
                faults += undeclared(item.type, one, f"{path}/{name}")
    return faults


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_payload_becomes_the_drafts_beside_it(path: Path) -> None:
    assert drafts_of_file(path) == json.loads(path.with_suffix(".expected.json").read_text("utf-8"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_drafts_use_only_words_of_the_model(path: Path) -> None:
    alert = load().struct("microsoft.graph.security.alert")
    for draft in drafts_of_file(path):
        if "scanner" in draft:
            assert draft["control"] is None or draft["control"]["category"] in CATEGORIES
            continue
        if "set" in draft:
            assert undeclared(load().struct(TYPES[draft["set"]]), draft["record"]) == []
            continue
        assert undeclared(alert, draft["alert"]) == []
        assert len(json.dumps(draft["alert"].get("additionalData", {})).encode()) <= 2048
        assert not {"id", "lastUpdateDateTime", "incidentId", "tenantId"} & draft["alert"].keys()


ALERT = {"id": "1", "title": "t"}
HEAD = "CEF:0|Microsoft|Azure ATP|2|"

REFUSED = [
    ("graph", [], Unusable, "not a JSON object"),
    ("graph", {"title": "t", "severity": "low"}, Unusable, "no id"),
    ("graph", {"id": "da1"}, Unusable, "no title"),
    ("graph", {"id": "1", "title": "t", "vendorInformation": {"vendor": "Contoso"}}, Unusable, "/security/alerts_v2"),
    ("graph", {"@odata.type": "#microsoft.graph.alert", "id": "1", "title": "t"}, Unusable, "/security/alerts_v2"),
    ("graph", ALERT | {"alertCreationTime": "2026-01-01"}, Unusable, "source mde"),
    ("graph", {"id": "7", "displayName": "x", "redirectIncidentId": None}, NotAnAlert, "$expand=alerts"),
    ("graph", {"id": "7", "displayName": "x", "alerts": []}, NotAnAlert, "$expand=alerts"),
    ("graph", {"id": "7", "displayName": "x", "alerts": [{}]}, Unusable, "no usable alert"),
    ("graph", {"title": "t", "currentScore": 3}, Unusable, "no id: it is no object of security/upstreamSecureScores"),
    ("graph", {"@odata.type": "#microsoft.graph.secureScoreControlProfile"}, Unusable, "security/secureScoreControlProfiles"),
    ("graph", {"comment": "x", "createdByDisplayName": "y"}, NotAnAlert, "comment"),
    (
        "graph",
        {"@odata.type": "#microsoft.graph.fileAssessmentRequest", "id": "1"},
        NotAnAlert,
        "fileAssessmentRequest",
    ),
    ("graph", {"status": "resolved"}, NotAnAlert, "request body"),
    ("mde", "text", Unusable, "not a JSON object"),
    ("mde", {"alertCreationTime": "2026-01-01T00:00:00Z", "title": "t"}, Unusable, "no id"),
    ("mde", {"alertCreationTime": "2026-01-01T00:00:00Z", "id": "1"}, Unusable, "no title"),
    ("mde", ALERT | {"serviceSource": "unknown"}, Unusable, "source graph"),
    ("mde", {"id": "1", "computerDnsName": "a", "healthStatus": "Active"}, NotAnAlert, "machine"),
    ("mde", {"id": "1", "requestor": "a", "status": "Pending"}, NotAnAlert, "machine action"),
    ("mde", ALERT | {"indicatorValue": "192.0.2.1"}, NotAnAlert, "indicator"),
    ("mde", {"id": "1", "triggeringAlertId": "da1"}, NotAnAlert, "investigation"),
    ("mde", {"Comment": "isolate", "IsolationType": "Full"}, NotAnAlert, "request body"),
    ("mde", {"title": "t", "reportId": "1", "eventTime": "x"}, NotAnAlert, "create an alert"),
    ("entra", [], Unusable, "not a JSON object"),
    ("entra", {"id": "1"}, Unusable, "neither a detection nor a risky user"),
    ("entra", {"riskEventType": "generic"}, Unusable, "no id"),
    ("entra", {"id": "1", "riskEventType": None}, Unusable, "no riskEventType"),
    ("entra", {"riskLastUpdatedDateTime": "2026-01-01T00:00:00Z"}, Unusable, "no id"),
    ("entra", {"@odata.type": "#microsoft.graph.riskyUserHistoryItem", "id": "1"}, NotAnAlert, "history"),
    ("entra", {"id": "1", "initiatedBy": "x", "riskLastUpdatedDateTime": "2026-01-01T00:00:00Z"}, NotAnAlert, "history"),
    ("entra", {"userIds": ["1"]}, NotAnAlert, "request body"),
    ("entra", {"id": "1", "riskLevelAggregated": "none", "riskEventTypes": []}, NotAnAlert, "sign-in"),
    ("entra", {"id": "1", "appId": "2", "riskLastUpdatedDateTime": "2026-01-01T00:00:00Z"}, NotAnAlert, "application"),
    ("xdr", "text", Unusable, "not a JSON object"),
    ("xdr", {"incidentId": 1, "incidentName": "x", "alerts": []}, NotAnAlert, "without its alerts"),
    ("xdr", {"incidentId": 1, "redirectIncidentId": 2}, NotAnAlert, "without its alerts"),
    ("xdr", {"incidentId": 1, "alerts": [{}, {"alertId": "1"}]}, Unusable, "no usable alert in the incident: no alertId"),
    ("xdr", {"alertId": "1"}, Unusable, "no title"),
    ("xdr", {"id": "1", "title": "t", "serviceSource": "unknown"}, Unusable, "source graph or mde"),
    ("xdr", {"Schema": [], "Results": []}, NotAnAlert, "hunting query"),
    ("xdr", {"status": "Resolved", "tags": []}, NotAnAlert, "update an incident"),
    ("xdr", {}, NotAnAlert, "neither"),
    ("xdr", {"category": "AdvancedHunting-DeviceEvents", "properties": {"DeviceId": "1"}}, NotAnAlert, "table deviceevents"),
    ("xdr", {"category": "AdvancedHunting-AlertInfo", "properties": {"Title": "t"}}, Unusable, "no AlertId"),
    ("mdo", [], Unusable, "not a JSON object"),
    ("mdo", {"RecordType": 40, "Name": "t"}, Unusable, "no AlertId"),
    ("mdo", {"RecordType": 98, "AlertId": "1", "Name": "t", "Operation": "AlertEntityGenerated"}, NotAnAlert, "its other records do"),
    ("mdo", {"RecordType": 40, "AlertId": "1"}, Unusable, "no Name"),
    ("mdo", {"RecordType": 64}, Unusable, "no InvestigationId"),
    ("mdo", {"RecordType": 64, "InvestigationId": "1"}, Unusable, "no InvestigationName"),
    ("mdo", {"AlertId": "1"}, Unusable, "no RecordType"),
    ("mdo", {"RecordType": 28, "Id": "1"}, NotAnAlert, "record type 28"),
    ("mdo", {"contentUri": "https://x", "contentId": "1"}, NotAnAlert, "not an audit record"),
    ("mcas", "text", Unusable, "not a JSON object"),
    ("mcas", {"title": "t"}, Unusable, "no _id"),
    ("mcas", {"_id": "1", "title": "null"}, Unusable, "no title"),
    ("mcas", {"closed_benign": 1}, NotAnAlert, "its answer"),
    ("mcas", {"filters": {"id": {"eq": ["1"]}}}, NotAnAlert, "a request"),
    ("suricata", None, Unusable, "not a JSON object"),
    ("suricata", {"event_type": "flow"}, NotAnAlert, "event_type is 'flow'"),
    ("suricata", {"timestamp": "2026-01-01T00:00:00Z"}, Unusable, "no event_type"),
    ("suricata", {"event_type": "alert"}, Unusable, "no alert object"),
    ("suricata", {"event_type": "alert", "flow_id": 1, "alert": {"gid": 1}}, Unusable, "no signature"),
    ("suricata", {"event_type": "alert", "alert": {"signature": "s"}}, Unusable, "no timestamp"),
    ("cef", 5, Unusable, "not a line"),
    ("cef", "Feb  1 00:00:00 host sshd[1]: session opened", NotAnAlert, "no CEF head"),
    ("cef", "LEEF:2.0|a|b|c|d|^|src=192.0.2.1", Unusable, "source leef"),
    ("cef", "host CEF:zero|a|b|1|2|3|4|", Unusable, "CEF:0|"),
    ("cef", "CEF:0|a|b|1|2", Unusable, "4 of its 7 fields"),
    ("cef", "CEF:0|a|b|1|||5|src=192.0.2.1", Unusable, "no name"),
    ("cef", "CEF:0|Ubiquiti|UniFi|9|544|Admin|1|UNIFIcategory=System", NotAnAlert, "UNIFIcategory is 'System'"),
    ("cef", "CEF:0|Palo Alto Networks|PAN-OS|11|end|TRAFFIC|1|src=192.0.2.1", NotAnAlert, "'TRAFFIC'"),
    ("cef", "CEF:0|Fortinet|Fortigate|7|13|traffic:forward|3|cat=traffic:forward", NotAnAlert, "traffic:forward"),
    ("cef", "CEF:0|MCAS|SIEM_Agent|1|EVENT_CATEGORY_LOGIN|Log on|0|externalId=1", NotAnAlert, "activity"),
    ("cef", HEAD + "SensorDownMonitoringAlert|Sensor down|5|externalId=1011", NotAnAlert, "health"),
    ("cef", HEAD + "BruteForceSecurityAlert|Many failures|5|externalId=2023", Unusable, "cs1"),
    ("leef", 5, Unusable, "not a line"),
    ("leef", "CEF:0|a|b|1|2|n|5|", Unusable, "source cef"),
    ("leef", "LEEF:two|a|b|c|d|", Unusable, "LEEF:2.0|"),
    ("leef", "LEEF:1.0|a|b|c", Unusable, "4 of its 5 fields"),
    ("leef", "LEEF:1.0|a|b|c||src=192.0.2.1", Unusable, "no name"),
    ("leef", "LEEF:2.0|Palo Alto Networks|PAN-OS|11|end||cat=TRAFFIC", NotAnAlert, "log type"),
    ("leef", "Feb  1 00:00:00 host sshd[1]: session opened", NotAnAlert, "no LEEF head"),
    ("falco", [], Unusable, "not a JSON object"),
    ("falco", {"output": "x", "time": "2026-01-01T00:00:00Z"}, Unusable, "no rule"),
    ("falco", {"rule": "Falco internal: syscall event drop", "priority": "Debug"}, NotAnAlert, "health"),
    ("wazuh", 5, Unusable, "not a JSON object"),
    ("wazuh", "Feb  1 00:00:00 host ossec: Alert Level: 3", NotAnAlert, "no JSON object"),
    ("wazuh", '<132>Feb  1 00:00:00 host ossec: {"rule":', Unusable, "cut off"),
    ("wazuh", {"wazuh": {"agent": {}}, "@timestamp": "2026-01-01T00:00:00Z"}, Unusable, "Wazuh 5"),
    ("wazuh", {"full_log": "x", "id": "1.1"}, NotAnAlert, "no rule"),
    ("wazuh", {"id": "1.1"}, Unusable, "no rule"),
    ("wazuh", {"rule": {"level": 3, "id": "1"}}, Unusable, "no id"),
    ("wazuh", {"rule": {"level": 3}, "id": "1.1"}, Unusable, "no description"),
    ("ocsf", "x", Unusable, "not a JSON object"),
    ("ocsf", {"title": "t"}, Unusable, "no class_uid"),
    ("ocsf", {"class_uid": 2002}, NotAnAlert, "Vulnerability Finding"),
    ("ocsf", {"class_uid": 2003}, NotAnAlert, "Compliance Finding"),
    ("ocsf", {"class_uid": 4001, "class_name": "Network Activity"}, NotAnAlert, "Network Activity"),
    ("ocsf", {"class_uid": 2004, "finding_info": {"uid": "1"}}, Unusable, "no title"),
    ("ocsf", {"class_uid": 2004, "message": "m"}, Unusable, "no uid"),
    ("ocsf", {"class_uid": 2004, "status_code": "PASS", "metadata": {"product": {"name": "Prowler"}}}, NotAnAlert, "PASS"),
    ("crowdstrike", [], Unusable, "not a JSON object"),
    ("crowdstrike", {"id": "1"}, Unusable, "not a record of CrowdStrike"),
    ("crowdstrike", {"metadata": {"eventType": "IncidentSummaryEvent"}, "event": {}}, NotAnAlert, "an incident"),
    ("crowdstrike", {"metadata": {"eventType": "UserActivityAuditEvent"}, "event": {}}, NotAnAlert, "what a person did"),
    ("crowdstrike", {"ExternalApiType": "Event_AuthActivityAuditEvent"}, NotAnAlert, "no detection"),
    ("crowdstrike", {"metadata": {"eventType": "EppDetectionSummaryEvent"}, "event": {}}, Unusable, "no name"),
    ("crowdstrike", {"ExternalApiType": "DetectionSummaryEvent", "DetectName": "n"}, Unusable, "nothing identifies it"),
    ("guardduty", None, Unusable, "not a JSON object"),
    ("guardduty", {"id": "1"}, Unusable, "not a finding"),
    ("guardduty", {"Findings": []}, NotAnAlert, "without findings"),
    ("guardduty", {"detail-type": "EC2 Instance State-change", "detail": {}}, NotAnAlert, "an event"),
    ("guardduty", {"Type": "Notification", "Message": "Hello"}, NotAnAlert, "no JSON object"),
    ("guardduty", {"ProductArn": "x/aws/inspector", "ProductName": "Inspector"}, NotAnAlert, "'Inspector'"),
    ("prowler", [], Unusable, "not a JSON object"),
    ("prowler", {"id": "1"}, Unusable, "--output-formats json-ocsf"),
    ("prowler", {"class_uid": 2004, "metadata": {"product": {"name": "Other"}}}, NotAnAlert, "of 'Other', not of Prowler: the source ocsf"),
    ("prowler", {"class_uid": 2004, "metadata": {"product": {"name": "Prowler"}}}, Unusable, "no metadata.event_code"),
    ("prowler", {"CheckID": None}, Unusable, "no CheckID"),
    ("securityhub", [], Unusable, "not a JSON object"),
    ("securityhub", {"Title": "t"}, Unusable, "neither ProductArn nor class_uid"),
    ("securityhub", {"ProductArn": "x/aws/guardduty", "ProductName": "GuardDuty"}, NotAnAlert, "The source guardduty"),
    ("securityhub", {"AwsAccountId": "1", "Compliance": {"Status": "PASSED"}}, Unusable, "neither SecurityControlId nor GeneratorId"),
    ("securityhub", {"detail": {"findings": []}}, NotAnAlert, "no finding"),
    ("securityhub", {"Findings": [5]}, Unusable, "not a JSON object"),
    ("securityhub", {"class_uid": 2003, "metadata": {"product": {"name": "Prowler"}}}, NotAnAlert, "class 2003 of 'Prowler'"),
    ("securityhub", {"class_uid": 2004, "metadata": {"product": {"name": "Security Hub"}}}, NotAnAlert, "class 2004"),
    ("scubagear", b"", Unusable, "not JSON"),
    ("scubagear", b'{"a": ' * 5000, Unusable, "too deep"),
    ("scubagear", b"\xff\xfe{\x00", Unusable, "not JSON"),
    ("scubagear", b"{}", Unusable, "hand in ScubaResults_*.json"),
    ("scubagear", b'{"Results": {"AAD": [{"Controls": [{"Control ID": ""}, 5]}]}}', Unusable, "no control"),
    ("scubagear", b'[{"PolicyId": "MS.AAD.1.1v1", "RequirementMet": "yes"}]', Unusable, "no control"),
]


@pytest.mark.parametrize(("name", "value", "kind", "words"), REFUSED)
def test_a_record_that_is_no_alert_is_refused(name: str, value: Any, kind: type[Exception], words: str) -> None:
    with pytest.raises((NotAnAlert, Unusable)) as refusal:
        drafts(SOURCES[name], value)
    assert type(refusal.value) is kind
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("0", "informational"), ("3", "low"), ("4", "medium"), ("7", "high"), ("10", "high"), ("11", "unknown"),
        ("-1", "unknown"), ("Unknown", "unknown"), ("WARN", "medium"), ("ERROR", "high"), ("", "unknown"),
    ],
)  # fmt: skip
def test_cef_severities(word: str, severity: str) -> None:
    (draft,) = drafts(SOURCES["cef"], f"CEF:0|Fabrikam|Gate|1|7|Door forced|{word}|")
    assert draft["alert"]["severity"] == severity


@pytest.mark.parametrize(
    ("head", "created"),
    [
        ("Feb 11 11:00:00 h ", "2026-02-11T11:00:00.0000000Z"),
        ("Feb 11 13:00:00 h ", "2025-02-11T13:00:00.0000000Z"),
        ("Feb 29 13:00:00 h ", "2024-02-29T13:00:00.0000000Z"),
        ("<13>Feb  1 2026 13:00:00 EST h ", "2026-02-01T18:00:00.0000000Z"),
        ("Feb 1 2026 13:00:00 UTC-Server ", "2026-02-01T13:00:00.0000000Z"),
        ("2026-02-01T13:00:00.123456789+05:30 h ", "2026-02-01T07:30:00.1234567Z"),
        ("2026-02-01 13:00:00 Zeus ", "2026-02-01T13:00:00.0000000Z"),
        ("Feb 31 2026 13:00:00 h ", "2026-02-10T12:00:00.0000000Z"),
        ("", "2026-02-10T12:00:00.0000000Z"),
    ],
)
def test_times_in_a_syslog_head(head: str, created: str) -> None:
    (draft,) = drafts(SOURCES["cef"], f"{head}CEF:0|Fabrikam|Gate|1|7|Door forced|5|")
    assert draft["alert"]["createdDateTime"] == created


def test_the_id_of_a_suricata_alert_depends_on_what_tells_alerts_apart_and_on_nothing_else() -> None:
    record = json.loads((HERE / "suricata" / "answer_to_client.json").read_text("utf-8"))
    (one,) = drafts(SOURCES["suricata"], record)
    (same,) = drafts(SOURCES["suricata"], record | {"payload": "AAAA", "app_proto": "failed"})
    (other,) = drafts(SOURCES["suricata"], record | {"tx_id": 3})
    assert one["native_id"] == same["native_id"] != other["native_id"]


GIVEN = {"url": "https://acme.example", "tenant_id": "7c1f0c9e-0000-4000-8000-00000000abcd", "client_id": "c", "client_secret": "s"}
"""What has no default and says nothing about reading."""

PROOF = {"mcas": {"token": "t"}}
"""Of who has two ways to prove who asks, one."""


def told(name: str, **options: str) -> Connector:
    """The source told these options, and the defaults of the others."""
    source = SOURCES[name]
    assert isinstance(source, Told)
    return source.told({one.name: GIVEN[one.name] if one.default is None else one.default for one in source.options} | options)


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if isinstance(source, Told)])
def test_a_source_told_its_defaults_reads_as_one_that_was_told_nothing(name: str) -> None:
    for path in (case for case in CASES if case.parent.name == name):
        for value in records(path):
            assert drafts(told(name, **PROOF.get(name, {})), value) == drafts(SOURCES[name], value)


RULE = {"level": 1, "id": "1"}
EVE = {"event_type": "alert", "timestamp": "2026-02-07T09:00:00Z"}


@pytest.mark.parametrize(
    ("name", "options", "value", "member", "expected"),
    [
        ("cef", {"zero": "low"}, "CEF:0|a|b|1|2|n|0|", "severity", "low"),
        ("cef", {"zone": "+01:00"}, "CEF:0|a|b|1|2|n|0|rt=Feb 07 2026 09:00:00", "createdDateTime", "2026-02-07T08:00:00.0000000Z"),
        ("cef", {"zone": "-05:00"}, "2026-02-07 09:00:00 h CEF:0|a|b|1|2|n|0|", "createdDateTime", "2026-02-07T14:00:00.0000000Z"),
        ("cef", {"zone": "+01:00"}, "CEF:0|a|b|1|2|n|0|rt=Feb 07 2026 09:00:00 UTC", "createdDateTime", "2026-02-07T09:00:00.0000000Z"),
        ("cef", {"unique": "Fabrikam"}, "CEF:0|Fabrikam|b|1|2|n|0|externalId=77", "providerAlertId", "77"),
        ("leef", {"zero": "low"}, "LEEF:1.0|a|b|1|2|sev=0", "severity", "low"),
        ("leef", {"zone": "+02:00"}, "LEEF:1.0|a|b|1|2|devTime=07.02.2026 09:00\tdevTimeFormat=dd.MM.yyyy HH:mm", "createdDateTime",
         "2026-02-07T07:00:00.0000000Z"),
        ("wazuh", {"levels": "0,7,12"}, {"rule": RULE, "id": "1.1"}, "severity", "low"),
        ("wazuh", {"levels": "0,7,12"}, {"rule": RULE | {"level": 11}, "id": "1.1"}, "severity", "medium"),
        ("ocsf", {"classes": "2002"}, {"class_uid": 2002, "finding_info": {"uid": "1", "title": "A weakness"}}, "title", "A weakness"),
        ("suricata", {"signature_severity": "yes"}, EVE | {"alert": {
            "signature": "s", "severity": 3, "metadata": {"signature_severity": ["Major"]}}}, "severity", "high"),
        ("suricata", {"signature_severity": "yes"}, EVE | {"alert": {
            "signature": "s", "severity": 1, "metadata": {"signature_severity": ["Strange"]}}}, "severity", "high"),
    ],
)  # fmt: skip
def test_what_a_source_is_told(name: str, options: dict[str, str], value: Any, member: str, expected: str) -> None:
    (draft,) = drafts(told(name, **options), value)
    assert draft["alert"][member] == expected


CLIENT = {"client_id": "c", "client_secret": "s"}


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("cef", {"zone": "CET"}, "option zone"),
        ("cef", {"zero": "high"}, "option zero"),
        ("leef", {"zone": "+25:00"}, "option zone"),
        ("wazuh", {"levels": "4,7"}, "option levels"),
        ("wazuh", {"levels": "7,4,12"}, "option levels"),
        ("wazuh", {"levels": "4,x,12"}, "option levels"),
        ("wazuh", {"drop_wrapped": "nessus"}, "known: suricata, guardduty"),
        ("wazuh", {"syslog": "perhaps"}, "yes or no"),
        ("ocsf", {"classes": "9999"}, "known: 2001"),
        ("suricata", {"bucket": "-1"}, "option bucket"),
        ("suricata", {"bucket": "86401"}, "option bucket"),
        ("suricata", {"signature_severity": "2"}, "yes or no"),
        ("crowdstrike", {"client_id": "c"}, "go together"),
        ("crowdstrike", CLIENT | {"url": "http://api.crowdstrike.com"}, "option url"),
        ("crowdstrike", CLIENT | {"url": "https://api.crowdstrike.com/x"}, "option url"),
        ("crowdstrike", CLIENT | {"url": "https://["}, "option url"),
        ("crowdstrike", CLIENT | {"days": "0"}, "option days"),
        ("crowdstrike", CLIENT | {"write_version": "../v3"}, "no version"),
    ],
)
def test_an_option_that_cannot_be_is_named(name: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        told(name, **options)


@pytest.mark.parametrize(
    ("rule", "dropped"),
    [
        ({"level": 3, "id": "86601", "groups": ["ids", "suricata"]}, True),
        ({"level": 3, "id": "86601"}, True),
        ({"level": 3, "id": "80305", "groups": ["aws_guardduty"]}, False),
        ({"level": 3, "id": "866"}, False),
    ],
)
def test_wrapped_alerts_are_left_out_where_their_product_is_connected(rule: dict[str, Any], dropped: bool) -> None:
    record = {"rule": rule, "id": "1.1"}
    assert drafts(SOURCES["wazuh"], record)
    if dropped:
        with pytest.raises(NotAnAlert, match="suricata"):
            drafts(told("wazuh", drop_wrapped="suricata"), record)
    else:
        assert drafts(told("wazuh", drop_wrapped="suricata"), record)


def test_lines_of_wazuhs_syslog_output_are_the_alerts_of_its_file() -> None:
    record = json.loads((HERE / "wazuh" / "failed_logons.json").read_text("utf-8"))
    lines = told("wazuh", syslog="yes")
    assert lines.framing == "lines"
    assert SOURCES["wazuh"].framing == "json"
    assert drafts(lines, f"<132>Feb  7 10:30:00 siem-1 ossec: {json.dumps(record)}") == drafts(SOURCES["wazuh"], record)


def test_alerts_of_suricata_that_repeat_are_versions_of_one_where_it_is_told_so() -> None:
    source = told("suricata", bucket="60")

    def seen(at: str, **other: Any) -> dict[str, Any]:
        rule = {"signature_id": 7, "signature": "s", "severity": 2}
        ends = {"src_ip": "192.0.2.1", "dest_ip": "192.0.2.2"}
        (draft,) = drafts(source, {"event_type": "alert", "timestamp": at, "flow_id": 1, "alert": rule} | ends | other)
        return draft

    one = seen("2026-02-07T09:00:01.000000+0000")
    later = seen("2026-02-07T09:00:59.000000+0000", flow_id=2, src_port=4)
    assert one["native_id"] == later["native_id"]
    assert one["updated"] < later["updated"]
    assert seen("2026-02-07T09:01:01.000000+0000")["native_id"] != one["native_id"]
    assert seen("2026-02-07T09:00:01.000000+0000", dest_ip="192.0.2.9")["native_id"] != one["native_id"]


def test_a_finding_is_one_alert_by_whichever_road_it_came() -> None:
    (native,) = drafts(SOURCES["guardduty"], json.loads((HERE / "guardduty" / "outbound.json").read_text("utf-8")))
    product = {"name": "GuardDuty", "vendor_name": "Amazon"}
    info = {"uid": native["native_id"], "title": "t"}
    (passed_on,) = drafts(SOURCES["ocsf"], {"class_uid": 2004, "finding_info": info, "metadata": {"product": product}})
    for name in ("product", "native_id", "prefixes"):
        assert native[name] == passed_on[name]


@pytest.mark.parametrize(
    ("number", "severity"),
    [
        (1, "low"), (3.9, "low"), (4, "medium"), ("6.9", "medium"), (7, "high"), (8.9, "high"), (10, "high"),
        (0, "unknown"), (11, "unknown"), ("x", "unknown"),
    ],
)  # fmt: skip
def test_severities_of_guardduty(number: Any, severity: str) -> None:
    (draft,) = drafts(SOURCES["guardduty"], {"id": "1", "type": "Recon:EC2/Portscan", "severity": number, "service": {}})
    assert draft["alert"]["severity"] == severity


@pytest.mark.parametrize(
    ("kind", "members", "severity"),
    [
        ("DetectionSummaryEvent", {"Severity": 1, "SeverityName": "High"}, "informational"),
        ("DetectionSummaryEvent", {"Severity": 5}, "high"),
        ("DetectionSummaryEvent", {"Severity": 70}, "unknown"),
        ("EppDetectionSummaryEvent", {"Severity": 19}, "informational"),
        ("MobileDetectionSummaryEvent", {"Severity": 39}, "low"),
        ("IdpDetectionSummaryEvent", {"Severity": 40}, "medium"),
        ("XdrDetectionSummaryEvent", {"Severity": 60}, "high"),
        ("XdrDetectionSummaryEvent", {"Severity": 10, "SeverityName": "Critical"}, "high"),
        ("XdrDetectionSummaryEvent", {}, "unknown"),
    ],
)
def test_severities_of_crowdstrike(kind: str, members: dict[str, Any], severity: str) -> None:
    event = {"Name": "n", "CompositeId": "c:ind:1", **members}
    (draft,) = drafts(SOURCES["crowdstrike"], {"metadata": {"eventType": kind}, "event": event})
    assert draft["alert"]["severity"] == severity


@pytest.mark.parametrize(
    ("word", "status", "classification"),
    [
        ("new", "new", "unknown"), ("reopened", "new", "unknown"), ("in_progress", "inProgress", "unknown"),
        ("true_positive", "resolved", "truePositive"), ("false_positive", "resolved", "falsePositive"),
        ("ignored", "resolved", "unknown"), ("closed", "resolved", "unknown"),
    ],
)  # fmt: skip
def test_states_of_crowdstrike(word: str, status: str, classification: str) -> None:
    (draft,) = drafts(SOURCES["crowdstrike"], {"composite_id": "c:ind:1", "name": "n", "status": word})
    assert (draft["alert"]["status"], draft["alert"]["classification"]) == (status, classification)


@pytest.mark.parametrize(
    ("members", "status", "classification", "determination"),
    [
        ({"status_id": 1}, "new", "unknown", "unknown"),
        ({"status_id": 2, "verdict_id": 2}, "inProgress", "truePositive", "unknown"),
        ({"status_id": 3, "verdict_id": 1}, "resolved", "falsePositive", "unknown"),
        ({"status_id": 6, "verdict_id": 5}, "resolved", "informationalExpectedActivity", "unknown"),
        ({"activity_id": 3, "verdict_id": 6}, "resolved", "informationalExpectedActivity", "securityTesting"),
        ({"status": "Archived", "verdict_id": 7}, "resolved", "unknown", "notEnoughDataToValidate"),
        ({"verdict_id": 8}, "new", "truePositive", "unknown"),
    ],
)
def test_states_and_verdicts_of_ocsf(
    members: dict[str, Any], status: str, classification: str, determination: str
) -> None:
    (draft,) = drafts(SOURCES["ocsf"], {"class_uid": 2004, "finding_info": {"uid": "1", "title": "t"}, **members})
    found = draft["alert"]
    assert (found["status"], found["classification"], found["determination"]) == (status, classification, determination)


@pytest.mark.parametrize(
    ("text", "pattern", "read"),
    [
        ("Feb 07 2026 09:00:00.250 CET", "MMM dd yyyy HH:mm:ss.SSS z", "2026-02-07T09:00:00.250+01:00"),
        ("2026-02-07T09:00:00+0530", "yyyy-MM-dd'T'HH:mm:ssZ", "2026-02-07T09:00:00+05:30"),
        ("7/2/26 12:04:03 am", "d/M/yy h:mm:ss a", "2026-02-07T00:04:03Z"),
        ("Sat, 7 Feb 2026 21:04 GMT+02:00", "EEE, d MMM yyyy HH:mm z", "2026-02-07T21:04:00+02:00"),
        ("o'clock 2026-02-07", "'o''clock' yyyy-MM-dd", "2026-02-07T00:00:00Z"),
        ("2026-02-07", "yyyy-MM-dd QQ", None),
        ("07 Feb 09:00", "dd MMM HH:mm", None),
        ("2026-02-07 2026", "yyyy-MM-dd yyyy", None),
        ("7 Xyz 2026", "d MMM yyyy", None),
        ("2026-02-07 09:00 QQQ", "yyyy-MM-dd HH:mm z", None),
        ("x", "(((((", None),
    ],
)
def test_times_by_a_pattern_of_java(text: str, pattern: str, read: str | None) -> None:
    assert by_pattern(text, pattern, "Z") == read


@pytest.mark.parametrize(
    ("stamp", "fields", "created"),
    [
        ("2026-01-31T09:00:00.123456789Z", {}, "2026-01-31T09:00:00.1234567Z"),
        ("2026-01-31 09:00:00.123456789Z", {}, "2026-01-31T09:00:00.1234567Z"),
        ("2026-01-31T09:00:00.12345678xZ", {}, "2026-02-10T12:00:00.0000000Z"),
        ("2026-13-31T09:00:00.123456789Z", {"evt.time": 1770462000000000199}, "2026-02-07T11:00:00.0000001Z"),
        ("2026-01-31T10:00:00+0100", {}, "2026-01-31T09:00:00.0000000Z"),
        (None, {"evt.time": "1770462000000000199"}, "2026-02-07T11:00:00.0000001Z"),
        (None, {"evt.time": "<NA>", "evt.time.iso8601": "2026-02-07T11:00:00.5+0000"}, "2026-02-07T11:00:00.5000000Z"),
        (None, {"evt.time": 2**63}, "2026-02-10T12:00:00.0000000Z"),
    ],
)
def test_times_of_falco(stamp: Any, fields: dict[str, Any], created: str) -> None:
    (draft,) = drafts(SOURCES["falco"], {"rule": "r", "time": stamp, "output_fields": fields})
    assert draft["alert"]["createdDateTime"] == created


def scuba(result: str, criticality: str = "Should", original: str = "Warning") -> bytes:
    control = {"Control ID": "MS.AAD.1.1v1", "Result": result, "Criticality": criticality, "OriginalResult": original}
    return json.dumps({"MetaData": {"TenantId": "Ab-1"}, "Results": {"AAD": [{"Controls": [control]}]}}).encode()


@pytest.mark.parametrize(("options", "report", "share"), [
    ({}, scuba("Warning"), 0.0), ({"warning": "pass"}, scuba("Warning"), 1.0), ({"warning": " FAIL "}, scuba("Warning"), 0.0),
    ({"warning": "pass"}, scuba("Warning", original="Fail"), 0.0), ({}, scuba("Warning", original="Pass"), 1.0),
    ({"warning": "pass"}, scuba("Fail"), 0.0), ({"warning": "pass"}, scuba("Warning", "Should/Not-Implemented"), None),
    ({"warning": "pass"}, scuba("Incorrect result"), None), ({"tenant": "aB-1"}, scuba("Pass"), 1.0),
    ({}, b"\xef\xbb\xbf" + scuba("Pass"), 1.0), ({}, b"\xff\xfe" + scuba("Pass").decode().encode("utf-16-le"), 1.0),
    ({"warning": "pass"}, b'[{"PolicyId": "MS.AAD.1.1v1", "RequirementMet": false, "Criticality": "Should"}]', 1.0),
    ({"warning": "pass"}, b'[{"PolicyId": "MS.AAD.1.1v1", "RequirementMet": false, "Criticality": "Shall"}]', 0.0),
])  # fmt: skip
def test_what_passes_of_a_report_of_scubagear(options: dict[str, str], report: bytes, share: float | None) -> None:
    (draft,) = drafts(told("scubagear", **options), report)
    assert draft["share"] == share


def test_a_report_of_another_tenant_is_refused() -> None:
    with pytest.raises(Unusable, match=r"of the tenant 'Ab-1'.*'other': hand in one whose"):
        drafts(told("scubagear", tenant="Other"), scuba("Pass"))
    theirs = "3F0C1D52-7c1b-4a59-8d3e-0a52c9be7711"
    with pytest.raises(Unusable, match=rf"If it belongs here: secgraph source change NAME -o tenant={theirs.casefold()}$"):
        drafts(told("scubagear", tenant="Other"), scuba("Pass").replace(b"Ab-1", theirs.encode()))
    with pytest.raises(Unusable, match="hand in one whose"):
        drafts(told("scubagear", tenant="Other"), scuba("Pass").replace(b"Ab-1", f"{theirs}; reboot".encode()))
    assert "of the tenant 'Ab-1'" in drafts(told("scubagear"), scuba("Pass"))[0]["note"]
    assert not drafts(told("scubagear", tenant="aB-1"), scuba("Pass").replace(b'"TenantId"', b'"TimestampZulu": "2026-02-10T09:00:00Z", "TenantId"'))[0]["note"]
    with pytest.raises(UsageError, match="say fail or pass"):
        told("scubagear", warning="maybe")
    notes = drafts(told("scubagear", tenant="other"), b'[{"PolicyId": "MS.AAD.1.1v1", "RequirementMet": true}]')[0]["note"]
    assert "cannot be checked" in notes
    assert "time of receipt" in notes


@pytest.mark.parametrize(("changes", "share"), [
    ({}, 1.0), ({"Compliance": {"Status": "FAILED", "SecurityControlId": "IAM.1"}}, 0.0), ({"Compliance": {"Status": "WARNING"}}, None),
    ({"Compliance": {"Status": "NOT_AVAILABLE"}}, None), ({"RecordState": "ARCHIVED"}, None), ({"Workflow": {"Status": "SUPPRESSED"}}, None),
    ({"Workflow": {"Status": "NOTIFIED"}}, 1.0),
])  # fmt: skip
def test_what_passes_of_a_finding_of_security_hub(changes: dict[str, Any], share: float | None) -> None:
    finding = {"AwsAccountId": "1", "GeneratorId": "security-control/IAM.1", "Compliance": {"Status": "PASSED"}, **changes}
    hub = SOURCES["securityhub"]
    for value in (finding, {"Findings": [finding]}, {"detail": {"findings": [finding, {}]}}):
        (draft,) = drafts(hub, value)
        assert (draft["check"], draft["share"]) == ("IAM.1", share)
    assert isinstance(hub, Unwraps)
    assert hub.unwrap({"Findings": [finding]}) == [finding]
    assert hub.unwrap(finding) is None
