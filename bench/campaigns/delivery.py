"""From what was seen to what arrives: clocks that are wrong, reports that are late, cut short, corrected and told twice."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bench.campaigns.naming import Naming
from bench.campaigns.organisation import CLOUD, ENDPOINT, IDENTITY, OFFICE, OPEN, PRODUCTS, Organisation
from bench.campaigns.scribe import Sighting
from bench.generate import instant
from secgraph.model.check import from_source
from secgraph.model.choices import ALERTS
from secgraph.model.edm import load

Record = dict[str, Any]

SOURCES = {ENDPOINT: "microsoftDefenderForEndpoint", IDENTITY: "microsoftDefenderForIdentity",
           OFFICE: "microsoftDefenderForOffice365", CLOUD: "microsoftDefenderForCloudApps", OPEN: "unknown"}  # fmt: skip
NAMES = {ENDPOINT: "Microsoft Defender for Endpoint", IDENTITY: "Microsoft Defender for Identity",
         OFFICE: "Microsoft Defender for Office 365", CLOUD: "Microsoft Defender for Cloud Apps"}  # fmt: skip
SEVERITIES = ("informational", "low", "medium", "high")
SIGN_INS = ("T1078.004", "T1110", "T1528")
"""Techniques of which the cloud's sign-in protection tells, not its applications' product."""
PREFIX = {ENDPOINT: "da", IDENTITY: "aa", OFFICE: "fa", CLOUD: "ca", OPEN: "su"}
DELAY = {ENDPOINT: 6.0, IDENTITY: 12.0, OFFICE: 25.0, CLOUD: 45.0, OPEN: 0.7}
"""Median minutes until a product has made up its mind."""

LATE, CUT, CORRECTED, TOLD_ROLES, OTHERWISE = 0.03, 0.05, 0.15, 0.7, 0.25
"""How often a report comes hours late, is cut short, is corrected later, says which part a thing plays, and is thought graver
or less grave than others of its kind.
"""

SKEW = 6.0
"""Most minutes by which a product's clock is wrong."""

AGAIN = {ENDPOINT: "on a device", IDENTITY: "in the directory", OFFICE: "in mail", CLOUD: "in a cloud app",
         OPEN: "on the network"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Delivery:
    """An alert as it arrives. A correction has the id of what it corrects."""

    arrived: datetime
    alert: Record
    label: str


class Post:
    """Delivers for one organisation."""

    def __init__(self, place: Organisation, chance: random.Random) -> None:
        self._place = place
        self._chance = chance
        self._skew = {name: timedelta(minutes=chance.uniform(-SKEW, SKEW)) for name in PRODUCTS}
        self._kind = load().sets[ALERTS].type

    def deliver(self, sighting: Sighting, label: str) -> Iterator[Delivery]:
        """The alert; twice when it is corrected, not at all when the product has no word for anything in it."""
        chance, product = self._chance, sighting.product
        minutes = DELAY[product] * chance.lognormvariate(0, 0.7)
        if chance.random() < LATE:
            minutes += chance.uniform(6, 48) * 60
        created = sighting.ended + timedelta(minutes=minutes)
        evidence, severity = self._evidence(sighting, created), self._severity(sighting)
        if not evidence:
            return  # the product knows none of it by any name
        key = f"{PREFIX[product]}{uuid.UUID(int=chance.getrandbits(128), version=4)}"
        first = created + timedelta(seconds=chance.uniform(1, 300))
        if chance.random() < CORRECTED and len(evidence) > 1:
            early = evidence[: max(1, len(evidence) * 2 // 3)]
            yield Delivery(first, self._alert(key, sighting, severity, early, created, created), label)
            later = first + timedelta(minutes=chance.uniform(5, 600))
            yield Delivery(later, self._alert(key, sighting, severity, evidence, created, later), label)
        else:
            yield Delivery(first, self._alert(key, sighting, severity, evidence, created, created), label)

    def _evidence(self, sighting: Sighting, created: datetime) -> list[Record]:
        """In no order, and sometimes only the beginning of it."""
        chance, found = self._chance, []
        way = Naming(sighting.product, self._place, sighting.began, chance)
        for thing, part in sighting.things:
            for item in way.evidence(thing):
                roles = [part] if part and chance.random() < TOLD_ROLES else []
                verdict = "malicious" if part in {"attacker", "commandAndControl"} else "suspicious"
                found.append({"createdDateTime": instant(created), "verdict": verdict, "remediationStatus": "none",
                              "roles": roles, **item})  # fmt: skip
        chance.shuffle(found)
        return found[: chance.randint(2, 3)] if chance.random() < CUT else found

    def _severity(self, sighting: Sighting) -> str:
        place = SEVERITIES.index(sighting.detection.severity)
        if self._chance.random() < OTHERWISE:
            place += self._chance.choice((-1, 1))
        return SEVERITIES[max(0, min(place, len(SEVERITIES) - 1))]

    def _alert(
        self, key: str, sighting: Sighting, severity: str, evidence: list[Record], created: datetime, updated: datetime
    ) -> Record:
        product, what, skew = sighting.product, sighting.detection, self._skew[sighting.product]
        title = f"{what.title} ({AGAIN[product]})" if sighting.again else what.title
        service = detection = SOURCES[product]
        if product == CLOUD:
            detection = "cloudAppSecurity"
            if what.technique.startswith(SIGN_INS):
                service = detection = "azureAdIdentityProtection"
        detector = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{product} {title}"))
        made: Record = {
            "id": key, "providerAlertId": key[2:], "status": "new", "severity": severity, "title": title,
            "serviceSource": service, "detectionSource": detection, "detectorId": detector,
            "productName": NAMES.get(product, self._place.tool), "category": what.category,
            "mitreTechniques": [what.technique] if what.technique else [],
            "createdDateTime": instant(created + skew), "lastUpdateDateTime": instant(updated + skew),
            "firstActivityDateTime": instant(sighting.began + skew), "lastActivityDateTime": instant(sighting.ended + skew),
            "evidence": evidence,
        }  # fmt: skip
        record, notes = from_source(self._kind, made, made["createdDateTime"])
        if notes:
            raise ValueError(f"Not of the contract: {dict(notes)}")
        return record
