"""Incidents of the Defender XDR API, each with its alerts; and the rows of alerts that the product streams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from secgraph.extend import (
    AlertDraft,
    Draft,
    Framing,
    Mark,
    NotAnAlert,
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
    integer,
    moment,
    techniques,
    text,
)
from secgraph.sources import xdr_stream
from secgraph.sources.defender import (
    CLASSIFICATIONS,
    DETECTION_SOURCES,
    DETERMINATIONS,
    INCIDENTS,
    NAMES,
    PREFIXES,
    SEVERITIES,
    STATUSES,
    embedded,
    lowered,
    objects,
    present,
    product_of,
    time,
    word,
)
from secgraph.sources.defender_rows import MORE_KINDS, entity
from secgraph.sources.microsoft_api import Api, api, instant, known, options, skipping, stamp, stamps

URL = "https://api.security.microsoft.com"
SCOPE = "https://api.security.microsoft.com/.default"
CALLS, SECONDS = 25, 60.0
"""Fifty calls a minute may be made, but no more than 1,500 an hour: evenly, which keeps both."""
PAGE = 100

TEXTS = {
    "description": "description",
    "category": "category",
    "recommendedActions": "recommendedActions",
    "threatFamilyName": "threatFamilyName",
    "threatDisplayName": "threatDisplayName",
    "actorDisplayName": "actorName",
    "assignedTo": "assignedTo",
    "detectorId": "detectorId",
    "resolvedDateTime": "resolvedTime",
    "firstActivityDateTime": "firstActivity",
    "lastActivityDateTime": "lastActivity",
}
"""Members of the published alert that are taken over as they are, and their native names."""
DEVICE_TEXTS = {
    "mdeDeviceId": "mdatpDeviceId",
    "azureAdDeviceId": "aadDeviceId",
    "deviceDnsName": "deviceDnsName",
    "osPlatform": "osPlatform",
    "version": "version",
    "rbacGroupName": "rbacGroupName",
    "firstSeenDateTime": "firstSeen",
}
DEVICE_WORDS = ("healthStatus", "riskScore", "onboardingStatus", "defenderAvStatus")

GIVEAWAYS = {
    "Schema": "the answer to a hunting query",
    "Results": "the answer to a hunting query",
    "error": "an error answer",
    "redirectIncidentId": "an incident without its alerts",
    "incidentName": "an incident without its alerts",
    "tags": "a request to update an incident",
}
"""Members by which a record shows that it is no alert."""

_versions = stamps("incidentId", "lastUpdateTime")


class DefenderXdr:
    """Reads incidents with the alerts inside them, and the streamed tables AlertInfo and AlertEvidence; asks for incidents."""

    name = "xdr"
    framing: Framing = "json"
    options = options(URL, SCOPE)
    every = 300.0

    def __init__(self, api: Api | None = None) -> None:
        self._api = api

    def told(self, options: Options) -> DefenderXdr:
        """The incidents of one tenant."""
        return DefenderXdr(api(options))

    def reach(self) -> Reach:
        """The one host, and how often it may be asked."""
        return known(self._api).reach(CALLS, SECONDS)

    async def pull(self, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
        """Incidents that were updated since the mark."""
        asked = known(self._api)
        mark = Mark.of(place, "incidents", now, first=asked.first, overlap=asked.overlap)
        params = {"$filter": f"lastUpdateTime ge {mark.asked}"}
        async for records in skipping(web, f"{asked.url}/api/incidents", params, PAGE, _versions):
            for record in records:
                mark.see(instant(stamp(record, _versions)))
            yield Pulled(records)
        yield Pulled((), {"incidents": mark.told})

    def unwrap(self, value: Any) -> Iterable[Any] | None:
        """The rows of an event hub's message, those of one alert together."""
        return xdr_stream.joined(value)

    def normalise(self, raw: Raw) -> Iterable[Draft]:
        """The alerts of an incident; the alert that stands alone; or what streamed rows say of one."""
        record = raw.value
        if not isinstance(record, dict):
            raise Unusable("not a JSON object")
        if xdr_stream.is_mine(record):
            return [xdr_stream.draft(record, raw)]
        if "alertId" in record:
            return [_alert(record, raw)]
        alerts = objects(record.get("alerts"))
        if alerts:
            own, target = text(record.get("incidentId")), text(record.get("redirectIncidentId"))
            return embedded(alerts, lambda alert: _alert(alert, raw), own, target)
        if "title" in record and ("serviceSource" in record or "alertCreationTime" in record):
            raise Unusable("an alert of another API: send it to the source graph or mde")
        meaning = next((words for member, words in GIVEAWAYS.items() if member in record), "neither an incident nor an alert")
        raise NotAnAlert(f"{meaning}: not an alert")


