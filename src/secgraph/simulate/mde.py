"""Defender for Endpoint: alerts, changes to them, and machines."""

from __future__ import annotations

from typing import Any

from secgraph.simulate import filters
from secgraph.simulate.ask import Api, Ask, Refused, Reply, Route, json_reply
from secgraph.simulate.cast import Machine
from secgraph.simulate.defender_rows import rows
from secgraph.simulate.detections import ENDPOINT
from secgraph.simulate.paging import Page, by_number
from secgraph.simulate.truth import View
from secgraph.simulate.words import ACCEPTED, CLASSIFICATIONS, DETERMINATIONS, SOURCES, STATUSES, member, pascal, trimmed

MOST = 10_000
MOST_AT_ONCE = 100
RESOURCE = "https://api.securitycenter.microsoft.com"

FILTERS = frozenset(
    {
        "alertCreationTime",
        "lastUpdateTime",
        "incidentId",
        "investigationId",
        "id",
        "assignedTo",
        "detectionSource",
        "lastEventTime",
        "status",
        "severity",
        "category",
    }
)
MACHINE_FILTERS = frozenset({"computerDnsName", "id", "version", "deviceValue", "aadDeviceId", "machineTags", "lastSeen",
                             "exposureLevel", "onboardingStatus", "lastIpAddress", "healthStatus", "osPlatform", "riskScore",
                             "rbacGroupId", "rbacGroupName"})  # fmt: skip
READ = ("Alert.Read.All", "Alert.ReadWrite.All")
WRITE = ("Alert.ReadWrite.All",)


def alert(view: View, *, expanded: bool) -> dict[str, Any]:
    """An alert as GET /api/alerts prints it; without `$expand=evidence` the evidence is an empty list."""
    told, detection = view.alert, view.alert.detection
    resolved = view.resolved
    classification = view["classification"]
    return {
        "id": told.native_id,
        "incidentId": view["incident"],
        "investigationId": None,
        "assignedTo": view["assignedTo"],
        "severity": pascal(view["severity"]),
        "status": pascal(view["status"]),
        "classification": None if classification == "unknown" else pascal(classification),
        "determination": None if view["determination"] == "unknown" else DETERMINATIONS[view["determination"]],
        "investigationState": "UnsupportedAlertType",
        "detectionSource": SOURCES[detection.source],
        "detectorId": told.detector,
        "category": detection.category,
        "threatFamilyName": None,
        "title": detection.title,
        "description": detection.description,
        "alertCreationTime": trimmed(told.created),
        "firstEventTime": trimmed(told.first),
        "lastEventTime": trimmed(view["last"]),
        "lastUpdateTime": trimmed(view.updated),
        "resolvedTime": None if resolved is None else trimmed(resolved),
        "machineId": told.machine.id,
        "computerDnsName": told.machine.dns_name,
        "rbacGroupName": told.machine.group,
        "aadTenantId": told.organisation.id,
        "threatName": None,
        "mitreTechniques": list(detection.techniques),
        "relatedUser": {"userName": told.person.account, "domainName": told.person.domain},
        "comments": [{"comment": one.text, "createdBy": one.by, "createdTime": trimmed(one.at)} for one in view.state.comments],
        "evidence": rows(view, wide=False) if expanded else [],
    }


def machine(one: Machine, now: int) -> dict[str, Any]:
    """A machine as GET /api/machines prints it."""
    return {
        "id": one.id,
        "computerDnsName": one.dns_name,
        "firstSeen": "2025-01-07T08:00:00Z",
        "lastSeen": trimmed(now - now % 36_000_000_000),
        "osPlatform": one.platform,
        "version": one.version,
        "osProcessor": "x64",
        "lastIpAddress": one.address,
        "lastExternalIpAddress": one.outside,
        "osBuild": one.build,
        "healthStatus": "Active",
        "rbacGroupId": 75,
        "rbacGroupName": one.group,
        "riskScore": "Medium",
        "exposureLevel": "Medium",
        "isAadJoined": True,
        "aadDeviceId": one.directory_id,
        "machineTags": [],
        "onboardingStatus": "Onboarded",
        "ipAddresses": [{"ipAddress": one.address, "macAddress": None, "operationalStatus": "Up", "type": "Ethernet"}],
    }


def listing(ask: Ask, context: str, page: Page) -> Reply:
    """A collection of the Defender APIs."""
    body: dict[str, Any] = {"@odata.context": f"{ask.root}/api/$metadata#{context}"}
    if (ask.option("count") or "").lower() == "true":
        body["@odata.count"] = page.total
    body["value"] = page.items
    if page.more is not None:
        body["@odata.nextLink"] = page.more
    return json_reply(body)


def selected(ask: Ask, items: list[dict[str, Any]], members: frozenset[str], kind: str) -> list[dict[str, Any]]:
    """The items that `$filter` wants."""
    text = ask.option("filter")
    if text is None:
        return items
    wanted = filters.parse(text, members, kind)
    return [item for item in items if wanted(item)]


def _expanded(ask: Ask) -> bool:
    asked = ask.option("expand")
    if asked is not None and asked.lower() != "evidence":
        raise Refused(400, "ODataError", f"Could not find a property named '{asked}' on type 'Alert'.")
    return asked is not None


