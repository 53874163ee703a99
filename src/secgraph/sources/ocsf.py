"""Findings in the Open Cybersecurity Schema (OCSF), of any product that writes it, Prowler among them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from secgraph.extend import (
    AlertDraft,
    Framing,
    NotAnAlert,
    Option,
    Options,
    Raw,
    Record,
    Unusable,
    instant_of,
    integer,
    moment,
    names,
    objects,
    part,
    shown,
    tactic,
    techniques,
    text,
)
from secgraph.sources.ocsf_evidence import evidence_of

SECURITY, VULNERABILITY, COMPLIANCE, DETECTION, INCIDENT, DATA_SECURITY, APPLICATION = 2001, 2002, 2003, 2004, 2005, 2006, 2007
CLASSES = {
    str(SECURITY): "Security Finding",
    str(VULNERABILITY): "Vulnerability Finding",
    str(COMPLIANCE): "Compliance Finding",
    str(DETECTION): "Detection Finding",
    str(INCIDENT): "Incident Finding",
    str(DATA_SECURITY): "Data Security Finding",
    str(APPLICATION): "Application Security Posture Finding",
}
ALERTS = "2001,2004,2005,2006"
"""What is an alert where nobody says otherwise: weaknesses and checks of a configuration are none."""

SEVERITIES = ("unknown", "informational", "low", "medium", "high", "high", "high")
STATUSES = {1: "new", 2: "inProgress", 3: "resolved", 4: "resolved", 5: "resolved", 6: "resolved"}
INCIDENT_STATUSES = {1: "new", 2: "inProgress", 3: "inProgress", 4: "resolved", 5: "resolved"}
"""An incident has On Hold where a finding has Suppressed."""

WORDS = {
    "new": "new", "in progress": "inProgress", "suppressed": "resolved", "resolved": "resolved", "archived": "resolved",
    "deleted": "resolved", "closed": "resolved", "on hold": "inProgress",
}  # fmt: skip
VERDICTS: dict[int, tuple[str, str]] = {
    1: ("falsePositive", "unknown"),
    2: ("truePositive", "unknown"),
    5: ("informationalExpectedActivity", "unknown"),
    6: ("informationalExpectedActivity", "securityTesting"),
    7: ("unknown", "notEnoughDataToValidate"),
    8: ("truePositive", "unknown"),
}
CLOSED = 3
FAILED = "FAIL"
REDACTED = re.compile(r"<[^<>]{0,80}>|\*{3,}|x{6,}", re.IGNORECASE)
"""How a published report hides an id: such a text names nothing."""

BEYOND_HIGH = (5, 6)
PREFIXES = {
    "amazon/guardduty": ("gd",),
    "crowdstrike/falcon": ("cs",),
    "falcosecurity/falco": ("fl",),
    "oisf/suricata": ("su",),
    "wazuh/wazuh": ("wz",),
}
"""The marks of products that are read natively too: their alert has one id, by whichever road it comes."""


class Ocsf:
    """Reads findings: one object, an array or a line each."""

    name = "ocsf"
    framing: Framing = "json"
    options = (Option("classes", f"the classes of findings that are alerts, of {', '.join(CLASSES)}", ALERTS),)

    def __init__(self, classes: frozenset[str] = frozenset(ALERTS.split(","))) -> None:
        self._classes = frozenset(map(int, classes))

    def told(self, options: Options) -> Ocsf:
        """The same that takes other classes for alerts."""
        return Ocsf(names("classes", options["classes"], CLASSES))

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        """The alert of one finding."""
        record = raw.value
        if not isinstance(record, dict):
            raise Unusable("not a JSON object")
        get = record.get
        kind = integer(get("class_uid"))
        if kind is None:
            raise Unusable("no class_uid: not an event in the Open Cybersecurity Schema")
        if kind not in self._classes:
            known = CLASSES.get(str(kind)) or text(get("class_name")) or "another class"
            raise NotAnAlert(f"class {kind} is {known[:60]}: not an alert")
        info = _info(record, kind)
        metadata = part(get("metadata"))
        product = part(metadata.get("product"))
        name, vendor = text(product.get("name")) or "unknown", text(product.get("vendor_name")) or "unknown"
        if name == "Prowler":
            _refuse_passed(record)
        title = text(info.get("title")) or text(get("message")) or text(get("type_name"))
        if title is None:
            raise Unusable("no title and no message")
        native_id = _native_id(record, info, metadata)
        created = _time(info, "created_time") or _time(record, "time")
        updated = _ticks(info, "modified_time") or _ticks(record, "time")
        notes: tuple[str, ...] = ()
        if created is None:
            created = moment(raw.received / 1e7)
            notes = ("no time of its own: the time of receipt is used",)
        classification, determination = VERDICTS.get(integer(get("verdict_id")) or 0, ("unknown", "unknown"))
        first = _time(info, "first_seen_time") or _time(record, "start_time") or created
        attacks = [*objects(info.get("attacks")), *objects(get("attacks"))]
        alert: Record = {
            "providerAlertId": native_id,
            "title": title,
            "severity": _severity(get("severity_id")),
            "status": _status(record, kind),
            "classification": classification,
            "determination": determination,
            "serviceSource": "unknown",
            "detectionSource": "unknown",
            "productName": name,
            "createdDateTime": created,
            "firstActivityDateTime": first,
            "lastActivityDateTime": _time(info, "last_seen_time") or _time(record, "end_time") or first,
            "mitreTechniques": _techniques(attacks),
            "evidence": evidence_of(record, created),
            "additionalData": shown(_named(record, info, metadata, vendor)),
        }
        for member, value in _texts(record, info, metadata, attacks):
            if value is not None:
                alert[member] = value
        whose = f"{vendor}/{name}".lower()
        return [AlertDraft(whose, native_id, alert, PREFIXES.get(whose, ("oc",)), updated, notes=notes)]


def _info(record: Record, kind: int) -> Record:
    """What the finding says of itself, under the name it has in its class."""
    if kind == SECURITY and isinstance(found := record.get("finding"), dict):
        return found
    if isinstance(found := record.get("finding_info"), dict):
        return found
    return next(iter(objects(record.get("finding_info_list"))), {})


def _refuse_passed(record: Record) -> None:
    """Prowler calls every check New and says in status_code how it ended."""
    code = text(record.get("status_code"))
    if code is not None and code.upper() != FAILED:
        raise NotAnAlert(f"a check of Prowler that ended with {code[:20]}: not an alert")


def _native_id(record: Record, info: Record, metadata: Record) -> str:
    found = text(info.get("uid"))
    if found is None and "finding_info_list" in record:
        found = text(metadata.get("uid"))
    if found is not None and not REDACTED.search(found[:300]):
        return found
    # A check of one resource is the same finding at the next run.
    resource = next(iter(objects(record.get("resources"))), {})
    told = (
        text(metadata.get("event_code")) or text(info.get("title")),
        text(part(part(record.get("cloud")).get("account")).get("uid")),
        text(resource.get("region")),
        text(resource.get("uid")),
    )
    if found is None and told[0] is None:
        raise Unusable("no uid of the finding and nothing else that tells it from others")
    return sha256("\x1f".join(one or "" for one in told).encode("utf-8", "surrogatepass")).hexdigest()


def _severity(value: Any) -> str:
    number = integer(value)
    return SEVERITIES[number] if number is not None and 0 <= number < len(SEVERITIES) else "unknown"


def _status(record: Record, kind: int) -> str:
    if integer(record.get("activity_id")) == CLOSED:
        return "resolved"
    number = integer(record.get("status_id", record.get("state_id")))  # state_id in the class before these
    known = INCIDENT_STATUSES if kind == INCIDENT else STATUSES
    if number in known:
        return known[number]
    return WORDS.get((text(record.get("status")) or "new")[:40].casefold(), "new")


def _time(holder: Record, name: str) -> str | None:
    """A time in wire form: the number is of milliseconds, or by mistake of seconds, and `_dt` is a text."""
    value = holder.get(f"{name}_dt")
    return moment(value if isinstance(value, str) else holder.get(name))


def _ticks(holder: Record, name: str) -> int | None:
    value = holder.get(f"{name}_dt")
    return instant_of(value if isinstance(value, str) else holder.get(name))


def _techniques(attacks: list[Record]) -> list[str]:
    """Sub-techniques take the place of the technique they are one of."""
    found: dict[str, None] = {}
    for attack in attacks:
        inner = part(attack.get("sub_technique")).get("uid")
        for item in objects(attack.get("techniques")):  # as version 1.0 had it
            found.update(dict.fromkeys(techniques(item.get("uid"))))
        named = techniques(inner) or techniques(part(attack.get("technique")).get("uid"))
        found.update(dict.fromkeys(named))
    return list(found)


def _texts(record: Record, info: Record, metadata: Record, attacks: list[Record]) -> list[tuple[str, str | None]]:
    analytic = part(info.get("analytic"))
    web = text(info.get("src_url")) or text(record.get("src_url"))
    kinds = info.get("types")
    category = _tactic(attacks) or (text(kinds[0]) if isinstance(kinds, list) and kinds else None)
    return [
        ("description", text(record.get("status_detail")) or text(info.get("desc")) or text(record.get("desc"))),
        ("detectorId", text(analytic.get("uid")) or text(analytic.get("name")) or text(metadata.get("event_code"))),
        ("alertWebUrl", web if web is not None and web.startswith("http") else None),
        ("category", category),
        ("recommendedActions", text(part(record.get("remediation")).get("desc"))),
    ]


def _tactic(attacks: list[Record]) -> str | None:
    for attack in attacks:
        for item in (attack.get("tactic"), *objects(attack.get("tactics"))):
            if (word := tactic(part(item).get("name"))) is not None:
                return word
    return None


def _named(record: Record, info: Record, metadata: Record, vendor: str) -> list[tuple[str, Any]]:
    get, cloud = record.get, part(record.get("cloud"))
    return [
        ("vendor", vendor),
        ("nativeSeverity", get("severity") if integer(get("severity_id")) in BEYOND_HIGH else None),
        ("className", get("class_name")),
        ("cloudProvider", cloud.get("provider")),
        ("cloudAccount", part(cloud.get("account")).get("uid")),
        ("region", cloud.get("region")),
        ("statusCode", get("status_code")),
        ("eventCode", metadata.get("event_code")),
        ("action", get("action")),
        ("disposition", get("disposition")),
        ("confidence", get("confidence")),
        ("riskLevel", get("risk_level")),
        ("correlationUid", metadata.get("correlation_uid")),
        ("relatedUrl", part(get("unmapped")).get("related_url")),
        ("productUid", info.get("product_uid")),
    ]
