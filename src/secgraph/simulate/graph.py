"""Microsoft Graph: alerts_v2 and incidents, and the API as a whole with its scores and what is known of identities."""

from __future__ import annotations

from typing import Any

from secgraph.simulate import graph_shapes, identities, identity, scores
from secgraph.simulate.ask import Api, Ask, Refused, Reply, Route, json_reply
from secgraph.simulate.graph_lists import entity, listing, selected
from secgraph.simulate.paging import by_token
from secgraph.simulate.truth import Case, View
from secgraph.simulate.words import ACCEPTED, CLASSIFICATIONS, STATUSES, member, plain

MOST_ALERTS = 2000
MOST_INCIDENTS = 50
USUAL = 50

ALERT_FILTERS = frozenset({"assignedTo", "classification", "determination", "createdDateTime", "lastUpdateDateTime", "severity",
                           "serviceSource", "status"})  # fmt: skip
INCIDENT_FILTERS = ALERT_FILTERS - {"serviceSource"}
SEVERITIES = ("unknown", "informational", "low", "medium", "high")
CASE_STATUSES = ("active", "resolved", "inProgress")

READ_ALERTS = ("SecurityAlert.Read.All", "SecurityAlert.ReadWrite.All")
READ_INCIDENTS = ("SecurityIncident.Read.All", "SecurityIncident.ReadWrite.All")


def alerts(ask: Ask) -> Reply:
    """GET /security/alerts_v2."""
    items = [graph_shapes.alert(view) for view in ask.world.alerts(ask.tenant) if view.alert.unified]
    items = selected(ask, items, ALERT_FILTERS, "microsoft.graph.security.alert")
    return listing(ask, "security/alerts_v2", by_token(ask, items, "id", usual=USUAL, most=MOST_ALERTS))


def _found(ask: Ask) -> View:
    view = ask.world.alert(ask.tenant, ask.keys["id"], by="graph_id")
    if view is None or not view.alert.unified:
        raise Refused(404, "NotFound", f"The alert {ask.keys['id']} was not found.")
    return view


def _case(ask: Ask) -> Case:
    case = ask.world.case(ask.tenant, ask.keys["id"])
    if case is None:
        raise Refused(404, "NotFound", f"The incident {ask.keys['id']} was not found.")
    return case


def one_alert(ask: Ask) -> Reply:
    """GET /security/alerts_v2/{id}."""
    return entity(ask, "security/alerts_v2", graph_shapes.alert(_found(ask)))


def _triage(body: dict[str, Any], statuses: tuple[str, ...]) -> dict[str, Any]:
    """The triage members of a body, in the words of the contract; a word that is none is refused."""
    members: dict[str, Any] = {}
    known = {"status": statuses, "classification": CLASSIFICATIONS, "severity": SEVERITIES}
    for name, words in known.items():
        if name in body and (name != "severity" or "active" in statuses):
            found = member(words, str(body[name]))
            if found is None:
                raise Refused(400, "BadRequest", f"Requested value '{body[name]}' was not found among the members of {name}.")
            members[name] = found
    if "determination" in body:
        found = ACCEPTED.get(str(body["determination"]).lower())
        if found is None:
            raise Refused(
                400,
                "BadRequest",
                f"Requested value '{body['determination']}' was not found among the members of determination.",
            )
        members["determination"] = found
    if "assignedTo" in body:
        members["assignedTo"] = body["assignedTo"] or None
    return members


def change_alert(ask: Ask) -> Reply:
    """PATCH /security/alerts_v2/{id}: 200 and the whole alert."""
    view, body = _found(ask), ask.json()
    members = _triage(body, STATUSES)
    if not members and "customDetails" not in body:
        raise Refused(400, "BadRequest", "The body names no property of an alert that can be changed.")
    ask.world.write(view, members, None, ask.app, "graph")
    return entity(ask, "security/alerts_v2", graph_shapes.alert(_found(ask)))


def _comment(ask: Ask) -> str:
    words = ask.json().get("comment")
    if not isinstance(words, str) or not words:
        raise Refused(400, "BadRequest", "The comment must be a text that is not empty.")
    return words


