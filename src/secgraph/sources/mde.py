"""Alerts of the Defender for Endpoint API, with or without their evidence expanded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from secgraph.extend import (
    AlertDraft,
    Framing,
    NotAnAlert,
    Raw,
    Record,
    Unusable,
    evidence,
    instant_of,
    integer,
    moment,
    techniques,
    text,
)

PRODUCT = "microsoftDefenderForEndpoint"

SEVERITIES = {
    "unspecified": "unknown",
    "informational": "informational",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "critical": "high",
}
STATUSES = {"unknown": "unknown", "new": "new", "inprogress": "inProgress", "resolved": "resolved"}
CLASSIFICATIONS = {
    "unknown": "unknown",
    "falsepositive": "falsePositive",
    "truepositive": "truePositive",
    "informationalexpectedactivity": "informationalExpectedActivity",
}
DETERMINATIONS = {
    "notavailable": "unknown",
    "unknown": "unknown",
    "apt": "apt",
    "malware": "malware",
    "securitypersonnel": "securityPersonnel",
    "securitytesting": "securityTesting",
    "unwantedsoftware": "unwantedSoftware",
    "other": "other",
    "multistagedattack": "multiStagedAttack",
    "compromiseduser": "compromisedAccount",
    "compromisedaccount": "compromisedAccount",
    "phishing": "phishing",
    "malicioususeractivity": "maliciousUserActivity",
    "clean": "notMalicious",
    "notmalicious": "notMalicious",
    "insufficientdata": "notEnoughDataToValidate",
    "notenoughdatatovalidate": "notEnoughDataToValidate",
    "confirmeduseractivity": "confirmedActivity",
    "confirmedactivity": "confirmedActivity",
    "lineofbusinessapplication": "lineOfBusinessApplication",
}
DETECTION_SOURCES = {
    "windowsdefenderav": "antivirus",
    "windowsdefenderatp": "microsoftDefenderForEndpoint",
    "windowsdefendersmartscreen": "smartScreen",
    "customerti": "customTi",
    "customdetection": "customDetection",
    "automatedinvestigation": "automatedInvestigation",
    "threatexperts": "microsoftThreatExperts",
    "officeatp": "microsoftDefenderForOffice365",
    "mtp": "microsoft365Defender",
    "manual": "manual",
}
# The resource page prints one classification as "Informational, expected activity".
WITHOUT_PUNCTUATION = str.maketrans("", "", " ,_-")

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

KINDS = frozenset({"user", "process", "file", "ip", "url", "registry"})
COLUMNS = {
    "accountName": ("account", "accountName"),
    "domainName": ("account", "domainName"),
    "userSid": ("account", "userSid"),
    "aadUserId": ("account", "azureAdUserId"),
    "userPrincipalName": ("account", "userPrincipalName"),
    "fileName": ("file", "fileName"),
    "filePath": ("file", "filePath"),
    "sha1": ("file", "sha1"),
    "sha256": ("file", "sha256"),
    "parentProcessFileName": ("parent", "fileName"),
    "parentProcessFilePath": ("parent", "filePath"),
    "processId": ("item", "processId"),
    "processCommandLine": ("item", "processCommandLine"),
    "processCreationTime": ("item", "processCreationDateTime"),
    "parentProcessId": ("item", "parentProcessId"),
    "parentProcessCreationTime": ("item", "parentProcessCreationDateTime"),
    "detectionStatus": ("item", "detectionStatus"),
    "ipAddress": ("item", "ipAddress"),
    "url": ("item", "url"),
    "registryHive": ("item", "registryHive"),
    "registryKey": ("item", "registryKey"),
    "registryValueName": ("item", "registryValueName"),
    "registryValueType": ("item", "registryValueType"),
    "registryValue": ("item", "registryValue"),
}
"""Where the columns of native evidence go: to the item itself, or to the file, parent or account inside it."""

PROCESS = (
    "processId",
    "processCommandLine",
    "processCreationDateTime",
    "parentProcessId",
    "parentProcessCreationDateTime",
)
REGISTRY = ("registryHive", "registryKey", "registryValueName", "registryValueType", "registryValue")

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


def time(value: Any) -> str | None:
    """A time in wire form, if it is the text of one."""
    return moment(value) if isinstance(value, str) else None


def word(value: Any, table: dict[str, str]) -> str:
    """The contract's word; `unknown` for no word, and a word outside the table as it came, for the checker to count."""
    found = text(value)
    if found is None:
        return "unknown"
    folded = found.casefold()
    return table.get(folded) or table.get(folded.translate(WITHOUT_PUNCTUATION), found)


