"""Each native payload beside its drafts: `<case>.json` or `<case>.log`, and `<case>.expected.json`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from secgraph.extend import Connector, NotAnAlert, Raw, Unusable
from secgraph.model.edm import EnumType, Primitive, StructType, load
from secgraph.sources.cef import CommonEventFormat
from secgraph.sources.entra import EntraIdProtection
from secgraph.sources.graph import Graph
from secgraph.sources.graph_objects import TYPES
from secgraph.sources.mcas import DefenderForCloudApps
from secgraph.sources.mde import DefenderForEndpoint
from secgraph.sources.mdo import DefenderForOffice
from secgraph.sources.suricata import Suricata
from secgraph.sources.xdr import DefenderXdr

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
    )
}
RECEIVED = 17_707_248_000_000_000  # 2026-02-10T12:00:00Z
CASES = sorted(path for name in SOURCES for path in (HERE / name).iterdir() if ".expected." not in path.name)


def drafts(source: Connector, value: Any) -> list[dict[str, Any]]:
    """The drafts as plain JSON values."""
    found = source.normalise(Raw(line=1, data=b"", value=value, received=RECEIVED))
    kept = [{name: value for name, value in asdict(draft).items() if name != "adds" or value} for draft in found]
    plain: list[dict[str, Any]] = json.loads(json.dumps(kept))
    return plain


def drafts_of_file(path: Path) -> list[dict[str, Any]]:
    source, text = SOURCES[path.parent.name], path.read_text("utf-8")
    values = text.splitlines() if source.framing == "lines" else [json.loads(text)]
    return [draft for value in values for draft in drafts(source, value)]


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
    ("graph", {"title": "t", "currentScore": 3}, Unusable, "no id: it is no object of security/secureScores"),
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
    ("cef", "LEEF:2.0|a|b|c|d|^|src=192.0.2.1", Unusable, "LEEF"),
    ("cef", "host CEF:zero|a|b|1|2|3|4|", Unusable, "CEF:0|"),
    ("cef", "CEF:0|a|b|1|2", Unusable, "4 of its 7 fields"),
    ("cef", "CEF:0|a|b|1|||5|src=192.0.2.1", Unusable, "no name"),
    ("cef", "CEF:0|Ubiquiti|UniFi|9|544|Admin|1|UNIFIcategory=System", NotAnAlert, "UNIFIcategory is 'System'"),
    ("cef", "CEF:0|Palo Alto Networks|PAN-OS|11|end|TRAFFIC|1|src=192.0.2.1", NotAnAlert, "'TRAFFIC'"),
    ("cef", "CEF:0|Fortinet|Fortigate|7|13|traffic:forward|3|cat=traffic:forward", NotAnAlert, "traffic:forward"),
    ("cef", "CEF:0|MCAS|SIEM_Agent|1|EVENT_CATEGORY_LOGIN|Log on|0|externalId=1", NotAnAlert, "activity"),
    ("cef", HEAD + "SensorDownMonitoringAlert|Sensor down|5|externalId=1011", NotAnAlert, "health"),
    ("cef", HEAD + "BruteForceSecurityAlert|Many failures|5|externalId=2023", Unusable, "cs1"),
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
