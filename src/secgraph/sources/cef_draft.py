"""The alert in an event of the common kind, as CEF and LEEF lines carry it, whatever the product."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import NamedTuple

from secgraph.errors import UsageError
from secgraph.extend import (
    AlertDraft,
    NotAnAlert,
    Option,
    Options,
    Raw,
    Record,
    Unusable,
    evidence,
    moment,
    tactic,
    techniques,
)
from secgraph.sources.cef_evidence import evidence_of
from secgraph.sources.cef_grammar import NO_ZONE, OFFSET, Event, Time, labelled, read_time

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

NOT_LETTERS = re.compile(r"[^A-Za-z]+")
PORTAL_LABELS = frozenset({"url", "link", "portalurl", "alerturl", "alertlink", "incidenturl"})
SHOWN = ("act", "cat", "outcome", "reason", "app", "cnt", "dvchost", "dvc", "externalId", "destinationServiceName")
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


class Reading(NamedTuple):
    """What a source of lines was told."""

    zone: str = "Z"
    """The offset of a time that has none."""
    zero: str = "informational"
    """What a severity of 0 is."""
    unique: frozenset[str] = frozenset()
    """Vendors whose externalId names one event."""


OPTIONS = (
    Option("zone", "the offset of times that are written without one, such as +01:00", "Z"),
    Option("zero", "what a severity of 0 is: informational or low", "informational"),
    Option("unique", "vendors, parted by commas, whose externalId names one event; of others the whole line does", ""),
)


def reading(options: Options) -> Reading:
    """What these options say; UsageError for one that says nothing."""
    zone, zero = options["zone"].strip(), options["zero"].strip().casefold()
    if not OFFSET.fullmatch(zone):
        raise UsageError(f"The option zone is '{zone[:40]}': give Z or an offset such as +01:00.")
    if zero not in {"informational", "low"}:
        raise UsageError(f"The option zero is '{zero[:40]}': say informational or low.")
    vendors = frozenset(word.strip().casefold() for word in options["unique"].split(",") if word.strip())
    return Reading(zone.upper(), zero, vendors)


def severity_of(word: str, told: Reading) -> str:
    """The severity of a head, by number or by word."""
    return told.zero if word == "0" else SEVERITIES.get(word.casefold(), "unknown")


def drafted(event: Event, raw: Raw, line: str, told: Reading) -> AlertDraft:
    """The alert of one line; NotAnAlert where its product writes other lines too and this is one of them."""
    vendor, product = event.vendor.casefold(), event.product.casefold()
    refuse = REFUSALS.get((vendor, product)) or REFUSALS.get((vendor, ""))
    if refuse is not None and (reason := refuse(event)) is not None:
        raise NotAnAlert(f"{reason}: not an alert")
    return _generic(event, raw, line, told)


def _generic(event: Event, raw: Raw, line: str, told: Reading) -> AlertDraft:
    fields, labels = event.fields, labelled(event.fields)
    vendor = event.vendor.casefold()
    title = next((fields[key] for key in TITLES.get(vendor, ()) if key in fields), event.name)
    if not title or (title.upper() == "THREAT" and not event.signature.isdigit()):
        title = event.signature or title
    if not title:
        raise Unusable("no name and no signature id")
    start = _time(fields, ("start",), raw, told)
    # Many senders repeat one time under every key.
    end = start if fields.get("end") == fields.get("start") else _time(fields, ("end",), raw, told)
    when = _time(fields, CREATION, raw, told) or read_time(event.before[:512], raw.received, told.zone) or end or start
    created, notes = created_at(when, raw, told)
    first = start.wire() if start is not None else created
    own = fields.get("externalId") if vendor in told.unique else None
    native_id = own or sha256(line.strip().encode("utf-8", "surrogatepass")).hexdigest()
    alert: Record = {
        "providerAlertId": native_id,
        "title": title,
        "severity": severity_of(event.severity, told),
        "status": "new",
        "serviceSource": "unknown",
        "detectionSource": "unknown",
        "productName": event.product or event.vendor or "unknown",
        "createdDateTime": created,
        "firstActivityDateTime": first,
        "lastActivityDateTime": end.wire() if end is not None else first,
        "evidence": evidence_of(fields, labels, created),
    }
    if event.signature:
        alert["detectorId"] = event.signature
    description = fields.get("msg") or fields.get("reason")
    if description is not None:
        alert["description"] = description
    if "cat" in fields and (category := tactic(fields["cat"])) is not None:
        alert["category"] = category
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


def _time(fields: dict[str, str], keys: Iterable[str], raw: Raw, told: Reading) -> Time | None:
    """The first of these fields that holds a time."""
    for key in keys:
        if key in fields and (found := read_time(fields[key], raw.received, told.zone)) is not None:
            return found
    return None


def created_at(when: Time | None, raw: Raw, told: Reading) -> tuple[str | None, tuple[str, ...]]:
    """The time in wire form, and what a reader of the report should know of it."""
    if when is None:
        return moment(raw.received / 1e7), ("no time of its own: the time of receipt is used",)
    return when.wire(), ((NO_ZONE,) if when.guessed and told.zone == "Z" else ())


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
