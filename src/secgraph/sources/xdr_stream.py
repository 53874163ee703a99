"""Alerts as Defender XDR streams them: rows of the tables AlertInfo and AlertEvidence, in any order and in pieces.

Each row says a part of its alert, so what a row says is added to what others said before.
"""

from __future__ import annotations

from typing import Any

import msgspec

from secgraph.extend import AlertDraft, NotAnAlert, Raw, Record, Unusable, evidence, integer, moment, techniques, text
from secgraph.sources.defender import DETECTION_SOURCES, NAMES, PREFIXES, SEVERITIES, objects, present, product_of, time, word

INFO, EVIDENCE = "alertinfo", "alertevidence"
TABLE = "AdvancedHunting-"
ROWS = "AlertRows"
"""Where the rows of one alert stand that came in one message."""
ROLES = {"impacted": ["attacked"], "related": ["contextual"]}
DIRECTIONS = {"source": "source", "destination": "destination"}
FILE = {"fileName": "FileName", "filePath": "FolderPath", "sha1": "SHA1", "sha256": "SHA256"}
ACCOUNT = {
    "accountName": "AccountName",
    "domainName": "AccountDomain",
    "userSid": "AccountSid",
    "azureAdUserId": "AccountObjectId",
    "userPrincipalName": "AccountUpn",
}


def joined(value: Any) -> list[Any] | None:
    """The rows of a message, those of one alert as one record; None for what is no message."""
    records = value.get("records") if isinstance(value, dict) else None
    if not isinstance(records, list):
        return None
    found: list[Any] = []
    groups: dict[str, list[Any]] = {}
    for record in records:
        key = text(_row(record).get("AlertId")) if isinstance(record, dict) else None
        if key is None:
            found.append(record)
        elif key in groups:
            groups[key].append(record)
        else:
            groups[key] = [record]
            found.append({ROWS: groups[key]})
    return [one[ROWS][0] if isinstance(one, dict) and len(one.get(ROWS, ())) == 1 else one for one in found]


def is_mine(record: Record) -> bool:
    """Whether it is a streamed row, or several."""
    return ROWS in record or isinstance(record.get("properties"), dict) or "AlertId" in record


def _row(record: Record) -> Record:
    inside = record.get("properties")
    return inside if isinstance(inside, dict) else record


def _table(record: Record) -> str:
    """The table of a row, in small letters: as it is named, or by what only one of them has."""
    named = text(record.get("category")) or ""
    if named.startswith(TABLE):
        return named.removeprefix(TABLE).casefold()
    return EVIDENCE if "EntityType" in _row(record) else INFO


def draft(record: Record, raw: Raw) -> AlertDraft:
    """What these rows say of their alert."""
    several = [one for one in objects(record[ROWS]) if one] if ROWS in record else [record]
    rows = [(_table(one), _row(one)) for one in several]
    others = [table for table, _ in rows if table not in (INFO, EVIDENCE)]
    if others and len(others) == len(rows):
        raise NotAnAlert(f"a row of the table {others[0][:60]}: not an alert")
    rows = [(table, row) for table, row in rows if table in (INFO, EVIDENCE)]
    native_id = next((key for _, row in rows if (key := text(row.get("AlertId"))) is not None), None)
    if native_id is None:
        raise Unusable("no AlertId")

    def said(member: str) -> Any:
        return next((row[member] for _, row in rows if row.get(member) not in (None, "")), None)

    product = product_of(said("ServiceSource"), native_id)
    times = sorted(at for _, row in rows if (at := time(row.get("Timestamp"))) is not None)  # texts in the order of time
    notes: tuple[str, ...] = ()
    if not times:
        times = [moment(raw.received / 1e7) or ""]
        notes = ("no time of its own: the time of receipt is used",)
    created = times[0]
    names = _list(said("Categories")) or [said("Category")]
    severity = text(said("Severity"))
    alert: Record = {
        "providerAlertId": native_id,
        "severity": word(severity, SEVERITIES),
        "serviceSource": product if product in PREFIXES else "unknown",
        "detectionSource": word(said("DetectionSource"), DETECTION_SOURCES),
        "productName": NAMES.get(product) or text(said("ServiceSource")) or "unknown",
        "createdDateTime": created,
        "firstActivityDateTime": created,
        "lastActivityDateTime": times[-1],
        "mitreTechniques": techniques(_list(said("AttackTechniques"))),
        "evidence": [
            item for table, row in rows if table == EVIDENCE and (item := _item(row, time(row.get("Timestamp")) or created))
        ],
    }
    if (title := text(said("Title"))) is not None:  # older rows of evidence do not repeat it
        alert["title"] = title
    if (category := text(names[0])) is not None:
        alert["category"] = category
    if (family := text(said("ThreatFamily"))) is not None:
        alert["threatFamilyName"] = family
    return AlertDraft(product, native_id, alert, PREFIXES.get(product, ()), adds=True, notes=notes)


