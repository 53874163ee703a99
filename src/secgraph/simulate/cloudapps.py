"""Defender for Cloud Apps: its list of alerts, and the three ways of closing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from secgraph import clock
from secgraph.simulate.ask import Api, Ask, Refused, Reply, Route, json_reply
from secgraph.simulate.detections import CLOUD_APPS
from secgraph.simulate.graph_shapes import portal
from secgraph.simulate.paging import repeated
from secgraph.simulate.truth import View

MOST = 100
MILLISECOND = 10_000
SEVERITIES = {"low": 0, "medium": 1, "high": 2, "informational": 3}
"""Not in the order of severity: so it is documented."""
CLOSED = {"unknown": 2, "falsePositive": 3, "informationalExpectedActivity": 4, "truePositive": 5}
INTENTS = (
    "Unknown",
    "PreAttack",
    "InitialAccess",
    "Persistence",
    "PrivilegeEscalation",
    "DefenseEvasion",
    "CredentialAccess",
    "Discovery",
    "LateralMovement",
    "Execution",
    "Collection",
    "Exfiltration",
    "CommandAndControl",
    "Impact",
)
CLOSINGS = {
    "close_benign": ("informationalExpectedActivity", (2, 4, 5, 6)),
    "close_false_positive": ("falsePositive", (0, 1, 3, 4)),
    "close_true_positive": ("truePositive", ()),
}
"""What each way of closing means, and the reasons it takes."""

Item = dict[str, Any]


def resolution(view: View) -> int:
    """The number for how it was closed; 0 while it is open."""
    return CLOSED[view["classification"]] if view["status"] == "resolved" else 0


def alert(view: View, *, read: bool) -> Item:
    """An alert as POST /api/v1/alerts/ prints it."""
    told, detection, tenant = view.alert, view.alert.detection, view.alert.organisation.id
    made: Item = {
        "_id": told.native_id,
        "contextId": tenant,
        "title": detection.title,
        "description": detection.description,
        "entities": [
            *_entities(view),
            {
                "type": "policyRule",
                "id": told.detector.replace("-", "")[:24],
                "label": detection.title,
                "policyType": "ANOMALY_DETECTION",
            },
        ],
        "idValue": 15795464,
        "isSystemAlert": False,
        "resolutionStatusValue": resolution(view),
        "severityValue": SEVERITIES[view["severity"]],
        "statusValue": 1 if read else 0,
        "stories": [0],
        "intent": [INTENTS.index(detection.category) if detection.category in INTENTS else 0],
        "threatScore": 34,
        "timestamp": told.created // MILLISECOND,
        "comment": view.state.comments[-1].text if view.state.comments else "",
        "handledByUser": view["assignedTo"],
        "URL": portal("alerts", told.graph_id, tenant),
    }
    if view.resolved is not None:
        made["resolveTime"] = f"{clock.text(view.resolved)[:23]}Z"
    return made


def _entities(view: View) -> list[Item]:
    found: list[Item] = []
    for one in view.evidence:
        if one["kind"] == "user":
            person = view.alert.person
            found.append(
                {
                    "entityRole": "Source",
                    "entityType": 2,
                    "id": person.id,
                    "inst": 0,
                    "label": person.name,
                    "pa": person.upn,
                    "type": "account",
                }
            )
            found.append({"id": person.upn, "label": person.upn, "type": "user"})  # the same person once more, as documented
        elif one["kind"] == "ip":
            found.append({"id": one["address"], "label": one["address"], "type": "ip", "entityRole": "Related"})
        elif one["kind"] == "cloudApp":
            found.append({"id": one["app"], "label": one["name"], "type": "service"})
    return found


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: value in (wanted if isinstance(wanted, list) else [wanted]),
    "neq": lambda value, wanted: value not in (wanted if isinstance(wanted, list) else [wanted]),
    "gte": lambda value, wanted: value is not None and value >= wanted,
    "lte": lambda value, wanted: value is not None and value <= wanted,
    "range": lambda value, wanted: value is not None and any(part["start"] <= value <= part["end"] for part in wanted),
}
_VALUES: dict[str, tuple[frozenset[str], Callable[[View, bool], Any]]] = {
    "date": (frozenset({"gte", "lte", "range"}), lambda view, _: view.alert.created // MILLISECOND),
    "resolutionDate": (frozenset({"gte", "lte", "range"}),
                       lambda view, _: None if view.resolved is None else view.resolved // MILLISECOND),
    "severity": (frozenset({"eq", "neq"}), lambda view, _: SEVERITIES[view["severity"]]),
    "resolutionStatus": (frozenset({"eq", "neq"}), lambda view, _: resolution(view)),
    "alertOpen": (frozenset({"eq"}), lambda view, _: resolution(view) == 0),
    "read": (frozenset({"eq"}), lambda _, read: read),
    "id": (frozenset({"eq", "neq"}), lambda view, _: view.alert.native_id),
}  # fmt: skip


def _wanted(ask: Ask, view: View, filters: Any) -> bool:
    if not isinstance(filters, dict):
        raise Refused(400, "invalid", "filters must be an object.")
    for name, conditions in filters.items():
        known = _VALUES.get(name)
        if known is None or not isinstance(conditions, dict) or not conditions.keys() <= known[0]:
            raise Refused(400, "invalid", f"Invalid filter {name}: {msgspec.json.encode(conditions).decode()[:80]}")
        value = known[1](view, view.alert.native_id in ask.world.read)
        try:
            if not all(_TESTS[test](value, wanted) for test, wanted in conditions.items()):
                return False
        except (TypeError, KeyError):
            raise Refused(400, "invalid", f"Invalid value of the filter {name}.") from None
    return True


def _body(ask: Ask) -> Item:
    return ask.json() if ask.body else {}


def _number(body: Item, name: str, usual: int) -> int:
    value = body.get(name, usual)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refused(400, "invalid", f"Invalid {name}: it must be a whole number.")
    return value


def _views(ask: Ask) -> list[View]:
    return [view for view in ask.world.alerts(ask.tenant) if view.alert.detection.product == CLOUD_APPS]


def alerts(ask: Ask) -> Reply:
    """POST /api/v1/alerts/: the alerts that the filters want, at most a hundred at a time."""
    body = _body(ask)
    filters = body.get("filters", {})
    views = [view for view in _views(ask) if _wanted(ask, view, filters)]
    field, direction = body.get("sortField", "date"), body.get("sortDirection", "desc")
    keys: dict[Any, Callable[[View], int]] = {
        "date": lambda view: view.alert.created,
        "severity": lambda view: SEVERITIES[view["severity"]],
    }
    if field not in keys or direction not in {"asc", "desc"}:
        raise Refused(400, "invalid", f"Invalid sort: {field} {direction}")
    views.sort(key=keys[field], reverse=direction == "desc")
    skip, limit = _number(body, "skip", 0), min(_number(body, "limit", MOST) or MOST, ask.page or MOST, MOST)
    page = views[repeated(ask, skip) : skip + limit]
    return json_reply(
        {
            "data": [alert(view, read=view.alert.native_id in ask.world.read) for view in page],
            "hasNext": skip + limit < len(views),
            "max": limit,
            "total": len(views),
            "moreThanTotal": False,
        }
    )


def _found(ask: Ask) -> View:
    view = ask.world.alert(ask.tenant, ask.keys["id"])
    if view is None or view.alert.detection.product != CLOUD_APPS:
        raise Refused(404, "not_found", "Not found.")
    return view


def one(ask: Ask) -> Reply:
    """GET /api/v1/alerts/{id}/."""
    view = _found(ask)
    return json_reply(alert(view, read=view.alert.native_id in ask.world.read))


def mark(ask: Ask) -> Reply:
    """POST /api/v1/alerts/{id}/read/ and /unread/."""
    name = _found(ask).alert.native_id
    if ask.path.rstrip("/").lower().endswith("/unread"):
        ask.world.read.discard(name)
    else:
        ask.world.read.add(name)
    return json_reply({})


def close(ask: Ask) -> Reply:
    """POST /api/v1/alerts/close_...: how many were closed, and which were not found; a miss is told in the body of a 200."""
    kind = ask.path.rstrip("/").rpartition("/")[2].lower()
    classification, reasons = CLOSINGS[kind]
    body = _body(ask)
    names = ((body.get("filters") or {}).get("id") or {}).get("eq")
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not names:
        raise Refused(400, "invalid", "filters.id.eq must name the alerts to close.")
    reason, comment = body.get("reasonId"), body.get("comment")
    if reason is not None and reason not in reasons:
        raise Refused(
            400, "invalid", f"Invalid reasonId: {reason}. Possible: {', '.join(str(each) for each in reasons) or 'none'}."
        )
    held = {view.alert.native_id: view for view in _views(ask)}
    for name in names:
        if name in held:
            ask.world.write(held[name], {"status": "resolved", "classification": classification},
                            comment if isinstance(comment, str) and comment else None, ask.app, "cloudapps")  # fmt: skip
    answer: Item = {kind.replace("close_", "closed_"): sum(name in held for name in names)}
    missing = [name for name in names if name not in held]
    return json_reply({**answer, "alertsNotFound": missing} if missing else answer)


def error(_ask: Ask, fault: Refused) -> Reply:
    """The errors of this API have one member."""
    return json_reply({"detail": fault.message}, fault.status, fault.headers)


ALERTS = "/api/v1/alerts"
READ, MANAGE = ("Investigation.read", "Investigation.manage"), ("Investigation.manage",)
CLOUDAPPS = Api("cloudapps", "/cloudapps", ("05a65629-4c1b-48c1-a78b-804c4abdd4af",), (
    Route("POST", ALERTS, alerts, READ),
    Route("GET", ALERTS, alerts, READ),
    *(Route("POST", f"{ALERTS}/{kind}", close, MANAGE) for kind in CLOSINGS),
    Route("GET", f"{ALERTS}/{{id}}", one, READ),
    Route("POST", f"{ALERTS}/{{id}}/read", mark, MANAGE),
    Route("POST", f"{ALERTS}/{{id}}/unread", mark, MANAGE),
), error, ceilings=((30, 60.0),), keyed=True)  # fmt: skip
