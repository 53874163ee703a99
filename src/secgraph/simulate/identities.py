"""Defender for Identity in Microsoft Graph: accounts, the sensors on domain controllers, and what is wrong with these."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from secgraph import clock
from secgraph.clock import DAY, SECOND
from secgraph.simulate.ask import Ask, Refused, Reply, Route
from secgraph.simulate.cast import Organisation, Person
from secgraph.simulate.chance import chance, guid
from secgraph.simulate.graph_lists import entity, listing, selected
from secgraph.simulate.paging import by_token
from secgraph.simulate.truth import Change
from secgraph.simulate.words import full
from secgraph.simulate.world import World

Item = dict[str, Any]

KINDS: tuple[tuple[str, str, str, str], ...] = (
    ("1012", "Sensor has stopped talking to the service", "high", "Look whether the machine can reach the service."),
    ("1004", "Some traffic could not be read", "medium", "Give the machine more processors or memory."),
    ("1021", "Sensor is of an older version", "low", "Let the sensor update itself."),
    ("1034", "Auditing of the directory is not complete", "medium", "Turn on the missing events in the audit policy."),
)
"""Number of the issue, title, severity, advice."""

TYPES = ("domainControllerIntegrated", "domainControllerStandalone", "adfsIntegrated", "adcsIntegrated")
WORST = {"low": "notHealthyLow", "medium": "notHealthyMedium", "high": "notHealthyHigh"}
STEPS = ("open", "closed", "open", "suppressed")
"""What becomes of an issue: the first of these, at least."""


def accounts_of(world: World, org: Organisation, at: int) -> list[Item]:
    """The people and where each has an account."""
    return [_account(world, org, person, at) for person in org.people]


def _account(world: World, org: Organisation, person: Person, at: int) -> Item:
    throw = chance(world.scenario.seed, "identity", org.id, person.id)
    begin, length = world.scenario.start, int(world.scenario.days * DAY)
    # One in five is disabled some day, and half of these are enabled again; this list has no clock that would show when.
    leaves = begin + int(throw.random() * length) if throw.random() < 0.2 else None
    returns = None if leaves is None or throw.random() < 0.5 else leaves + int(throw.random() * length)
    enabled = leaves is None or at < leaves or (returns is not None and at >= returns)
    held = [
        {"identifier": person.sid, "identityProvider": "activeDirectory", "actions": ["disable" if enabled else "enable"]},
        {"identifier": person.id, "identityProvider": "entraID", "actions": ["revokeAllSessions", "markUserAsCompromised"]},
    ]
    if throw.random() < 0.2:
        held.append({"identifier": guid(throw), "identityProvider": "okta", "actions": []})
    return {
        "id": guid(throw), "displayName": person.name, "domain": org.domain, "isEnabled": enabled,
        "onPremisesSecurityIdentifier": person.sid, "cloudSecurityIdentifier": f"S-1-12-1-{throw.getrandbits(32)}",
        "accounts": held,
    }  # fmt: skip


def issues_of(world: World, org: Organisation, at: int, *, true: bool = False) -> list[Item]:
    """What is or was wrong until that instant, the newest first."""
    found: list[Item] = []
    for number, name in enumerate(_names(org)):
        for each in range(3):
            throw = chance(world.scenario.seed, "issue", org.id, number, each)
            made = _issue(world, org, name, throw.choice(KINDS), guid(throw), _life(world, throw), at, true=true)
            if made is not None:
                found.append(made)
    return sorted(found, key=lambda one: (one["createdDateTime"], one["id"]), reverse=True)


def _life(world: World, throw: Any) -> tuple[Change, ...]:
    """The changes of an issue, each at an instant of its own."""
    at = world.scenario.start + int(throw.random() * world.scenario.days * DAY)
    changes: list[Change] = []
    for status in STEPS[: throw.randrange(1, len(STEPS) + 1)]:
        changes.append(Change(at - at % clock.MICROSECOND, {"status": status}))
        at += throw.randrange(60, 2 * 24 * 3600) * SECOND
    return tuple(changes)


def _issue(
    world: World, org: Organisation, name: str, kind: tuple[str, str, str, str], key: str, life: tuple[Change, ...], at: int, *,
    true: bool,
) -> Item | None:  # fmt: skip
    state = world.seen(f"issue/{key}", life, at, true=true)
    if state is None:
        return None
    number, title, severity, advice = kind
    return {
        "id": key, "displayName": title, "description": f"{title}: {name}.", "healthIssueType": "sensor", "issueTypeId": number,
        "severity": severity, "status": state.members["status"], "createdDateTime": full(life[0].at),
        "lastModifiedDateTime": full(state.updated), "domainNames": [org.domain], "sensorDNSNames": [name],
        "recommendations": [advice], "recommendedActionCommands": [], "additionalInformation": [],
    }  # fmt: skip


def sensors_of(world: World, org: Organisation, at: int, *, true: bool = False) -> list[Item]:
    """The sensors: as ill as the worst issue that is open of each."""
    open_now = [one for one in issues_of(world, org, at, true=true) if one["status"] == "open"]
    return [_sensor(world, org, name, [one for one in open_now if name in one["sensorDNSNames"]]) for name in _names(org)]


def _sensor(world: World, org: Organisation, name: str, ill: list[Item]) -> Item:
    throw = chance(world.scenario.seed, "sensor", org.id, name)
    worst = max((one["severity"] for one in ill), key=("low", "medium", "high").index, default=None)
    silent = any(one["issueTypeId"] == "1012" for one in ill)
    made = world.scenario.start - throw.randrange(30, 900) * DAY
    return {
        "id": guid(throw), "displayName": name.partition(".")[0], "domainName": org.domain, "sensorType": throw.choice(TYPES),
        "createdDateTime": full(made), "version": f"2.2{throw.randrange(50)}.1",
        "deploymentStatus": "disconnected" if silent else "upToDate", "serviceStatus": "stopped" if silent else "running",
        "healthStatus": "healthy" if worst is None else WORST[worst], "openHealthIssuesCount": len(ill),
        "settings": {"description": "", "domainControllerDnsNames": [name], "isDelayedDeploymentEnabled": False},
    }  # fmt: skip


def _names(org: Organisation) -> tuple[str, ...]:
    """The machines that have a sensor."""
    return tuple(f"dc{number:02}.{org.domain}" for number in range(1, 9))


# --- calls --------------------------------------------------------------------------------------------------------------

BASE = "/v1.0/security/identities"
Items = Callable[[Ask, Organisation], list[Item]]


def _calls(name: str, items: Items, members: str, kind: str, roles: tuple[str, ...]) -> Iterable[Route]:
    """A list and its objects."""
    context = f"security/identities/{name}"

    def whole(ask: Ask) -> list[Item]:
        assert ask.organisation is not None  # noqa: S101 -- the route asks for a role, and a role is somebody's
        return items(ask, ask.organisation)

    def every(ask: Ask) -> Reply:
        found = selected(ask, whole(ask), frozenset(members.split()), f"microsoft.graph.security.{kind}")
        return listing(ask, context, by_token(ask, found, "id", usual=100, most=1000))

    def one(ask: Ask) -> Reply:
        found = next((item for item in whole(ask) if item["id"] == ask.keys["id"].lower()), None)
        if found is None:
            raise Refused(404, "NotFound", f"There is no {kind} {ask.keys['id'][:80]}.")
        return entity(ask, context, found)

    yield Route("GET", f"{BASE}/{name}", every, roles)
    yield Route("GET", f"{BASE}/{name}/{{id}}", one, roles)


ROUTES = (
    *_calls(
        "identityAccounts",
        lambda ask, org: accounts_of(ask.world, org, ask.world.now()),
        "id onPremisesSecurityIdentifier",
        "identityAccounts",
        ("SecurityIdentitiesAccount.Read.All",),
    ),
    *_calls(
        "healthIssues",
        lambda ask, org: issues_of(ask.world, org, ask.world.now()),
        "id status severity healthIssueType",
        "healthIssue",
        ("SecurityIdentitiesHealth.Read.All", "SecurityIdentitiesHealth.ReadWrite.All"),
    ),
    *_calls(
        "sensors",
        lambda ask, org: sensors_of(ask.world, org, ask.world.now()),
        "id displayName domainName healthStatus deploymentStatus sensorType serviceStatus",
        "sensor",
        ("SecurityIdentitiesSensors.Read.All",),
    ),
)
