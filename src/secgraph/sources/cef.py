"""Alerts as CEF lines, from any product that writes them and from Defender for Identity."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from hashlib import sha256

from secgraph.extend import (
    AlertDraft,
    Framing,
    NotAnAlert,
    Raw,
    Record,
    Unusable,
    evidence,
    moment,
    techniques,
)
from secgraph.sources import mdi
from secgraph.sources.cef_grammar import NO_ZONE, Event, Time, labelled, read_time, take_apart

BANDS = ("informational", "low", "low", "low", "medium", "medium", "medium", "high", "high", "high", "high")
SEVERITIES = {str(number): severity for number, severity in enumerate(BANDS)} | {
    "unknown": "unknown",
    "debug": "informational",
    "info": "informational",
    "informational": "informational",
    "notice": "informational",
    "low": "low",
    "minor": "low",
    "medium": "medium",
    "moderate": "medium",
    "warn": "medium",
    "warning": "medium",
    "high": "high",
    "major": "high",
    "error": "high",
    "very-high": "high",
    "very high": "high",
    "critical": "high",
    "fatal": "high",
    "alert": "high",
    "emergency": "high",
}
BEYOND_HIGH = frozenset({"9", "10", "very-high", "very high", "critical", "fatal", "alert", "emergency"})

REMEDIATIONS = {
    word: status
    for status, words in {
        "blocked": "block blocked deny denied drop dropped reject rejected reset reset-both reset-client reset-server",
        "prevented": "prevent prevented",
        "remediated": "quarantine quarantined clean cleaned delete deleted remove removed disinfected",
    }.items()
    for word in words.split()
}
"""What `act` says was done, as remediation status of the evidence."""

TACTICS = {
    tactic.casefold(): tactic
    for tactic in (
        "Reconnaissance", "ResourceDevelopment", "InitialAccess", "Execution", "Persistence", "PrivilegeEscalation",
        "DefenseEvasion", "CredentialAccess", "Discovery", "LateralMovement", "Collection", "CommandAndControl",
        "Exfiltration", "Impact",
    )
}  # fmt: skip
NOT_LETTERS = re.compile(r"[^A-Za-z]+")
ADDRESS = re.compile(r"[\d.]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?:%\w+)?", re.ASCII)
EMPTY = frozenset({"-", "n/a", "na", "none", "null", "(null)", "unknown"})
PROTOCOLS = {"tcp": "tcp", "6": "tcp", "udp": "udp", "17": "udp"}
HASHES = {32: "md5", 40: "sha1", 64: "sha256"}
PORTAL_LABELS = frozenset({"url", "link", "portalurl", "alerturl", "alertlink", "incidenturl"})
SHOWN = ("act", "cat", "outcome", "reason", "app", "cnt", "dvchost", "dvc", "externalId", "destinationServiceName")
MOST_DIGITS = 18
"""So long a number fits into 64 bits."""
ROOM = 1000
"""Most characters of native members shown, so that the limit of 2 KiB is not reached with ordinary text."""


# --- products that also write lines which are no alerts ---------------------------------------------------------------


def _unifi(event: Event) -> str | None:
    category = event.fields.get("UNIFIcategory")
    return None if category == "Security" else f"UNIFIcategory is {_quoted(category)}"


def _pan_os(event: Event) -> str | None:
    kinds = {event.signature.upper(), event.name.upper(), event.fields.get("cat", "").upper()}
    return None if kinds & {"THREAT", "WILDFIRE", "CORRELATION"} else f"the log type is {_quoted(event.name)}"


def _fortinet(event: Event) -> str | None:
    kinds = {text.partition(":")[0].casefold() for text in (event.name, event.fields.get("cat", ""))}
    kinds.add(event.fields.get("FTNTFGTsubtype", "").casefold())
    return None if kinds & {"utm", "ips", "virus", "anomaly"} else f"the log type is {_quoted(event.name)}"


def _cloud_apps(event: Event) -> str | None:
    return None if event.signature.startswith("ALERT_") else f"{event.signature[:60]} is an activity"


REFUSALS: dict[tuple[str, str], Callable[[Event], str | None]] = {
    ("ubiquiti", ""): _unifi,
    ("palo alto networks", ""): _pan_os,
    ("fortinet", ""): _fortinet,
    ("mcas", "siem_agent"): _cloud_apps,
}
"""By vendor and product (empty: all of them), what says why a line is no alert. Every line of other vendors is one."""

TITLES = {"fortinet": ("FTNTFGTattack", "FTNTFGTvirus")}
"""Fields that name the finding where the head names only the log."""

EXTRA_SHOWN = {
    "ubiquiti": ("UNIFIsubCategory", "UNIFIrisk", "UNIFIipsSignature", "UNIFIipsSignatureId", "UNIFIdeviceName"),
    "fortinet": ("FTNTFGTattackid", "FTNTFGTsubtype", "FTNTFGTlevel"),
}

CLOUD_APPS = "microsoftDefenderForCloudApps"
CREATION = ("rt", "UNIFIutcTime")


def _quoted(text: str | None) -> str:
    return "missing" if text is None else f"'{text[:60]}'"


class CommonEventFormat:
    """Reads CEF lines with or without a syslog head."""

    name = "cef"
    framing: Framing = "lines"

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        """The alert of one line."""
        line = raw.value
        if not isinstance(line, str):
            raise Unusable("not a line of text")
        event = take_apart(line)
        if mdi.is_mine(event.vendor, event.product):
            return [_identity(event, raw)]
        vendor, product = event.vendor.casefold(), event.product.casefold()
        refuse = REFUSALS.get((vendor, product)) or REFUSALS.get((vendor, ""))
        if refuse is not None and (reason := refuse(event)) is not None:
            raise NotAnAlert(f"{reason}: not an alert")
        return [_generic(event, raw, line)]


def _generic(event: Event, raw: Raw, line: str) -> AlertDraft:
    fields, labels = event.fields, labelled(event.fields)
    vendor = event.vendor.casefold()
    title = next((fields[key] for key in TITLES.get(vendor, ()) if key in fields), event.name)
    if not title or (title.upper() == "THREAT" and not event.signature.isdigit()):
        title = event.signature or title
    if not title:
        raise Unusable("no name and no signature id")
    start = _time(fields, ("start",), raw.received)
    # Many senders repeat one time under every key.
    end = start if fields.get("end") == fields.get("start") else _time(fields, ("end",), raw.received)
    when = _time(fields, CREATION, raw.received) or read_time(event.before[:512], raw.received) or end or start
    created, notes = _created(when, raw)
    first = start.wire() if start is not None else created
    native_id = sha256(line.strip().encode("utf-8", "surrogatepass")).hexdigest()
    alert: Record = {
        "providerAlertId": native_id,
        "title": title,
        "severity": SEVERITIES.get(event.severity.casefold(), "unknown"),
        "status": "new",
        "serviceSource": "unknown",
        "detectionSource": "unknown",
        "productName": event.product or event.vendor or "unknown",
        "createdDateTime": created,
        "firstActivityDateTime": first,
        "lastActivityDateTime": end.wire() if end is not None else first,
        "evidence": _evidence(fields, labels, created),
    }
    if event.signature:
        alert["detectorId"] = event.signature
    description = fields.get("msg") or fields.get("reason")
    if description is not None:
        alert["description"] = description
    tactic = TACTICS.get(NOT_LETTERS.sub("", fields["cat"]).casefold()) if "cat" in fields else None
    if tactic is not None:
        alert["category"] = tactic
    named = [value for label, value in labels.items() if "mitre" in label.lower() or "technique" in label.lower()]
    if named:
        alert["mitreTechniques"] = techniques(named)
    portals = [value for label, value in labels.items() if NOT_LETTERS.sub("", label).lower() in PORTAL_LABELS]
    if portals and portals[0].startswith("http"):
        alert["alertWebUrl"] = portals[0]
        labels = {label: value for label, value in labels.items() if value != portals[0]}
    alert["additionalData"] = _shown(event, labels, EXTRA_SHOWN.get(vendor, ()))
    draft = AlertDraft(
        product=f"{event.vendor or 'unknown'}/{event.product or 'unknown'}".lower(),
        native_id=native_id,
        alert=alert,
        prefixes=("ce",),
        updated=None if when is None else when.instant,
        notes=notes,
    )
    return _as_cloud_apps(draft, fields, labels) if vendor == "mcas" else draft


def _as_cloud_apps(draft: AlertDraft, fields: dict[str, str], labels: dict[str, str]) -> AlertDraft:
    """The alert of the Cloud Apps SIEM agent under its own id, the same that the product's API gives."""
    native_id = fields.get("externalId")
    if native_id is None:
        raise Unusable("no externalId")
    names = {"serviceSource": CLOUD_APPS, "detectionSource": "cloudAppSecurity", "providerAlertId": native_id}
    alert = draft.alert | names | {"productName": "Microsoft Defender for Cloud Apps"}
    policy = labels.get("policyIDs", "").partition(",")[0].strip()
    if policy:
        alert |= {"detectorId": policy, "alertPolicyId": policy}
    if (app := fields.get("destinationServiceName")) is not None:
        alert["evidence"] = [*alert["evidence"], evidence("cloudApplication", alert["createdDateTime"], displayName=app)]
    return AlertDraft(CLOUD_APPS, native_id, alert, ("ca", "rm"), draft.updated, notes=draft.notes)


