"""Identity protection of Microsoft Graph: risk detections, the people at risk, and what was decided about them."""

from __future__ import annotations

from typing import Any

import msgspec

from secgraph.simulate.ask import Ask, Handler, Refused, Reply, Route
from secgraph.simulate.cast import Person
from secgraph.simulate.chance import chance, guid
from secgraph.simulate.graph_lists import entity, listing, selected
from secgraph.simulate.life import RISK_ENDS
from secgraph.simulate.paging import Page, by_token
from secgraph.simulate.truth import View
from secgraph.simulate.words import full
from secgraph.simulate.world import World

MOST = 500
USUAL = 20
LEVELS = ("none", "low", "medium", "high")
OVER = frozenset({"dismissed", "confirmedSafe", "remediated"})

DETECTION_FILTERS = frozenset(
    {
        "activityDateTime",
        "detectedDateTime",
        "lastUpdatedDateTime",
        "riskLevel",
        "riskState",
        "riskDetail",
        "riskEventType",
        "userId",
        "userPrincipalName",
        "id",
        "requestId",
        "correlationId",
        "ipAddress",
    }
)
USER_FILTERS = frozenset({"riskLevel", "riskState", "riskDetail", "riskLastUpdatedDateTime", "userPrincipalName", "id"})


def risks(world: World, tenant: str, at: int | None = None, *, true: bool = False) -> list[View]:
    """The risk detections of a tenant, the newest first."""
    return [view for view in world.alerts(tenant, at, true=true) if view.alert.detection.risk]


def _updated(view: View) -> int:
    """A risk detection moves with its own state only: what was made of the alert that repeats it is nothing to it."""
    return max(view.state.stamps["riskState"], view.state.stamps["riskDetail"])


def detection(view: View) -> dict[str, Any]:
    """A risk detection as GET /identityProtection/riskDetections prints it."""
    told, person = view.alert, view.alert.person
    throw = chance("request", told.native_id)
    place: dict[str, Any] = next((dict(one) for one in told.evidence if one["kind"] == "ip"), {})
    return {
        "@odata.type": "#microsoft.graph.riskDetection",
        "id": told.native_id, "requestId": guid(throw), "correlationId": guid(throw), "riskEventType": told.detection.risk,
        "riskState": view["riskState"], "riskLevel": view["severity"], "riskDetail": view["riskDetail"],
        "source": "IdentityProtection", "detectionTimingType": "offline" if told.detection.offline else "realtime",
        "activity": "user" if told.detection.risk == "leakedCredentials" else "signin", "tokenIssuerType": "AzureAD",
        "ipAddress": place.get("address"), "location": _location(place), "activityDateTime": full(told.first),
        "detectedDateTime": full(told.created), "lastUpdatedDateTime": full(_updated(view)), "userId": person.id,
        "userDisplayName": person.name, "userPrincipalName": person.upn,
        "additionalInfo": msgspec.json.encode([{"Key": "userAgent", "Value": "Mozilla/5.0"}]).decode(),
    }  # fmt: skip


def _location(place: dict[str, Any]) -> dict[str, Any] | None:
    if not place:
        return None
    return {"city": place["city"], "state": place["region"], "countryOrRegion": place["country"], "geoCoordinates": None}


def users_of(views: list[View]) -> list[dict[str, Any]]:
    """The people that risk detections name, those that changed last first: as risky as their worst detection that goes on."""
    mine: dict[str, list[View]] = {}
    for view in views:
        mine.setdefault(view.alert.person.id, []).append(view)
    made = [_user(held[0].alert.person, held) for held in mine.values()]
    return sorted(made, key=lambda user: (user["riskLastUpdatedDateTime"], user["id"]), reverse=True)


def _user(person: Person, views: list[View]) -> dict[str, Any]:
    last = max(views, key=_updated)
    alive = [view for view in views if view["riskState"] not in OVER]
    worst = max((view["severity"] for view in alive), key=LEVELS.index, default="none")
    deciding = max(alive, key=_updated) if alive else last
    return {
        "@odata.type": "#microsoft.graph.riskyUser",
        "id": person.id, "isDeleted": False, "isProcessing": False, "riskLevel": worst, "riskState": deciding["riskState"],
        "riskDetail": deciding["riskDetail"], "riskLastUpdatedDateTime": full(_updated(last)), "userDisplayName": person.name,
        "userPrincipalName": person.upn,
    }  # fmt: skip


def detections(ask: Ask) -> Reply:
    """GET /identityProtection/riskDetections."""
    items = selected(
        ask, [detection(view) for view in risks(ask.world, ask.tenant)], DETECTION_FILTERS, "microsoft.graph.riskDetection"
    )
    return listing(ask, "identityProtection/riskDetections", _page(ask, items))


def _page(ask: Ask, items: list[dict[str, Any]]) -> Page:
    top = ask.whole("top")
    if top is not None and not 0 < top <= MOST:
        raise Refused(400, "BadRequest", f"Invalid page size specified: '{top}'. Must be between 1 and {MOST} inclusive.")
    return by_token(ask, items, "id", usual=USUAL, most=MOST)


