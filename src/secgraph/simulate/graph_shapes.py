"""Alerts and incidents in the shape of Microsoft Graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from secgraph.simulate.cast import Machine, Person
from secgraph.simulate.truth import Case, Comment, Evidence, View
from secgraph.simulate.words import full

SECURITY = "#microsoft.graph.security."
PRODUCTS = {
    "microsoftDefenderForEndpoint": "Microsoft Defender for Endpoint",
    "microsoftDefenderForIdentity": "Microsoft Defender for Identity",
    "microsoftDefenderForCloudApps": "Microsoft Defender for Cloud Apps",
    "microsoftDefenderForOffice365": "Microsoft Defender for Office 365",
    "dataLossPrevention": "Microsoft Data Loss Prevention",
    "azureAdIdentityProtection": "Microsoft Entra ID Protection",
}
ROLES = {"device": ["compromised"], "user": ["compromised"], "mailbox": ["attacked"], "ip": ["source"]}

Item = dict[str, Any]


def portal(kind: str, name: str, tenant: str) -> str:
    """Where a person looks at it."""
    return f"https://security.microsoft.com/{kind}/{name}?tid={tenant}"


def alert(view: View) -> Item:
    """An alert as GET /security/alerts_v2 prints it."""
    told, detection, tenant = view.alert, view.alert.detection, view.alert.organisation.id
    resolved = view.resolved
    return {
        "@odata.type": f"{SECURITY}alert",
        "id": told.graph_id,
        "providerAlertId": told.provider_id,
        "incidentId": str(view["incident"]),
        "status": view["status"],
        "severity": view["severity"],
        "classification": view["classification"],
        "determination": view["determination"],
        "serviceSource": detection.product,
        "detectionSource": detection.source,
        "productName": PRODUCTS[detection.product],
        "detectorId": told.detector,
        "tenantId": tenant,
        "title": detection.title,
        "description": detection.description,
        "recommendedActions": "",
        "category": detection.category,
        "assignedTo": view["assignedTo"],
        "alertWebUrl": portal("alerts", told.graph_id, tenant),
        "incidentWebUrl": portal("incidents", str(view["incident"]), tenant),
        "actorDisplayName": None,
        "threatDisplayName": None,
        "threatFamilyName": None,
        "mitreTechniques": list(detection.techniques),
        "createdDateTime": full(told.created),
        "lastUpdateDateTime": full(view.updated),
        "resolvedDateTime": None if resolved is None else full(resolved),
        "firstActivityDateTime": full(told.first),
        "lastActivityDateTime": full(view["last"]),
        "comments": comments(view.state.comments),
        "evidence": [evidence(one, view) for one in view.evidence],
        "systemTags": [],
        "alertPolicyId": None,
        "customDetails": {},
        "additionalData": None,
        "investigationState": "unsupportedAlertType",
    }


def incident(case: Case, *, expanded: bool) -> Item:
    """An incident as GET /security/incidents prints it, with its alerts where they were asked for."""
    tenant, number = case.incident.organisation.id, str(case.incident.number)
    redirect = case["redirect"]
    made: Item = {
        "@odata.type": f"{SECURITY}incident",
        "id": number, "tenantId": tenant, "incidentWebUrl": portal("incidents", number, tenant),
        "redirectIncidentId": None if redirect is None else str(redirect),
        "displayName": case["displayName"] or case.incident.title, "createdDateTime": full(case.incident.created),
        "lastUpdateDateTime": full(case.updated), "assignedTo": case["assignedTo"],
        "classification": case["classification"], "determination": case["determination"], "status": case["status"],
        "severity": case["severity"], "customTags": list(case["tags"] or ()), "systemTags": [], "description": None,
        "lastModifiedBy": None, "resolvingComment": case["resolvingComment"], "summary": None,
        "comments": comments(case.state.comments),
    }  # fmt: skip
    if expanded:
        made["alerts"] = [alert(view) for view in case.alerts]
    return made


def comments(said: tuple[Comment, ...]) -> list[Item]:
    """Comments, the oldest first."""
    return [{"@odata.type": f"{SECURITY}alertComment", "comment": one.text, "createdByDisplayName": one.by,
             "createdDateTime": full(one.at)} for one in said]  # fmt: skip


def account(person: Person) -> Item:
    """A person's account."""
    return {"accountName": person.account, "domainName": person.domain, "userSid": person.sid, "azureAdUserId": person.id,
            "userPrincipalName": person.upn, "displayName": person.name}  # fmt: skip