def _alert(record: Record, raw: Raw) -> AlertDraft:
    native_id, title = text(record.get("alertId")), text(record.get("title"))
    if native_id is None:
        raise Unusable("no alertId")
    if title is None:
        raise Unusable("no title")
    notes: list[str] = []
    created = time(record.get("creationTime")) or time(record.get("firstActivity"))
    if created is None:
        created = moment(raw.received / 1e7)
        notes.append("no time of its own: the time of receipt is used")
    product = product_of(record.get("serviceSource"), native_id)
    severity, updated = text(record.get("severity")), record.get("lastUpdatedTime")
    alert: Record = {
        "providerAlertId": text(record.get("providerAlertId")) or native_id,
        "title": title,
        "severity": word(severity, SEVERITIES),
        "status": word(record.get("status") or "new", STATUSES),
        "classification": word(record.get("classification"), CLASSIFICATIONS),
        "determination": word(record.get("determination"), DETERMINATIONS),
        "serviceSource": product if product in PREFIXES else "unknown",
        "detectionSource": word(record.get("detectionSource"), DETECTION_SOURCES),
        "productName": NAMES.get(product) or text(record.get("serviceSource")) or "unknown",
        "createdDateTime": created,
        "mitreTechniques": techniques(record.get("mitreTechniques")),
        "evidence": _evidence(record, created, notes),
    }
    for member, native in TEXTS.items():
        if (value := record.get(native)) is not None and (found := text(value)) is not None:
            alert[member] = found
    if (state := lowered(record.get("investigationState"))) is not None:
        alert["investigationState"] = state
    shown = present(
        nativeSeverity=severity if severity is not None and severity.casefold() == "critical" else None,
        investigationId=text(record.get("investigationId")),
    )
    if shown is not None:
        alert["additionalData"] = shown
    incident = text(record.get("incidentId"))
    return AlertDraft(
        product=product,
        native_id=native_id,
        alert=alert,
        prefixes=PREFIXES.get(product, ()),
        updated=instant_of(updated) if isinstance(updated, str) else None,
        incident=None if incident is None else (INCIDENTS, incident),
        notes=tuple(notes),
    )


def _evidence(record: Record, created: str | None, notes: list[str]) -> list[Record]:
    """The devices, and the entities of kinds that are known."""
    found = [_device(device, created) for device in objects(record.get("devices"))]
    for row in objects(record.get("entities")):
        named = text(row.get("entityType")) or ""
        kind = named.casefold()
        if kind not in MORE_KINDS:
            notes.append(f"evidence of the kind '{named[:40]}' is left out")
            continue
        item = entity(kind, row, time(row.get("evidenceCreationTime")) or created, text(row.get("deviceId")))
        if item is not None:
            for member in ("verdict", "remediationStatus"):
                if (said := lowered(row.get(member))) is not None:
                    item[member] = said
            found.append(item)
    if not found:
        notes.append("evidence not expanded")
    return found


def _device(row: Record, created: str | None) -> Record:
    named: Record = {member: text(row.get(native)) for member, native in DEVICE_TEXTS.items()}
    named.update((member, lowered(row.get(member))) for member in DEVICE_WORDS)
    users = [
        {name: said for name in ("accountName", "domainName") if (said := text(user.get(name))) is not None}
        for user in objects(row.get("loggedOnUsers"))
    ]
    return evidence(
        "device",
        created,
        **named,
        osBuild=integer(row.get("osBuild")),
        rbacGroupId=integer(row.get("rbacGroupId")),
        loggedOnUsers=[user for user in users if user] or None,
        tags=[tag for tag in row["tags"] if isinstance(tag, str)] or None if isinstance(row.get("tags"), list) else None,
    )