def alerts(ask: Ask) -> Reply:
    """GET /api/alerts."""
    expanded = _expanded(ask)
    found = [view for view in ask.world.alerts(ask.tenant) if view.alert.detection.product == ENDPOINT]
    items = selected(ask, [alert(view, expanded=expanded) for view in found], FILTERS, "Alert")
    return listing(ask, "Alerts", by_number(ask, items, most=MOST, linked=True))


def _found(ask: Ask, name: str) -> View:
    view = ask.world.alert(ask.tenant, name)
    if view is None or view.alert.detection.product != ENDPOINT:
        raise Refused(404, "ResourceNotFound", f"Alert {name} was not found")
    return view


def _entity(ask: Ask, view: View) -> Reply:
    context = f"{ask.root}/api/$metadata#Alerts/$entity"
    return json_reply({"@odata.context": context, **alert(view, expanded=_expanded(ask))})


def one(ask: Ask) -> Reply:
    """GET /api/alerts/{id}."""
    return _entity(ask, _found(ask, ask.keys["id"]))


def triage(body: dict[str, Any], statuses: tuple[str, ...] = STATUSES) -> dict[str, Any]:
    """The triage members of a body, in the words of the contract."""
    members: dict[str, Any] = {}
    for name, words in (("status", statuses), ("classification", CLASSIFICATIONS)):
        if body.get(name) is not None:
            found = member(words, str(body[name]))
            if found is None:
                raise Refused(400, "InvalidInput", f"Invalid {name}: {body[name]}")
            members[name] = found
    if body.get("determination") is not None:
        found = ACCEPTED.get(str(body["determination"]).lower())
        if found is None:
            raise Refused(400, "InvalidInput", f"Invalid determination: {body['determination']}")
        members["determination"] = found
    if "assignedTo" in body:
        members["assignedTo"] = body["assignedTo"] or None
    return members


def _write(ask: Ask, view: View, body: dict[str, Any], members: dict[str, Any]) -> None:
    comment = body.get("comment")
    ask.world.write(view, members, comment if isinstance(comment, str) and comment else None, ask.app, "mde")


def change(ask: Ask) -> Reply:
    """PATCH /api/alerts/{id}: 200 and the alert."""
    view, body = _found(ask, ask.keys["id"]), ask.json()
    members = triage(body)
    if not members and not body.get("comment"):
        raise Refused(400, "InvalidRequestBody", "Request body is incorrect")
    _write(ask, view, body, members)
    return _entity(ask, _found(ask, ask.keys["id"]))


def change_many(ask: Ask) -> Reply:
    """POST /api/alerts/batchUpdate: 200 without a body."""
    body = ask.json()
    names = body.get("alertIds")
    if not isinstance(names, list) or not names:
        raise Refused(400, "MissingRequiredParameter", "Parameter alertIds is missing.")
    if len(names) > MOST_AT_ONCE:
        raise Refused(
            400, "MaximumBatchSizeExceeded", f"Maximum batch size exceeded. Received: {len(names)}, allowed: {MOST_AT_ONCE}."
        )
    members = triage(body)
    for view in [_found(ask, str(name)) for name in names]:
        _write(ask, view, body, members)
    return Reply(200)


def machines(ask: Ask) -> Reply:
    """GET /api/machines."""
    assert ask.organisation is not None  # noqa: S101 -- the route asks for a role, and a role is somebody's
    items = [machine(each, ask.world.now()) for each in ask.organisation.machines]
    return listing(ask, "Machines", by_number(ask, selected(ask, items, MACHINE_FILTERS, "Machine"), most=MOST, linked=True))


def one_machine(ask: Ask) -> Reply:
    """GET /api/machines/{id}, by its id or its name."""
    assert ask.organisation is not None  # noqa: S101 -- as above
    for each in ask.organisation.machines:
        if ask.keys["id"].lower() in (each.id, each.dns_name):
            return json_reply(
                {"@odata.context": f"{ask.root}/api/$metadata#Machines/$entity", **machine(each, ask.world.now())}
            )
    raise Refused(404, "ResourceNotFound", f"Machine {ask.keys['id']} was not found")


def error(ask: Ask, fault: Refused) -> Reply:
    """The error envelope of the Defender APIs."""
    return json_reply(
        {"error": {"code": fault.code, "message": fault.message, "target": ask.call_id}}, fault.status, fault.headers
    )


MACHINES = ("Machine.Read.All", "Machine.ReadWrite.All")
MDE = Api("mde", "/mde", (RESOURCE,), (
    Route("POST", "/api/alerts/batchUpdate", change_many, WRITE, "mde batchUpdate", ((10, 60.0), (500, 3600.0))),
    Route("GET", "/api/alerts", alerts, READ),
    Route("GET", "/api/alerts/{id}", one, READ),
    Route("PATCH", "/api/alerts/{id}", change, WRITE),
    Route("GET", "/api/machines", machines, MACHINES),
    Route("GET", "/api/machines/{id}", one_machine, MACHINES),
), error, ceilings=((100, 60.0), (1500, 3600.0)))  # fmt: skip
