"""Alerts of the Defender for Endpoint API, with or without their evidence expanded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any
from urllib.parse import quote

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
    Written,
    evidence,
    instant_of,
    moment,
    techniques,
    text,
)
from secgraph.sources.defender import (
    CLASSIFICATIONS,
    DETECTION_SOURCES,
    DETERMINATIONS,
    INCIDENTS,
    NAMES,
    PREFIXES,
    SEVERITIES,
    STATUSES,
    comments,
    lowered,
    objects,
    present,
    time,
    word,
)
from secgraph.sources.defender_rows import KINDS, entity
from secgraph.sources.microsoft_api import Api, api, carry, fetched, instant, known, options, skipping, stamp, stamps

PRODUCT = "microsoftDefenderForEndpoint"

URL = "https://api.securitycenter.microsoft.com"
SCOPE = "https://api.securitycenter.microsoft.com/.default"
CALLS, SECONDS = 25, 60.0
"""A hundred calls a minute may be made, but no more than 1,500 an hour: evenly, which keeps both."""
PAGE = 500
"""Alerts on a page. Ten thousand may be asked for; with their evidence that would be a hundred megabytes."""

CUSTOM = tuple(reversed(PREFIXES[PRODUCT]))
"""Of two marks, a custom detection bears the other one."""

TEXTS = {
    "description": "description",
    "category": "category",
    "recommendedActions": "recommendedAction",
    "threatFamilyName": "threatFamilyName",
    "threatDisplayName": "threatName",
    "assignedTo": "assignedTo",
    "detectorId": "detectorId",
    "resolvedDateTime": "resolvedTime",
    "firstActivityDateTime": "firstEventTime",
    "lastActivityDateTime": "lastEventTime",
}
"""Members of the published alert that are taken over as they are, and their native names."""

WORDS = {
    "status": {"unknown": "Unknown", "new": "New", "inProgress": "InProgress", "resolved": "Resolved"},
    "classification": {
        "unknown": "Unknown",
        "falsePositive": "FalsePositive",
        "truePositive": "TruePositive",
        "informationalExpectedActivity": "InformationalExpectedActivity",
    },
    "determination": {
        "unknown": "NotAvailable",
        "apt": "Apt",
        "malware": "Malware",
        "securityPersonnel": "SecurityPersonnel",
        "securityTesting": "SecurityTesting",
        "unwantedSoftware": "UnwantedSoftware",
        "other": "Other",
        "multiStagedAttack": "MultiStagedAttack",
        "compromisedAccount": "CompromisedUser",
        "phishing": "Phishing",
        "maliciousUserActivity": "MaliciousUserActivity",
        "notMalicious": "Clean",
        "notEnoughDataToValidate": "InsufficientData",
        "confirmedActivity": "ConfirmedUserActivity",
        "lineOfBusinessApplication": "LineOfBusinessApplication",
    },
}
"""The published words as this API takes them."""

_versions = stamps("id", "lastUpdateTime")

GIVEAWAYS = {
    "requestor": "a machine action",
    "requestorComment": "a machine action",
    "creationDateTimeUtc": "a machine action",
    "indicatorValue": "an indicator",
    "indicatorType": "an indicator",
    "indicator": "the result of importing an indicator",
    "Indicators": "a request to import indicators",
    "triggeringAlertId": "an investigation",
    "healthStatus": "a machine",
    "osPlatform": "a machine",
    "globalPrevalence": "a file",
    "accountSid": "a user",
    "logonTypes": "a user",
    "Schema": "the answer to a hunting query",
    "alertIds": "a request to update alerts",
    "reportId": "a request to create an alert",
    "error": "an error answer",
}
"""Members of the other resources of this API, for records that are no alerts."""


class DefenderForEndpoint:
    """Reads the alert resource of api.securitycenter.microsoft.com, asks for it, and carries changes back."""

    name = "mde"
    framing: Framing = "json"
    options = options(URL, SCOPE)
    every = 300.0
    writes = frozenset({"status", "assignedTo", "classification", "determination", "comments"})

    def __init__(self, api: Api | None = None) -> None:
        self._api = api

    def told(self, options: Options) -> DefenderForEndpoint:
        """The endpoints of one tenant."""
        return DefenderForEndpoint(api(options))

    def reach(self) -> Reach:
        """The one host, and how often it may be asked."""
        return known(self._api).reach(CALLS, SECONDS)

    async def pull(self, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
        """Alerts that were updated since the mark, with their evidence."""
        asked = known(self._api)
        mark = Mark.of(place, "alerts", now, first=asked.first, overlap=asked.overlap)
        params = {"$filter": f"lastUpdateTime ge {mark.asked}", "$expand": "evidence"}
        async for records in skipping(web, f"{asked.url}/api/alerts", params, PAGE, _versions):
            for record in records:
                mark.see(instant(stamp(record, _versions)))
            yield Pulled(records)
        yield Pulled((), {"alerts": mark.told})

    async def write(self, web: Web, native_id: str, changes: Mapping[str, Any]) -> Written:
        """One PATCH, which takes one comment; every further comment by one of its own."""
        body: Record = {}
        for member, native in WORDS.items():
            if member in changes:
                its = native.get(changes[member] or "unknown")
                if its is None:
                    return Written(accepted=False, why=f"{NAMES[PRODUCT]} has no {member} '{changes[member]}'")
                body[member] = its
        if "assignedTo" in changes:
            body["assignedTo"] = changes["assignedTo"] or ""
        said = list(changes.get("comments") or ())
        bodies = [body | ({"comment": said[0]} if said else {}), *({"comment": one} for one in said[1:])]
        url = self._alert(native_id)
        return await carry(web, [("PATCH", url, one) for one in bodies if one])

    async def read(self, web: Web, native_id: str) -> Record | None:
        """What the product says of an alert now."""
        found = await fetched(web, self._alert(native_id))
        if found is None:
            return None
        return {
            "status": word(found.get("status"), STATUSES),
            "assignedTo": text(found.get("assignedTo")),
            "classification": word(found.get("classification"), CLASSIFICATIONS),
            "determination": word(found.get("determination"), DETERMINATIONS),
            "comments": [item["comment"] for item in comments(found.get("comments"), None)],
        }

    def _alert(self, native_id: str) -> str:
        return f"{known(self._api).url}/api/alerts/{quote(native_id, safe='')}"

    def normalise(self, raw: Raw) -> Iterable[Draft]:
        """The alert in one record of GET /api/alerts."""
        record = raw.value
        if not isinstance(record, dict):
            raise Unusable("not a JSON object")
        if "alertCreationTime" not in record:
            _refuse_others(record)
        native_id, title = text(record.get("id")), text(record.get("title"))
        if native_id is None:
            raise Unusable("no id")
        if title is None:
            raise Unusable("no title")
        notes: list[str] = []
        created = time(record.get("alertCreationTime")) or time(record.get("firstEventTime"))
        if created is None:
            created = moment(raw.received / 1e7)
            notes.append("no time of its own: the time of receipt is used")
        updated, severity = record.get("lastUpdateTime"), text(record.get("severity"))
        alert: Record = {
            "providerAlertId": native_id,
            "title": title,
            "severity": word(severity, SEVERITIES),
            "status": word(record.get("status") or "new", STATUSES),
            "classification": word(record.get("classification"), CLASSIFICATIONS),
            "determination": word(record.get("determination"), DETERMINATIONS),
            "serviceSource": PRODUCT,
            "detectionSource": word(record.get("detectionSource"), DETECTION_SOURCES),
            "productName": NAMES[PRODUCT],
            "createdDateTime": created,
            "mitreTechniques": techniques(record.get("mitreTechniques")),
            "comments": comments(record.get("comments"), created),
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
        incident = text(record.get("incidentId"))  # a number here, a text in the published schema
        return [
            AlertDraft(
                product=PRODUCT,
                native_id=native_id,
                alert=alert,
                prefixes=CUSTOM if alert["detectionSource"] == "customDetection" else PREFIXES[PRODUCT],
                updated=instant_of(updated) if isinstance(updated, str) else None,
                incident=None if incident is None else (INCIDENTS, incident),
                notes=tuple(notes),
            )
        ]


def _refuse_others(record: Record) -> None:
    """NotAnAlert for the other resources of the API and for request bodies."""
    for member, meaning in GIVEAWAYS.items():
        if member in record:
            raise NotAnAlert(f"{meaning}: not an alert")
    if text(record.get("id")) is None and text(record.get("title")) is None:
        raise NotAnAlert("neither id nor title, as in a request body: not an alert")
    if "serviceSource" in record or "createdDateTime" in record:
        raise Unusable("an alert of Microsoft Graph: send it to the source graph")


def _evidence(record: Record, created: str | None, notes: list[str]) -> list[Record]:
    """The device, the expanded entities, and the related user when no entity names that account."""
    machine, dns_name = text(record.get("machineId")), text(record.get("computerDnsName"))
    found: list[Record] = []
    if machine or dns_name:
        group = text(record.get("rbacGroupName"))
        names = {"mdeDeviceId": machine, "deviceDnsName": dns_name, "rbacGroupName": group}
        found.append(evidence("device", created, **names, detailedRoles=["PrimaryDevice"]))
    entities = objects(record.get("evidence"))
    if not entities:
        # Without $expand=evidence the list is empty, which says nothing about the evidence there is.
        notes.append("evidence not expanded")
    accounts: set[str] = set()
    for row in entities:
        named = text(row.get("entityType")) or ""
        kind = named.casefold()
        if kind not in KINDS:
            notes.append(f"evidence of the kind '{named[:40]}' is left out")
            continue
        item = entity(kind, row, text(row.get("evidenceCreationTime")) or created, machine)
        if item is not None:
            found.append(item)
        if kind == "user":
            accounts.add((text(row.get("accountName")) or "").casefold())
    related = record.get("relatedUser")
    if isinstance(related, dict):
        name = text(related.get("userName"))
        if name is not None and name.casefold() not in accounts:
            account = present(accountName=name, domainName=text(related.get("domainName")))
            found.append(evidence("user", created, userAccount=account))
    return found