def _identity(event: Event, raw: Raw) -> AlertDraft:
    # Three times stand in such a line: the collector's, local and with the month first, the sensor's, and `start`.
    start = read_time(event.fields.get("start", ""), raw.received)
    when = read_time(event.before[:512], raw.received) or start
    # A head of the older kind has no zone: it may be off by hours, which `start` never is.
    told = start if when is not None and when.guessed and start is not None else when
    created, notes = _created(told, raw)
    labels = labelled(event.fields)
    return mdi.draft(
        kind=event.signature,
        title=event.name,
        severity=SEVERITIES.get(event.severity.casefold(), "unknown"),
        fields=event.fields,
        labels=labels,
        found=_evidence(event.fields, {}, created),
        created=created,
        sent=None if when is None else min(when.instant, raw.received) if when.guessed else when.instant,
        notes=notes,
    )


def _time(fields: dict[str, str], keys: Iterable[str], received: int) -> Time | None:
    """The first of these fields that holds a time."""
    for key in keys:
        if key in fields and (found := read_time(fields[key], received)) is not None:
            return found
    return None


def _created(when: Time | None, raw: Raw) -> tuple[str | None, tuple[str, ...]]:
    if when is None:
        return moment(raw.received / 1e7), ("no time of its own: the time of receipt is used",)
    return when.wire(), ((NO_ZONE,) if when.guessed else ())


