"""Generated records of Microsoft's products, with the members that their APIs send."""

from __future__ import annotations

import json
import random
from typing import Any

from bench.sources.parts import address, at, digits, guid


def graph(chance: random.Random) -> Any:
    """An alert of the published API with four items of evidence."""
    when, kind = f"{at(chance)}.1234567Z", "#microsoft.graph.security."
    shared = {"createdDateTime": when, "verdict": "unknown", "remediationStatus": "none", "roles": [], "tags": []}
    file = {"sha256": digits(chance, 64), "fileName": "a.exe", "filePath": "C:\\Temp", "fileSize": chance.randrange(10**6)}
    return {
        "id": f"da{digits(chance, 8)}-1", "providerAlertId": digits(chance, 12), "incidentId": str(chance.randrange(9999)),
        "status": "new", "severity": "medium", "classification": None, "determination": None,
        "serviceSource": "microsoftDefenderForEndpoint", "detectionSource": "antivirus", "detectorId": digits(chance, 12),
        "title": "A file was run", "description": "A file of an unusual kind was run by a person.", "category": "Execution",
        "mitreTechniques": ["T1059.001", "T1204"], "createdDateTime": when, "lastUpdateDateTime": when, "comments": [],
        "evidence": [
            {"@odata.type": f"{kind}deviceEvidence", **shared, "mdeDeviceId": digits(chance, 40), "deviceDnsName": "ws.contoso.com"},
            {"@odata.type": f"{kind}fileEvidence", **shared, "detectionStatus": "detected", "fileDetails": file},
            {"@odata.type": f"{kind}ipEvidence", **shared, "ipAddress": address(chance)},
            {"@odata.type": f"{kind}userEvidence", **shared, "userAccount": {"accountName": "nina", "domainName": "CONTOSO"}},
        ],
    }  # fmt: skip


def mde(chance: random.Random) -> Any:
    """An alert of the endpoint API with a process, a user and an address, each row with the columns of all kinds."""
    when = f"{at(chance)}.1234567Z"
    columns = dict.fromkeys(("sha1", "sha256", "fileName", "filePath", "processId", "processCommandLine", "parentProcessId",
                             "ipAddress", "url", "registryKey", "accountName", "domainName", "userSid", "detectionStatus"))  # fmt: skip
    process = {"sha1": digits(chance, 40), "fileName": "a.exe", "filePath": "C:\\Temp", "processId": chance.randrange(9999), "processCommandLine": "a.exe /q"}
    row = {"evidenceCreationTime": when, **columns}
    return {
        "id": f"da{chance.randrange(10**18)}_1", "incidentId": chance.randrange(9999), "investigationId": None, "assignedTo": None,
        "severity": "Medium", "status": "New", "classification": None, "determination": None, "investigationState": "Queued",
        "detectionSource": "WindowsDefenderAv", "category": "Execution", "threatFamilyName": None, "title": "A file was run",
        "description": "A file of an unusual kind was run by a person.", "alertCreationTime": when, "firstEventTime": when,
        "lastEventTime": when, "lastUpdateTime": when, "resolvedTime": None, "machineId": digits(chance, 40),
        "computerDnsName": "ws.contoso.com", "rbacGroupName": "A", "relatedUser": {"userName": "nina", "domainName": "CONTOSO"},
        "mitreTechniques": ["T1059"], "comments": [],
        "evidence": [{"entityType": "Process", **row, **process}, {"entityType": "User", **row, "accountName": "nina"},
                     {"entityType": "Ip", **row, "ipAddress": address(chance)}],
    }  # fmt: skip


