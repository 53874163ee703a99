"""Risks of Entra ID Protection: detections as alerts and as objects, risky users as objects."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any

import msgspec

from secgraph.extend import (
    AlertDraft,
    Draft,
    Framing,
    Mark,
    NotAnAlert,
    Option,
    Options,
    Place,
    Pulled,
    Raw,
    Reach,
    Record,
    Unusable,
    Web,
    evidence,
    instant_of,
    moment,
    part,
    span,
    techniques,
    text,
)
from secgraph.sources import graph_api
from secgraph.sources.defender import NAMES, PREFIXES, objects, present, time
from secgraph.sources.graph_objects import DETECTIONS, USERS, object_draft
from secgraph.sources.microsoft_api import (
    Api,
    NotUnderstood,
    api,
    each,
    instant,
    known,
    linked,
    options,
    parts,
    stamp,
    stamps,
)

PRODUCT = "azureAdIdentityProtection"

TITLES = {
    "anonymizedIPAddress": "Anonymous IP address",
    "unfamiliarFeatures": "Unfamiliar sign-in properties",
    "unlikelyTravel": "Atypical travel",
    "impossibleTravel": "Impossible travel",
    "mcasImpossibleTravel": "Impossible travel",
    "leakedCredentials": "Leaked credentials",
    "passwordSpray": "Password spray",
    "maliciousIPAddress": "Malicious IP address",
    "maliciousIPAddressValidCredentialsBlockedIP": "Malicious IP address with valid credentials",
    "malwareInfectedIPAddress": "Malware linked IP address",
    "suspiciousIPAddress": "Suspicious IP address",
    "newCountry": "New country",
    "anomalousToken": "Anomalous token",
    "tokenIssuerAnomaly": "Token issuer anomaly",
    "suspiciousBrowser": "Suspicious browser",
    "mcasSuspiciousInboxManipulationRules": "Suspicious inbox manipulation rules",
    "suspiciousInboxForwarding": "Suspicious inbox forwarding",
    "mcasFinSuspiciousFileAccess": "Mass access to sensitive files",
    "investigationsThreatIntelligence": "Microsoft Entra threat intelligence",
    "adminConfirmedUserCompromised": "User confirmed compromised by an administrator",
    "adminConfirmedServicePrincipalCompromised": "Application confirmed compromised by an administrator",
    "generic": "Additional risk detected",
}
SEVERITIES = {"none": "informational", "low": "low", "medium": "medium", "high": "high", "hidden": "unknown"}
STATES = {
    "atRisk": ("new", "unknown"),
    "confirmedCompromised": ("new", "truePositive"),
    "confirmedSafe": ("resolved", "falsePositive"),
    "dismissed": ("resolved", "informationalExpectedActivity"),
    "remediated": ("resolved", "unknown"),
    "none": ("resolved", "unknown"),
}
"""Status and classification by the state of the risk."""
DETERMINATIONS = {
    "adminConfirmedSigninSafe": "notMalicious",
    "aiConfirmedSigninSafe": "notMalicious",
    "adminConfirmedAccountSafe": "notMalicious",
    "adminConfirmedSigninCompromised": "compromisedAccount",
    "adminConfirmedUserCompromised": "compromisedAccount",
    "adminConfirmedServicePrincipalCompromised": "compromisedAccount",
}
STOLEN = frozenset({"leakedCredentials", "passwordSpray"})
SHOWN = ("riskDetail", "source", "detectionTimingType", "activity", "tokenIssuerType", "correlationId")
READ = frozenset({"mitretechniques", "useragent"})
WORDS = re.compile(r"[A-Z]*[a-z0-9]+|[A-Z]+")

PARTS = ("detections", "users", "applications")
PAGE = "500"
LATE = span("overlap", "48h")
"""How long a detection may still change, where nothing better than the time of detection can be asked by."""
LISTS = {
    "detections": ("identityProtection/riskDetections", "lastUpdatedDateTime", "detectedDateTime"),
    "users": ("identityProtection/riskyUsers", "riskLastUpdatedDateTime", None),
    "applications": ("identityProtection/servicePrincipalRiskDetections", "lastUpdatedDateTime", "detectedDateTime"),
}
"""Where each is, its update clock, and what else it can be asked by; None: whole, there is one row for each user."""
_versions = {part: stamps("id", updated) for part, (_, updated, _) in LISTS.items()}


class EntraIdProtection:
    """Reads riskDetections and riskyUsers as Graph and the diagnostic log print them, and asks Graph for them."""

    name = "entra"
    framing: Framing = "json"
    options = (
        *options(graph_api.URL, graph_api.SCOPE, overlap="1h"),
        Option("parts", "what is asked for: detections, users, applications", "detections,users"),
    )
    every = 300.0

    def __init__(self, api: Api | None = None, parts: tuple[str, ...] = PARTS) -> None:
        self._api, self._parts = api, parts

    def told(self, options: Options) -> EntraIdProtection:
        """The risks of one tenant."""
        return EntraIdProtection(api(options), parts(options, PARTS))

    def reach(self) -> Reach:
        """The one host, and how often it may be asked."""
        return known(self._api).reach(1, 1.0)

    def pull(self, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
        """What is new of detections and users."""
        return each(self._parts, lambda part: self._changed(part, web, place, now), place)

    async def _changed(self, part: str, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
        asked = known(self._api)
        path, updated, otherwise = LISTS[part]
        mark = Mark.of(place, part, now, first=asked.first, overlap=asked.overlap)
        # Where its clock cannot be asked by: states change later than that, too, but this is all such a tenant answers.
        late = {} if otherwise is None else {"$filter": f"{otherwise} ge {mark.earlier(LATE)}"}
        for question in ({"$filter": f"{updated} ge {mark.asked}"}, late):
            try:
                async for records in linked(web, f"{asked.url}/{path}", {**question, "$top": PAGE}):
                    for record in records:
                        mark.see(instant(stamp(record, _versions[part])))
                    yield Pulled(records)
                break
            except NotUnderstood:
                if question is late:
                    raise
        yield Pulled((), {part: mark.told})

    def unwrap(self, value: Any) -> Iterable[Any] | None:
        """The lines of an event hub's message."""
        lines = value.get("records") if isinstance(value, dict) else None
        return lines if isinstance(lines, list) else None

    def normalise(self, raw: Raw) -> Iterable[Draft]:
        """The alert of a detection and the detection itself; or the risky user."""
        record = raw.value
        if not isinstance(record, dict):
            raise Unusable("not a JSON object")
        logged = None
        if isinstance(record.get("properties"), dict) and "riskEventType" not in record:
            logged, record = record.get("time"), record["properties"]
        if "riskEventType" not in record:
            return [_user(record)]
        alert = _alert(record, raw, logged)
        return [alert] if "servicePrincipalId" in record else [alert, object_draft(DETECTIONS, record)]


