"""What the labels themselves allow: how much of a campaign hangs together by things that its alerts name.

Two alerts of one campaign are tied when they name the same thing, by whichever of its names, unless it stands in so many
alerts that it tells nothing. An ideal analyst who knows which alerts are of the campaign gets its parts that way, and never a
whole whose parts share nothing. Names are brought together by the alerts themselves, where one of them tells two names of a
person, and by what the organisation could look up: its directory, its list of devices and its DHCP log.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from bench.campaigns.baselines import Joined, moment
from bench.campaigns.organisation import Organisation

Record = dict[str, Any]
Names = tuple[str, ...]

COMMON = 0.03
"""The share of all alerts above which a thing tells nothing."""

DIRECT = {
    "ipAddress": "ip", "lastIpAddress": "ip", "senderIp": "ip", "recipientEmailAddress": "mail", "emailAddress": "mail",
    "networkMessageId": "message", "sessionId": "session", "repoId": "repository", "mdeDeviceId": "endpoint",
}  # fmt: skip
"""Members that name a thing by themselves."""

TOGETHER: tuple[dict[str, str], ...] = (
    {"azureAdUserId": "object", "userSid": "sid", "userPrincipalName": "mail", "accountName": "account"},
    {"upn": "mail", "primaryAddress": "mail"},
    {"mdeDeviceId": "endpoint", "azureAdDeviceId": "directory", "deviceDnsName": "host", "hostName": "host"},
    {"sha256": "sha256", "sha1": "sha1", "md5": "md5"},
    {"appId": "app", "objectId": "app", "servicePrincipalObjectId": "app"},
)
"""Members that name one thing when they stand in one object."""


def things(value: Any) -> Iterator[Names]:
    """Everything that evidence names, each with the names it has there."""
    if isinstance(value, list):
        for item in value:
            yield from things(item)
        return
    if not isinstance(value, dict) or value.get("@odata.type", "").endswith("cloudApplicationEvidence"):
        return  # applications that everybody uses
    for members in TOGETHER:
        names = [f"{kind}:{_plain(kind, value[name])}" for name, kind in members.items() if isinstance(value.get(name), str)]
        if names:
            yield tuple(names)
    yield from _single(value)
    for inner in value.values():
        yield from things(inner)


def _plain(kind: str, text: str) -> str:
    text = text.lower()
    return text.partition(".")[0] if kind == "host" else text


def _single(value: Record) -> Iterator[Names]:
    for name, kind in DIRECT.items():
        if isinstance(value.get(name), str):
            yield (f"{kind}:{value[name].lower()}",)
    for link in [value.get("url"), *(value.get("urls") or [])]:
        if isinstance(link, str):
            yield (f"domain:{link.lower().partition('://')[2].partition('/')[0] or link.lower()}",)
    if value.get("@odata.type", "").endswith("dnsEvidence") and isinstance(value.get("domainName"), str):
        yield (f"domain:{value['domainName'].lower()}",)
    if isinstance(value.get("value"), str):
        yield (f"{value.get('algorithm')}:{value['value'].lower()}",)
    if isinstance(value.get("resourceId"), str):
        path, kind, last = value["resourceId"].lower().rpartition("/")
        yield (f"host:{last}" if path.endswith("virtualmachines") else f"resource:{path}{kind}{last}",)


class Known:
    """Which names are one thing."""

    def __init__(self, alerts: Sequence[Record], place: Organisation | None) -> None:
        self._joined = Joined()
        self._leases: dict[str, list[tuple[datetime, str]]] = {}
        for alert in alerts:
            for names in things(alert["evidence"]):
                self._same(names)
        if place is not None:
            self._look_up(place)

    def _same(self, names: Sequence[str]) -> None:
        for other in names[1:]:
            self._joined.join(names[0], other)

    def _look_up(self, place: Organisation) -> None:
        for one in [*place.people, *place.accounts.values(), *place.admins]:
            named = {"account": one.name, "sid": one.sid, "object": one.object_id}
            mails = [f"mail:{text.lower()}" for text in (one.upn, one.mail) if text is not None]
            self._same([f"{kind}:{text.lower()}" for kind, text in named.items() if text is not None] + mails)
        for device in place.devices:
            named = {"endpoint": device.endpoint_id, "host": device.name, "directory": device.directory_id,
                     "ip": device.address}  # fmt: skip
            self._same([f"{kind}:{text.lower()}" for kind, text in named.items() if text is not None])
        for lease in place.leases():
            self._leases.setdefault(f"ip:{lease.address}", []).append((lease.since, f"host:{lease.device.name.lower()}"))
        for held in self._leases.values():
            held.sort()

    def named(self, alert: Record) -> set[str]:
        """The things that the alert names, each by one name."""
        when, found = moment(alert), set()
        for names in things(alert["evidence"]):
            name = names[0]
            if name in self._leases:
                held = self._leases[name]
                name = held[max(0, bisect_right(held, (when, "~")) - 1)][1]
            found.add(str(self._joined.top(name)))
        return found


def best(alerts: Sequence[Record], labels: Sequence[str], place: Organisation | None) -> list[str]:
    """The groups of somebody who knows the labels and ties what is of one campaign and shares a thing that is not common."""
    known = Known(alerts, place)
    named = {alert["id"]: known.named(alert) for alert in alerts}
    campaign = {alert["id"]: label for alert, label in zip(alerts, labels, strict=True)}
    often = Counter(name for names in named.values() for name in names)
    rare = {name for name, many in often.items() if many <= max(COMMON * len(named), 2)}
    joined = Joined()
    for key, names in named.items():
        if campaign[key]:
            for name in names & rare:
                joined.join((campaign[key], name), key)
    return [str(joined.top(alert["id"])) for alert in alerts]
