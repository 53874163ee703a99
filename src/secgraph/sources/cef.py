"""Alerts as CEF lines, from any product that writes them and from Defender for Identity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from secgraph.extend import AlertDraft, Framing, Options, Raw, Record, Unusable
from secgraph.sources import mdi
from secgraph.sources.cef_draft import OPTIONS, Reading, created_at, drafted, reading, severity_of
from secgraph.sources.cef_evidence import evidence_of
from secgraph.sources.cef_grammar import Event, labelled, read_time, take_apart


class CommonEventFormat:
    """Reads CEF lines with or without a syslog head."""

    name = "cef"
    framing: Framing = "lines"
    options = OPTIONS

    def __init__(self, told: Reading | None = None) -> None:
        self._told = told or Reading()

    def told(self, options: Options) -> CommonEventFormat:
        """The same for senders whose clocks, severities or ids are others."""
        return CommonEventFormat(reading(options))

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
        event = take_apart(line)
        if mdi.is_mine(event.vendor, event.product):
            return [_identity(event, raw, self._told)]
        return [drafted(event, raw, line, self._told)]


def _identity(event: Event, raw: Raw, told: Reading) -> AlertDraft:
    # Three times stand in such a line: the collector's, local and with the month first, the sensor's, and `start`.
    start = read_time(event.fields.get("start", ""), raw.received, told.zone)
    when = read_time(event.before[:512], raw.received, told.zone) or start
    # A head of the older kind has no zone: it may be off by hours, which `start` never is.
    created, notes = created_at(start if when is not None and when.guessed and start is not None else when, raw, told)
    labels = labelled(event.fields)
    return mdi.draft(
        kind=event.signature,
        title=event.name,
        severity=severity_of(event.severity, told),
        fields=event.fields,
        labels=labels,
        found=evidence_of(event.fields, {}, created),
        created=created,
        sent=None if when is None else min(when.instant, raw.received) if when.guessed else when.instant,
        notes=notes,
    )