def _user(record: Record) -> Draft:
    if "initiatedBy" in record or "riskyUserHistoryItem" in str(record.get("@odata.type"))[:80]:
        raise NotAnAlert("an item of a risky user's history: not an alert")
    if "userIds" in record or "error" in record:
        raise NotAnAlert("a request body or an error answer: not an alert")
    if "riskLastUpdatedDateTime" not in record:
        if "riskLevelAggregated" in record or "conditionalAccessStatus" in record:
            raise NotAnAlert("a sign-in: not an alert")
        raise Unusable("no riskEventType and no riskLastUpdatedDateTime: neither a detection nor a risky user")
    if "appId" in record or "servicePrincipalType" in record:
        raise NotAnAlert("a risky application: not an alert")
    return object_draft(USERS, record)


def _alert(record: Record, raw: Raw, logged: Any) -> AlertDraft:
    native_id, kind = text(record.get("id")), text(record.get("riskEventType"))
    if native_id is None:
        raise Unusable("no id")
    if kind is None:
        raise Unusable("no riskEventType")
    notes: tuple[str, ...] = ()
    updated, activity = time(record.get("lastUpdatedDateTime")), time(record.get("activityDateTime"))
    created = time(record.get("detectedDateTime")) or activity or updated or _logged(logged)
    if created is None:
        created = moment(raw.received / 1e7)
        notes = ("no time of its own: the time of receipt is used",)
    said = _said(record.get("additionalInfo"))
    level, state = text(record.get("riskLevel")) or "", text(record.get("riskState")) or ""
    status, classification = STATES.get(state, ("new", "unknown"))
    alert: Record = {
        "providerAlertId": native_id,
        "title": TITLES.get(kind) or " ".join(WORDS.findall(kind)).capitalize() or kind,
        "severity": SEVERITIES.get(level, "unknown"),
        "status": status,
        "classification": classification,
        "determination": DETERMINATIONS.get(text(record.get("riskDetail")) or "", "unknown"),
        "category": "CredentialAccess" if kind in STOLEN else "InitialAccess",
        "serviceSource": PRODUCT,
        "detectionSource": PRODUCT,
        "detectorId": kind,
        "productName": NAMES[PRODUCT],
        "createdDateTime": created,
        "firstActivityDateTime": activity or created,
        "lastActivityDateTime": activity or created,
        "mitreTechniques": techniques(said.get("mitretechniques")),
        "evidence": list(_evidence(record, said, created)),
    }
    if status == "resolved" and updated is not None:
        alert["resolvedDateTime"] = updated
    shown = {name: found[:100] for name in SHOWN if name in record and (found := text(record[name])) is not None}
    if level == "hidden":
        shown["nativeSeverity"] = level
    if shown:
        alert["additionalData"] = shown
    return AlertDraft(PRODUCT, native_id, alert, PREFIXES[PRODUCT], instant_of(updated), notes=notes)


