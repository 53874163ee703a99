"""Alerts of Defender for Office 365 and of data loss prevention, as audit records of the Management Activity API."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import msgspec

from secgraph.errors import UsageError
from secgraph.extend import (
    AlertDraft,
    Framing,
    NotAnAlert,
    Options,
    Place,
    Pulled,
    Raw,
    Reach,
    Record,
    Unusable,
    Web,
    instant_of,
    integer,
    moment,
    techniques,
    text,
)
from secgraph.sources import mdo_api
from secgraph.sources.defender import NAMES, PREFIXES, SEVERITIES, objects, time, word
from secgraph.sources.mdo_evidence import of_entities, of_record

OFFICE = "microsoftDefenderForOffice365"
CLOUD_APPS = "microsoftDefenderForCloudApps"
DLP = "dataLossPrevention"
DETECTION_SOURCES = {
    OFFICE: "microsoftDefenderForOffice365",
    CLOUD_APPS: "cloudAppSecurity",
    DLP: "microsoftDataLossPrevention",
}
ALERT, INVESTIGATION, CLOUD_ALERT = 40, 64, 98

STATUSES = {"active": "new", "investigating": "inProgress", "resolved": "resolved", "dismissed": "resolved"}
INVESTIGATIONS = {
    "starting": ("queued", "inProgress"),
    "running": ("running", "inProgress"),
    "pendingaction": ("pendingApproval", "inProgress"),
    "pendingapproval": ("pendingApproval", "inProgress"),
    "nothreatsfound": ("benign", "resolved"),
    "remediated": ("successfullyRemediated", "resolved"),
    "partiallyremediated": ("partiallyRemediated", "inProgress"),
    "threatsfound": ("partiallyInvestigated", "inProgress"),
    "partiallyinvestigated": ("partiallyInvestigated", "inProgress"),
    "terminatedbysystem": ("terminatedBySystem", "new"),
    "terminatedbyuser": ("terminatedByUser", "new"),
    "failed": ("failed", "new"),
}
"""What an investigation says of itself, to investigationState and status. One that was broken off has decided nothing."""

PHISHING = re.compile(r"phish|malware", re.IGNORECASE)
CLOUD_APPS_ID = re.compile(r"/alerts/([0-9a-f]{24})(?![0-9a-z])", re.IGNORECASE | re.ASCII)
URN = re.compile(r"\s*-?\s*urn:\S+$", re.IGNORECASE)

SHOWN = {
    "policyName": "dpn",
    "ruleName": "drn",
    "operation": "lon",
    "workload": "wl",
    "hits": "tdc",
    "application": "app",
    "action": "dact",
    "investigationUrl": "ail",
}
LONGEST_SHOWN = 120


class DefenderForOffice:
    """Reads audit records of alerts, and asks the Management Activity API for them. One alert comes in several records, in any
    order: each adds to it.
    """

    name = "mdo"
    framing: Framing = "json"
    options = mdo_api.OPTIONS
    every = 300.0

    def __init__(self, activity: mdo_api.Activity | None = None) -> None:
        self._activity = activity

    def told(self, options: Options) -> DefenderForOffice:
        """The feed of one organisation."""
        return DefenderForOffice(mdo_api.told(options))

    def reach(self) -> Reach:
        """The one host, and how often it may be asked."""
        return self._known().api.reach(mdo_api.CALLS, mdo_api.SECONDS)

    def pull(self, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
        """The records of alerts in content that is new."""
        return mdo_api.pull(self._known(), web, place, now)

    def _known(self) -> mdo_api.Activity:
        if self._activity is None:
            raise UsageError("This source was not told which tenant it is to ask: add it with its options first.")
        return self._activity

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        """What one audit record says of its alert."""
        record = raw.value
        if not isinstance(record, dict):
            raise Unusable("not a JSON object")
        kind = integer(record.get("RecordType"))
        if kind == INVESTIGATION:
            return [_investigation(record, raw)]
        if kind in (ALERT, CLOUD_ALERT):
            return [_alert(record, raw, cloud=kind == CLOUD_ALERT)]
        if kind is not None:
            raise NotAnAlert(f"record type {kind}: not an alert")
        if "AlertId" in record or "InvestigationId" in record:
            raise Unusable("no RecordType")
        raise NotAnAlert("no RecordType: not an audit record")


def _alert(record: Record, raw: Raw, *, cloud: bool) -> AlertDraft:
    alert_id = text(record.get("AlertId"))
    if alert_id is None:
        raise Unusable("no AlertId")
    notes: list[str] = []
    data = _data(record, notes)
    title = text(record.get("Name")) or text(data.get("an"))
    if title is None:
        raise Unusable("no Name")
    category = text(record.get("Category"))
    product = _product(record, category, cloud=cloud)
    links = (text(data.get("alk")), *[text(one.get("AlertLinkHref")) for one in objects(record.get("AlertLinks"))])
    link = next(filter(None, links), "")
    # Cloud Apps tells its own id at the end of its link: so these are the same alerts that its API gives.
    own = CLOUD_APPS_ID.search(link) if product == CLOUD_APPS else None
    if product == CLOUD_APPS and own is None and record.get("Operation") == "AlertEntityGenerated":
        raise NotAnAlert("an entity of a Cloud Apps alert, which it does not name by its own id: its other records do")
    native_id = own[1] if own is not None else alert_id
    created = _created(record, raw, notes)
    status = word(record.get("Status") or "Active", STATUSES)
    if category == "ThreatManagement" and PHISHING.search(title[:1000]):
        category = "InitialAccess"
    alert: Record = {
        "providerAlertId": native_id,
        "title": title,
        "description": text(data.get("ad")),
        "severity": word(record.get("Severity") or data.get("sev"), SEVERITIES),
        "status": status,
        "category": category,
        "serviceSource": product,
        "detectionSource": DETECTION_SOURCES[product],
        "detectorId": text(record.get("PolicyId")),
        "alertPolicyId": text(record.get("PolicyId")),
        "productName": NAMES[product],
        "alertWebUrl": link if link.startswith(("https://", "http://")) else None,
        "createdDateTime": created,
        "firstActivityDateTime": time(data.get("ts")),
        "lastActivityDateTime": time(data.get("te")),
        "resolvedDateTime": created if status == "resolved" else None,
        "mitreTechniques": techniques(text(data.get("ad"))),
        "evidence": of_record(record, data, created),
        "additionalData": _shown(data, alertId=alert_id if own is not None else None, alertType=text(record.get("AlertType"))),
    }
    return _draft(product, native_id, alert, record, notes)


def _product(record: Record, category: str | None, *, cloud: bool) -> str:
    source = (text(record.get("Source")) or "").casefold()
    if cloud or "cloud app" in source:
        return CLOUD_APPS
    return DLP if category == "DataLossPrevention" else OFFICE


def _investigation(record: Record, raw: Raw) -> AlertDraft:
    """An automated investigation: one record for each of its states."""
    native_id = text(record.get("InvestigationId"))
    if native_id is None:
        raise Unusable("no InvestigationId")
    notes: list[str] = []
    data = _data(record, notes)
    kind = text(record.get("InvestigationType"))
    title = URN.sub("", (text(record.get("InvestigationName")) or "")[:1000]).strip() or kind
    if title is None:
        raise Unusable("no InvestigationName")
    state = (text(record.get("Status")) or "").casefold().replace(" ", "")
    investigation, status = INVESTIGATIONS.get(state, ("unknown", "new"))
    created = _created(record, raw, notes)
    started = time(record.get("StartTimeUtc"))
    alert: Record = {
        "providerAlertId": native_id,
        "title": title,
        "severity": _native(data.get("Severity")),
        "status": status,
        "investigationState": investigation,
        "category": "InitialAccess" if PHISHING.search(title) else None,
        "serviceSource": OFFICE,
        "detectionSource": "automatedInvestigation",
        "detectorId": kind,
        "productName": NAMES[OFFICE],
        "alertWebUrl": text(record.get("DeepLinkUrl")),
        "createdDateTime": started or created,
        "firstActivityDateTime": started,
        "lastActivityDateTime": time(record.get("EndTimeUtc")),
        "resolvedDateTime": (time(record.get("EndTimeUtc")) or created) if status == "resolved" else None,
        "evidence": of_entities(data.get("Entities"), created),
        "additionalData": _shown({}, nativeStatus=text(record.get("Status"))),
    }
    return _draft(OFFICE, native_id, alert, record, notes)


def _native(value: Any) -> str:
    """A severity that may be any word: investigations print names of their own."""
    found = text(value)
    return "unknown" if found is None else SEVERITIES.get(found.casefold(), "unknown")


def _draft(product: str, native_id: str, alert: Record, record: Record, notes: list[str]) -> AlertDraft:
    created = record.get("CreationTime")
    return AlertDraft(
        product=product,
        native_id=native_id,
        alert={name: value for name, value in alert.items() if value is not None},
        prefixes=PREFIXES[product],
        updated=instant_of(created) if isinstance(created, str) else None,
        adds=True,
        notes=tuple(notes),
    )


def _created(record: Record, raw: Raw, notes: list[str]) -> str | None:
    """When the record was made; of all records of an alert the earliest counts, which is that of its trigger."""
    created = time(record.get("CreationTime"))
    if created is None:
        notes.append("no time of its own: the time of receipt is used")
        return moment(raw.received / 1e7)
    return created


def _data(record: Record, notes: list[str]) -> Record:
    """What stands in `Data`: JSON in a text, under short names that are documented nowhere."""
    found = record.get("Data")
    if isinstance(found, str) and found.strip():
        try:
            found = msgspec.json.decode(found)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            notes.append("its Data is no JSON: what stands there is left out")
    return found if isinstance(found, dict) else {}


def _shown(data: Mapping[str, Any], **named: str | None) -> Record | None:
    """The named native members worth showing."""
    found = {name: text(data[native]) for name, native in SHOWN.items() if native in data} | named
    return {name: value[:LONGEST_SHOWN] for name, value in found.items() if value} or None