def entra(chance: random.Random) -> Any:
    """A detection of a risk, with where it was."""
    when = f"{at(chance)}.1234567Z"
    said = [{"Key": "riskReasons", "Value": ["UnfamiliarASN", "UnfamiliarBrowser", "UnfamiliarLocation"]},
            {"Key": "userAgent", "Value": "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"}, {"Key": "alertUrl", "Value": None}]  # fmt: skip
    return {
        "id": digits(chance, 64), "requestId": guid(chance), "correlationId": guid(chance), "riskEventType": "unfamiliarFeatures", "riskState": "atRisk",
        "riskLevel": "medium", "riskDetail": "none", "source": "IdentityProtection", "detectionTimingType": "realtime", "activity": "signin",
        "tokenIssuerType": "AzureAD", "ipAddress": address(chance), "activityDateTime": when, "detectedDateTime": when, "lastUpdatedDateTime": when,
        "userId": guid(chance), "userDisplayName": "Nina", "userPrincipalName": "nina@contoso.com", "additionalInfo": json.dumps(said),
        "location": {"city": "Oslo", "state": "Oslo", "countryOrRegion": "NO", "geoCoordinates": {"latitude": 59.9, "longitude": 10.7}},
    }  # fmt: skip


def xdr(chance: random.Random) -> Any:
    """An incident with one alert about a process, a user and an address on a device; each entity has its own columns only."""
    when, machine, number = f"{at(chance)}.1234567Z", digits(chance, 40), chance.randrange(9999)
    row = {"evidenceCreationTime": when, "verdict": "Suspicious", "remediationStatus": "None", "detectionStatus": "Detected", "deviceId": machine}
    user = {"accountName": "nina", "domainName": "CONTOSO", "userSid": "S-1-5-21-1-2-3-1001", "aadUserId": guid(chance), "userPrincipalName": "nina@contoso.com"}
    process = {
        "entityType": "Process", **row, **user, "sha1": digits(chance, 40), "sha256": digits(chance, 64), "fileName": "a.exe", "filePath": "C:\\Temp",
        "processId": chance.randrange(9999), "processCommandLine": "a.exe /q", "processCreationTime": when, "parentProcessId": chance.randrange(9999),
        "parentProcessCreationTime": when, "parentProcessFileName": "explorer.exe", "parentProcessFilePath": "C:\\Windows",
    }  # fmt: skip
    device = {
        "mdatpDeviceId": machine, "aadDeviceId": guid(chance), "deviceDnsName": "ws.contoso.com", "osPlatform": "Windows11", "version": "23H2",
        "osProcessor": "x64", "osBuild": 22631, "healthStatus": "Active", "riskScore": "High", "rbacGroupName": "A", "rbacGroupId": 4, "firstSeen": when,
        "tags": [], "defenderAvStatus": "Updated", "onboardingStatus": "Onboarded", "vmMetadata": None,
        "loggedOnUsers": [{"accountName": "nina", "domainName": "CONTOSO"}],
    }  # fmt: skip
    alert = {
        "alertId": f"da{chance.randrange(10**18)}_1", "providerAlertId": f"{chance.randrange(10**18)}_1", "incidentId": number,
        "serviceSource": "MicrosoftDefenderForEndpoint", "creationTime": when, "lastUpdatedTime": when, "resolvedTime": None, "firstActivity": when,
        "lastActivity": when, "title": "A file was run", "description": "A file of an unusual kind was run by a person.", "category": "Execution",
        "status": "New", "severity": "Medium", "investigationId": None, "investigationState": "UnsupportedAlertType", "classification": None,
        "determination": None, "detectionSource": "WindowsDefenderAtp", "detectorId": guid(chance), "assignedTo": None, "actorName": None,
        "threatFamilyName": None, "mitreTechniques": ["T1059.001", "T1204.002"], "devices": [device],
        "entities": [process, {"entityType": "User", **row, **user}, {"entityType": "Ip", **row, "ipAddress": address(chance)}],
    }  # fmt: skip
    return {
        "incidentId": number, "incidentUri": f"https://security.microsoft.com/incidents/{number}", "redirectIncidentId": None,
        "incidentName": "A file was run on one endpoint", "createdTime": when, "lastUpdateTime": when, "assignedTo": None, "classification": "Unknown",
        "determination": "NotAvailable", "status": "Active", "severity": "Medium", "tags": [], "comments": [], "alerts": [alert],
    }  # fmt: skip


