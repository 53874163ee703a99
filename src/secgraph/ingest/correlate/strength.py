"""How much it means that two alerts name the same thing: one table, by what it is and what part it has."""

from __future__ import annotations

from typing import NamedTuple

from secgraph.ingest.entities.entity import GRADES, KINDS, WEAK, kind_of


class Line(NamedTuple):
    """A line of the table: the strength in each grade, the family, whether one such thing alone may be enough, and why."""

    central: float
    involved: float
    aside: float
    family: str
    reason: str
    alone: bool = False


TABLE: dict[str, Line] = {
    # who
    "user": Line(0.9, 0.7, 0.3, "people", "a person works all day: what else is reported of them may be chance"),
    "accountName": Line(0.5, 0.4, 0.1, "people", "two directories may have an account of that name"),
    "gitHubUser": Line(0.9, 0.7, 0.3, "people", "a person, as a user is"),
    "session": Line(1.2, 1.2, 0.6, "people", "a session is one sign-in by one person", alone=True),
    "signIn": Line(1.2, 1.2, 0.6, "people", "a request to sign in is made once", alone=True),
    "mailbox": Line(0.0, 0.0, 0.0, "people", "whose it is stands beside it and counts"),
    "mailboxRule": Line(1.2, 1.0, 0.5, "mail", "a rule is made once, by one who wants something hidden", alone=True),
    "securityGroup": Line(0.4, 0.3, 0.1, "people", "many are in it"),
    "activeDirectoryDomain": Line(0.1, 0.1, 0.0, "people", "everybody is in it"),
    # where
    "device": Line(0.9, 0.7, 0.3, "devices", "a device is used all day: what else is reported of it may be chance"),
    "hostName": Line(0.6, 0.5, 0.2, "devices", "two networks may have a host of that name"),
    "privateAddress": Line(0.5, 0.4, 0.2, "devices", "an inner address is given to another device tomorrow"),
    "ip": Line(0.9, 0.6, 0.3, "network", "an address may be shared by many behind it"),
    "domain": Line(0.9, 0.5, 0.2, "network", "a domain that is not known as bad may be anybody's"),
    "url": Line(1.1, 0.7, 0.3, "network", "a whole URL leads to one page", alone=True),
    # what
    "file": Line(1.1, 0.5, 0.1, "artefacts", "the same bytes; those of a good program are everywhere", alone=True),
    "filePath": Line(0.4, 0.2, 0.0, "artefacts", "a path says where, not what"),
    "process": Line(1.2, 1.2, 0.3, "artefacts", "one process, started once", alone=True),
    "commandLine": Line(0.7, 0.5, 0.1, "artefacts", "a long command line is seldom typed twice"),
    "malware": Line(0.6, 0.5, 0.2, "artefacts", "a family of malware has many victims who have nothing to do with each other"),
    "registry": Line(0.8, 0.6, 0.2, "artefacts", "a value that was set to just this"),
    "registryKey": Line(0.3, 0.2, 0.0, "artefacts", "the keys for starting with the system are the same everywhere"),
    # mail
    "mail": Line(1.2, 1.2, 0.7, "mail", "one message", alone=True),
    "mailCluster": Line(1.1, 1.1, 0.7, "mail", "messages that were found to be of one sending", alone=True),
    "teamsMessage": Line(1.2, 1.2, 0.7, "mail", "one message", alone=True),
    "subject": Line(0.7, 0.7, 0.3, "mail", "one sender and one subject, perhaps in two sendings"),
    # the cloud
    "application": Line(0.9, 0.7, 0.2, "cloud", "an application with a name of its own; big ones are not rare"),
    "cloudApplication": Line(0.1, 0.1, 0.0, "cloud", "everybody uses it"),
    "azureResource": Line(0.8, 0.6, 0.2, "cloud", "a resource that several may use"),
    "amazonResource": Line(0.8, 0.6, 0.2, "cloud", "a resource that several may use"),
    "googleResource": Line(0.8, 0.6, 0.2, "cloud", "a resource that several may use"),
    "blobContainer": Line(0.7, 0.5, 0.2, "cloud", "a place that several may use"),
    "blob": Line(0.8, 0.6, 0.2, "cloud", "one object"),
    "sasToken": Line(1.1, 0.9, 0.3, "cloud", "one signature, handed to one party", alone=True),
    "container": Line(1.1, 0.9, 0.3, "containers", "one container", alone=True),
    "containerImage": Line(0.6, 0.4, 0.1, "containers", "many containers are made from it"),
    "containerRegistry": Line(0.1, 0.1, 0.0, "containers", "all images come from there"),
    "kubernetesCluster": Line(0.6, 0.4, 0.2, "containers", "much runs in a cluster"),
    "kubernetesObject": Line(0.7, 0.5, 0.2, "containers", "an object of a cluster, perhaps one that all share"),
    "gitHubOrganization": Line(0.2, 0.2, 0.0, "cloud", "everybody is in it"),
    "gitHubRepo": Line(0.7, 0.5, 0.2, "cloud", "a repository that several use"),
    "aiAgent": Line(0.7, 0.5, 0.2, "cloud", "an agent that several use"),
    "label": Line(0.2, 0.2, 0.0, "cloud", "a name that anything may have"),
}
"""What a thing is, or by which weak key it was known, to what sharing it means. A strength of 1 is enough by itself."""

_SORTS = {f"{kind}.{word}": WEAK.get(f"{kind}.{word}", kind) for kind, words in KINDS.items() for word in words}
_FLAT: dict[str, dict[str, float]] = {
    sort: {role: getattr(line, grade) for role, grade in GRADES.items()} for sort, line in TABLE.items()
}
_FAMILIES = {sort: line.family for sort, line in TABLE.items()}


def sort_of(key: str) -> str:
    """The line of the table that a key is judged by."""
    return _SORTS[kind_of(key)]


def of(sort: str, role: str) -> float:
    """How much it means that an alert names such a thing in that role."""
    return _FLAT[sort][role]


def family_of(sort: str) -> str:
    """What it is one more name of: the second thing of a family counts half, for it often comes with the first."""
    return _FAMILIES[sort]