def _logged(value: Any) -> str | None:
    """The time of a line of the diagnostic log, which may be written the American way."""
    found = time(value)
    if found is None and isinstance(value, str) and len(value) < 40:
        try:
            found = moment(datetime.strptime(value.strip(), "%m/%d/%Y %I:%M:%S %p").isoformat())  # noqa: DTZ007 -- it is UTC
        except ValueError:
            return None
    return found


def _said(value: Any) -> dict[str, str]:
    """What is read of `additionalInfo`: a list of keys and values, as JSON in a text. Keys are folded."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return {}
    found: dict[str, str | None] = {}
    for item in objects(value):
        key = (text(item.get("Key") or item.get("key")) or "").casefold()
        if key in READ:
            worth = item.get("Value", item.get("value"))
            found[key] = ", ".join(map(str, worth)) if isinstance(worth, list) else text(worth)
    return {key: worth for key, worth in found.items() if worth}


def _evidence(record: Record, said: dict[str, str], created: str | None) -> Iterable[Record]:
    """Who it was, from where, in which sign-in."""
    account = present(
        azureAdUserId=text(record.get("userId")),
        userPrincipalName=text(record.get("userPrincipalName")),
        displayName=text(record.get("userDisplayName")),
    )
    if account is not None:
        yield evidence("user", created, userAccount=account)
    if "appId" in record or "servicePrincipalId" in record or "servicePrincipalDisplayName" in record:
        app = present(
            appId=text(record.get("appId")),
            displayName=text(record.get("servicePrincipalDisplayName")),
            objectId=text(record.get("servicePrincipalId")),
        )
        if app is not None:
            yield evidence("oauthApplication", created, **app)
    address = text(record.get("ipAddress"))
    if address is not None:
        yield evidence("ip", created, ipAddress=address, **_where(record.get("location")))
    request = text(record.get("requestId"))
    if request is not None:
        yield evidence("cloudLogonRequest", created, requestId=request)
    agent = said.get("useragent")
    if agent is not None:
        yield evidence("cloudLogonSession", created, userAgent=agent)


def _where(value: Any) -> Record:
    """Where an address is."""
    if not isinstance(value, dict):
        return {}
    country = text(value.get("countryOrRegion"))
    short = country is not None and len(country) == 2
    point = part(value.get("geoCoordinates"))
    found = present(
        city=text(value.get("city")),
        state=text(value.get("state")),
        countryName=country,
        latitude=_degrees(point.get("latitude")),
        longitude=_degrees(point.get("longitude")),
    )
    return {"location": found, "countryLetterCode": country if short else None}


def _degrees(value: Any) -> float | None:
    return float(value) if value.__class__ in (int, float) and abs(value) <= 180 else None
