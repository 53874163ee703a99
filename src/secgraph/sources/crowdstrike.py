"""Detections of CrowdStrike Falcon: its event stream, the flat copies of the Falcon Data Replicator, and its alerts API."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from hashlib import sha256
from typing import Any

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
    Written,
    moment,
    part,
    pascal,
    shown,
    techniques,
    text,
)
from secgraph.sources import crowdstrike_api as api
from secgraph.sources.crowdstrike_evidence import disposition, evidence_of
from secgraph.sources.crowdstrike_words import NATIVE, STATUSES, first_of, ticks

PRODUCT = "crowdstrike/falcon"
OLD = "DetectionSummaryEvent"
"""The one kind of event whose severity runs from 1 to 5."""

NAMED = {"informational": "informational", "low": "low", "medium": "medium", "high": "high", "critical": "high"}
FIVE = ("unknown", "informational", "low", "medium", "high", "high")
NO_CONTENT = frozenset({"n/a", "none"})
OWN_INTELLIGENCE = "customintelligence"
OTHERS = {
    "IncidentSummaryEvent": "an incident, whose detections come by themselves",
    "UserActivityAuditEvent": "what a person did; the alerts API tells the state that it led to",
}
WEB_LINK = re.compile(r"https://[^\s]{1,1000}")


class CrowdStrike:
    """Reads detections in each of their three forms; with credentials it asks the alerts API, and carries changes back."""

    name = "crowdstrike"
    framing: Framing = "json"
    options = api.OPTIONS
    every = 60.0
    writes = api.WRITES

    def __init__(self, told: api.Access | None = None) -> None:
        self._told = told

    def told(self, options: Options) -> CrowdStrike:
        """The same for one customer's cloud; without credentials it only reads what is handed in."""
        return CrowdStrike(api.access(options))

    def reach(self) -> Reach:
        """The cloud of the customer, and nothing else."""
        return self._access().reach()

    def pull(self, web: Web, place: Place, now: int) -> AsyncIterator[Pulled]:
        """Every alert that changed since that place."""
        return api.pull(web, self._access(), place, now)

    async def write(self, web: Web, native_id: str, changes: Mapping[str, Any]) -> Written:
        """Sets status and assignment, and adds comments."""
        return await api.write(web, self._access(), native_id, changes)

    async def read(self, web: Web, native_id: str) -> Mapping[str, Any] | None:
        """What the alert says of those members now."""
        return await api.read(web, self._access(), native_id)

    def _access(self) -> api.Access:
        if self._told is None:
            raise UsageError("The source crowdstrike needs client_id, client_secret and url to ask the API.")
        return self._told

    def unwrap(self, value: Any) -> Iterable[Any] | None:
        """The alerts of an answer of the API."""
        if isinstance(value, dict) and isinstance(found := value.get("resources"), list) and "meta" in value:
            return found
        return None

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        """The alert of one record."""
        record = raw.value
        if not isinstance(record, dict):
            raise Unusable("not a JSON object")
        if "composite_id" in record and "ExternalApiType" not in record:
            return [_draft(_from_api(record), "alert", raw, updated=record.get("updated_timestamp"))]
        head, event = part(record.get("metadata")), record.get("event")
        kind = text(head.get("eventType")) or text(record.get("ExternalApiType")) or text(record.get("fdr_event_type"))
        if isinstance(event, dict):
            kind = kind if head else text(event.get("ExternalApiType")) or kind
        else:
            event = record
        if kind is None:
            raise Unusable("neither metadata.eventType, ExternalApiType nor composite_id: not a record of CrowdStrike")
        kind = kind.removeprefix("Event_")
        if not kind.endswith(OLD):
            raise NotAnAlert(f"{kind[:60]} is {OTHERS.get(kind, 'no detection')}: not an alert")
        return [_draft(event, kind, raw, head=head, updated=head.get("eventCreationTime"))]


def _from_api(record: Record) -> Record:
    """The alert of the API under the names of the event stream; what it has more is kept beside."""
    event: Record = {NATIVE[name]: value for name, value in record.items() if name in NATIVE and value is not None}
    device = part(record.get("device"))
    event.setdefault("Hostname", device.get("hostname"))
    event.setdefault("LocalIP", device.get("local_ip"))
    event["MachineDomain"] = device.get("machine_domain")
    event["ExternalIP"] = device.get("external_ip")
    event["Platform"] = device.get("platform_name")
    event["OsVersion"] = device.get("os_version")
    parent = part(record.get("parent_details"))
    event["ParentImageFilePath"] = parent.get("filepath", parent.get("filename"))
    return event


