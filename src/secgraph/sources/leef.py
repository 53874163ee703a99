"""Alerts as LEEF lines, version 1.0 and 2.0, from any product that writes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from secgraph.extend import AlertDraft, Framing, Options, Raw, Record, Unusable
from secgraph.sources.cef_draft import OPTIONS, Reading, drafted, reading
from secgraph.sources.cef_grammar import Event
from secgraph.sources.leef_grammar import by_pattern, take_apart

KEYS = {
    "srcPort": "spt",
    "dstPort": "dpt",
    "usrName": "suser",
    "identSrc": "src",
    "identHostName": "shost",
    "domain": "sntdom",
    "accountName": "duser",
    "url": "request",
    "action": "act",
    "fileName": "fname",
    "filename": "fname",
    "fileSize": "fsize",
    "sha256": "fileHash",
    "sha1": "fileHash",
    "md5": "fileHash",
    "message": "msg",
    "description": "msg",
    "devTime": "rt",
    "startTime": "start",
    "endTime": "end",
}
"""Attributes of LEEF under the names of the same things in CEF; one that has the other's name already stands."""

TITLES = ("title", "name", "eventName", "eventDesc", "threatName", "signature", "ruleName", "policy")
PATTERNED = {"devTime": "devTimeFormat", "startTime": "startTimeFormat", "endTime": "endTimeFormat"}


class LogEventExtended:
    """Reads LEEF lines with or without a syslog head."""

    name = "leef"
    framing: Framing = "lines"
    options = OPTIONS

    def __init__(self, told: Reading | None = None) -> None:
        self._told = told or Reading()

    def told(self, options: Options) -> LogEventExtended:
        """The same for senders whose clocks, severities or ids are others."""
        return LogEventExtended(reading(options))

    def parts(self, value: Any) -> Record:
        """The members of a line's extension."""
        try:
            return dict(take_apart(value).fields)
        except Unusable:
            return {}

    def normalise(self, raw: Raw) -> Iterable[AlertDraft]:
        """The alert of one line."""
        line = raw.value
        if not isinstance(line, str):
            raise Unusable("not a line of text")
        before, vendor, product, event, given = take_apart(line)
        fields: dict[str, str] = {}
        for key, value in given.items():
            if key in PATTERNED:
                pattern = given.get(PATTERNED[key])
                fields.setdefault(KEYS[key], _timed(value, pattern, self._told.zone))
            elif key in KEYS:
                fields.setdefault(KEYS[key], value)
            else:
                fields[key] = value
        name = next((given[key] for key in TITLES if key in given), "")
        if not name:
            category = given.get("cat", "")
            name = f"{category}: {event}" if category and event.isdigit() else event or category
        severity = given.get("sev") or given.get("severity") or ""
        return [drafted(Event(before, vendor, product, event, name, severity, fields), raw, line, self._told)]


def _timed(value: str, pattern: str | None, zone: str) -> str:
    """The time as ISO 8601 where its line says how it is written; as it came otherwise."""
    return value if pattern is None else by_pattern(value, pattern, zone) or value