def objects(value: Any) -> list[Record]:
    """The objects in a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def present(**members: Any) -> Record | None:
    """The members that are not None; None when there is none."""
    return {name: value for name, value in members.items() if value is not None} or None


class DefenderForEndpoint:
    """Reads the alert resource of api.securitycenter.microsoft.com."""

    name = "mde"
    framing: Framing = "json"

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
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
            "productName": "Microsoft Defender for Endpoint",
            "createdDateTime": created,
            "mitreTechniques": techniques(record.get("mitreTechniques")),
            "comments": _comments(record.get("comments"), created),
            "evidence": _evidence(record, created, notes),
        }
        for member, native in TEXTS.items():
            if (found := text(record.get(native))) is not None:
                alert[member] = found
        if (state := text(record.get("investigationState"))) is not None:
            alert["investigationState"] = state[0].lower() + state[1:]
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
                prefixes=("da", "ed"),
                updated=instant_of(updated) if isinstance(updated, str) else None,
                incident=None if incident is None else ("microsoft365Defender", incident),
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


def _comments(value: Any, created: str | None) -> list[Record]:
    return [
        {
            "comment": words,
            "createdByDisplayName": text(item.get("createdBy")),
            "createdDateTime": text(item.get("createdTime")) or created,
        }
        for item in objects(value)
        if (words := text(item.get("comment"))) is not None
    ]


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
    for entity in entities:
        named = text(entity.get("entityType")) or ""
        kind = named.casefold()
        if kind not in KINDS:
            notes.append(f"evidence of the kind '{named[:40]}' is left out")
            continue
        item = _entity(kind, entity, text(entity.get("evidenceCreationTime")) or created, machine)
        if item is not None:
            found.append(item)
        if kind == "user":
            accounts.add((text(entity.get("accountName")) or "").casefold())
    related = record.get("relatedUser")
    if isinstance(related, dict):
        name = text(related.get("userName"))
        if name is not None and name.casefold() not in accounts:
            account = present(accountName=name, domainName=text(related.get("domainName")))
            found.append(evidence("user", created, userAccount=account))
    return found


def _entity(kind: str, row: Record, at: str | None, machine: str | None) -> Record | None:
    """One evidence item; None for a row that says nothing. Rows carry the columns of all kinds, most of them null."""
    places: dict[str, Record] = {"item": {}, "file": {}, "parent": {}, "account": {}}
    for column, value in row.items():
        if value is not None and column in COLUMNS and (found := text(value)) is not None:
            place, member = COLUMNS[column]
            places[place][member] = found
    item, file, account = places["item"], places["file"], places["account"]
    made: Record = {"@odata.type": f"#microsoft.graph.security.{kind}Evidence", "createdDateTime": at}
    if kind == "user":
        made["userAccount"] = account
        return made if account else None
    if kind in ("ip", "url"):
        member = "ipAddress" if kind == "ip" else "url"
        made[member] = item.get(member)
        return made if member in item else None
    if kind == "registry":
        named = {member: item[member] for member in REGISTRY if member in item}
        if not named:
            return None
        if "registryValue" not in item:
            return evidence("registryKey", at, **named)
        return evidence("registryValue", at, **named, mdeDeviceId=machine)
    if "detectionStatus" in item:
        made["detectionStatus"] = item["detectionStatus"].lower()
    if machine is not None:
        made["mdeDeviceId"] = machine
    if kind == "file":
        made["fileDetails"] = file
        return made if file else None
    for member in PROCESS:
        if member in item:
            made[member] = item[member]
    for member, value in (("imageFile", file), ("parentProcessImageFile", places["parent"]), ("userAccount", account)):
        if value:
            made[member] = value
    for member in ("processId", "parentProcessId"):
        if member in made:
            made[member] = integer(made[member])
    return made if file or made.get("processId") is not None or "processCommandLine" in made else None
