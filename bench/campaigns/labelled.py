"""Alerts of a file, with their labels: one JSON object a line, an alert as `GET /security/alerts_v2` shows it with `label`
beside its members, or `{"alert": …, "label": …}`. An empty label, or null, is noise.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from bench.campaigns.generate import Labelled
from secgraph.model.check import from_source
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load

Record = dict[str, Any]

SHOWN = 10
"""Most faults that are told of one file."""


class Unusable(Exception):
    """A file that cannot be judged: what is wrong, line by line."""


class BadLine(Exception):
    """A line that is no labelled alert."""


def read(file: Path) -> Labelled:
    """The file's alerts in the order of its lines, that of their arrival. Unusable, with all faults, when a line is."""
    alerts, labels, faults = [], [], []
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as fault:
        raise Unusable(f"{file}: {fault.strerror}. Name a file of one alert a line.") from None
    kind = load().sets[ALERTS].type
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            alert, label = _taken(line)
        except BadLine as fault:
            faults.append(f"line {number}: {fault}")
            continue
        record, _ = from_source(kind, alert, alert["createdDateTime"])
        alerts.append(record)
        labels.append(label)
    if faults:
        more = [f"and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
        raise Unusable("\n".join(f"{file}: {fault}" for fault in [*faults[:SHOWN], *more]))
    if not alerts:
        raise Unusable(f"{file} holds no alert. Give one JSON object a line.")
    _same_label(file, alerts, labels)
    return Labelled(alerts, labels)


def _taken(line: bytes) -> tuple[Record, str]:
    """The alert and the label of a line; BadLine with what is wrong with it."""
    try:
        found = msgspec.json.decode(line)
    except msgspec.DecodeError as fault:
        raise BadLine(f"not JSON: {fault}") from None
    if not isinstance(found, dict) or "label" not in found:
        raise BadLine('no object with `label`. Put "label": "" beside an alert that is of no campaign')
    label = found.pop("label")
    alert = found.get("alert", found)
    if not isinstance(label, str | None):
        raise BadLine("`label` is no text. It is the campaign's name, or empty")
    if not isinstance(alert, dict) or not isinstance(alert.get("id"), str) or not alert["id"]:
        raise BadLine("no alert with an `id`")
    if not isinstance(alert.get("evidence"), list):
        raise BadLine("`evidence` is no list. Ask for whole alerts, without $select")
    try:
        datetime.fromisoformat(alert["createdDateTime"][:19])
    except (KeyError, TypeError, ValueError):
        raise BadLine("`createdDateTime` is no time such as 2026-03-02T09:00:00Z") from None
    return alert, label or ""


def _same_label(file: Path, alerts: Iterable[Record], labels: Iterable[str]) -> None:
    known: dict[str, str] = {}
    for alert, label in zip(alerts, labels, strict=True):
        if known.setdefault(alert["id"], label) != label:
            raise Unusable(f"{file}: alert {alert['id']} has two labels: {known[alert['id']]!r} and {label!r}. Leave one.")


def write(file: Path, data: Labelled) -> None:
    """Writes alerts so that `read` gives them back."""
    encode = msgspec.json.Encoder().encode
    with file.open("wb") as out:
        out.writelines(encode({"label": label, **alert}) + b"\n"
                       for alert, label in zip(data.alerts, data.labels, strict=True))  # fmt: skip
