"""Alerts of Falco: the JSON of its file, program and http outputs, and what Falcosidekick makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from secgraph.extend import (
    AlertDraft,
    Framing,
    NotAnAlert,
    Raw,
    Record,
    Unusable,
    instant_of,
    integer,
    moment,
    pascal,
    shown,
    techniques,
    text,
)
from secgraph.sources.falco_fields import evidence_of

SEVERITIES = {
    "emergency": "high", "alert": "high", "critical": "high", "error": "high", "warning": "medium", "notice": "low",
    "informational": "informational", "info": "informational", "debug": "informational",
}  # fmt: skip
BEYOND_HIGH = frozenset({"emergency", "alert", "critical"})
SHOWN = (
    "evt.type", "evt.res", "proc.aname[2]", "user.loginuid", "ka.verb", "ka.uri", "ka.response.code", "ct.name", "ct.error",
    "gcp.methodName", "gcp.userAgent",
)  # fmt: skip
ABSENT = frozenset({"", "<NA>", "N/A", "null", "<nil>"})
"""What Falco prints for a field that an event does not have."""

HEALTH = "Falco internal: "
OWN_CLOCKS = ("evt.time", "evt.rawtime", "evt.time.iso8601", "evt.datetime")
NANOSECONDS = 10**17
"""A number beyond it is one of nanoseconds, which a floating point number would round."""

MOST_TACTICS = 30


class Falco:
    """Reads Falco's own JSON, one event a line or a request."""

    name = "falco"
    framing: Framing = "json"

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        """The alert of one event."""
        record = raw.value
        if not isinstance(record, dict):
            raise Unusable("not a JSON object")
        get = record.get
        rule = text(get("rule"))
        if rule is None:
            raise Unusable("no rule: not an event of Falco")
        if rule.startswith(HEALTH):
            raise NotAnAlert(f"'{rule[:80]}' is about the health of Falco: not an alert")
        given = get("output_fields", get("outputFields"))  # the second is how gRPC writes it
        fields: Record = (
            {
                name: value
                for name, value in given.items()
                if value is not None and (value.__class__ is not str or value not in ABSENT)
            }
            if isinstance(given, dict)
            else {}
        )
        created, updated = _time(get("time"), fields)
        notes: tuple[str, ...] = ()
        if created is None:
            created = moment(raw.received / 1e7)
            notes = ("no time of its own: the time of receipt is used",)
        priority, source, host = text(get("priority")) or "", text(get("source")) or "syscall", text(get("hostname"))
        output = text(get("output"))
        own = text(get("uuid"))
        native_id = own or _digest(host, rule, get("time"), output)
        tags = get("tags")
        tactic = _tactic(tags)
        alert: Record = {
            "providerAlertId": native_id,
            "title": rule,
            "severity": SEVERITIES.get(priority.casefold(), "unknown"),
            "status": "new",
            "serviceSource": "unknown",
            "detectionSource": "unknown",
            "detectorId": f"{source}:{rule}",
            "productName": "Falco",
            "createdDateTime": created,
            "firstActivityDateTime": created,
            "lastActivityDateTime": created,
            "mitreTechniques": techniques(tags) if tags else [],
            "evidence": evidence_of(fields, host, created),
            "additionalData": shown(_named(record, priority, source, fields)),
        }
        if output is not None:
            alert["description"] = output
        if tactic is not None:
            alert["category"] = tactic
        return [AlertDraft("falcosecurity/falco", native_id, alert, ("fl",), updated, notes=notes)]


def _named(record: Record, priority: str, source: str, fields: Record) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("vendor", "Falco"), ("source", source)]
    if priority.casefold() in BEYOND_HIGH:
        found.append(("nativeSeverity", priority))
    found += [(name, fields[name]) for name in SHOWN if name in fields]
    if isinstance(custom := record.get("customfields"), dict):
        found += custom.items()
    return found


def _time(stamp: Any, fields: Record) -> tuple[str | None, int | None]:
    """A time in wire form and in ticks; that of the event's fields where the record's own cannot be read."""
    if isinstance(stamp, str) and (at := moment(stamp)) is not None:
        return at, instant_of(at)
    for name in OWN_CLOCKS:
        value = fields.get(name)
        if isinstance(value, str):
            if value.isascii() and value.isdigit() and len(value) <= len(str(2**63)):
                value = int(value)
            elif (instant := instant_of(value)) is not None:
                return moment(value), instant
        number = integer(value)
        if number is None:
            continue
        if number > NANOSECONDS:
            seconds = moment(number // 1_000_000_000)
            if seconds is not None:
                return f"{seconds[:20]}{number // 100 % 10_000_000:07}Z", number // 100
        elif (instant := instant_of(number)) is not None:
            return moment(number), instant
    return None, None


def _digest(host: str | None, rule: str, stamp: Any, output: str | None) -> str:
    """What tells one event from another where no uuid does."""
    joined = "\x1f".join((host or "", rule, text(stamp) or "", output or ""))
    return sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def _tactic(tags: Any) -> str | None:
    """The first tag `mitre_<tactic>`, as a tactic is printed."""
    if isinstance(tags, list):
        for tag in tags[:MOST_TACTICS]:
            if isinstance(tag, str) and tag[:6].casefold() == "mitre_":
                return pascal(tag[6:].replace("_", " "))
    return None
