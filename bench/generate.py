"""Made-up alerts as an upstream Microsoft Graph sends them: seeded, so that the same seed is the same file.

A fifth of them names a product past the enumeration's sentinel, which typed clients see as `unknownFutureValue`: those
are stored in two forms. An alert has two to four items of evidence and about 2.5 KB of stored JSON.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

SEVERITIES = {"informational": 15, "low": 30, "medium": 35, "high": 20}
STATUSES = {"new": 50, "inProgress": 20, "resolved": 30}
"""How many of a hundred alerts have each."""

FIRST = datetime(2025, 6, 1, tzinfo=UTC)
DAYS = 365
"""The alerts spread over the year from FIRST; what is posted during a measurement is newer than all of them."""

PAST_SENTINEL = 0.2
ALERTS_OF_AN_INCIDENT = 3
PEOPLE = 5000
OFTEN = 0.5
NAMESPACE = "#microsoft.graph.security."
_KNOWN = ("microsoftDefenderForEndpoint", "microsoftDefenderForIdentity", "microsoftDefenderForOffice365")
_PAST = ("microsoftSentinel", "microsoftInsiderRiskManagement")
_TITLES = ("Suspicious service launched", "Unusual sign-in from a new country", "Malware was prevented on a device",
           "Possible credential dumping", "Mailbox rule hides messages", "Connection to a known bad address")  # fmt: skip
_TECHNIQUES = ("T1059.001", "T1003", "T1078", "T1566.002", "T1105", "T1021.006")
_CATEGORIES = ("Execution", "CredentialAccess", "InitialAccess", "LateralMovement", "CommandAndControl")
_FOLDER = "c:\\programdata\\updates\\cache"


def instant(when: datetime) -> str:
    """An instant as the API writes it: seven fractional digits."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def alert(chance: random.Random, number: int, when: datetime) -> dict[str, Any]:
    """One alert, created at that instant."""
    service = chance.choice(_PAST if chance.random() < PAST_SENTINEL else _KNOWN)
    native = f"{number:08x}-{chance.getrandbits(16):04x}-4000-8000-{chance.getrandbits(48):012x}"
    status = chance.choices([*STATUSES], [*STATUSES.values()])[0]
    happened = instant(when - timedelta(minutes=chance.randrange(1, 90)))
    created = instant(when)
    closed = status == "resolved"
    return {
        "id": native,
        "providerAlertId": native,
        "incidentId": str(number // ALERTS_OF_AN_INCIDENT + 1),
        "status": status,
        "severity": chance.choices([*SEVERITIES], [*SEVERITIES.values()])[0],
        "classification": "truePositive" if closed else None,
        "determination": "malware" if closed else None,
        "serviceSource": service,
        "detectionSource": service,
        "detectorId": f"{chance.getrandbits(32):08x}-0000-4000-8000-000000000000",
        "title": f"{chance.choice(_TITLES)} ({number})",
        "description": "Something was seen that is seldom harmless here; the evidence names what took part in it.",
        "category": chance.choice(_CATEGORIES),
        "assignedTo": f"analyst{chance.randrange(40)}@contoso.example" if status != "new" else None,
        "alertWebUrl": f"https://security.example/alerts/{native}",
        "mitreTechniques": chance.sample(_TECHNIQUES, 2),
        "createdDateTime": created,
        "lastUpdateDateTime": created,
        "firstActivityDateTime": happened,
        "lastActivityDateTime": created,
        "resolvedDateTime": created if closed else None,
        "comments": [],
        "evidence": evidence(chance, created),
    }


def evidence(chance: random.Random, created: str) -> list[dict[str, Any]]:
    """Two to four items: a user and an address always, a file and a link often."""
    person = chance.randrange(PEOPLE)
    marks = {"createdDateTime": created, "verdict": "suspicious", "remediationStatus": "none"}
    items: list[dict[str, Any]] = [
        {"@odata.type": f"{NAMESPACE}userEvidence", **marks, "userAccount": {
            "accountName": f"user{person}", "domainName": "contoso", "userPrincipalName": f"user{person}@contoso.example",
        }},
        {"@odata.type": f"{NAMESPACE}ipEvidence", **marks, "countryLetterCode": "DE",
         "ipAddress": f"203.0.113.{chance.randrange(256)}"},
    ]  # fmt: skip
    if chance.random() < OFTEN:
        items.append({"@odata.type": f"{NAMESPACE}fileEvidence", **marks, "detectionStatus": "detected", "fileDetails": {
            "fileName": f"update{person}.exe", "filePath": _FOLDER, "fileSize": chance.randrange(10**6),
            "sha256": f"{chance.getrandbits(256):064x}",
        }})  # fmt: skip
    if chance.random() < OFTEN:
        items.append({"@odata.type": f"{NAMESPACE}urlEvidence", **marks, "url": f"https://host{person}.example/path/{person}"})
    return items


def alerts(size: int, seed: int) -> Iterator[dict[str, Any]]:
    """That many alerts in the order of their creation, evenly spread."""
    chance = random.Random(seed)  # noqa: S311 -- made-up data, the same for the same seed
    step = timedelta(days=DAYS) / size
    for number in range(size):
        yield alert(chance, number, FIRST + step * number)


def write(path: Path, size: int, seed: int) -> int:
    """Writes the alerts as one JSON object a line; the file's bytes."""
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        for one in alerts(size, seed):
            file.write(encode(one) + b"\n")
    return path.stat().st_size


def posted(seed: int, many: int) -> list[tuple[str, str]]:
    """Alerts to hand in one by one, as the text before and after the digits that make each of them another one."""
    chance = random.Random(seed + 1)  # noqa: S311 -- as above
    halves = []
    for number in range(many):
        one = alert(chance, number, FIRST + timedelta(days=DAYS + 30, seconds=number))
        one |= {"id": "@MARK@", "providerAlertId": None, "incidentId": None}
        before, _, after = msgspec.json.encode(one).decode().partition("@MARK@")
        halves.append((before, after))
    return halves