def mdo(chance: random.Random) -> Any:
    """An audit record of an alert on a message, with what it says of it as JSON in a text."""
    when, alert, policy = at(chance), guid(chance), guid(chance)
    said = {
        "etype": "MalwareFamily", "eid": f"{guid(chance)}-{chance.randrange(10**18)}-1", "tid": guid(chance), "ts": f"{when}Z", "te": f"{when}Z", "op": "Protection",
        "tdc": "1", "suid": "nina@contoso.com", "ut": "Regular", "ssic": "0", "tsd": "billing@a.example", "sip": address(chance), "imsgid": f"<{digits(chance, 24)}@a.example>",
        "srt": "1", "trc": "nina@contoso.com", "ms": "An invoice", "lon": "Protection", "wl": "Exchange", "dm": "URL detonation", "thn": "Phish, Normal", "md": f"{when}Z",
        "rid": guid(chance), "cid": policy, "ad": "Messages with a link that was found to be bad were delivered and taken away -V1.0.0.3",
        "an": "Messages with a bad link were taken away after delivery", "sev": "Medium", "reid": guid(chance), "wsrt": when, "mdt": "u",
    }  # fmt: skip
    return {
        "CreationTime": when, "Id": guid(chance), "Operation": "AlertEntityGenerated", "OrganizationId": guid(chance), "RecordType": 40, "ResultStatus": "Succeeded",
        "UserKey": "SecurityComplianceAlerts", "UserType": 4, "Version": 1, "Workload": "SecurityComplianceCenter", "ObjectId": alert, "UserId": "SecurityComplianceAlerts",
        "AlertEntityId": said["eid"], "AlertId": alert, "AlertLinks": [{"AlertLinkHref": f"https://security.microsoft.com/viewalerts?id={alert}"}], "AlertType": "System",
        "Category": "ThreatManagement", "Comments": "New alert", "Data": json.dumps(said), "EntityType": "MalwareFamily",
        "Name": "Messages with a bad link were taken away after delivery", "PolicyId": policy, "Severity": "Medium",
        "Source": "Office 365 Security & Compliance", "Status": "Active",
    }  # fmt: skip


def mcas(chance: random.Random) -> Any:
    """An alert of Cloud Apps with an account, an address, an app and its policy."""
    number, person = digits(chance, 24), guid(chance)
    return {
        "_id": number, "contextId": guid(chance), "timestamp": 1_770_454_800_000 + chance.randrange(10**9), "title": "Impossible travel",
        "description": "<p>The account __ENTITY__ nina signed in from two countries within the hour. Techniques: Valid Accounts (T1078), Cloud Accounts (T1078.004).</p>",
        "entities": [
            {"entityRole": "Source", "entityType": 2, "id": person, "inst": 0, "saas": 11161, "pa": "nina@contoso.com", "em": "nina@contoso.com", "label": "Nina", "type": "account"},
            {"entityRole": "Related", "id": "nina@contoso.com", "label": "nina@contoso.com", "type": "user"},
            {"entityRole": "Source", "id": address(chance), "label": address(chance), "triggeredAlert": False, "type": "ip"},
            {"id": "NO", "label": "NO", "type": "country"}, {"id": "DE", "label": "DE", "type": "country"},
            {"id": 11161, "label": "Microsoft 365", "type": "service"}, {"id": 20893, "label": "Microsoft Exchange Online", "type": "service"},
            {"id": digits(chance, 24), "label": "Impossible travel", "policyType": "ANOMALY_DETECTION", "type": "policyRule"},
            {"id": digits(chance, 24), "label": "All users", "type": "groupTag"},
        ],
        "idValue": 15_795_464, "isSystemAlert": False, "resolutionStatusValue": 0, "severityValue": 1, "statusValue": 1, "stories": [0], "intent": [2, 6],
        "threatScore": chance.randrange(99), "comment": "", "handledByUser": None, "resolveTime": None, "isPreview": False, "audits": [digits(chance, 32)],
        "URL": f"https://contoso.portal.cloudappsecurity.com/#/alerts/{number}",
    }  # fmt: skip
