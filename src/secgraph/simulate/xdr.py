"""Defender XDR: incidents with their alerts inside. Only the incidents can be changed here."""

from __future__ import annotations

from typing import Any

from secgraph.simulate import mde
from secgraph.simulate.ask import Api, Ask, Refused, Reply, Route, json_reply
from secgraph.simulate.defender_rows import rows
from secgraph.simulate.paging import by_number
from secgraph.simulate.truth import Case, View
from secgraph.simulate.words import DETERMINATIONS, SOURCES, pascal, trimmed

MOST = 100
STATUSES = ("active", "resolved", "inProgress")
FILTERS = frozenset({"lastUpdateTime", "createdTime", "status", "assignedTo"})
SERVICES = {
    "microsoftDefenderForEndpoint": "MicrosoftDefenderATP", "microsoftDefenderForIdentity": "AzureATP",
    "microsoftDefenderForCloudApps": "MicrosoftCloudAppSecurity", "microsoftDefenderForOffice365": "OfficeATP",
    "dataLossPrevention": "MicrosoftDataLossPrevention", "azureAdIdentityProtection": "AadIdentityProtection",
}  # fmt: skip


def alert(view: View) -> dict[str, Any]:
    """An alert inside an incident."""
    told, detection, resolved = view.alert, view.alert.detection, view.resolved
    known = {one["kind"] for one in view.evidence}
    return {
        "alertId": told.graph_id,
        "providerAlertId": told.provider_id,
        "incidentId": view["incident"],
        "serviceSource": SERVICES[detection.product],
        "creationTime": trimmed(told.created),
        "lastUpdatedTime": trimmed(view.updated),
        "resolvedTime": None if resolved is None else trimmed(resolved),
        "firstActivity": trimmed(told.first),
        "lastActivity": trimmed(view["last"]),
        "title": detection.title,
        "description": detection.description,
        "category": detection.category,
        "status": pascal(view["status"]),
        "severity": pascal(view["severity"]),
        "investigationId": None,
        "investigationState": "UnsupportedAlertType",
        "classification": None if view["classification"] == "unknown" else pascal(view["classification"]),
        "determination": None if view["determination"] == "unknown" else DETERMINATIONS[view["determination"]],
        "detectionSource": SOURCES[detection.source],
        "detectorId": told.detector,
        "assignedTo": view["assignedTo"],
        "actorName": None,
        "threatFamilyName": None,
        "mitreTechniques": list(detection.techniques),
        "devices": [_device(view)] if "device" in known else [],
        "entities": rows(view, wide=True),
    }


def _device(view: View) -> dict[str, Any]:
    machine = view.alert.machine
    return {
        "mdatpDeviceId": machine.id, "aadDeviceId": machine.directory_id, "deviceDnsName": machine.dns_name,
        "osPlatform": machine.platform, "version": machine.version, "osProcessor": "x64", "osBuild": machine.build,
        "healthStatus": "Active", "riskScore": "Medium", "rbacGroupName": machine.group, "firstSeen": "2025-01-07T08:00:00Z",
        "tags": [], "defenderAvStatus": "Updated", "onboardingStatus": "Onboarded", "vmMetadata": None,
        "loggedOnUsers": [{"accountName": machine.owner.account, "domainName": machine.owner.domain}],
    }  # fmt: skip


def incident(case: Case) -> dict[str, Any]:
    """An incident as GET /api/incidents prints it."""
    number = case.incident.number
    return {
        "incidentId": number,
        "incidentUri": f"https://security.microsoft.com/incidents/{number}?tid={case.incident.organisation.id}",
        "redirectIncidentId": case["redirect"],
        "incidentName": case["displayName"] or case.incident.title,
        "createdTime": trimmed(case.incident.created),
        "lastUpdateTime": trimmed(case.updated),
        "assignedTo": case["assignedTo"],
        "classification": pascal(case["classification"]),
        "determination": DETERMINATIONS[case["determination"]],
        "status": pascal(case["status"]),
        "severity": pascal(case["severity"]),
        "tags": list(case["tags"] or ()),
        "comments": [{"comment": one.text, "createdBy": one.by, "createdTime": trimmed(one.at)} for one in case.state.comments],
        "alerts": [alert(view) for view in case.alerts],
    }


def incidents(ask: Ask) -> Reply:
    """GET /api/incidents."""
    items = mde.selected(ask, [incident(case) for case in ask.world.cases(ask.tenant)], FILTERS, "Incident")
    return mde.listing(ask, "Incidents", by_number(ask, items, most=MOST, linked=False))


def _found(ask: Ask) -> Case:
    case = ask.world.case(ask.tenant, ask.keys["id"])
    if case is None:
        raise Refused(404, "ResourceNotFound", f"Incident {ask.keys['id']} was not found")
    return case


def _entity(ask: Ask) -> Reply:
    return json_reply({"@odata.context": f"{ask.root}/api/$metadata#Incidents/$entity", **incident(_found(ask))})


def one(ask: Ask) -> Reply:
    """GET /api/incidents/{id}."""
    return _entity(ask)


def change(ask: Ask) -> Reply:
    """PATCH /api/incidents/{id}: 200 and the incident."""
    case, body = _found(ask), ask.json()
    members = mde.triage(body, STATUSES)
    if isinstance(body.get("tags"), list):
        members["tags"] = tuple(str(tag) for tag in body["tags"])
    comment = body.get("comment")
    if not members and not comment:
        raise Refused(400, "InvalidRequestBody", "Request body is incorrect")
    ask.world.write(case, members, comment if isinstance(comment, str) and comment else None, ask.app, "xdr")
    return _entity(ask)


READ = ("Incident.Read.All", "Incident.ReadWrite.All")
XDR = Api("xdr", "/xdr", ("https://api.security.microsoft.com",), (
    Route("GET", "/api/incidents", incidents, READ),
    Route("GET", "/api/incidents/{id}", one, READ),
    Route("PATCH", "/api/incidents/{id}", change, ("Incident.ReadWrite.All",)),
), mde.error, ceilings=((50, 60.0), (1500, 3600.0)))  # fmt: skip
