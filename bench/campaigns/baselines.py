"""What a correlator has to beat: to join nothing, and to join whatever shares anything within a day."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

Record = dict[str, Any]

NAMES = frozenset({
    "azureAdUserId", "userPrincipalName", "userSid", "upn", "primaryAddress", "recipientEmailAddress", "emailAddress",
    "senderIp", "recipient", "sender", "networkMessageId", "internetMessageId", "mdeDeviceId", "azureAdDeviceId",
    "deviceDnsName", "hostName", "ipAddress", "lastIpAddress", "url", "domainName", "sha256", "sha1", "md5", "value", "appId",
    "objectId", "servicePrincipalObjectId", "resourceId", "repoId", "sessionId", "requestId", "containerId", "imageId",
})  # fmt: skip
"""Members whose text says which one it is."""

WITHIN = timedelta(hours=24)


class Joined:
    """Sets that grow together."""

    def __init__(self) -> None:
        self._above: dict[Hashable, Hashable] = {}

    def top(self, one: Hashable) -> Hashable:
        """The one that stands for all it is joined with."""
        path = [one]
        while (above := self._above.get(path[-1], path[-1])) != path[-1]:
            path.append(above)
        for below in path[:-1]:
            self._above[below] = path[-1]
        return path[-1]

    def join(self, one: Hashable, other: Hashable) -> None:
        """Makes both stand under one."""
        self._above[self.top(one)] = self.top(other)


def identifiers(value: Any) -> Iterator[str]:
    """Every text in evidence that names something, in small letters; an account's domain and name as one text."""
    if isinstance(value, list):
        for item in value:
            yield from identifiers(item)
    elif isinstance(value, dict):
        account, domain = value.get("accountName"), value.get("domainName")
        if isinstance(account, str):
            yield f"{domain}\\{account}".lower() if isinstance(domain, str) else account.lower()
        for name, inner in value.items():
            if isinstance(inner, (dict, list)):
                yield from identifiers(inner)
            elif isinstance(inner, str | int) and name in NAMES and not (name == "domainName" and account is not None):
                yield str(inner).lower()


def moment(alert: Record) -> datetime:
    """When it happened."""
    text = alert.get("firstActivityDateTime") or alert["createdDateTime"]
    return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)


def nothing(alerts: Iterable[Record]) -> list[str]:
    """Every alert for itself."""
    return [alert["id"] for alert in alerts]


def anything(alerts: Iterable[Record]) -> list[str]:
    """Two alerts that share any identifier within a day are in one group."""
    joined, seen = Joined(), dict[str, list[tuple[datetime, str]]]()
    keys = []
    for alert in alerts:
        keys.append(alert["id"])
        for name in set(identifiers(alert["evidence"])):
            seen.setdefault(name, []).append((moment(alert), alert["id"]))
    for found in seen.values():
        found.sort()
        for (before, one), (after, other) in pairwise(found):
            if after - before <= WITHIN:
                joined.join(one, other)
    return [str(joined.top(key)) for key in keys]
