"""Alerts for measurements: as `bench.generate` makes them, at a steady rate, and short ones that name just some things."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from bench.generate import DAYS, FIRST, NAMESPACE, alert, instant
from secgraph import clock

Alert = dict[str, Any]

A_YEAR = 1_000_000
"""Alerts of a year, whatever part of it is measured: a larger store has a longer past, and as many alerts a day."""

STEP = timedelta(days=DAYS) / A_YEAR


def stream(seed: int, first: int, many: int) -> Iterator[Alert]:
    """So many alerts from that number on, the same for the same seed and number."""
    for place in range(first, first + many):
        yield alert(random.Random(f"{seed} {place}"), place, FIRST + STEP * place)  # noqa: S311 -- made-up data


def write(file: Path, alerts: Iterator[Alert]) -> int:
    """Writes one JSON object a line; how many."""
    encode, many = msgspec.json.Encoder().encode, 0
    with file.open("wb") as to:
        while lines := [encode(one) + b"\n" for one in islice(alerts, 1000)]:
            to.writelines(lines)
            many += len(lines)
    return many


def naming(key: str, when: datetime, *evidence: Alert) -> Alert:
    """An alert of a detection of its own, about just these things."""
    at = instant(when)
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, key)), "title": f"Alert {key}", "severity": "medium", "status": "new",
        "serviceSource": "microsoftDefenderForEndpoint", "detectionSource": "microsoftDefenderForEndpoint",
        "detectorId": str(uuid.uuid5(uuid.NAMESPACE_URL, key)), "createdDateTime": at, "lastUpdateDateTime": at,
        "firstActivityDateTime": at, "lastActivityDateTime": at,
        "evidence": [{"createdDateTime": at, **one} for one in evidence],
    }  # fmt: skip


def ticks(when: datetime) -> int:
    """That instant as the clock has it."""
    return round(when.timestamp() * 1_000_000) * clock.MICROSECOND


def user(name: str, role: str) -> Alert:
    """A person, and the part they play."""
    account = {"accountName": name, "userPrincipalName": f"{name}@contoso.example"}
    return {"@odata.type": f"{NAMESPACE}userEvidence", "roles": [role], "userAccount": account}


def address(text: str) -> Alert:
    """An address, of which is not told what it is to the alert."""
    return {"@odata.type": f"{NAMESPACE}ipEvidence", "ipAddress": text}
