"""What an entity is: one thing of the real world that an alert names, with every key it can be found by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from secgraph.ingest.entities.normal import LONGEST, key

Evidence = dict[str, Any]


class Entity(NamedTuple):
    """A thing that an alert names. `keys` are `type.kind:value`, the strongest first; never empty."""

    type: str
    keys: tuple[str, ...]
    role: str
    name: str

    @property
    def key(self) -> str:
        """The strongest of its keys."""
        return self.keys[0]


KINDS: dict[str, tuple[str, ...]] = {
    "user": ("id", "upn", "sid", "guid", "name", "account"),
    "mailbox": ("address",),
    "mailboxRule": ("id", "name"),
    "securityGroup": ("id", "sid", "guid", "dn", "name"),
    "activeDirectoryDomain": ("name",),
    "device": ("aad", "mde", "vm", "arm", "iot", "mac", "fqdn", "host"),
    "ip": ("public", "private"),
    "domain": ("name",),
    "url": ("url",),
    "file": ("sha256", "sha256ac", "sha1", "md5", "path"),
    "process": ("start", "line"),
    "malware": ("name",),
    "registry": ("value", "key"),
    "mail": ("message", "internet", "submission", "subject"),
    "mailCluster": ("urn", "by"),
    "teamsMessage": ("id", "campaign"),
    "session": ("id", "logon"),
    "signIn": ("id",),
    "application": ("object", "app", "name"),
    "cloudApplication": ("instance", "app", "name"),
    "azureResource": ("arm", "name"),
    "amazonResource": ("arn", "name"),
    "googleResource": ("full", "name"),
    "blobContainer": ("url", "name"),
    "blob": ("url", "name"),
    "sasToken": ("signature",),
    "container": ("id", "name"),
    "containerImage": ("id",),
    "containerRegistry": ("name",),
    "kubernetesCluster": ("resource", "name"),
    "kubernetesObject": ("name",),
    "gitHubOrganization": ("id", "login"),
    "gitHubRepo": ("id", "url"),
    "gitHubUser": ("id", "login", "address"),
    "aiAgent": ("id", "name"),
}
"""The kinds of key of each type of entity, the strongest first."""

WEAK = {
    "user.account": "accountName", "device.host": "hostName", "file.path": "filePath", "process.line": "commandLine",
    "mail.subject": "subject", "mailboxRule.name": "label", "securityGroup.name": "label", "application.name": "label",
    "cloudApplication.name": "label", "azureResource.name": "label", "amazonResource.name": "label",
    "googleResource.name": "label", "blobContainer.name": "label", "blob.name": "label", "container.name": "label",
    "kubernetesCluster.name": "label", "aiAgent.name": "label", "registry.key": "registryKey", "ip.private": "privateAddress",
    "session.logon": "label",
}  # fmt: skip
"""Kinds of key that two different things may share, and what they are called where strengths are told. They say that two
things are one only where no better key says otherwise.
"""

MOST = 256
"""Most entities of an alert; an alert that names more names a crowd."""

SHORT = LONGEST - max(len(f"{kind}.{word}:") for kind, words in KINDS.items() for word in words)
"""Most characters of a value that makes a key as it is, whatever its kind."""

# An address that an inventory knows to be a device's stands behind whatever else that device is called.
_RANK = {
    f"{kind}.{word}": place + (len(KINDS["device"]) if kind == "ip" else 0)
    for kind, words in KINDS.items()
    for place, word in enumerate(words)
}

# --- roles --------------------------------------------------------------------------------------------------------------

CENTRAL, INVOLVED, ASIDE = "central", "involved", "aside"

GRADES: dict[str, str] = {
    "attacker": CENTRAL, "commandAndControl": CENTRAL, "compromised": CENTRAL, "attacked": CENTRAL, "malicious": CENTRAL,
    "primary": CENTRAL, "suspicious": CENTRAL, "policyViolator": INVOLVED, "source": INVOLVED, "destination": INVOLVED,
    "created": INVOLVED, "added": INVOLVED, "edited": INVOLVED, "loaded": INVOLVED, "unknown": INVOLVED,
    "host": INVOLVED, "ran": INVOLVED, "sender": INVOLVED, "recipient": INVOLVED, "address": INVOLVED,
    "within": ASIDE, "loggedOn": ASIDE, "parent": ASIDE, "scanned": ASIDE, "contextual": ASIDE, "clean": ASIDE,
}  # fmt: skip
"""How much part a thing has in what is reported, by its role: the words of the contract, and ours for what stands inside
another piece of evidence. Words come in the order in which they count.
"""

_PLACE = {word: place for place, word in enumerate(GRADES)}
_DETAILED = {
    **{word.casefold(): word for word in GRADES},
    "primarydevice": "primary", "primaryuser": "primary", "victim": "attacked", "target": "attacked", "c2": "commandAndControl",
    "commandandcontrol": "commandAndControl",
}  # fmt: skip
_VERDICTS = {"malicious": "malicious", "suspicious": "suspicious", "noThreatsFound": "clean"}


def role(evidence: Evidence) -> str:
    """The part that a piece of evidence has: the weightiest of its roles, else of the detailed ones, else its verdict."""
    roles = evidence.get("roles")
    if roles:
        known = [one for one in roles if one in _PLACE and one != "unknown"]
        if known:
            weightiest: str = min(known, key=_PLACE.__getitem__)
            return weightiest
    detailed = evidence.get("detailedRoles")
    if detailed:
        found = [_DETAILED[one.casefold()] for one in detailed if isinstance(one, str) and one.casefold() in _DETAILED]
        if found:
            return min(found, key=_PLACE.__getitem__)
    verdict: str = evidence.get("verdict") or ""
    return _VERDICTS.get(verdict, "unknown")


# --- gathering ----------------------------------------------------------------------------------------------------------


def kind_of(entity_key: str) -> str:
    """The kind of a key, with its type before it: `user.upn`."""
    return entity_key.partition(":")[0]


def rank(entity_key: str) -> int:
    """How strong a key is among those of its type: the less, the stronger."""
    return _RANK[entity_key.partition(":")[0]]


def same(one: Sequence[str], other: Sequence[str]) -> str | None:
    """The key by which two lists of keys are of one thing, None where they are not. A weak key shows it only where no better
    one, which both have, says otherwise.
    """
    shared = set(one) & set(other)
    if not shared:
        return None
    best = min(shared, key=rank)
    if kind_of(best) in WEAK:
        mine = {kind_of(found) for found in one}
        if any(kind_of(found) in mine for found in other if found not in shared and kind_of(found) not in WEAK):
            return None
    return best


class Gathering:
    """The entities of one alert, as its evidence is read."""

    __slots__ = ("_by_key", "found")

    def __init__(self) -> None:
        self.found: list[Entity] = []
        self._by_key: dict[str, int] = {}

    def add(self, kind: str, values: Iterable[tuple[str, str | None]], role: str, name: str) -> None:
        """Adds a thing by the values it is known by, the strongest first, those that are None left out. One that was named
        before gains the keys, and the weightier of the roles.
        """
        keys = tuple(
            [
                key(f"{kind}.{word}", value) if len(value) > SHORT else f"{kind}.{word}:{value}"
                for word, value in values
                if value is not None
            ]
        )
        if keys:
            self.put(Entity(kind, keys, role, name))

    def put(self, entity: Entity) -> None:
        """Adds an entity, or to the one of which it turns out to be another name."""
        by_key = self._by_key
        for one in entity.keys:
            place = by_key.get(one)
            if place is not None and (kind_of(one) not in WEAK or same(self.found[place].keys, entity.keys) is not None):
                self._join(place, entity)
                return
        if len(self.found) >= MOST:
            return
        for one in entity.keys:
            by_key.setdefault(one, len(self.found))
        self.found.append(entity)

    def _join(self, place: int, entity: Entity) -> None:
        known = self.found[place]
        keys = known.keys
        if any(one not in keys for one in entity.keys):
            for one in entity.keys:
                self._by_key.setdefault(one, place)
            keys = tuple(sorted({*keys, *entity.keys}, key=lambda one: (rank(one), one)))
        part = known.role if _PLACE[entity.role] > _PLACE[known.role] else entity.role
        better = rank(entity.keys[0]) < rank(known.keys[0])
        self.found[place] = Entity(known.type, keys, part, (entity.name if better else known.name) or entity.name)