def _list(value: Any) -> list[Any]:
    """A list, also where it is JSON inside a text."""
    found = _inside(value)
    return found if isinstance(found, list) else []


def _inside(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _named(row: Record, columns: dict[str, str]) -> Record | None:
    return present(**{member: text(row.get(column)) for member, column in columns.items()})


def _item(row: Record, at: str | None) -> Record | None:
    """The evidence of a row; None for one that names nothing that is known."""
    more = _inside(row.get("AdditionalFields"))
    more = more if isinstance(more, dict) else {}
    item = _known((text(row.get("EntityType")) or "").casefold(), row, more, at)
    if item is None:
        return None
    role = (text(row.get("EvidenceRole")) or "").casefold()
    roles = [*ROLES.get(role, ()), *filter(None, [DIRECTIONS.get((text(row.get("EvidenceDirection")) or "").casefold())])]
    if roles:
        item["roles"] = roles
    return item


def _known(kind: str, row: Record, more: Record, at: str | None) -> Record | None:
    account, machine = _named(row, ACCOUNT), text(row.get("DeviceId"))
    match kind:
        case "machine" | "host":
            name = text(row.get("DeviceName"))
            host, domain = text(more.get("HostName")), text(more.get("DnsDomain"))
            if not (machine or name or host):
                return None
            return evidence("device", at, mdeDeviceId=machine, deviceDnsName=name, hostName=host, dnsDomain=domain)
        case "user" | "account":
            return evidence("user", at, userAccount=account) if account else None
        case "ip":
            address = text(row.get("RemoteIP")) or text(row.get("LocalIP"))
            return evidence("ip", at, ipAddress=address) if address else None
        case "url":
            url = text(row.get("RemoteUrl"))
            return evidence("url", at, url=url) if url else None
        case "file":
            details = _named(row, FILE)
            if details is None:
                return None
            return evidence("file", at, fileDetails=details | _size(row), mdeDeviceId=machine)
        case "process":
            line = text(row.get("ProcessCommandLine"))
            image = _named(row, FILE)
            number, began = integer(more.get("ProcessId")), text(more.get("CreationTimeUtc"))
            if not (line or image):
                return None
            return evidence(
                "process", at, processId=number, processCommandLine=line, processCreationDateTime=began, imageFile=image,
                userAccount=account, mdeDeviceId=machine,
            )  # fmt: skip
        case "mailbox":
            address = text(more.get("MailboxPrimaryAddress")) or (account or {}).get("userPrincipalName")
            return evidence("mailbox", at, primaryAddress=address, userAccount=account) if address or account else None
        case "mailmessage":
            message = _named(row, {"networkMessageId": "NetworkMessageId", "subject": "EmailSubject"})
            return evidence("analyzedMessage", at, **message) if message else None
        case "registrykey" | "registryvalue" | "registry":
            key = text(row.get("RegistryKey"))
            if key is None:
                return None
            value = _named(row, {"registryValueName": "RegistryValueName", "registryValue": "RegistryValueData"})
            if value is None:
                return evidence("registryKey", at, registryKey=key)
            return evidence("registryValue", at, registryKey=key, **value, mdeDeviceId=machine)
        case "cloudapplication" | "cloud application" | "oauthapplication":
            app, app_id = text(row.get("Application")), integer(row.get("ApplicationId"))
            return evidence("cloudApplication", at, displayName=app, appId=app_id) if app or app_id else None
    return None


def _size(row: Record) -> Record:
    size = integer(row.get("FileSize"))
    return {} if size is None else {"fileSize": size}