def evidence(one: Evidence, view: View) -> Item:
    """One thing that the alert names."""
    kind = one["kind"]
    name, made = _SHAPES[kind](one, view)
    return {
        "@odata.type": f"{SECURITY}{name}",
        "createdDateTime": full(one["at"]),
        "verdict": "unknown" if kind == "device" else "suspicious",
        "remediationStatus": "none",
        "remediationStatusDetails": None,
        "roles": ROLES.get(kind, []),
        "detailedRoles": [],
        "tags": [],
        **made,
    }


def _device(machine: Machine) -> Item:
    return {
        "mdeDeviceId": machine.id, "azureAdDeviceId": machine.directory_id, "deviceDnsName": machine.dns_name,
        "hostName": machine.dns_name.partition(".")[0], "ntDomain": None, "dnsDomain": machine.dns_name.partition(".")[2],
        "osPlatform": machine.platform, "osBuild": machine.build, "version": machine.version, "healthStatus": "active",
        "riskScore": "medium", "rbacGroupName": machine.group, "onboardingStatus": "onboarded", "defenderAvStatus": "updated",
        "ipInterfaces": [machine.address], "lastIpAddress": machine.address, "lastExternalIpAddress": machine.outside,
        "loggedOnUsers": [{"accountName": machine.owner.account, "domainName": machine.owner.domain}],
    }  # fmt: skip


def _file_details(file: Evidence) -> Item:
    return {
        "fileName": file["fileName"],
        "filePath": file["filePath"],
        "fileSize": file.get("fileSize"),
        "sha1": file.get("sha1"),
        "sha256": file.get("sha256"),
        "filePublisher": None,
        "signer": None,
        "issuer": None,
    }


def _process(one: Evidence, view: View) -> tuple[str, Item]:
    return "processEvidence", {
        "processId": one["processId"], "processCommandLine": one["command"], "processCreationDateTime": full(one["began"]),
        "parentProcessId": one["parentId"], "parentProcessCreationDateTime": full(one["parentBegan"]),
        "imageFile": _file_details(one["file"]), "parentProcessImageFile": _file_details(one["parent"]),
        "userAccount": account(view.alert.person), "mdeDeviceId": view.alert.machine.id, "detectionStatus": "detected",
    }  # fmt: skip


def _mail(one: Evidence, _view: View) -> tuple[str, Item]:
    return "analyzedMessageEvidence", {
        "networkMessageId": one["networkMessageId"], "internetMessageId": one["internetMessageId"], "subject": one["subject"],
        "p1Sender": {"emailAddress": one["sender"]}, "p2Sender": {"emailAddress": one["sender"]}, "senderIp": one["senderIp"],
        "recipientEmailAddress": one["recipient"], "deliveryAction": "Delivered", "deliveryLocation": "Inbox",
        "threats": [one["threat"]], "threatDetectionMethods": [], "urls": [], "receivedDateTime": full(one["at"]),
    }  # fmt: skip


def _ip(one: Evidence, _view: View) -> tuple[str, Item]:
    return "ipEvidence", {"ipAddress": one["address"], "countryLetterCode": one["country"]}


_SHAPES: dict[str, Callable[[Evidence, View], tuple[str, Item]]] = {
    "device": lambda _one, view: ("deviceEvidence", _device(view.alert.machine)),
    "user": lambda _one, view: ("userEvidence", {"userAccount": account(view.alert.person)}),
    "mailbox": lambda _one, view: (
        "mailboxEvidence",
        {
            "primaryAddress": view.alert.person.upn,
            "displayName": view.alert.person.name,
            "upn": view.alert.person.upn,
            "userAccount": account(view.alert.person),
        },
    ),
    "process": _process,
    "file": lambda one, view: (
        "fileEvidence",
        {"detectionStatus": "detected", "mdeDeviceId": view.alert.machine.id, "fileDetails": _file_details(one)},
    ),
    "registry": lambda one, view: (
        "registryValueEvidence",
        {
            "registryHive": one["hive"],
            "registryKey": one["key"],
            "registryValueName": one["name"],
            "registryValueType": one["type"],
            "registryValue": one["value"],
            "mdeDeviceId": view.alert.machine.id,
        },
    ),
    "ip": _ip,
    "url": lambda one, _view: ("urlEvidence", {"url": one["url"]}),
    "mail": _mail,
    "cloudApp": lambda one, _view: (
        "cloudApplicationEvidence",
        {
            "appId": one["app"],
            "saasAppId": one["app"],
            "displayName": one["name"],
            "instanceId": 0,
            "instanceName": one["name"],
        },
    ),
}