def one_detection(ask: Ask) -> Reply:
    """GET /identityProtection/riskDetections/{id}."""
    view = ask.world.alert(ask.tenant, ask.keys["id"])
    if view is None or not view.alert.detection.risk:
        raise Refused(404, "ResourceNotFound", f"The risk detection {ask.keys['id']} was not found.")
    return entity(ask, "identityProtection/riskDetections", detection(view))


def users(ask: Ask) -> Reply:
    """GET /identityProtection/riskyUsers."""
    items = selected(ask, users_of(risks(ask.world, ask.tenant)), USER_FILTERS, "microsoft.graph.riskyUser")
    return listing(ask, "identityProtection/riskyUsers", _page(ask, items))


def _held(ask: Ask, who: str) -> list[View]:
    held = [view for view in risks(ask.world, ask.tenant, true=True) if view.alert.person.id == who]
    if not held:
        raise Refused(404, "ResourceNotFound", f"The risky user {who} was not found.")
    return held


def one_user(ask: Ask) -> Reply:
    """GET /identityProtection/riskyUsers/{id}."""
    return entity(ask, "identityProtection/riskyUsers", users_of(_held(ask, ask.keys["id"]))[0])


def history(ask: Ask) -> Reply:
    """GET /identityProtection/riskyUsers/{id}/history: the user's states, the newest first."""
    items = []
    for view in _held(ask, ask.keys["id"]):
        for change in ask.world.history(view.alert, ask.world.now()):
            if "riskState" in change.members:
                state = change.members["riskState"]
                items.append({
                    "@odata.type": "#microsoft.graph.riskyUserHistoryItem",
                    "id": guid(chance("history", view.alert.native_id, change.at)), "isDeleted": False, "isProcessing": False,
                    "riskLevel": "none" if state in OVER else view.alert.detection.severity, "riskState": state,
                    "riskDetail": change.members["riskDetail"], "riskLastUpdatedDateTime": full(change.at),
                    "userDisplayName": view.alert.person.name, "userPrincipalName": view.alert.person.upn,
                    "userId": view.alert.person.id, "initiatedBy": change.by or None,
                    "activity": {"riskEventTypes": [view.alert.detection.risk], "detail": None},
                })  # fmt: skip
    items.sort(key=lambda item: str(item["riskLastUpdatedDateTime"]), reverse=True)
    return listing(ask, f"identityProtection/riskyUsers('{ask.keys['id']}')/history", _page(ask, items))


def decide(ask: Ask) -> Reply:
    """POST /identityProtection/riskyUsers/dismiss, /confirmCompromised, /confirmSafe: all that goes on for these people."""
    wanted = ask.json().get("userIds")
    if not isinstance(wanted, list) or not wanted or len(wanted) > 60:
        raise Refused(400, "BadRequest", "userIds must hold from 1 to 60 ids.")
    state, detail = DECISIONS[ask.path.rstrip("/").rpartition("/")[2].lower()]
    classification = {end[0]: end[2] for end in RISK_ENDS}[state]
    members = {"riskState": state, "riskDetail": detail, "classification": classification,
               "status": "new" if state == "confirmedCompromised" else "resolved"}  # fmt: skip
    held = {str(who): _held(ask, str(who)) for who in wanted}
    for views in held.values():
        for view in views:
            if view["riskState"] not in OVER:
                ask.world.write(view, members, None, ask.app, "identityProtection")
    return Reply(204)


DECISIONS = {"dismiss": ("dismissed", "adminDismissedAllRiskForUser"),
             "confirmcompromised": ("confirmedCompromised", "adminConfirmedUserCompromised"),
             "confirmsafe": ("confirmedSafe", "adminConfirmedUserSafe")}  # fmt: skip
USERS = "/v1.0/identityProtection/riskyUsers"
DETECTIONS = "/v1.0/identityProtection/riskDetections"
READ = ("IdentityRiskyUser.Read.All", "IdentityRiskyUser.ReadWrite.All")
WRITE = ("IdentityRiskyUser.ReadWrite.All",)


def _route(method: str, path: str, answer: Handler, roles: tuple[str, ...]) -> Route:
    """These calls are counted by themselves, and their 429 does not say when to come back."""
    return Route(method, path, answer, roles, "identityProtection", ((1, 1.0),), tells_when=False)


ROUTES = (
    _route("GET", DETECTIONS, detections, ("IdentityRiskEvent.Read.All",)),
    _route("GET", f"{DETECTIONS}/{{id}}", one_detection, ("IdentityRiskEvent.Read.All",)),
    _route("GET", USERS, users, READ),
    *(_route("POST", f"{USERS}/{name}", decide, WRITE) for name in ("dismiss", "confirmCompromised", "confirmSafe")),
    _route("GET", f"{USERS}/{{id}}", one_user, READ),
    _route("GET", f"{USERS}/{{id}}/history", history, READ),
)
