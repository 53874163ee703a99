"""Findings of Amazon GuardDuty: its export to S3, the answer of GetFindings, EventBridge and SNS, and Security Hub's form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from secgraph.extend import (
    AlertDraft,
    Framing,
    NotAnAlert,
    Raw,
    Record,
    Unusable,
    instant_of,
    moment,
    part,
    shown,
    techniques,
    text,
)
from secgraph.sources.asff import finding_of, is_asff
from secgraph.sources.guardduty_evidence import evidence_of

PRODUCT = "amazon/guardduty"
"""What Security Hub calls it in OCSF too, so that a finding is one alert by whichever road it came."""

MOST_TEXT = 1_000_000
"""Characters of a message inside an envelope that are read."""

DEEPEST = 12
"""Levels of an answer of the API that are read; what is shown of one lies within eight."""
SEQUENCE = "AttackSequence:"
SHOWN = ("accountId", "region", "type")
SERVICE_SHOWN = ("count", "resourceRole", "featureName")


class GuardDuty:
    """Reads findings in whatever envelope they come."""

    name = "guardduty"
    framing: Framing = "json"

    def unwrap(self, value: Any) -> Iterable[Any] | None:
        """The findings of an answer of the API."""
        if isinstance(value, dict):
            for name in ("Findings", "findings"):
                if isinstance(found := value.get(name), list):
                    return found
        return None

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        """The alert of one finding; several of an event that carries several."""
        if not isinstance(raw.value, dict):
            raise Unusable("not a JSON object")
        drafts: list[AlertDraft] = []
        refused: list[NotAnAlert | Unusable] = []
        for finding in _findings(raw.value):
            try:
                drafts.append(_draft(finding, raw))
            except (NotAnAlert, Unusable) as reason:
                refused.append(reason)
        if not drafts:
            raise refused[0] if refused else NotAnAlert("an envelope without findings: not an alert")
        if refused:
            note = f"{len(refused)} of {len(drafts) + len(refused)} findings cannot be used: {refused[0]}"
            drafts[0] = replace(drafts[0], notes=(*drafts[0].notes, note))
        return drafts


def _findings(record: Record) -> Iterator[Any]:
    """What is in the envelope; the record itself where it is in none."""
    for _ in range(3):  # SNS around EventBridge around Security Hub
        if isinstance(record.get("Message"), str) and record.get("Type") == "Notification":
            record = _decoded(record["Message"])
        elif isinstance(record.get("detail"), dict) and ("detail-type" in record or "source" in record):
            kind = text(record.get("detail-type")) or ""
            if "finding" not in kind.casefold() and kind:
                raise NotAnAlert(f"an event '{kind[:80]}': not an alert")
            record = record["detail"]
        else:
            break
    several = record.get("findings", record.get("Findings"))
    if isinstance(several, list):
        yield from several
    else:
        yield record


def _decoded(message: str) -> Record:
    try:
        value = json.loads(message) if len(message) <= MOST_TEXT else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise NotAnAlert("a notification whose message is no JSON object: not an alert")
    return value


def _draft(finding: Any, raw: Raw) -> AlertDraft:
    if not isinstance(finding, dict):
        raise Unusable("a finding is not a JSON object")
    if is_asff(finding):
        finding = finding_of(finding)
    elif "Id" in finding or "Arn" in finding:
        finding = _camel(finding, DEEPEST)
    get = finding.get
    service, kind = part(get("service")), text(get("type"))
    native_id = text(get("arn")) or text(get("id"))
    if native_id is None or (kind is None and not service):
        raise Unusable("no Arn, no Id or no type: not a finding of GuardDuty")
    title = text(get("title")) or kind
    if title is None:
        raise Unusable("no title and no type")
    first = _time(service.get("eventFirstSeen"))
    last = _time(service.get("eventLastSeen"))
    created, updated = _time(get("createdAt")) or first, _time(get("updatedAt"))
    notes: tuple[str, ...] = ()
    if created is None:
        created = moment(raw.received / 1e7)
        notes = ("no time of its own: the time of receipt is used",)
    number = get("severity")
    alert: Record = {
        "providerAlertId": native_id,
        "title": title,
        "severity": severity_of(number),
        "status": "resolved" if service.get("archived") in (True, "true") else "new",
        "serviceSource": "unknown",
        "detectionSource": "unknown",
        "productName": "Amazon GuardDuty",
        "createdDateTime": created,
        "firstActivityDateTime": first or created,
        "lastActivityDateTime": last or first or created,
        "evidence": evidence_of(finding, created),
        "additionalData": shown(_named(finding, service)),
    }
    if kind is not None:
        alert["detectorId"] = kind
        alert["category"] = kind.partition(":")[0]
    if (description := text(get("description"))) is not None:
        alert["description"] = description
        if kind is not None and kind.startswith(SEQUENCE):
            alert["mitreTechniques"] = techniques(description)  # which no other finding names
    return AlertDraft(PRODUCT, native_id, alert, ("gd",), instant_of(updated or created), notes=notes)


def severity_of(number: Any) -> str:
    """The bands of GuardDuty, which has no 0: low from 1, medium from 4, high from 7."""
    if isinstance(number, str) and len(number) < 20:
        try:
            number = float(number)
        except ValueError:
            return "unknown"
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number <= 10:
        return "unknown"
    return "low" if number < 4 else "medium" if number < 7 else "high"


def _named(finding: Record, service: Record) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("vendor", "Amazon")]
    number = finding.get("severity")
    if isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number <= 10:
        found.append(("nativeSeverity", f"{number:g}"))
    found += [(name, finding[name]) for name in SHOWN if name in finding]
    found += [(name, service[name]) for name in SERVICE_SHOWN if name in service]
    action = part(service.get("action"))
    found.append(("actionType", action.get("actionType")))
    if "awsApiCallAction" in action:
        found.append(("api", part(action["awsApiCallAction"]).get("api")))
    if "additionalInfo" in service:
        found.append(("threatName", part(service["additionalInfo"]).get("threatName")))
    return found


def _time(value: Any) -> str | None:
    return moment(value) if isinstance(value, str) else None


def _camel(value: Any, deep: int) -> Any:
    """The same with names that begin in lower case, which is how the export spells what the API gives."""
    if deep == 0:
        return None
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _camel(item, deep - 1) for name, item in value.items()}
    return [_camel(item, deep - 1) for item in value] if isinstance(value, list) else value
