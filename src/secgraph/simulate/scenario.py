"""One truth out of a seed: stories in which people, machines and alerts meet, and what becomes of each alert.

Everything is decided when the scenario is made, so that what is true at an instant is a question of reading. Nothing is thrown
twice: every alert has a chance of its own, by its name.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from secgraph import clock
from secgraph.clock import DAY, SECOND
from secgraph.errors import UsageError
from secgraph.simulate.cast import Machine, Organisation, organisation
from secgraph.simulate.chance import chance, guid, hexadecimal
from secgraph.simulate.detections import CLOUD_APPS, DETECTIONS, ENDPOINT, ENTRA, IDENTITY, LOSS, OFFICE, WEIGHTS, Detection
from secgraph.simulate.evidence import address, evidence
from secgraph.simulate.life import incident_life, life, risk_life
from secgraph.simulate.truth import Alert, Change, Incident

HOUR = 3600 * SECOND
BEGIN = "2026-03-02T00:00:00Z"
LENGTHS = (1, 1, 1, 2, 2, 3, 4, 6)
"""How many alerts a story has, each as likely as another."""

PREFIX = {ENDPOINT: "da", IDENTITY: "aa", CLOUD_APPS: "ca", OFFICE: "fa", LOSS: "dl", ENTRA: "ad"}
"""The two letters that the portal and Microsoft Graph put before the id of a product."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world of so many days: the same arguments give the same world."""

    seed: int = 1
    begin: str = BEGIN
    days: float = 7
    tenants: int = 2
    stories: float = 8
    """How many stories a day has in each tenant; a story is two or three alerts."""
    people: int = 40
    machines: int = 30
    organisations: tuple[Organisation, ...] = field(init=False, repr=False)
    alerts: tuple[Alert, ...] = field(init=False, repr=False)
    incidents: tuple[Incident, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if clock.ticks(self.begin) is None:
            raise UsageError(f"A scenario cannot begin at {self.begin!r}. Give an instant such as {BEGIN}.")
        if not (self.days > 0 and self.tenants > 0 and self.stories > 0 and self.people > 0 and self.machines > 0):
            raise UsageError("A scenario needs days, tenants, stories, people and machines: none may be 0 or less.")
        organisations = tuple(organisation(self.seed, each, self.people, self.machines) for each in range(self.tenants))
        alerts: list[Alert] = []
        incidents: list[Incident] = []
        for number, one in enumerate(organisations):
            _tell(self, number, one, alerts, incidents)
        alerts.sort(key=lambda alert: (alert.created, alert.graph_id))
        object.__setattr__(self, "organisations", organisations)
        object.__setattr__(self, "alerts", tuple(alerts))
        object.__setattr__(self, "incidents", tuple(incidents))

    @property
    def start(self) -> int:
        """The first instant, in ticks."""
        return clock.ticks(self.begin) or 0

    @property
    def end(self) -> int:
        """The instant after the last: nothing happens later of itself."""
        return self.start + int(self.days * DAY)


def _tell(scenario: Scenario, number: int, org: Organisation, alerts: list[Alert], incidents: list[Incident]) -> None:
    """All stories of one tenant."""
    base = 1000 * (number + 1)
    made = max(1, round(scenario.days * scenario.stories))
    begins = sorted(chance(scenario.seed, "begin", number, each).random() for each in range(made))
    previous: Incident | None = None
    for each, part in enumerate(begins):
        throw = chance(scenario.seed, "story", number, each)
        at = scenario.start + int(part * (scenario.end - scenario.start))
        at -= at % clock.MICROSECOND
        told = _story(scenario, throw, org, at, base + each)
        if not told:
            continue
        seen = [alert for alert in told if alert.unified]
        if seen:
            merged = previous if previous is not None and throw.random() < 0.15 else None
            moment = seen[-1].created + throw.randrange(1, 120) * 60 * SECOND
            life_, joined = incident_life(throw, org, seen, scenario.end, merged, moment)
            incident = Incident(
                org, base + each, f"{seen[0].detection.title} on {seen[0].machine.dns_name}", seen[0].created, life_
            )
            incidents.append(incident)
            if joined is not None:
                told = [_moved(alert, joined, merged) for alert in told]
            elif len(seen) > 1:
                previous = incident
        alerts.extend(told)


def _moved(alert: Alert, at: int, target: Incident | None) -> Alert:
    """The same alert, which goes into another incident at that instant."""
    if target is None or not alert.unified:
        return alert
    changes = sorted([*alert.changes, Change(at, {"incident": target.number})], key=lambda change: change.at)
    return replace(alert, changes=tuple(changes))


def _story(scenario: Scenario, throw: random.Random, org: Organisation, at: int, incident: int) -> list[Alert]:
    """The alerts of one story, the first at that instant; those that would be raised after the end are not."""
    machine = throw.choice(org.machines)
    source = address(throw)
    weights = [WEIGHTS[detection.product] for detection in DETECTIONS]
    told: list[Alert] = []
    for detection in throw.choices(DETECTIONS, weights, k=throw.choice(LENGTHS)):
        created = at + throw.randrange(20, 900) * SECOND + throw.randrange(SECOND // 10) * 10
        first = created - (throw.randrange(2, 20) * HOUR if detection.offline else throw.randrange(10, 600) * SECOND)
        if created >= scenario.end:
            break
        told.append(_alert(scenario, throw, org, detection, machine, source, created, first, incident))
        at = created + int(throw.expovariate(1 / (40 * 60)) * SECOND) // 10 * 10
    return told


def _alert(
    scenario: Scenario,
    throw: random.Random,
    org: Organisation,
    detection: Detection,
    machine: Machine,
    source: str,
    created: int,
    first: int,
    incident: int,
) -> Alert:
    """An alert with its whole life; whose machine it is on is whom it is about."""
    native, graph, provider = _ids(throw, detection, created)
    person = machine.owner
    things = tuple(evidence(kind, created, throw, org, person, machine, source) for kind in detection.evidence)
    live = risk_life if detection.risk else life
    return Alert(
        organisation=org,
        detection=detection,
        native_id=native,
        graph_id=graph,
        provider_id=provider,
        created=created,
        first=first,
        person=person,
        machine=machine,
        address=source,
        evidence=things,
        changes=live(throw, org, detection, created, first, incident, len(things), scenario.end),
        audit_id={CLOUD_APPS: guid(throw), OFFICE: native, LOSS: native}.get(detection.product, ""),
        detector=guid(chance(scenario.seed, "detector", detection.title)),
    )


def _ids(throw: random.Random, detection: Detection, created: int) -> tuple[str, str, str]:
    """The id in the product itself, in Microsoft Graph, and as Microsoft Graph says the provider has it."""
    prefix = PREFIX[detection.product]
    if detection.product == ENDPOINT:
        if detection.source == "customDetection":
            prefix = "ed"
        elif throw.random() < 0.5:
            since = int((datetime(1970, 1, 1) - datetime(1, 1, 1)) / timedelta(microseconds=1)) * 10 + created  # noqa: DTZ001
            classic = f"da{since}_{throw.randrange(-(2**31), 2**31)}"
            return classic, classic, classic
        provider = f"{guid(throw)}_1"
        return prefix + provider, prefix + provider, provider
    if detection.risk:
        native = hexadecimal(throw, 64)
        return native, prefix + native, native
    provider = guid(throw)
    if detection.product == CLOUD_APPS:  # has an id of its own, which appears nowhere else
        return hexadecimal(throw, 24), prefix + provider, provider
    return (prefix + provider if detection.product == IDENTITY else provider), prefix + provider, provider