def _draft(event: Record, kind: str, raw: Raw, *, updated: Any, head: Record | None = None) -> AlertDraft:
    get = event.get
    head = head or {}
    title = _said(get("DetectName")) or _said(get("DisplayName")) or _said(get("Name"))
    if title is None:
        raise Unusable("no name of the detection")
    notes: list[str] = []
    native_id = text(get("CompositeId")) or text(get("DetectId"))
    if native_id is None:
        native_id = _stream_id(head, get("FalconHostLink"))
        notes.append("no id of its own: its place in the stream is used")
    created = first_of(
        head.get("eventCreationTime"), get("CreatedAt"), get("UTCTimestamp"), get("timestamp"), get("ContextTimeStamp")
    )
    if created is None:
        created = moment(raw.received / 1e7)
        notes.append("no time of its own: the time of receipt is used")
    first = first_of(get("ProcessStartTime"), get("StartTime"), get("ContextTimeStamp")) or created
    last = first_of(get("ProcessEndTime"), get("EndTime"), get("MostRecentActivityTimeStamp"))
    tactic, technique = _said(get("Tactic")), _said(get("Technique"))
    category = pascal(tactic)
    word = (text(get("Status")) or "new").casefold().replace(" ", "_")
    resolution = (text(get("Resolution")) or "").casefold().replace(" ", "_")
    status, classification = STATUSES.get(word, ("new", "unknown"))
    if resolution in STATUSES:
        classification = STATUSES[resolution][1]
    custom = category is not None and category.casefold() == OWN_INTELLIGENCE
    stopped = disposition(event)
    alert: Record = {
        "providerAlertId": native_id,
        "title": title,
        "severity": _severity(event, kind),
        "status": status,
        "classification": classification,
        "serviceSource": "unknown",
        "detectionSource": "customTi" if custom else "unknown",
        "productName": "CrowdStrike Falcon",
        "createdDateTime": created,
        "firstActivityDateTime": first,
        "lastActivityDateTime": max(first, last) if first and last else first,
        "mitreTechniques": techniques(technique, get("TechniqueId"), *_attacks(get("MitreAttack"))),
        "evidence": evidence_of(event, stopped, created),
        "additionalData": shown(_named(event, kind, technique)),
    }
    description = _said(get("DetectDescription")) or _said(get("Description"))
    link, pattern, owner = text(get("FalconHostLink")), text(get("PatternId")), text(get("AssignedTo"))
    for member, value in (("description", description), ("detectorId", pattern), ("category", category), ("assignedTo", owner)):
        if value is not None:
            alert[member] = value
    if link is not None and WEB_LINK.fullmatch(link):
        alert["alertWebUrl"] = link
    if "Comments" in event and (comments := api.comments_of(event["Comments"], created)):
        alert["comments"] = comments
    return AlertDraft(PRODUCT, native_id, alert, ("cs",), ticks(updated) or ticks(created), notes=tuple(notes))


def _said(value: Any) -> str | None:
    found = text(value)
    return None if found is None or found.casefold() in NO_CONTENT else found


def _stream_id(head: Record, link: Any) -> str:
    """The older stream may leave its DetectId out; an offset is given once in the stream of a customer."""
    customer, offset = text(head.get("customerIDString")), text(head.get("offset"))
    if customer is not None and offset is not None:
        return f"{customer}:{offset}"
    if (address := text(link)) is not None:
        return sha256(address.encode("utf-8", "surrogatepass")).hexdigest()
    raise Unusable("no CompositeId, no DetectId and no place in a stream: nothing identifies it")


def _severity(event: Record, kind: str) -> str:
    number, word = event.get("Severity"), text(event.get("SeverityName"))
    if kind != OLD and word is not None and word.casefold() in NAMED:
        return NAMED[word.casefold()]
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) < 4:
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 100:
        return NAMED.get((word or "").casefold(), "unknown")
    if kind == OLD:
        return FIVE[int(number)] if number < len(FIVE) else "unknown"
    return "informational" if number < 20 else "low" if number < 40 else "medium" if number < 60 else "high"


def _attacks(value: Any) -> list[Any]:
    """The ids in `[{"TacticID": ..., "TechniqueID": ...}]`."""
    items = value[:20] if isinstance(value, list) else []
    return [item.get("TechniqueID", item.get("technique_id")) for item in items if isinstance(item, dict)]


def _named(event: Record, kind: str, technique: str | None) -> list[tuple[str, Any]]:
    get = event.get
    critical = (text(get("SeverityName")) or "").casefold() == "critical"
    return [
        ("vendor", "CrowdStrike"),
        ("nativeSeverity", get("SeverityName") if critical else None),
        ("eventType", kind),
        ("technique", technique),
        ("objective", get("Objective")),
        ("disposition", get("PatternDispositionDescription")),
        ("agentId", get("AgentId", get("SensorId", get("AgentIdString")))),
        ("aggregateId", get("AggregateId")),
        ("iocType", get("IOCType")),
        ("iocValue", get("IOCValue")),
        ("sourceProducts", get("SourceProducts")),
    ]