def _shown(event: Event, labels: dict[str, str], extra: tuple[str, ...]) -> Record:
    """The named native members worth showing, as long as they have room."""
    named = [("vendor", event.vendor)]
    if event.severity.casefold() in BEYOND_HIGH:
        named.append(("nativeSeverity", event.severity))
    named += [(key, event.fields[key]) for key in (*SHOWN, *extra) if key in event.fields]
    shown: Record = {}
    room = ROOM
    for name, value in (*named, *labels.items()):
        size = len(name) + len(value)
        if value and name not in shown and size <= room:
            shown[name] = value
            room -= size
    return shown


# --- evidence -----------------------------------------------------------------------------------------------------


def _evidence(fields: dict[str, str], labels: dict[str, str], created: str | None) -> list[Record]:
    """What the known keys of the extension say about addresses, hosts, accounts, files and processes."""
    get = fields.get
    found: list[Record] = []
    ends: dict[str, str] = {}
    for role, key, word in (("source", "src", "source"), ("destination", "dst", "dest")):
        address = get(key) or next(
            (value for label, value in labels.items() if word in label.lower() and "ipv6" in label.lower()), None
        )
        if address is not None and address.casefold() not in EMPTY:
            ends[role] = address
            found.append(evidence("ip", created, ipAddress=address, roles=[role]))
    protocol = PROTOCOLS.get(get("proto", "").casefold())
    if protocol is not None and "source" in ends and "destination" in ends:
        found.append(
            evidence(
                "networkConnection",
                created,
                sourceAddress=evidence("ip", created, ipAddress=ends["source"]),
                sourcePort=_whole(get("spt")),
                destinationAddress=evidence("ip", created, ipAddress=ends["destination"]),
                destinationPort=_whole(get("dpt")),
                protocol=protocol,
            )
        )
    for role, mark in (("source", "s"), ("destination", "d")):
        host, user, process = get(f"{mark}host"), get(f"{mark}user"), get(f"{mark}proc")
        if host is not None and host.casefold() not in EMPTY and not ADDRESS.fullmatch(host):
            full = host if "." in host else None
            name = host.partition(".")[0]
            found.append(evidence("device", created, hostName=name, deviceDnsName=full, roles=[role]))
        if user is not None and user.casefold() not in EMPTY:
            account = _account(user, get(f"{mark}ntdom"))
            found.append(evidence("user", created, userAccount=account, roles=[role]))
        if process is not None and (image := _file(process, None)):
            number = _whole(get(f"{mark}pid"))
            found.append(evidence("process", created, processId=number, imageFile=image, roles=[role]))
    if (request := get("request")) is not None:
        found.append(evidence("url", created, url=request))
    status = REMEDIATIONS.get(get("act", "").casefold())
    details = _file(get("fname"), get("filePath"))
    digest = get("fileHash", "")
    if len(digest) in HASHES:
        details[HASHES[len(digest)]] = digest
    if details:
        if (size := _whole(get("fsize"))) is not None:
            details["fileSize"] = size
        seen = status if status in ("blocked", "prevented") else "detected"
        found.append(evidence("file", created, fileDetails=details, detectionStatus=seen))
    if status is not None:
        for item in found:
            if status != "remediated" or "fileDetails" in item:  # a quarantine is of the file, not of its user
                item["remediationStatus"] = status
    return found


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def _account(user: str, domain: str | None) -> Record:
    r"""The account behind `DOMAIN\name`, a principal name, a display name with blanks, or a plain account name."""
    left, bar, right = user.partition("\\")
    if bar and right:
        return {"domainName": left, "accountName": right}
    if " " in user:
        account = {"displayName": user}
    elif "@" in user:
        account = {"userPrincipalName": user}
    else:
        account = {"accountName": user}
    return account if domain is None else account | {"domainName": domain}


def _file(name: str | None, path: str | None) -> Record:
    """File name and folder. Either text may be the full path, with slashes of either kind."""
    folder, _, last = (name or path or "").replace("\\", "/").rpartition("/")
    full = name or path or ""
    details: Record = {"fileName": last} if last else {}
    if folder:
        details["filePath"] = full[: len(folder)]
    elif name is not None and path is not None:
        details["filePath"] = path.removesuffix(name).rstrip("\\/") or path
    return details