def comment_alert(ask: Ask) -> Reply:
    """POST /security/alerts_v2/{id}/comments: 200 and all comments."""
    ask.world.write(_found(ask), {}, _comment(ask), ask.app, "graph")
    said = graph_shapes.comments(_found(ask).state.comments)
    return json_reply(
        {"@odata.context": f"{ask.root}/v1.0/$metadata#security/alerts_v2('{ask.keys['id']}')/comments", "value": said}
    )


def _expanded(ask: Ask) -> bool:
    asked = ask.option("expand")
    if asked is not None and asked.lower() != "alerts":
        raise Refused(
            400, "BadRequest", f"Could not find a property named '{asked}' on type 'microsoft.graph.security.incident'."
        )
    return asked is not None


def incidents(ask: Ask) -> Reply:
    """GET /security/incidents, with `$expand=alerts`."""
    expanded = _expanded(ask)
    items = [graph_shapes.incident(case, expanded=expanded) for case in ask.world.cases(ask.tenant)]
    items = selected(ask, items, INCIDENT_FILTERS, "microsoft.graph.security.incident")
    return listing(ask, "security/incidents", by_token(ask, items, "id", usual=USUAL, most=MOST_INCIDENTS))


def one_incident(ask: Ask) -> Reply:
    """GET /security/incidents/{id}."""
    return entity(ask, "security/incidents", graph_shapes.incident(_case(ask), expanded=_expanded(ask)))


def change_incident(ask: Ask) -> Reply:
    """PATCH /security/incidents/{id}: 200 and the whole incident."""
    case, body = _case(ask), ask.json()
    if case["redirect"] is not None:
        raise Refused(400, "BadRequest", f"The incident was merged into {case['redirect']} and cannot be changed.")
    members = _triage(body, CASE_STATUSES)
    for name, ours in (("displayName", "displayName"), ("resolvingComment", "resolvingComment"), ("customTags", "tags")):
        if name in body:
            members[ours] = tuple(body[name]) if isinstance(body[name], list) else body[name]
    if not members:
        raise Refused(400, "BadRequest", "The body names no property of an incident that can be changed.")
    ask.world.write(case, members, None, ask.app, "graph")
    return entity(ask, "security/incidents", graph_shapes.incident(_case(ask), expanded=False))


def comment_incident(ask: Ask) -> Reply:
    """POST /security/incidents/{id}/comments: 200 and all comments."""
    ask.world.write(_case(ask), {}, _comment(ask), ask.app, "graph")
    said = graph_shapes.comments(_case(ask).state.comments)
    return json_reply(
        {"@odata.context": f"{ask.root}/v1.0/$metadata#security/incidents('{ask.keys['id']}')/comments", "value": said}
    )


def error(ask: Ask, fault: Refused) -> Reply:
    """The error envelope of Microsoft Graph; the date in it has neither zone nor fraction."""
    inner = {"date": plain(ask.world.now()), "request-id": ask.call_id,
             "client-request-id": ask.headers.get("client-request-id", ask.call_id)}  # fmt: skip
    code = "BadRequest" if fault.code == "InvalidRequestBody" else fault.code
    return json_reply({"error": {"code": code, "message": fault.message, "innerError": inner}}, fault.status, fault.headers)


GRAPH = Api("graph", "/graph", ("https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"), (
    Route("GET", "/v1.0/security/alerts_v2", alerts, READ_ALERTS),
    Route("GET", "/v1.0/security/alerts_v2/{id}", one_alert, READ_ALERTS),
    Route("PATCH", "/v1.0/security/alerts_v2/{id}", change_alert, ("SecurityAlert.ReadWrite.All",)),
    Route("POST", "/v1.0/security/alerts_v2/{id}/comments", comment_alert, ("SecurityAlert.ReadWrite.All",)),
    Route("GET", "/v1.0/security/incidents", incidents, READ_INCIDENTS),
    Route("GET", "/v1.0/security/incidents/{id}", one_incident, READ_INCIDENTS),
    Route("PATCH", "/v1.0/security/incidents/{id}", change_incident, ("SecurityIncident.ReadWrite.All",)),
    Route("POST", "/v1.0/security/incidents/{id}/comments", comment_incident, ("SecurityIncident.ReadWrite.All",)),
    *scores.ROUTES,
    *identity.ROUTES,
    *identities.ROUTES,
), error, ceilings=((150, 60.0),), unauthenticated="InvalidAuthenticationToken")  # fmt: skip
